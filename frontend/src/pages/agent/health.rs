//! Load and memory of an agent, with their course since the page was opened.

use leptos::prelude::*;

use crate::{
    api::agents::Agent,
    clock::Clock,
    labels,
    live::Seen,
    ui::{Card, Sparkline},
};

/// How many heartbeats the course shows.
const HEARTBEATS: usize = 40;

/// The card.
#[component]
pub(super) fn Health(row: RwSignal<Seen<Agent>>) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let heartbeat = move || clock.ago(row.with(|seen| seen.object.last_heartbeat));
    view! {
        <Card title="Health">
            <dl class="health">
                <div class="health-figure">
                    <dt>"Load, last minute"</dt>
                    <dd>{move || row.with(|seen| labels::load(&seen.object))}</dd>
                    <dd class="health-course">
                        <Sparkline samples=course(row, |agent| agent.load) />
                    </dd>
                </div>
                <div class="health-figure">
                    <dt>"Memory in use"</dt>
                    <dd>{move || row.with(|seen| labels::memory(&seen.object))}</dd>
                    <dd class="health-course">
                        <Sparkline samples=course(row, |agent| agent.memory) />
                    </dd>
                </div>
                <div class="health-figure">
                    <dt>"Last heartbeat"</dt>
                    <dd>{heartbeat}</dd>
                </div>
            </dl>
        </Card>
    }
}

/// A figure at each heartbeat, oldest first.
fn course(row: RwSignal<Seen<Agent>>, read: fn(&Agent) -> Option<f64>) -> Signal<Vec<f64>> {
    let samples = Memo::new(move |before: Option<&Vec<f64>>| {
        let mut samples = before.cloned().unwrap_or_default();
        if samples.len() == HEARTBEATS {
            samples.remove(0);
        }
        samples.extend(row.with(|seen| read(&seen.object)));
        samples
    });
    samples.into()
}
