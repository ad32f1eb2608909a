//! The run that a transfer belongs to, with links to it and to its job or pipeline.

use leptos::prelude::*;

use crate::{
    api::{job_runs, pipeline_runs, transfers::TransferLinks},
    base_path::href,
    reactive_query::{Fetch, Stage},
    session::{Permission, Session},
    ui::{Fact, Message, SkeletonText},
};

/// The name of a job or pipeline, its address, and the address of its run.
type Named = (String, String, String);

/// The job or pipeline of a transfer with its run, as far as the viewer may see them. A handle: copies share the same
/// state.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    job_run: Memo<Option<cynic::Id>>,
    sees_job_runs: bool,
    of_job: Fetch<Named>,
    pipeline_run: Memo<Option<cynic::Id>>,
    sees_pipeline_runs: bool,
    of_pipeline: Fetch<Named>,
}

impl Origin {
    /// Queries the run of a transfer, and provides it as a context below the current reactive owner.
    pub(super) fn provide(links: Fetch<TransferLinks>) {
        let session = expect_context::<Session>();
        let sees_job_runs = session.may(Permission::ViewJobRuns);
        let job_run = Memo::new(move |_| links.read(|links| links.job_run_id.clone()).flatten());
        let of_job = Fetch::when(move || {
            let id = job_run.get().filter(|_| sees_job_runs)?;
            Some(job_runs::get(id.inner()).map(|(run, links)| {
                let job = format!("/jobs/{}", run.job_id.inner());
                let address = format!("{job}/runs/{}", run.id.inner());
                (links.job.map_or_else(|| "A deleted job".to_owned(), |job| job.name), job, address)
            }))
        });
        let sees_pipeline_runs = session.may(Permission::ViewPipelineRuns);
        let pipeline_run = Memo::new(move |_| links.read(|links| links.pipeline_run_id.clone()).flatten());
        let of_pipeline = Fetch::when(move || {
            let id = pipeline_run.get().filter(|_| sees_pipeline_runs)?;
            Some(pipeline_runs::get(id.inner()).map(|(run, links)| {
                let pipeline = format!("/pipelines/{}", run.pipeline_id.inner());
                let address = format!("{pipeline}/runs/{}", run.id.inner());
                let name = links.pipeline.map_or_else(|| "A deleted pipeline".to_owned(), |pipeline| pipeline.name);
                (name, pipeline, address)
            }))
        });
        provide_context(Self { job_run, sees_job_runs, of_job, pipeline_run, sees_pipeline_runs, of_pipeline });
    }
}

/// The breadcrumb from the job or pipeline over its run to the transfer; empty without a run that the viewer may see.
#[component]
pub(super) fn Breadcrumb(name: String) -> impl IntoView {
    let origin = expect_context::<Origin>();
    let named = move || origin.of_job.read(Clone::clone).or_else(|| origin.of_pipeline.read(Clone::clone));
    move || {
        named().map(|(owner, address, run)| {
            view! {
                <nav class="breadcrumb" aria-label="Breadcrumb">
                    <ol>
                        <li>
                            <a href=href(address)>{owner}</a>
                        </li>
                        <li>
                            <a href=href(run)>"Run"</a>
                        </li>
                        <li aria-current="page">{name.clone()}</li>
                    </ol>
                </nav>
            }
        })
    }
}

/// The job or pipeline of a transfer with its run, as facts; empty for a transfer that an agent created on its own.
#[component]
pub(super) fn OriginFacts() -> impl IntoView {
    let Origin { job_run, sees_job_runs, of_job, pipeline_run, sees_pipeline_runs, of_pipeline } = expect_context();
    let job = move || {
        job_run.get().map(|_| view! { <Fact name="Job">{move || shown(of_job, sees_job_runs, "a job")}</Fact> })
    };
    let pipeline = move || {
        pipeline_run.get().map(|_| {
            view! { <Fact name="Pipeline">{move || shown(of_pipeline, sees_pipeline_runs, "a pipeline")}</Fact> }
        })
    };
    view! {
        {job}
        {pipeline}
    }
}

fn shown(found: Fetch<Named>, may_see: bool, noun: &'static str) -> AnyView {
    if !may_see {
        return format!("Part of a run of {noun}. Only administrators see runs.").into_any();
    }
    match found.stage() {
        Stage::Pending => view! { <SkeletonText /> }.into_any(),
        Stage::Failed(error) if error.is_not_found() => format!("Part of a run of {noun} that was deleted").into_any(),
        Stage::Failed(error) => view! { <Message text=error.to_string() /> }.into_any(),
        Stage::Ready => found
            .read(Clone::clone)
            .map(|(name, address, run)| {
                view! {
                    <a href=href(address)>{name}</a>
                    <a href=href(run)>"Open run"</a>
                }
            })
            .into_any(),
    }
}
