//! The card with load and memory of an agent, and their history since the page was opened.

use leptos::prelude::*;

use crate::{
    api::agents::Agent,
    labels,
    live::{Entry, Feed},
    time::Instant,
    ui::{Card, Sparkline, Time, TimeFormat},
};

/// The number of heartbeats in the history.
const HEARTBEATS: usize = 40;

/// Load and memory of an agent, now and since the page was opened.
#[component]
pub(super) fn Health(row: RwSignal<Entry<Agent>>) -> impl IntoView {
    let heartbeat = Signal::derive(move || row.with(|entry| entry.object.last_heartbeat));
    view! {
        <Card title="Health">
            <dl class="health">
                <div class="health-value">
                    <dt>"Load average, 1 min"</dt>
                    <dd>{move || row.with(|entry| labels::load(&entry.object))}</dd>
                    <dd class="health-sparkline">
                        <Sparkline samples=history(row, |agent| agent.load) />
                    </dd>
                </div>
                <div class="health-value">
                    <dt>"Memory in use"</dt>
                    <dd>{move || row.with(|entry| labels::memory(&entry.object))}</dd>
                    <dd class="health-sparkline">
                        <Sparkline samples=history(row, |agent| agent.memory) />
                    </dd>
                </div>
                <div class="health-value">
                    <dt>"Last heartbeat"</dt>
                    <dd>
                        <Time at=heartbeat format=TimeFormat::Relative />
                    </dd>
                </div>
            </dl>
        </Card>
    }
}

/// One sample per heartbeat, oldest first, with a gap where no updates arrived.
fn history(row: RwSignal<Entry<Agent>>, read: fn(&Agent) -> Option<f64>) -> Signal<Vec<Option<f64>>> {
    let feed = expect_context::<Feed>();
    let is_lost = Memo::new(move |_| feed.lost_at().is_some());
    // The time of the last heartbeat, and the samples up to that time.
    let samples = Memo::new(move |before: Option<&(Option<Instant>, Vec<Option<f64>>)>| {
        let (last, mut samples) = before.cloned().unwrap_or_default();
        let (heartbeat, sample) = row.with(|entry| (entry.object.last_heartbeat, read(&entry.object)));
        let next = if is_lost.get() {
            samples.last().is_some_and(Option::is_some).then_some(None)
        } else {
            sample.filter(|_| last != Some(heartbeat)).map(Some)
        };
        if samples.len() == HEARTBEATS && next.is_some() {
            samples.remove(0);
        }
        samples.extend(next);
        (Some(heartbeat), samples)
    });
    Signal::derive(move || samples.with(|(_, samples)| samples.clone()))
}
