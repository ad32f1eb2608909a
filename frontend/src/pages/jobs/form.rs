//! The pages that create and edit a job.

mod draft;
mod field_table;
mod problems;
mod schedule;

use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
};

use self::{
    draft::{Draft, DraftField},
    field_table::{Control, FormCard},
    problems::Problems,
    schedule::ScheduleCard,
};
use crate::{
    api::jobs::{self, Job},
    base_path::href,
    effect::effect,
    pages::{agent_select::AgentSelect, id_in_address, leave_warning::LeaveWarning},
    reactive_query::Fetch,
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

/// The form of a job. It edits `job`, or creates a new job if none is given.
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
        // Nothing is shown if the user has left the page during saving.
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
            Some(id) => Some(jobs::update(id, draft.for_update())),
            None => draft.for_create().map(jobs::create),
        };
        if let Some(request) = request {
            user_action.run(request, done.clone());
        }
    };
    let (schedule, timezone) = draft.schedule();
    view! {
        <form class="sheet" on:submit=submit>
            {card("Source and destination", copy_controls(&draft, problems, is_new))}
            {card("Copy rules", controls(&draft, problems, FormCard::Rules))}
            <ScheduleCard schedule timezone problems />
            {card("Overlaps, missed slots and retries", controls(&draft, problems, FormCard::Policies))}
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

/// A card with these controls.
fn card(title: &'static str, controls: Vec<AnyView>) -> impl IntoView {
    view! {
        <Card title>
            <div class="sheet-fields">{controls}</div>
        </Card>
    }
}

/// The name, the agent of a new job, and the other fields of the copy.
fn copy_controls(draft: &Draft, problems: Problems, is_new: bool) -> Vec<AnyView> {
    let mut controls = controls(draft, problems, FormCard::Copy);
    if is_new {
        let chosen = draft.agent;
        let agent = view! {
            <AgentSelect
                none="Choose an agent"
                chosen
                on_choose=move |agent: String| chosen.set(agent)
                problem=problems.of("agentId")
            />
        };
        controls.insert(1, agent.into_any());
    }
    controls
}

/// The controls of the fields of a card.
fn controls(draft: &Draft, problems: Problems, card: FormCard) -> Vec<AnyView> {
    let of_card = draft.fields().filter(|field| field.field.card == card);
    let shown = of_card.map(|field| {
        if field.field.only_if.is_none() {
            return control(field, problems);
        }
        let is_shown = Memo::new(move |_| field.is_shown());
        view! { <Show when=move || is_shown.get()>{control(field, problems)}</Show> }.into_any()
    });
    shown.collect()
}

/// The control of a field.
fn control(DraftField { field, value, .. }: DraftField, problems: Problems) -> AnyView {
    let problem = problems.of(field.key);
    let (kind, bounds, is_required) = match field.control {
        Control::Text { bounds, is_required } => ("text", bounds, is_required),
        Control::Number { bounds } => ("number", bounds, true),
        Control::Choice(options) => {
            let on_choose = move |chosen| value.set(chosen);
            return view! { <Select label=field.label options=options() chosen=value on_choose problem /> }.into_any();
        }
    };
    let is_first = field.key == "name";
    view! { <Field label=field.label value kind hint=field.hint bounds is_required is_first problem /> }.into_any()
}
