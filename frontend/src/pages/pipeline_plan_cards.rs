//! The cards of a plan: its steps as a graph with their agents, and its schedule.

use leptos::prelude::*;

use super::graph::{Graph, StepDetails};
use crate::{
    api::{
        definition_dry_run_and_schema::Verdict,
        pipeline_plan::{Plan, PlannedSchedule, PlannedStep},
    },
    base_path::href,
    format,
    labels::pipelines::{executor, schedule},
    reactive_query::{Fetch, Stage},
    time::Instant,
    ui::{Card, Failure, SkeletonRows, SkeletonText},
    zone,
};

/// The text of a card without a plan, because the definition has errors.
const UNKNOWN: &str = "Shown when the definition has no errors.";

/// The graph of the steps, and the details of the chosen step.
#[component]
pub(super) fn Steps(
    /// The plan; `None` while it is not known.
    plan: Memo<Option<Plan>>,
    /// The dry run that the plan comes from.
    verdict: Fetch<Verdict>,
    /// The content beside the heading.
    #[prop(optional, into)]
    aside: ViewFn,
    /// Called when the user opens a step.
    #[prop(optional, into)]
    on_open: Option<Callback<String>>,
) -> impl IntoView {
    let steps = Memo::new(move |_| plan.with(|plan| plan.as_ref().map(|plan| plan.steps.clone())).unwrap_or_default());
    let chosen = RwSignal::new(None::<String>);
    let details = move || {
        let chosen = chosen.get();
        steps.with(|steps| steps.iter().find(|step| Some(&step.id) == chosen.as_ref()).cloned()).map(|step| {
            view! { <StepDetails step /> }
        })
    };
    let is_empty = Memo::new(move |_| steps.with(Vec::is_empty));
    let graph = move || {
        if is_empty.get() {
            return match verdict.stage() {
                Stage::Pending => view! { <SkeletonRows rows=3 /> }.into_any(),
                Stage::Failed(error) => view! { <Failure error on_retry=move |()| verdict.reload() /> }.into_any(),
                Stage::Ready => view! { <p class="form-text card-text">{UNKNOWN}</p> }.into_any(),
            };
        }
        match on_open {
            Some(on_open) => view! { <Graph steps current=chosen shown=chosen on_open /> }.into_any(),
            None => view! { <Graph steps current=chosen shown=chosen /> }.into_any(),
        }
    };
    view! {
        <Card title="Steps" aside=aside>
            {graph}
            {details}
            <Executors steps />
        </Card>
    }
}

/// The agents with their steps.
#[component]
fn Executors(steps: Memo<Vec<PlannedStep>>) -> impl IntoView {
    let line = |(name, address, ids): (String, Option<String>, String)| {
        let name = match address {
            Some(address) => view! { <a href=href(address)>{name}</a> }.into_any(),
            None => view! { <span>{name}</span> }.into_any(),
        };
        view! {
            <li>
                {name}
                <span class="cell-quiet">{ids}</span>
            </li>
        }
    };
    view! {
        <ul class="workers" aria-label="Steps by agent">
            {move || steps.with(|steps| executors(steps)).into_iter().map(line).collect_view()}
        </ul>
    }
}

/// The executors of steps: name, address of the agent's page, and the ids of the steps.
fn executors(steps: &[PlannedStep]) -> Vec<(String, Option<String>, String)> {
    let mut found: Vec<(String, Option<String>, String)> = Vec::new();
    for step in steps {
        let name = executor(step);
        let address = step.agent.as_ref().map(|agent| format!("/agents/{}", agent.id));
        match found.iter_mut().find(|(known, page, _)| *known == name && *page == address) {
            Some((.., ids)) => {
                ids.push_str(", ");
                ids.push_str(&step.id);
            }
            None => found.push((name, address, step.id.clone())),
        }
    }
    found
}

/// The schedule and its next times.
#[component]
pub(super) fn Schedule(plan: Memo<Option<Plan>>, verdict: Fetch<Verdict>) -> impl IntoView {
    let times = Memo::new(move |_| plan.with(|plan| plan.as_ref().and_then(|plan| plan.schedule.clone())));
    let row = |at: &Instant| {
        let at = *at;
        view! { <tr><td>{move || format::minute(at, zone::offset(at))}</td></tr> }
    };
    let table = move |times: PlannedSchedule| {
        view! {
            <p class="form-text">
                <code>{times.text}</code>
                " "
                {times.timezone}
            </p>
            <table class="times">
                <caption class="visually-hidden">"Next runs"</caption>
                <thead>
                    <tr>
                        <th scope="col">{move || if zone::is_utc() { "Next runs, in UTC" } else { "Next runs, in your time zone" }}</th>
                    </tr>
                </thead>
                <tbody>{times.next.iter().map(row).collect_view()}</tbody>
            </table>
        }
    };
    let is_known = Memo::new(move |_| plan.with(Option::is_some));
    let words = move || match (is_known.get(), verdict.stage()) {
        (true, _) => {
            view! { <p class="reading-words">{move || times.with(|times| schedule(times.as_ref()))}</p> }.into_any()
        }
        (false, Stage::Pending) => view! { <SkeletonText /> }.into_any(),
        (false, _) => view! { <p class="form-text">{UNKNOWN}</p> }.into_any(),
    };
    view! {
        <Card title="Schedule">
            <div class="schedule">
                {words}
                {move || times.get().map(table)}
            </div>
        </Card>
    }
}

#[cfg(test)]
mod tests {
    use mftplus_protocol::step::StepAction;

    use super::*;
    use crate::api::pipeline_plan::{Action, PlannedAgent};

    #[test]
    fn each_agent_is_named_once_with_its_steps() {
        let step = |id: &str, agent: Option<&str>| PlannedStep {
            id: id.to_owned(),
            action: Action::Known(StepAction::Delete { path: "/a".to_owned() }),
            agent: agent.map(|id| PlannedAgent { id: id.to_owned(), name: format!("agent {id}") }),
            ..PlannedStep::default()
        };
        let found = executors(&[step("a", Some("1")), step("b", None), step("c", Some("1"))]);
        let page = Some("/agents/1".to_owned());
        assert_eq!(
            found,
            [("agent 1".to_owned(), page, "a, c".to_owned()), ("No agent found".to_owned(), None, "b".to_owned())]
        );
    }
}
