//! What a definition means: its steps as a graph, who does them, and when it runs.

use leptos::prelude::*;

use super::graph::{Graph, StepFacts};
use crate::{
    api::definitions::{Plan, PlannedStep, Times},
    browser, format,
    ui::Card,
    words::pipelines::{schedule, worker},
};

/// The steps, and what the one that is chosen does.
#[component]
pub(super) fn Steps(
    plan: Memo<Plan>,
    /// What stands beside the heading.
    #[prop(optional, into)]
    aside: ViewFn,
    /// Somebody wants to see a step in the text.
    #[prop(optional, into)]
    on_open: Option<Callback<String>>,
) -> impl IntoView {
    let steps = Memo::new(move |_| plan.with(|plan| plan.steps.clone()));
    let chosen = RwSignal::new(None::<String>);
    let said = move || {
        let chosen = chosen.get();
        steps.with(|steps| steps.iter().find(|step| Some(&step.id) == chosen.as_ref()).cloned()).map(|step| {
            view! { <StepFacts step /> }
        })
    };
    let is_empty = Memo::new(move |_| steps.with(Vec::is_empty));
    let graph = move || {
        if is_empty.get() {
            return view! { <p class="form-text card-text">"The steps are drawn here as soon as the text has no errors."</p> }
                .into_any();
        }
        match on_open {
            Some(on_open) => view! { <Graph steps chosen on_open /> }.into_any(),
            None => view! { <Graph steps chosen /> }.into_any(),
        }
    };
    view! {
        <Card title="Steps" aside=aside>
            {graph}
            {said}
            <Workers steps />
        </Card>
    }
}

/// Which agents do which steps.
#[component]
fn Workers(steps: Memo<Vec<PlannedStep>>) -> impl IntoView {
    let line = |(name, address, ids): (String, Option<String>, String)| {
        let name = match address {
            Some(address) => view! { <a href=address>{name}</a> }.into_any(),
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
        <ul class="workers" aria-label="Who does what">
            {move || steps.with(|steps| workers(steps)).into_iter().map(line).collect_view()}
        </ul>
    }
}

/// Each that does something: the name, the page of an agent, and the ids of the steps.
fn workers(steps: &[PlannedStep]) -> Vec<(String, Option<String>, String)> {
    let mut found: Vec<(String, Option<String>, String)> = Vec::new();
    for step in steps {
        let name = worker(step);
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

/// When it runs by itself, and its next times.
#[component]
pub(super) fn Schedule(plan: Memo<Plan>) -> impl IntoView {
    let times = Memo::new(move |_| plan.with(|plan| plan.schedule.clone()));
    let row = |at: &crate::time::Instant| view! { <tr><td>{format::minute(*at, browser::utc_offset(*at))}</td></tr> };
    let table = move |times: Times| {
        view! {
            <p class="form-text">
                <code>{times.text}</code>
                " "
                {times.timezone}
            </p>
            <table class="times">
                <caption class="visually-hidden">"The next times"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Next times, on your clock"</th>
                    </tr>
                </thead>
                <tbody>{times.next.iter().map(row).collect_view()}</tbody>
            </table>
        }
    };
    view! {
        <Card title="Schedule">
            <div class="schedule">
                <p class="reading-words">{move || times.with(|times| schedule(times.as_ref()))}</p>
                {move || times.get().map(table)}
            </div>
        </Card>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::definitions::PlannedAgent;

    #[test]
    fn each_agent_is_named_once_with_its_steps() {
        let step = |id: &str, agent: Option<&str>| PlannedStep {
            id: id.to_owned(),
            kind: "delete".to_owned(),
            agent: agent.map(|id| PlannedAgent { id: id.to_owned(), name: format!("agent {id}") }),
            ..PlannedStep::default()
        };
        let found = workers(&[step("a", Some("1")), step("b", None), step("c", Some("1"))]);
        let page = Some("/agents/1".to_owned());
        assert_eq!(
            found,
            [("agent 1".to_owned(), page, "a, c".to_owned()), ("No agent yet".to_owned(), None, "b".to_owned())]
        );
    }
}
