//! The page of a transfer: progress, speed over time, details, timeline and earlier transfers of the same file, live.

mod details;
mod earlier_transfers;
mod run_of_transfer;
mod speed_card;
mod speed_chart_data;
mod timeline;

use leptos::prelude::*;

use self::{
    details::Details,
    earlier_transfers::EarlierTransfers,
    run_of_transfer::{Breadcrumb, Origin},
    speed_card::Speed,
    timeline::Timeline,
};
use super::id_in_address;
use crate::{
    api::transfers::{self, Transfer, TransferStatus},
    browser,
    clock::Clock,
    format, labels,
    live::{Admission, Entry, Feed, LiveList},
    pending_first_queries::FirstQueries,
    reactive_query::Fetch,
    ui::{Badge, Card, Confirm, Message, ObjectPage, OptionalTime, PageHead, Progress, TimeFormat, Toasts, WhenLoaded},
    user_action::UserAction,
};

/// One transfer: its progress, speed, details, timeline and what it belongs to.
#[component]
pub(crate) fn TransferPage() -> impl IntoView {
    let id = id_in_address();
    // A change of the id creates the page again.
    move || view! { <OneTransfer id=id.get() /> }
}

#[component]
fn OneTransfer(id: String) -> impl IntoView {
    let feed = expect_context::<Feed>();
    let list = LiveList::<Transfer>::new(Admission::Listed);
    let watched = id.clone();
    let links = Fetch::new(move || {
        let asked_at = browser::now().0;
        transfers::get(&id).map(move |(transfer, links)| {
            list.apply_query(vec![transfer], asked_at);
            links
        })
    });
    feed.watch(
        transfers::watch(Some(vec![cynic::Id::new(&watched)])),
        move |transfer| list.apply_update(transfer),
        move || links.reload(),
    );
    let ready = move || {
        list.entry(&watched).map(|entry| {
            let row = RwSignal::from(entry);
            let queries = FirstQueries::provide();
            Origin::provide(links);
            let name = row.with_untracked(|entry| format::file_name(&entry.object.source));
            view! {
                <Head row list />
                <WhenLoaded queries rows=10>
                    <Breadcrumb name />
                    <TransferProgress row />
                    <Speed row />
                    <div class="columns">
                        <Details row links />
                        <Timeline row />
                    </div>
                    <EarlierTransfers row />
                </WhenLoaded>
            }
        })
    };
    view! {
        <ObjectPage
            noun="Transfer"
            parent=("/transfers", "Transfers")
            missing="This transfer does not exist, or you do not have access to it."
            stage=Signal::derive(move || links.stage())
            on_retry=move |()| links.reload()
        >
            {ready()}
        </ObjectPage>
    }
}

#[component]
fn Head(row: RwSignal<Entry<Transfer>>, list: LiveList<Transfer>) -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    let (id, name) =
        row.with_untracked(|entry| (entry.object.id.inner().to_owned(), format::file_name(&entry.object.source)));
    let id = StoredValue::new(id);
    let (is_cancelling, is_retrying) = (RwSignal::new(false), RwSignal::new(false));
    let (cancelling, retrying) = (UserAction::new(), UserAction::new());
    let cancel = move |()| {
        cancelling.run(transfers::cancel(&id.get_value()), move |transfer| {
            let ended = transfer.status == TransferStatus::Cancelled;
            list.apply_update(transfer);
            is_cancelling.set(false);
            toasts.success(if ended { "Cancelled." } else { "Cancellation requested." }.to_owned());
        });
    };
    let retry = move |()| {
        retrying.run(transfers::retry(&id.get_value()), move |transfer| {
            list.apply_update(transfer);
            is_retrying.set(false);
            toasts.success("Queued again.".to_owned());
        });
    };
    let state = Signal::derive(move || row.with(|entry| labels::transfer_state(&entry.object)));
    let keep = Signal::derive(move || {
        let is_running = row.with(|entry| entry.object.status == TransferStatus::Running);
        String::from(if is_running { "Keep running" } else { "Keep transfer" })
    });
    let can_cancel = Memo::new(move |_| row.with(|entry| entry.object.viewer_can_cancel));
    let can_retry = Memo::new(move |_| row.with(|entry| entry.object.viewer_can_retry));
    view! {
        <PageHead title=name.clone() parent=("/transfers", "Transfers") about=move || view! { <Badge state /> }>
            <Show when=move || can_cancel.get()>
                <button type="button" class="button button-danger" on:click=move |_| is_cancelling.set(true)>
                    "Cancel transfer"
                </button>
            </Show>
            <Show when=move || can_retry.get()>
                <button type="button" class="button button-primary" on:click=move |_| is_retrying.set(true)>
                    "Retry"
                </button>
            </Show>
        </PageHead>
        <Confirm
            open=is_cancelling
            title=format!("Cancel {name}?")
            text="A queued transfer ends at once, a running transfer when its agent receives the request. A cancelled transfer cannot be resumed."
            action="Cancel transfer"
            user_action=cancelling
            on_confirm=cancel
            is_dangerous=true
            dismiss=keep
        />
        <Confirm
            open=is_retrying
            title=format!("Retry {name}?")
            text="The transfer is queued again and its agent is asked to start a new attempt."
            action="Retry"
            user_action=retrying
            on_confirm=retry
        />
    }
}

/// The card with the progress, and the error if there is one.
#[component]
fn TransferProgress(row: RwSignal<Entry<Transfer>>) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let read = move |read: fn(&Transfer) -> String| move || row.with(|entry| read(&entry.object));
    let name = row.with_untracked(|entry| format::file_name(&entry.object.source));
    let elapsed = move || {
        row.with(|entry| {
            let transfer = &entry.object;
            let started = transfer.started_at?;
            let end = transfer.completed_at.unwrap_or_else(|| clock.now());
            Some(format::duration(end.seconds_since(started)))
        })
        .unwrap_or_else(|| "–".to_owned())
    };
    let last_update = Signal::derive(move || row.with(|entry| entry.object.last_progress_at));
    let error = Memo::new(move |_| row.with(|entry| entry.object.error_message.clone()));
    let is_completed = move || row.with(|entry| entry.object.status == TransferStatus::Completed);
    view! {
        <Card title="Progress">
            <div class="transfer-progress">
                <div class="transfer-progress-line">
                    <span class="progress-percent">{read(labels::progress_percent)}</span>
                    <span class="progress-amount">{read(labels::amount)}</span>
                </div>
                <Progress
                    label=format!("Progress of {name}")
                    value=Signal::derive(move || row.with(|entry| labels::progress(&entry.object)))
                    tone=Signal::derive(move || row.with(|entry| labels::transfer_state(&entry.object).1))
                />
                <dl class="value-list">
                    <div>
                        <dt>{move || row.with(|entry| labels::speed_name(&entry.object))}</dt>
                        <dd>{read(labels::speed)}</dd>
                    </div>
                    <div><dt>"Time left"</dt><dd>{read(labels::time_left)}</dd></div>
                    <div><dt>"Duration"</dt><dd>{elapsed}</dd></div>
                    <div><dt>"Last update"</dt><dd><OptionalTime at=last_update format=TimeFormat::Relative /></dd></div>
                </dl>
                {move || {
                    error
                        .get()
                        .map(|error| {
                            view! {
                                <div class="error-text">
                                    <h3>{move || if is_completed() { "Warning" } else { "Error" }}</h3>
                                    <pre tabindex="0"><Message text=error /></pre>
                                </div>
                            }
                        })
                }}
            </div>
        </Card>
    }
}
