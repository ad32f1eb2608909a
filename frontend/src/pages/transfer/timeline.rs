//! The card with the timeline of a transfer.

use leptos::prelude::*;

use crate::{
    api::transfers::{Transfer, TransferStatus},
    live::Entry,
    time::Instant,
    ui::{Card, Time, Tone},
};

/// The timeline of a transfer: its times and its current status.
#[component]
pub(super) fn Timeline(row: RwSignal<Entry<Transfer>>) -> impl IntoView {
    let steps = Memo::new(move |_| row.with(|entry| steps(&entry.object)));
    let step = |(name, tone, at): (&'static str, Tone, Option<Instant>)| {
        view! {
            <li class="timeline-step" data-tone=tone.name()>
                <span class="timeline-name">{name}</span>
                <span class="timeline-at">{at.map(|at| view! { <Time at /> })}</span>
            </li>
        }
    };
    view! {
        <Card title="Timeline">
            <ol class="timeline">{move || steps.get().into_iter().map(step).collect_view()}</ol>
        </Card>
    }
}

fn steps(transfer: &Transfer) -> Vec<(&'static str, Tone, Option<Instant>)> {
    let mut steps = vec![("Created", Tone::Neutral, Some(transfer.created_at))];
    if let Some(at) = transfer.started_at {
        steps.push((if transfer.attempt > 1 { "Started again" } else { "Started" }, Tone::Accent, Some(at)));
    }
    if let Some(at) = transfer.cancel_requested_at {
        steps.push(("Cancellation requested", Tone::Warn, Some(at)));
    }
    match transfer.status {
        TransferStatus::Queued => steps.push(("Waiting for its agent", Tone::Neutral, None)),
        TransferStatus::Running if transfer.stalled => steps.push(("Stalled: no progress", Tone::Warn, None)),
        TransferStatus::Running => steps.push(("Running", Tone::Accent, None)),
        TransferStatus::Completed => steps.push(("Completed", Tone::Good, transfer.completed_at)),
        TransferStatus::Failed => steps.push(("Failed", Tone::Bad, transfer.completed_at)),
        TransferStatus::Cancelled => steps.push(("Cancelled", Tone::Neutral, transfer.completed_at)),
    }
    steps
}
