//! The page of a pipeline run, with live progress on the graph of its steps. For administrators.

mod details;
mod gantt;
mod log;
mod step_drawer;
mod steps;

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};

use self::{
    details::Details,
    log::{Log, RunLog},
    steps::StepProgress,
};
use super::{definition_text::DefinitionText, id_in_address};
use crate::{
    api::pipeline_runs::{self, PipelineRun, RunLinks},
    browser,
    labels::pipelines::run_state,
    live::{Admission, Entry, Feed, LiveList},
    reactive_query::Fetch,
    ui::{Badge, Confirm, ObjectPage, PageHead, Toasts},
    user_action::UserAction,
};

/// One pipeline run, with the progress of its steps.
#[component]
pub(crate) fn RunPage() -> impl IntoView {
    let id = id_in_address();
    // A change of the id creates the page again.
    move || view! { <OneRun id=id.get() /> }
}

#[component]
fn OneRun(id: String) -> impl IntoView {
    let feed = expect_context::<Feed>();
    let list = LiveList::<PipelineRun>::new(Admission::Listed);
    let asked = id.clone();
    let links = Fetch::new(move || {
        let asked_at = browser::now().0;
        pipeline_runs::get(&asked).map(move |(run, links)| {
            list.apply_query(vec![run], asked_at);
            links
        })
    });
    feed.watch(pipeline_runs::watch(&id), move |run| list.apply_update(run), move || links.reload());
    let ready = move || {
        list.entry(&id).map(|entry| {
            let row = RwSignal::from(entry);
            let log = RunLog::follow(&id, row);
            view! {
                <Head row list links />
                <Details row links log />
                <StepProgress row links log />
                <Log log />
                <Draft links />
            }
        })
    };
    view! {
        <ObjectPage
            noun="Run"
            parent=("/pipelines", "Pipelines")
            missing="This run does not exist: its pipeline was deleted, or its retention period has ended."
            stage=Signal::derive(move || links.stage())
            on_retry=move |()| links.reload()
        >
            {ready()}
        </ObjectPage>
    }
}

#[component]
fn Head(row: RwSignal<Entry<PipelineRun>>, list: LiveList<PipelineRun>, links: Fetch<RunLinks>) -> impl IntoView {
    let (toasts, navigate) = (expect_context::<Toasts>(), use_navigate());
    let (id, pipeline) =
        row.with_untracked(|entry| (entry.object.id.inner().to_owned(), entry.object.pipeline_id.inner().to_owned()));
    let id = StoredValue::new(id);
    let (is_cancelling, is_rerunning) = (RwSignal::new(false), RwSignal::new(false));
    let (cancelling, rerunning) = (UserAction::new(), UserAction::new());
    let cancel = move |()| {
        cancelling.run(pipeline_runs::cancel(&id.get_value()), move |run| {
            list.apply_update(run);
            is_cancelling.set(false);
            toasts.success("Cancellation requested.".to_owned());
        });
    };
    let rerun = move |()| {
        let (navigate, pipeline) = (navigate.clone(), pipeline.clone());
        rerunning.run(pipeline_runs::rerun(&id.get_value()), move |run| {
            toasts.success("A new run has started from the failed step.".to_owned());
            // Nothing is shown if the user has left the page.
            if is_rerunning.try_set(false).is_none() {
                navigate(&format!("/pipelines/{pipeline}/runs/{}", run.id.inner()), NavigateOptions::default());
            }
        });
    };
    let state = Signal::derive(move || {
        row.with(|entry| run_state(entry.object.status, entry.object.cancel_requested_at.is_some()))
    });
    let can_cancel = Memo::new(move |_| row.with(|entry| entry.object.viewer_can_cancel));
    let can_rerun = Memo::new(move |_| row.with(|entry| entry.object.viewer_can_rerun));
    let name = links.read(pipeline_name).unwrap_or_default();
    view! {
        <PageHead
            title=format!("Run of {name}")
            parent=("/pipelines", "Pipelines")
            about=move || view! { <Badge state /> }
        >
            <Show when=move || can_cancel.get()>
                <button type="button" class="button button-danger" on:click=move |_| is_cancelling.set(true)>
                    "Cancel run"
                </button>
            </Show>
            <Show when=move || can_rerun.get()>
                <button type="button" class="button button-primary" on:click=move |_| is_rerunning.set(true)>
                    "Rerun from failed step"
                </button>
            </Show>
        </PageHead>
        <Confirm
            open=is_cancelling
            title="Cancel this run?"
            text="Queued steps do not start. Running steps end when their agents receive the request. Results of finished steps stay."
            action="Cancel run"
            user_action=cancelling
            on_confirm=cancel
            is_dangerous=true
            dismiss="Keep running"
        />
        <Confirm
            open=is_rerunning
            title="Rerun from the failed step?"
            text="A new run keeps the completed steps and repeats the others, with the same definition and the same parameters."
            action="Rerun"
            user_action=rerunning
            on_confirm=rerun
        />
    }
}

/// The name of the pipeline of a run.
fn pipeline_name(links: &RunLinks) -> String {
    links.pipeline.as_ref().map_or_else(|| "a deleted pipeline".to_owned(), |pipeline| pipeline.name.clone())
}

/// The definition of a run that executes a draft.
#[component]
fn Draft(links: Fetch<RunLinks>) -> impl IntoView {
    let draft = Memo::new(move |_| links.read(|links| links.draft_yaml.clone()).flatten());
    let is_draft = Memo::new(move |_| draft.with(Option::is_some));
    view! {
        <Show when=move || is_draft.get()>
            <DefinitionText text=Signal::derive(move || draft.get().unwrap_or_default()) />
        </Show>
    }
}
