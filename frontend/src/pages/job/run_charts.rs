//! The card with the durations and the bytes of a job's last runs.

use leptos::prelude::*;

use super::run_chart_data::{bytes, durations};
use crate::{
    api::job_runs::{self, JobRun},
    pages::run_updates::RunUpdates,
    reactive_query::Fetch,
    ui::{Card, Chart, ChartData, QueryResult},
};

/// The number of runs that are shown.
const SHOWN: i32 = 30;

/// The charts of the durations and the bytes of a job's last runs, with the usual ranges.
#[component]
pub(super) fn RunCharts(job: String, updates: RunUpdates<JobRun>) -> impl IntoView {
    let found = Fetch::new(move || job_runs::list(&job, SHOWN, 1).map(|page| page.items));
    Effect::watch(move || updates.status_changes(), move |_, _, _| found.reload_paced(), false);
    let chart = move |draw: fn(&[JobRun]) -> ChartData| {
        // The last chart stays while the card changes to a failure.
        Memo::new(move |last: Option<&ChartData>| {
            found.read(|runs| draw(runs)).or_else(|| last.cloned()).unwrap_or_default()
        })
    };
    let (durations, bytes) = (chart(durations), chart(bytes));
    view! {
        <Card title="Durations and bytes">
            <QueryResult
                stage=Signal::derive(move || found.stage())
                is_empty=Signal::stored(false)
                skeleton_rows=5
                on_retry=move |()| found.reload()
                nothing=|| ().into_any()
            >
                <div class="charts">
                    <Chart name="Duration" data=durations />
                    <Chart name="Bytes" data=bytes />
                </div>
            </QueryResult>
        </Card>
    }
}
