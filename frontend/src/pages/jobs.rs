//! The page Jobs: filter and page number in the URL, visible rows and their newest runs live.

mod form;
mod schedule_preview;

use std::collections::HashMap;

use leptos::prelude::*;

pub(crate) use self::form::{EditJob, NewJob};
pub(super) use self::schedule_preview::{ScheduleSummary, fetch_preview};
use super::{
    bulk_actions::{BulkAction, BulkBar, Step},
    export::ExportMenu,
    list_card::{ListCard, Listed, freeze},
    list_url_parameters::{ListQuery, api_path},
    next_run::NextRun,
    recent_runs::{RecentRuns, insert_run, with_updates},
    saved_views_menu::SavedViewsMenu,
    scheduled_order::{DEFAULT_ORDER, order},
};
use crate::{
    api::{
        job_runs::{self, JobRun},
        jobs::{self, Job},
        scheduled_sort::ScheduledSort,
    },
    base_path::href,
    clock::Clock,
    effect::effect,
    labels::{self, jobs::JOB_STATES},
    live::{Admission, Entry, Feed, LiveList},
    reactive_query::Fetch,
    session::{Permission, Session},
    ui::{
        Badge, Column, Ellipsis, Empty, Icon, OptionalTime, PageHead, Rows, Select, SelectCell, Selection, TimeFormat,
    },
};

/// The newest runs of each visible job, by its id.
type Newest = RwSignal<HashMap<String, Vec<JobRun>>>;

/// The actions on selected jobs.
const ACTIONS: &[BulkAction] = &[
    BulkAction {
        verb: "Pause",
        done: "Paused",
        text: "The schedules of these jobs start no runs until the jobs are resumed. Active runs go on.",
        is_dangerous: false,
        steps: |ids| ids.iter().map(|id| Step::of_one(id, jobs::enable(id, false))).collect(),
    },
    BulkAction {
        verb: "Resume",
        done: "Resumed",
        text: "The schedules of these jobs start runs again.",
        is_dangerous: false,
        steps: |ids| ids.iter().map(|id| Step::of_one(id, jobs::enable(id, true))).collect(),
    },
];

/// All jobs, with a filter by state, and their newest runs.
#[component]
pub(crate) fn Jobs() -> impl IntoView {
    let (session, feed) = (expect_context::<Session>(), expect_context::<Feed>());
    let (has_runs, may_create) = (session.may(Permission::ViewJobRuns), session.may(Permission::CreateJob));
    let query = ListQuery::of("/jobs", 100);
    let state = Memo::new(move |_| query.get("state").unwrap_or_default());
    let enabled = Memo::new(move |_| state.with(|state| labels::value_of(&JOB_STATES, state)));
    let sort = Memo::new(move |_| order(query.get("sort").as_deref()));
    let list = LiveList::<Job>::new(Admission::Listed);
    let totals =
        Fetch::new(move || list.fill(jobs::list(enabled.get(), sort.get(), query.rows.get(), query.page.get())));
    let visible = Memo::new(move |_| list.order());
    effect(move || {
        let ids: Vec<_> = visible.get().into_iter().map(cynic::Id::new).collect();
        if !ids.is_empty() {
            feed.watch(jobs::watch(ids), move |job| list.apply_update(job), move || totals.reload());
        }
    });
    let newest = Newest::new(HashMap::new());
    if has_runs {
        follow_runs(newest, enabled, sort, query);
    }
    let listed = Listed::of(totals, |total| *total);
    let is_empty = Memo::new(move |_| list.len() == 0);
    let nothing = move || {
        if enabled.get().is_some() {
            return view! {
                <Empty icon="search" title="No jobs match this filter">
                    <a class="button" href=move || href(query.clear_address())>
                        "Show all jobs"
                    </a>
                </Empty>
            }
            .into_any();
        }
        view! {
            <Empty icon="jobs" title="No jobs yet">
                <p>"A job copies files or folders on a schedule, on the agent of your choice."</p>
                {may_create.then(|| view! { <a class="button button-primary" href=href("/jobs/new")>"Create the first job"</a> })}
            </Empty>
        }
        .into_any()
    };
    let paths = move |()| {
        let enabled = enabled.get().map(|enabled| enabled.to_string()).unwrap_or_default();
        let sort = query.get("sort").filter(|sort| order(Some(sort.as_str())).is_some()).unwrap_or_default();
        vec![api_path("/api/jobs", &[("enabled", enabled), ("sort", sort)])]
    };
    // Users who may create jobs may also pause them.
    let selection = may_create.then(|| Selection::new(Signal::derive(move || list.order())));
    let name_of = move |id: String| {
        let name = list.entry(&id).map(|entry| entry.with_untracked(|entry| entry.object.name.clone()));
        name.unwrap_or(id)
    };
    let bulk = move || {
        selection.map(|selection| {
            view! { <BulkBar selection noun="job" actions=ACTIONS name_of on_change=move |()| totals.reload() /> }
        })
    };
    let row = move |id: String| {
        list.entry(&id).map(|entry| view! { <Row row=entry.into() newest has_runs selection /> }).into_any()
    };
    view! {
        <PageHead title="Jobs">
            {may_create
                .then(|| {
                    view! {
                        <a class="button button-primary" href=href("/jobs/new")>
                            <Icon name="plus" />
                            "New job"
                        </a>
                    }
                })}
        </PageHead>
        <Filter query state />
        {(!has_runs).then(|| view! { <p class="form-text">"Only administrators see how jobs ran."</p> })}
        <div class="card">
            <ListCard
                query
                listed
                label="Jobs"
                noun="job"
                columns=columns(has_runs)
                default_order=DEFAULT_ORDER
                freeze=freeze(list)
                selection
                bulk
                is_empty
                tools=move || view! { <SavedViewsMenu query noun="jobs" /> <ExportMenu paths /> }
                nothing
            >
                <Rows keys=Signal::derive(move || list.order()) row />
            </ListCard>
        </div>
    }
}

