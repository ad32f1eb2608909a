//! The card with the timeline of a transfer: its events, with who caused them and why.

use leptos::prelude::*;

use crate::{
    api::{
        events::{self, Event},
        transfers::{Transfer, TransferStatus},
    },
    labels,
    live::Entry,
    pages::event_timeline::EventTimeline,
    reactive_query::Fetch,
    time::Instant,
    ui::{Card, Time, Tone},
};

/// A step of the timeline: label, tone and time. A step without a time is the current one.
type Step = (&'static str, Tone, Option<Instant>);

/// The timeline of a transfer: its events, and its current status.
#[component]
pub(super) fn Timeline(row: RwSignal<Entry<Transfer>>) -> impl IntoView {
    let id = row.with_untracked(|entry| entry.object.id.inner().to_owned());
    let lines = RwSignal::new(Vec::<Event>::new());
    let found = Fetch::new(move || {
        events::list_of(&id).map(move |events| {
            lines.try_set(events);
        })
    });
    let changed = Memo::new(move |_| {
        row.with(|entry| {
            let transfer = &entry.object;
            (transfer.status, transfer.attempt, transfer.stalled, transfer.cancel_requested_at)
        })
    });
    Effect::watch(move || changed.get(), move |_, _, _| found.reload(), false);
    let step = |(name, tone, at): Step| {
        view! {
            <li class="timeline-step" data-tone=tone.name()>
                <span class="timeline-name">{name}</span>
                <span class="timeline-at">{at.map(|at| view! { <Time at /> })}</span>
            </li>
        }
    };
    let oldest_first = Signal::derive(move || lines.get().into_iter().rev().collect::<Vec<_>>());
    // Events are kept for 30 days. The times of a transfer are kept longer.
    let has_events = Memo::new(move |_| lines.with(|lines| !lines.is_empty()));
    let known = Memo::new(move |_| row.with(|entry| if has_events.get() { Vec::new() } else { times(&entry.object) }));
    let current = Memo::new(move |_| row.with(|entry| current(&entry.object)));
    view! {
        <Card title="Timeline">
            <ol class="timeline">
                <EventTimeline lines shown=oldest_first />
                {move || known.get().into_iter().map(step).collect_view()}
                {move || current.get().map(step)}
            </ol>
        </Card>
    }
}

/// The steps from the times of the transfer, for a transfer whose events are no longer kept.
fn times(transfer: &Transfer) -> Vec<Step> {
    let mut steps = vec![("Created", Tone::Neutral, Some(transfer.created_at))];
    let mut add = |name, tone, at: Option<Instant>| steps.extend(at.map(|at| (name, tone, Some(at))));
    add("Started", Tone::Accent, transfer.started_at);
    add("Cancellation requested", Tone::Warn, transfer.cancel_requested_at);
    let (name, tone) = labels::transfer_state(transfer);
    add(name, tone, transfer.completed_at.filter(|_| !transfer.is_active()));
    steps
}

/// The current step: what a transfer waits for or does; `None` if it has ended.
fn current(transfer: &Transfer) -> Option<Step> {
    match transfer.status {
        TransferStatus::Queued => Some(("Waiting for its agent", Tone::Neutral, None)),
        TransferStatus::Running if transfer.stalled => Some(("Stalled: no progress", Tone::Warn, None)),
        TransferStatus::Running => Some(("Running", Tone::Accent, None)),
        TransferStatus::Completed | TransferStatus::Failed | TransferStatus::Cancelled => None,
    }
}
