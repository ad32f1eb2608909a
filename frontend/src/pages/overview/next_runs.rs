//! The card with the next runs of jobs and pipelines.

use leptos::prelude::*;

use crate::{
    api::coming_runs::{self, ComingRun},
    base_path::href,
    browser,
    clock::Clock,
    effect::effect,
    pages::next_run::NextRun,
    reactive_query::Fetch,
    session::{Permission, Session},
    ui::{Card, Ellipsis, Empty, QueryResult},
};

/// The maximum number of runs that are shown.
const MOST: u8 = 6;
/// How often the runs are queried again, in milliseconds.
const REFRESH_AFTER: i64 = 60_000;
/// The time between two queries while the first of the runs is due, in milliseconds.
const DUE_AFTER: i64 = 5_000;

/// The next runs of jobs and pipelines.
#[component]
pub(crate) fn NextRuns() -> impl IntoView {
    let session = expect_context::<Session>();
    let coming = Fetch::new(|| coming_runs::list(MOST));
    refresh(coming);
    let is_empty = Memo::new(move |_| coming.read(Vec::is_empty).unwrap_or(true));
    let runs = Memo::new(move |_| coming.read(Clone::clone).unwrap_or_default());
    let nothing = move || {
        view! {
            <Empty icon="jobs" title="No run is scheduled">
                <p>"Jobs and pipelines with a schedule appear here."</p>
                {session
                    .may(Permission::CreateJob)
                    .then(|| {
                        view! {
                            <a class="button" href=href("/jobs/new")>
                                "New job"
                            </a>
                        }
                    })}
            </Empty>
        }
        .into_any()
    };
    view! {
        <Card title="Next runs" aside=|| view! { <a href=href("/jobs")>"All jobs"</a> }.into_any()>
            <QueryResult
                stage=Signal::derive(move || coming.stage())
                is_empty
                skeleton_rows=3
                on_retry=move |()| coming.reload()
                nothing
            >
                <ul class="next-runs">{move || runs.get().into_iter().map(item).collect_view()}</ul>
            </QueryResult>
        </Card>
    }
}

fn item(run: ComingRun) -> impl IntoView {
    let (folder, kind) = if run.is_pipeline { ("pipelines", "Pipeline") } else { ("jobs", "Job") };
    view! {
        <li class="next-run">
            <span class="next-run-name">
                <Ellipsis text=run.name href=href(format!("/{folder}/{}", run.id)) />
                <span class="cell-about">{kind}</span>
            </span>
            <span class="next-run-at">
                <NextRun next=Signal::stored(Some(run.at)) />
            </span>
        </li>
    }
}

/// Repeats the query every [`REFRESH_AFTER`], and when the first of the runs is due.
fn refresh(coming: Fetch<Vec<ComingRun>>) {
    let clock = expect_context::<Clock>();
    let asked_at = StoredValue::new(browser::now().0);
    effect(move || {
        let now = clock.now().0;
        let first = coming.read(|runs| runs.first().map(|run| run.at.0)).flatten();
        let age = now - asked_at.get_value();
        if age >= REFRESH_AFTER || (age >= DUE_AFTER && first.is_some_and(|at| at < now)) {
            asked_at.set_value(now);
            coming.reload();
        }
    });
}