/// The columns; that of the newest runs if the viewer may see them.
fn columns(has_runs: bool) -> Vec<Column> {
    let columns = [
        Some(Column::text("Job", 30)),
        Some(Column::text("Status", 10)),
        has_runs.then_some(Column::text("Last runs", 14)),
        Some(Column::text("Last run", 12).late()),
        Some(Column::text("Next run", 19).sorted_up_by("nextRunAt")),
        Some(Column::text("Agent", 17)),
        Some(Column::text("Created", 16).optional().sorted_by("createdAt")),
    ];
    columns.into_iter().flatten().collect()
}

#[component]
fn Filter(query: ListQuery, state: Memo<String>) -> impl IntoView {
    let change = move |state: String| query.change([("state", state)]);
    let any = (String::new(), "Any".to_owned());
    let named = JOB_STATES.iter().map(|(_, word, label)| ((*word).to_owned(), (*label).to_owned()));
    let options: Vec<_> = [any].into_iter().chain(named).collect();
    view! {
        <form class="filters" role="search" aria-label="Filter jobs" on:submit=|event| event.prevent_default()>
            <Select label="Status" options chosen=state on_choose=change />
        </form>
    }
}

/// Queries the newest runs of the jobs on a page, and keeps them up to date.
fn follow_runs(newest: Newest, enabled: Memo<Option<bool>>, sort: Memo<Option<ScheduledSort>>, query: ListQuery) {
    let feed = expect_context::<Feed>();
    let found = Fetch::new(move || jobs::newest_runs(enabled.get(), sort.get(), query.rows.get(), query.page.get()));
    // Whether the jobs on the page are known.
    let is_known = StoredValue::new(false);
    effect(move || {
        let Some(found) = found.read(Clone::clone) else { return };
        is_known.set_value(true);
        newest.update(|newest| {
            let mut known = std::mem::take(newest);
            let of_job = |job: jobs::NewestRuns| {
                let id = job.id.into_inner();
                let before = known.remove(&id).unwrap_or_default();
                (id, with_updates(job.runs, before, |run| run.started_at))
            };
            *newest = found.into_iter().map(of_job).collect();
        });
    });
    let moved = move |run: JobRun| {
        newest.update(|newest| {
            if is_known.try_get_value() == Some(false) {
                newest.entry(run.job_id.inner().to_owned()).or_default();
            }
            if let Some(runs) = newest.get_mut(run.job_id.inner()) {
                insert_run(runs, run, |run| run.started_at);
            }
        });
    };
    feed.watch(job_runs::watch_all(), moved, move || found.reload());
}

#[component]
fn Row(row: RwSignal<Entry<Job>>, newest: Newest, has_runs: bool, selection: Option<Selection>) -> impl IntoView {
    let (id, created) = row.with_untracked(|entry| (entry.object.id.inner().to_owned(), entry.object.created_at));
    let (own, address) = (id.clone(), format!("/jobs/{id}"));
    let next = Signal::derive(move || row.with(|entry| entry.object.next_run_at));
    let read = move |read: fn(&Job) -> String| move || row.with(|entry| read(&entry.object));
    let last = Signal::derive(move || row.with(|entry| entry.object.last_run_at));
    let runs = Memo::new(move |_| newest.with(|newest| newest.get(&id).cloned()).unwrap_or_default());
    let state = Signal::derive(move || {
        row.with(|entry| runs.with(|runs| labels::jobs::job_state_with_runs(&entry.object, runs)))
    });
    let label = Signal::derive(move || runs.with(|runs| labels::jobs::runs(runs)));
    let mark = |run: &JobRun| {
        let (word, tone) = labels::jobs::run_state(run);
        (tone, format!("{}: {word}", Clock::full_moment(run.started_at)))
    };
    let marks = Signal::derive(move || runs.with(|runs| runs.iter().map(mark).collect()));
    view! {
        <tr>
            {selection
                .map(|selection| {
                    view! { <SelectCell selection id=own name=Signal::derive(read(|job| job.name.clone())) /> }
                })}
            <td class="cell-main">
                <Ellipsis text=Signal::derive(read(|job| job.name.clone())) href=href(address) />
                <span class="cell-about">
                    <code>{read(|job| job.schedule.clone())}</code>
                    " "
                    {read(|job| job.timezone.clone())}
                </span>
            </td>
            <td class="cell-status" data-label="Status">
                <Badge state />
            </td>
            {has_runs.then(|| view! { <td class="cell-wide" data-label="Last runs"><RecentRuns label runs=marks /></td> })}
            <td class="cell-quiet" data-label="Last run">
                <OptionalTime at=last format=TimeFormat::Age />
            </td>
            <td data-label="Next run">
                <NextRun next />
            </td>
            <td data-label="Agent">
                <Ellipsis
                    text=Signal::derive(read(|job| job.agent_name.clone()))
                    href=href(row.with_untracked(|entry| format!("/agents/{}", entry.object.agent_id.inner())))
                    class="cell-link"
                />
            </td>
            <td class="cell-quiet" data-label="Created">
                {move || Clock::full_moment(created)}
            </td>
        </tr>
    }
}
