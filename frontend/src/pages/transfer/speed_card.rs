//! The card with the speed of a transfer over time.

use leptos::prelude::*;

use super::speed_chart_data::speed_chart;
use crate::{
    api::{
        samples,
        transfers::{Transfer, TransferStatus},
    },
    browser,
    clock::Clock,
    live::Entry,
    reactive_query::Fetch,
    ui::{Card, Chart, Empty, QueryResult},
};

/// The number of seconds between two samples.
const INTERVAL: i64 = 10;
/// The number of seconds after the end of a transfer until its last sample is stored.
const SETTLED_AFTER: i64 = 60;

/// The speed of a transfer over time, with its stalls and attempts.
#[component]
pub(super) fn Speed(row: RwSignal<Entry<Transfer>>) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let id = row.with_untracked(|entry| entry.object.id.inner().to_owned());
    let found = Fetch::new(move || samples::of_transfer(&id));
    let interval = clock.every(INTERVAL);
    // This value changes whenever there may be a new sample.
    let tick = Memo::new(move |_| {
        let now = clock.now();
        let may_change = row.with(|entry| match entry.object.status {
            TransferStatus::Queued => false,
            TransferStatus::Running => true,
            TransferStatus::Completed | TransferStatus::Failed | TransferStatus::Cancelled => {
                entry.object.completed_at.is_some_and(|at| now.seconds_since(at) < SETTLED_AFTER)
            }
        });
        may_change.then(|| interval.get())
    });
    Effect::watch(
        move || tick.get(),
        move |tick, _, _| {
            if tick.is_some() {
                found.reload();
            }
        },
        false,
    );
    let bounds = Memo::new(move |_| row.with(|entry| (entry.object.started_at, entry.object.completed_at)));
    let data = Memo::new(move |_| {
        tick.track();
        let (started, ended) = bounds.get();
        let samples = found.read(Clone::clone).unwrap_or_default();
        speed_chart(&samples, started, ended.unwrap_or_else(browser::now))
    });
    let nothing = || {
        view! {
            <Empty icon="live" title="No samples">
                <p>"The speed is sampled every 10 seconds while a transfer runs. Samples are kept for 30 days."</p>
            </Empty>
        }
    };
    view! {
        <Card title="Speed over time">
            <QueryResult
                stage=Signal::derive(move || found.stage())
                is_empty=Memo::new(move |_| found.read(Vec::is_empty) == Some(true))
                skeleton_rows=4
                on_retry=move |()| found.reload()
                nothing
            >
                <Chart name="Speed" data />
            </QueryResult>
        </Card>
    }
}
