//! The card with the details of a run: who started it, with which parameters, and how it ended.

use leptos::prelude::*;

use super::{log::RunLog, pipeline_name};
use crate::{
    api::pipeline_runs::{self, PipelineRun, RunLinks},
    base_path::href,
    clock::Clock,
    labels::{
        self,
        pipelines::{RUN_TRIGGERS, is_draft, steps_done, time_taken},
    },
    live::Entry,
    reactive_query::Fetch,
    ui::{Card, Copyable, Fact, Message, OptionalTime},
};

/// The details of a run.
#[component]
pub(super) fn Details(row: RwSignal<Entry<PipelineRun>>, links: Fetch<RunLinks>, log: RunLog) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let read = move |read: fn(&PipelineRun) -> String| move || row.with(|entry| read(&entry.object));
    let (id, pipeline, trigger, version, rerun_of, parameters) = row.with_untracked(|entry| {
        let run = &entry.object;
        let pipeline = format!("/pipelines/{}", run.pipeline_id.inner());
        let rerun_of = run.rerun_of.as_ref().map(|earlier| format!("{pipeline}/runs/{}", earlier.inner()));
        let trigger = labels::label_of(&RUN_TRIGGERS, &run.trigger);
        let version = if is_draft(run.version) { "Draft, not saved".to_owned() } else { run.version.to_string() };
        (run.id.inner().to_owned(), pipeline, trigger, version, rerun_of, run.parameters.clone())
    });
    let taken = move || {
        let (from, to) = row.with(|entry| (entry.object.started_at, entry.object.completed_at));
        time_taken(from, to, to.unwrap_or_else(|| clock.now()))
    };
    let started_at = Signal::derive(move || row.with(|entry| entry.object.started_at));
    let completed_at = Signal::derive(move || row.with(|entry| entry.object.completed_at));
    let why = Memo::new(move |_| row.with(|entry| entry.object.error_message.clone()));
    let values = (!parameters.is_empty()).then(|| {
        let line = |parameter: &pipeline_runs::Parameter| {
            view! { <code class="path">{format!("{} = {}", parameter.name, parameter.value)}</code> }
        };
        view! { <Fact name="Parameters">{parameters.iter().map(line).collect_view()}</Fact> }
    });
    view! {
        <Card title="Details">
            <dl class="facts">
                <Fact name="Pipeline">
                    <a href=href(pipeline)>{move || links.read(pipeline_name)}</a>
                </Fact>
                <Fact name="Version">{version}</Fact>
                <Fact name="Started by">{move || log.starter()}</Fact>
                <Fact name="Trigger">
                    {trigger}
                    {rerun_of.map(|earlier| view! { <a href=href(earlier)>"previous run"</a> })}
                </Fact>
                {values}
                <Fact name="Started">
                    <OptionalTime at=started_at />
                </Fact>
                <Fact name="Ended">
                    <OptionalTime at=completed_at />
                </Fact>
                <Fact name="Duration">{taken}</Fact>
                <Fact name="Completed steps">{read(steps_done)}</Fact>
                <Fact name="Run id">
                    <Copyable what="run id" text=id />
                </Fact>
            </dl>
            {move || {
                why.get()
                    .map(|why| {
                        view! {
                            <div class="error-text card-part">
                                <h3>"Error"</h3>
                                <pre tabindex="0"><Message text=why /></pre>
                            </div>
                        }
                    })
            }}
        </Card>
    }
}
