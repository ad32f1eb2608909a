//! The pages that create and edit a job.

mod draft;
mod file_copy_rules;
mod problems;
mod schedule;

use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
};

use self::{draft::Draft, file_copy_rules::RulesCard, problems::Problems, schedule::ScheduleCard};
use crate::{
    api::jobs::{self, Job},
    base_path::href,
    browser,
    effect::effect,
    labels::{
        DIRECTIONS, PROTOCOLS,
        jobs::{CATCH_UPS, OVERLAPS},
    },
    pages::{agent_select::AgentSelect, id_in_address, leave_warning::LeaveWarning},
    query_signal::Fetch,
    ui::{Card, Field, Notice, ObjectPage, PageHead, Select, Toasts},
    user_action::UserAction,
};

/// The page that creates a job.
#[component]
pub(crate) fn NewJob() -> impl IntoView {
    let agent = use_query_map().with_untracked(|query| query.get("agent")).unwrap_or_default();
    view! {
        <PageHead title="New job" parent=("/jobs", "Jobs") />
        <JobForm draft=Draft::new(agent) />
    }
}

/// The page that edits a job.
#[component]
pub(crate) fn EditJob() -> impl IntoView {
    let id = id_in_address();
    let found = Fetch::new(move || jobs::get(&id.get()));
    let ready = move || {
        found.read(|(job, _)| {
            let title = format!("Edit {}", job.name);
            if !job.viewer_can_update {
                let about = || "You are not allowed to change this job.";
                return view! { <PageHead title parent=("/jobs", "Jobs") about /> }.into_any();
            }
            view! {
                <PageHead title parent=("/jobs", "Jobs") />
                <JobForm draft=Draft::of(job) job=job.clone() />
            }
            .into_any()
        })
    };
    view! {
        <ObjectPage
            noun="Job"
            parent=("/jobs", "Jobs")
            missing="This job does not exist, was deleted, or you do not have access to it."
            stage=Signal::derive(move || found.stage())
            on_retry=move |()| found.reload()
        >
            {ready()}
        </ObjectPage>
    }
}

/// The form of a job. It edits the given job, or creates one without it.
#[component]
fn JobForm(draft: Draft, #[prop(optional, into)] job: Option<Job>) -> impl IntoView {
    let (navigate, toasts) = (use_navigate(), expect_context::<Toasts>());
    let user_action = UserAction::new();
    let problems = Problems::new(user_action);
    let is_new = job.is_none();
    let first = untrack(|| draft.values());
    let is_unsaved = RwSignal::new(false);
    effect(move || is_unsaved.set(draft.values() != first));
    let id = job.as_ref().map(|job| job.id.inner().to_owned());
    let (address, action) = match &id {
        Some(id) => (format!("/jobs/{id}"), "Save changes"),
        None => ("/jobs".to_owned(), "Create job"),
    };
    let done = move |job: Job| {
        toasts.success(format!("{} was saved.", job.name));
        // Not after the user has left the page while it was saving.
        if is_unsaved.try_set(false).is_none() {
            navigate(&format!("/jobs/{}", job.id.inner()), NavigateOptions::default());
        }
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if !problems.check(draft.problems(is_new)) {
            return;
        }
        let request = match &id {
            Some(id) => jobs::update(id, draft.for_update()),
            None => jobs::create(draft.for_create()),
        };
        user_action.run(request, done.clone());
    };
    view! {
        <form class="sheet" on:submit=submit>
            <CopyCard draft problems is_new />
            <RulesCard draft=draft.rules problems />
            <ScheduleCard schedule=draft.schedule timezone=draft.timezone problems />
            <PolicyCard draft problems />
            <Notice text=Signal::derive(move || problems.summary()) />
            <div class="form-actions">
                <a class="button" href=href(address)>
                    "Cancel"
                </a>
                <button type="submit" class="button button-primary" disabled=move || user_action.is_busy()>
                    {action}
                </button>
            </div>
        </form>
        <LeaveWarning is_unsaved />
    }
}

/// The name, the agent, source and destination, protocol and direction.
#[component]
fn CopyCard(draft: Draft, problems: Problems, is_new: bool) -> impl IntoView {
    view! {
        <Card title="Source and destination">
            <div class="sheet-fields">
                <Field
                    label="Name"
                    value=draft.name
                    bounds=(1, 255)
                    is_required=true
                    is_first=true
                    problem=problems.of("name")
                />
                {is_new
                    .then(|| {
                        view! {
                            <AgentSelect
                                none="Choose an agent"
                                chosen=draft.agent
                                on_choose=move |agent: String| draft.agent.set(agent)
                                problem=problems.of("agentId")
                            />
                        }
                    })}
                <Field
                    label="Source"
                    value=draft.source
                    hint="A path, or a URL without a password such as sftp://partner/out/*.csv. The host may be an endpoint of the agent"
                    bounds=(1, 4096)
                    is_required=true
                    problem=problems.of("source")
                />
                <Field
                    label="Destination"
                    value=draft.destination
                    hint="A path, or a URL such as sftp://partner/in/. A folder if it ends with a slash"
                    bounds=(1, 4096)
                    is_required=true
                    problem=problems.of("destination")
                />
                <Select
                    label="Protocol"
                    options=options(&PROTOCOLS)
                    chosen=draft.protocol
                    on_choose=move |chosen| draft.protocol.set(chosen)
                    problem=problems.of("protocol")
                />
                <Select
                    label="Direction"
                    options=options(&DIRECTIONS)
                    chosen=draft.direction
                    on_choose=move |chosen| draft.direction.set(chosen)
                    problem=problems.of("direction")
                />
            </div>
        </Card>
    }
}

/// The policies for overlaps, missed slots and retries.
#[component]
fn PolicyCard(draft: Draft, problems: Problems) -> impl IntoView {
    let retries = Memo::new(move |_| {
        draft.attempts.with(|attempts| browser::whole_number(attempts)).is_some_and(|most| most > 1)
    });
    view! {
        <Card title="Overlaps, missed slots and retries">
            <div class="sheet-fields">
                <Select
                    label="If an earlier run is still active"
                    options=options(&OVERLAPS)
                    chosen=draft.overlap
                    on_choose=move |chosen| draft.overlap.set(chosen)
                    problem=problems.of("overlap")
                />
                <Select
                    label="Slots missed while no server was running"
                    options=options(&CATCH_UPS)
                    chosen=draft.catch_up
                    on_choose=move |chosen| draft.catch_up.set(chosen)
                    problem=problems.of("catchUp")
                />
                <Field
                    label="Maximum attempts"
                    value=draft.attempts
                    kind="number"
                    hint="1 means that a failed run is not retried"
                    bounds=(1, 20)
                    is_required=true
                    problem=problems.of("maxAttempts")
                />
                <Show when=move || retries.get()>
                    <Field
                        label="Delay before the first retry"
                        value=draft.initial_delay
                        hint="Such as 30s or 5m"
                        is_required=true
                        problem=problems.of("initialDelay")
                    />
                    <Field
                        label="Backoff factor"
                        value=draft.factor
                        hint="1 to 100: each delay is this many times the previous one"
                        is_required=true
                        problem=problems.of("factor")
                    />
                    <Field
                        label="Maximum delay"
                        value=draft.max_delay
                        hint="Such as 1h"
                        is_required=true
                        problem=problems.of("maxDelay")
                    />
                </Show>
            </div>
        </Card>
    }
}

fn options<T>(table: &[(T, &'static str, &'static str)]) -> Vec<(String, String)> {
    table.iter().map(|(_, word, label)| ((*word).to_owned(), (*label).to_owned())).collect()
}
