//! The log of a run: its events, each with the changes of steps and its actor.

use leptos::prelude::*;

use crate::{
    api::{
        events::Event,
        pipeline_runs::PipelineRun,
        run_log::{self, RunEvent},
    },
    base_path::href,
    labels::{
        self,
        run_log::{Line, StepChange},
    },
    live::Entry,
    pages::event_actors::Actors,
    reactive_query::{Fetch, Stage},
    ui::{Card, Empty, Message, QueryResult, Time},
};

/// The log of a run. A handle: copies share the same log.
#[derive(Clone, Copy)]
pub(super) struct RunLog {
    /// The events, newest first.
    events: RwSignal<Vec<RunEvent>>,
    found: Fetch<()>,
    actors: Actors,
}

impl RunLog {
    /// Queries the log of a run, and repeats this when the status of the run or of a step changes.
    pub(super) fn follow(run: &str, row: RwSignal<Entry<PipelineRun>>) -> Self {
        let (events, plain) = (RwSignal::new(Vec::<RunEvent>::new()), RwSignal::new(Vec::<Event>::new()));
        let run = run.to_owned();
        let found = Fetch::new(move || {
            run_log::get(&run).map(move |log| {
                plain.try_set(log.iter().map(RunEvent::without_run).collect());
                events.try_set(log);
            })
        });
        let statuses = Memo::new(move |_| {
            row.with(|entry| {
                let run = &entry.object;
                let steps: Vec<_> = run.steps.iter().map(|step| (step.status, step.attempt)).collect();
                (run.status, run.cancel_requested_at, steps)
            })
        });
        Effect::watch(move || statuses.get(), move |_, _, _| found.reload_paced(), false);
        Self { events, found, actors: Actors::follow(plain) }
    }

    /// The changes of a step, oldest first. Reactive.
    pub(super) fn changes_of(self, step: &str) -> Vec<StepChange> {
        self.events.with(|events| labels::run_log::changes_of(events, step))
    }

    /// Who started the run. Reactive.
    pub(super) fn starter(self) -> AnyView {
        match self.events.with(|events| labels::run_log::creation(events)) {
            Some(event) => self.actor(&event),
            None if self.found.stage() == Stage::Ready => "Not known: events are kept for 30 days".into_any(),
            None => "–".into_any(),
        }
    }

    /// Who caused an event. Reactive.
    fn actor(self, event: &Event) -> AnyView {
        match labels::events::actor(event, self.actors.name(event)) {
            (name, Some(address)) => view! { <a href=href(address)>{name}</a> }.into_any(),
            (name, None) => name.into_any(),
        }
    }
}

/// The card with the log, oldest event first.
#[component]
pub(super) fn Log(log: RunLog) -> impl IntoView {
    let detail = |(text, why): (String, Option<String>)| {
        let separator = if text.is_empty() || why.is_none() { "" } else { " – " };
        view! {
            <span class="timeline-why">
                {text} {separator} {why.map(|why| view! { <Message text=why /> })}
            </span>
        }
    };
    let line = move |Line { name, tone, details, event }: Line| {
        let at = event.at;
        view! {
            <li class="timeline-step" data-tone=tone.name()>
                <span class="timeline-name">{name}</span>
                <span class="timeline-at">
                    <Time at /> " by " {move || log.actor(&event)}
                </span>
                {details.into_iter().map(detail).collect_view()}
            </li>
        }
    };
    let lines = Memo::new(move |_| log.events.with(|events| labels::run_log::lines(events)));
    view! {
        <Card title="Log">
            <QueryResult
                stage=Signal::derive(move || log.found.stage())
                is_empty=Memo::new(move |_| lines.with(Vec::is_empty))
                skeleton_rows=4
                on_retry=move |()| log.found.reload()
                nothing=|| view! { <Empty icon="activity" title="No events in the last 30 days" /> }
            >
                <ol class="timeline timeline-long" tabindex="0" aria-label="Events of the run">
                    {move || lines.get().into_iter().map(line).collect_view()}
                </ol>
            </QueryResult>
        </Card>
    }
}
