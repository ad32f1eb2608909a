//! The log: what happened and who did it, newest first.

use leptos::prelude::*;

use crate::{
    api::events::{self, Event, WatchEvents},
    clock::Clock,
    fetch::{Fetch, Load},
    live::Feed,
    session::Session,
    task::Task,
    ui::{Badge, Empty, Failure, Notice, PageHead, SkeletonRows, Table},
    words,
};

/// How many lines stay on the page when newer ones come.
const MOST: usize = 400;

/// The page.
#[component]
pub(crate) fn Activity() -> impl IntoView {
    let (session, feed) = (expect_context::<Session>(), expect_context::<Feed>());
    let lines = RwSignal::new(Vec::<Event>::new());
    let older = RwSignal::new(None::<String>);
    let newest = Fetch::new(move || async move {
        let stretch = events::list(session, None).await?;
        lines.try_set(stretch.events);
        older.try_set(stretch.older);
        Ok(())
    });
    let prepend = move |event: Event| {
        lines.try_update(|lines| {
            if lines.iter().all(|line| line.id != event.id) {
                lines.insert(0, event);
                lines.truncate(MOST);
            }
        });
    };
    // Lines that were missed are not queried while older ones are being read: the page would jump.
    let catch_up = move || {
        if lines.try_with_untracked(Vec::len).is_some_and(|count| count <= 60) {
            newest.reload();
        }
    };
    feed.watch(&events::watch(), WatchEvents::into_update, prepend, catch_up);
    let more = Task::new();
    let load_older = move |_| {
        let after = older.get_untracked();
        more.run(async move { events::list(session, after).await }, move |stretch| {
            lines.try_update(|lines| lines.extend(stretch.events));
            older.try_set(stretch.older);
        });
    };
    let is_empty = Memo::new(move |_| lines.with(Vec::is_empty));
    let body = move || {
        match (newest.load(), is_empty.get()) {
        (Load::Pending, _) => view! { <SkeletonRows rows=12 /> }.into_any(),
        (Load::Failed(error), _) => view! { <Failure error on_retry=move |()| newest.reload() /> }.into_any(),
        (Load::Ready(()), true) => view! {
            <Empty icon="activity" title="Nothing has happened yet">
                <p>"Sign-ins, new agents and every change of a transfer's status are listed here for 30 days."</p>
            </Empty>
        }
        .into_any(),
        (Load::Ready(()), false) => view! {
            <Table label="Activity" heads=vec!["What", "Subject", "By", "When"]>
                <For each=move || lines.get() key=|event| event.id.inner().to_owned() children=|event| view! { <Line event /> } />
            </Table>
        }
        .into_any(),
    }
    };
    view! {
        <PageHead title="Activity" about=|| "Everything but progress, of the last 30 days" />
        <div class="card">
            {body}
            <Notice text=Signal::derive(move || more.failure()) />
            <Show when=move || older.with(Option::is_some)>
                <div class="card-foot">
                    <button type="button" class="button" disabled=move || more.is_busy() on:click=load_older>
                        "Show older"
                    </button>
                </div>
            </Show>
        </div>
    }
}

#[component]
fn Line(event: Event) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let state = Signal::stored(words::event(event.kind));
    let (name, address) = words::subject(&event);
    let subject = match address {
        Some(address) => view! { <a href=address>{name}</a> }.into_any(),
        None => name.into_any(),
    };
    view! {
        <tr>
            <td class="cell-main">
                <Badge state />
            </td>
            <td data-label="Subject">{subject}</td>
            <td class="cell-quiet" data-label="By">
                {event.actor}
            </td>
            <td class="cell-quiet cell-nowrap" data-label="When">
                {clock.moment(event.at)}
            </td>
        </tr>
    }
}
