//! The page of a pipeline: steps, schedule, details, slot history, runs and definition.

mod actions;
mod details;
mod runs;
mod start_dialog;

use leptos::prelude::*;

use self::{actions::Actions, details::Details, runs::Runs};
use super::{
    definition_text::DefinitionText,
    id_in_address,
    pipeline_plan_cards::{Schedule, Steps},
    run_updates::RunUpdates,
    slot_history::SlotHistory,
};
use crate::{
    api::{
        definition_dry_run_and_schema::{self, Diagnostic, Verdict},
        pipeline_plan::Plan,
        pipeline_runs::{self, PipelineRun},
        pipelines::{self, Pipeline},
        slots,
    },
    labels::{self, slots::Slot},
    live::Feed,
    pending_first_queries::FirstQueries,
    reactive_query::Fetch,
    session::{Permission, Session},
    ui::{Badge, Icon, Message, ObjectPage, PageHead, WhenLoaded},
};

/// One pipeline: its steps, schedule, details, slot history, runs and definition.
#[component]
pub(crate) fn PipelinePage() -> impl IntoView {
    let id = id_in_address();
    // A change of the id creates the page again.
    move || view! { <OnePipeline id=id.get() /> }
}

#[component]
fn OnePipeline(id: String) -> impl IntoView {
    let found = Fetch::new(move || pipelines::get(&id));
    let ready = move || untrack(|| found.read(Clone::clone)).map(|first| view! { <Found first found /> });
    view! {
        <ObjectPage
            noun="Pipeline"
            parent=("/pipelines", "Pipelines")
            missing="This pipeline does not exist, was deleted, or you do not have access to it."
            stage=Signal::derive(move || found.stage())
            on_retry=move |()| found.reload()
        >
            {ready()}
        </ObjectPage>
    }
}

/// The page of a pipeline that was found.
#[component]
fn Found(first: Pipeline, found: Fetch<Pipeline>) -> impl IntoView {
    let queries = FirstQueries::provide();
    let session = expect_context::<Session>();
    let (has_runs, has_customers) = (session.may(Permission::ViewPipelineRuns), session.may(Permission::ListCustomers));
    let id = first.id.inner().to_owned();
    let pipeline = Memo::new(move |_| found.read(Clone::clone).unwrap_or_else(|| first.clone()));
    let text = Memo::new(move |_| pipeline.with(|pipeline| (pipeline.yaml.clone(), pipeline.customer_id.clone())));
    // The plan's agents and next times change with time. A new next time causes another dry run.
    let next = Memo::new(move |_| pipeline.with(|pipeline| (pipeline.next_run_at, pipeline.enabled)));
    let verdict = Fetch::new(move || {
        next.get();
        let (yaml, customer) = text.get();
        definition_dry_run_and_schema::dry_run(yaml, customer.filter(|_| has_customers))
    });
    let plan = Memo::new(move |_| verdict.read(|verdict| verdict.valid.then(|| verdict.plan.clone())).flatten());
    let yaml = Signal::derive(move || pipeline.with(|pipeline| pipeline.yaml.clone()));
    let updates = has_runs.then(|| follow_runs(&id, found));
    let runs = match updates {
        Some(updates) => view! { <Runs pipeline=id.clone() updates /> }.into_any(),
        None => view! {
            <p class="form-text">
                "Only administrators start a pipeline manually and see its runs, slots and earlier versions."
            </p>
        }
        .into_any(),
    };
    view! {
        <Head pipeline found plan />
        <WhenLoaded queries rows=12>
            <DefinitionWarnings verdict />
            {updates.map(|updates| view! { <Slots pipeline=id updates next plan /> })}
            <div class="columns">
                <Steps plan verdict />
                <div class="stack">
                    <Schedule plan verdict />
                    <Details pipeline plan />
                </div>
            </div>
            {runs}
            <DefinitionText text=yaml />
        </WhenLoaded>
    }
}

#[component]
fn Head(pipeline: Memo<Pipeline>, found: Fetch<Pipeline>, plan: Memo<Option<Plan>>) -> impl IntoView {
    let state = Signal::derive(move || labels::pipelines::pipeline_state(pipeline.with(|pipeline| pipeline.enabled)));
    let name = Memo::new(move |_| pipeline.with(|pipeline| pipeline.name.clone()));
    view! {
        <PageHead title=name parent=("/pipelines", "Pipelines") about=move || view! { <Badge state /> }>
            <Actions pipeline found plan />
        </PageHead>
    }
}

/// The warnings of the server, such as an unknown agent.
#[component]
fn DefinitionWarnings(verdict: Fetch<Verdict>) -> impl IntoView {
    let found = move || verdict.read(|verdict| verdict.diagnostics.clone()).unwrap_or_default();
    let line = |found: Diagnostic| {
        let text = format!("Line {}: {}", found.line, found.message);
        view! {
            <li class="notice" data-tone="warn">
                <Icon name="warning" />
                <span><Message text /></span>
            </li>
        }
    };
    view! {
        <ul class="remarks" aria-label="Warnings about the definition">
            {move || found().into_iter().map(line).collect_view()}
        </ul>
    }
}

/// The slot history with the next slots.
#[component]
fn Slots(
    pipeline: String,
    updates: RunUpdates<PipelineRun>,
    /// The next scheduled time, and whether the pipeline is enabled.
    next: Memo<(Option<crate::time::Instant>, bool)>,
    plan: Memo<Option<Plan>>,
) -> impl IntoView {
    let runs = format!("/pipelines/{pipeline}/runs");
    let page = RwSignal::new(1);
    let found = Fetch::new(move || slots::list_of_pipeline(&pipeline, page.get()).map(|page| page.map(Slot::from)));
    Effect::watch(move || (updates.status_changes(), next.get()), move |_, _, _| found.reload_paced(), false);
    let schedule = Memo::new(move |_| plan.with(|plan| plan.as_ref().and_then(|plan| plan.schedule.clone())));
    let has_schedule = Memo::new(move |_| schedule.with(Option::is_some));
    let has_slots = Memo::new(move |_| found.read(|found| !found.items.is_empty()).unwrap_or_default());
    let coming = Signal::derive(move || {
        let times = schedule.with(|schedule| schedule.as_ref().map(|times| times.next.clone()));
        times.filter(|_| next.get().1).unwrap_or_default()
    });
    view! {
        <Show when=move || has_schedule.get() || has_slots.get()>
            <SlotHistory found page coming runs=runs.clone() />
        </Show>
    }
}

/// Follows the runs of a pipeline.
fn follow_runs(pipeline: &str, found: Fetch<Pipeline>) -> RunUpdates<PipelineRun> {
    let updates = RunUpdates::<PipelineRun>::new();
    let feed = expect_context::<Feed>();
    let take = move |run| updates.take(run, |run: &PipelineRun| run.status);
    feed.watch(pipeline_runs::watch_of_pipeline(pipeline), take, move || updates.miss());
    // If the schedule has started a run, the pipeline has a new next time.
    Effect::watch(move || updates.status_changes(), move |_, _, _| found.reload_paced(), false);
    updates
}
