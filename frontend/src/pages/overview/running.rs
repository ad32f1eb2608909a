//! The running transfers. One that ends stays for some seconds with its outcome.

use leptos::prelude::*;

use crate::{
    api::transfers::{self, Transfer, TransferFilter, TransferStatus, WatchTransfers},
    browser,
    clock::Clock,
    fetch::{Fetch, Load},
    format,
    live::{Admission, Feed, Mirror, Seen},
    session::Session,
    ui::{Badge, Card, Empty, Failure, Progress, SkeletonRows, Table},
    words,
};

/// How many are shown at most.
const MOST: usize = 50;

/// The card of running transfers.
#[component]
pub(super) fn Running() -> impl IntoView {
    let (session, feed, clock) = (expect_context::<Session>(), expect_context::<Feed>(), expect_context::<Clock>());
    let board = Mirror::<Transfer>::new(Admission::Running(MOST));
    let total = Fetch::new(move || async move {
        let asked_at = browser::now().0;
        let filter = TransferFilter { status: Some(vec![TransferStatus::Running]), ..TransferFilter::default() };
        let page = transfers::list_some(session, filter, 50, 1).await?;
        board.answer(page.items, asked_at);
        Ok(())
    });
    feed.watch(
        &transfers::watch(None),
        WatchTransfers::into_update,
        move |transfer| board.frame(transfer),
        move || total.reload(),
    );
    Effect::new(move |_| {
        clock.now();
        board.sweep();
    });
    let is_empty = Memo::new(move |_| board.len() == 0);
    let body = move || {
        match (total.load(), is_empty.get()) {
        (Load::Pending, true) => view! { <SkeletonRows rows=4 /> }.into_any(),
        (Load::Failed(error), true) => view! { <Failure error on_retry=move |()| total.reload() /> }.into_any(),
        (_, true) => view! {
            <Empty icon="transfers" title="Nothing is moving right now">
                <p>"A transfer appears here the moment an agent starts it. "<a href="/transfers">"See earlier transfers"</a></p>
            </Empty>
        }
        .into_any(),
        (_, false) => view! {
            <Table label="Running transfers" heads=vec!["File", "Progress", "Speed", "Time left", "Last news"]>
                <For
                    each=move || board.order()
                    key=|id| id.clone()
                    children=move |id| board.cell(&id).map(|cell| view! { <Row row=cell.into() /> })
                />
            </Table>
        }
        .into_any(),
    }
    };
    view! {
        <Card title="Running transfers" aside=|| view! { <a href="/transfers?status=running">"All running"</a> }>
            {body}
        </Card>
    }
}

#[component]
fn Row(row: RwSignal<Seen<Transfer>>) -> impl IntoView {
    let clock = expect_context::<Clock>();
    // These never change.
    let (id, name, agent) = row.with_untracked(|seen| {
        let transfer = &seen.object;
        let about = format!("{} · {}", transfer.agent_name, words::way(transfer));
        (transfer.id.inner().to_owned(), format::file_name(&transfer.source).to_owned(), about)
    });
    let read = move |read: fn(&Transfer) -> String| move || row.with(|seen| read(&seen.object));
    let state = Signal::derive(move || row.with(|seen| words::transfer_state(&seen.object)));
    let is_remarkable = Memo::new(move |_| state.get().0 != "Running");
    let news = move || match row.with(|seen| seen.news_at) {
        Some(at) => clock.ago(crate::time::Instant(at)),
        None => "waiting".to_owned(),
    };
    view! {
        <tr>
            <td class="cell-main">
                <a class="cell-title" href=format!("/transfers/{id}")>
                    {name.clone()}
                </a>
                <Show when=move || is_remarkable.get()>
                    <Badge state />
                </Show>
                <span class="cell-about">{agent}</span>
            </td>
            <td class="cell-progress" data-label="Progress">
                <div class="progress-line">
                    <Progress
                        label=format!("Progress of {name}")
                        value=Signal::derive(move || row.with(|seen| seen.object.progress))
                        tone=Signal::derive(move || state.get().1)
                    />
                    <span class="progress-label">{read(|transfer| format::percent(transfer.progress))}</span>
                </div>
                <span class="cell-about">{read(words::amount)}</span>
            </td>
            <td class="cell-number" data-label="Speed">
                {read(words::speed)}
            </td>
            <td class="cell-number" data-label="Time left">
                {read(words::time_left)}
            </td>
            <td class="cell-number cell-quiet" data-label="Last news">
                {news}
            </td>
        </tr>
    }
}
