//! The page of a job: details, schedule, slot history, charts of the last runs, and runs, live.

mod actions;
mod backfill;
mod details;
mod run_chart_data;
mod run_charts;
mod runs;

use leptos::prelude::*;

use self::{actions::Actions, details::Details, run_charts::RunCharts, runs::Runs};
use super::{
    id_in_address,
    jobs::{ScheduleSummary, fetch_preview},
    run_updates::RunUpdates,
    slot_history::SlotHistory,
};
use crate::{
    api::{
        job_runs::{self, JobRun},
        jobs::{self, Job},
        schedule_preview::SchedulePreview,
        slots,
    },
    browser,
    clock::Clock,
    labels::{self, slots::Slot},
    live::{Admission, Entry, Feed, LiveList},
    pending_first_queries::FirstQueries,
    reactive_query::Fetch,
    session::{Permission, Session},
    ui::{Badge, Card, ObjectPage, PageHead, WhenLoaded},
    zone,
};

/// One job: its settings, runs and slot history.
#[component]
pub(crate) fn JobPage() -> impl IntoView {
    let id = id_in_address();
    // A change of the id creates the page again.
    move || view! { <OneJob id=id.get() /> }
}

#[component]
fn OneJob(id: String) -> impl IntoView {
    let feed = expect_context::<Feed>();
    let list = LiveList::<Job>::new(Admission::Listed);
    let asked = id.clone();
    let links = Fetch::new(move || {
        let asked_at = browser::now().0;
        jobs::get(&asked).map(move |(job, links)| {
            list.apply_query(vec![job], asked_at);
            links
        })
    });
    feed.watch(jobs::watch(vec![cynic::Id::new(&id)]), move |job| list.apply_update(job), move || links.reload());
    let ready = move || {
        list.entry(&id).map(|entry| {
            let queries = FirstQueries::provide();
            let row = RwSignal::from(entry);
            let schedule = Memo::new(move |_| row.with(|entry| entry.object.schedule.clone()));
            let timezone = Memo::new(move |_| row.with(|entry| entry.object.timezone.clone()));
            let next = Memo::new(move |_| row.with(|entry| entry.object.next_run_at));
            let preview = fetch_preview(schedule.into(), timezone.into(), move || next.get());
            let has_runs = expect_context::<Session>().may(Permission::ViewJobRuns);
            let updates = has_runs.then(|| follow_runs(&id));
            let (slots_of, charts_of) = (id.clone(), id.clone());
            let runs = match updates {
                Some(updates) => view! { <Runs job=id.clone() updates /> }.into_any(),
                None => view! {
                    <p class="form-text">"Only administrators change a job and see its runs and slots."</p>
                }
                .into_any(),
            };
            view! {
                <Head row list />
                <WhenLoaded queries rows=12>
                    {updates.map(|updates| view! { <Slots job=slots_of row updates preview /> })}
                    {updates.map(|updates| view! { <RunCharts job=charts_of updates /> })}
                    <div class="columns">
                        <Details row links />
                        <ScheduleCard row preview />
                    </div>
                    {runs}
                </WhenLoaded>
            }
        })
    };
    view! {
        <ObjectPage
            noun="Job"
            parent=("/jobs", "Jobs")
            missing="This job does not exist, was deleted, or you do not have access to it."
            stage=Signal::derive(move || links.stage())
            on_retry=move |()| links.reload()
        >
            {ready()}
        </ObjectPage>
    }
}

#[component]
fn Head(row: RwSignal<Entry<Job>>, list: LiveList<Job>) -> impl IntoView {
    let state = Signal::derive(move || row.with(|entry| labels::jobs::job_state(&entry.object)));
    let name = Memo::new(move |_| row.with(|entry| entry.object.name.clone()));
    let can_act = Memo::new(move |_| row.with(|entry| entry.object.viewer_can_act()));
    view! {
        <PageHead title=name parent=("/jobs", "Jobs") about=move || view! { <Badge state /> }>
            <Show when=move || can_act.get()>
                <Actions row list />
            </Show>
        </PageHead>
    }
}

/// The slot history with the next slots.
#[component]
fn Slots(
    job: String,
    row: RwSignal<Entry<Job>>,
    updates: RunUpdates<JobRun>,
    /// The preview of the schedule, with its next times.
    preview: Fetch<SchedulePreview>,
) -> impl IntoView {
    let runs = format!("/jobs/{job}/runs");
    let page = RwSignal::new(1);
    let found = Fetch::new(move || slots::list(&job, page.get()).map(|page| page.map(Slot::from)));
    // When the outcome of a slot is decided, the revision of the job changes.
    let decided = Memo::new(move |_| row.with(|entry| entry.object.revision));
    Effect::watch(move || (updates.status_changes(), decided.get()), move |_, _, _| found.reload_paced(), false);
    let is_enabled = Memo::new(move |_| row.with(|entry| entry.object.enabled));
    let coming = Signal::derive(move || {
        let times = preview.read(|preview| preview.slots.iter().map(|slot| slot.at).collect());
        times.filter(|_| is_enabled.get()).unwrap_or_default()
    });
    view! { <SlotHistory found page coming runs /> }
}

/// The schedule, its description and its next times.
#[component]
fn ScheduleCard(row: RwSignal<Entry<Job>>, preview: Fetch<SchedulePreview>) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let schedule = Memo::new(move |_| row.with(|entry| entry.object.schedule.clone()));
    let timezone = Memo::new(move |_| row.with(|entry| entry.object.timezone.clone()));
    let next = Memo::new(move |_| row.with(|entry| entry.object.next_run_at));
    let is_paused = Memo::new(move |_| row.with(|entry| !entry.object.enabled));
    let in_both = move || {
        let slot = preview.read(|preview| preview.slots.first().copied()).flatten()?;
        let own = if zone::is_utc() { "UTC".to_owned() } else { browser::time_zone() };
        let there = (slot.utc_offset_minutes.into(), timezone.get());
        labels::jobs::in_both_zones(slot.at, &there, &(zone::offset(slot.at), own))
    };
    let ahead = move || {
        let next = next.get()?;
        Some(view! { <span>{move || format!("Next {}", crate::format::ahead(next.seconds_since(clock.now())))}</span> })
    };
    view! {
        <Card title="Schedule" aside=ahead>
            <div class="schedule">
                <code class="schedule-text">{move || schedule.get()}</code>
                <Show when=move || is_paused.get()>
                    <p class="form-text">"Paused: the schedule starts no runs until the job is resumed."</p>
                </Show>
                <ScheduleSummary preview timezone />
                {move || in_both().map(|text| view! { <p class="form-text">{text}</p> })}
            </div>
        </Card>
    }
}

/// Follows the runs of a job.
fn follow_runs(job: &str) -> RunUpdates<JobRun> {
    let updates = RunUpdates::<JobRun>::new();
    let feed = expect_context::<Feed>();
    let take = move |run| updates.take(run, |run: &JobRun| run.status);
    feed.watch(job_runs::watch_of_job(job), take, move || updates.miss());
    updates
}
