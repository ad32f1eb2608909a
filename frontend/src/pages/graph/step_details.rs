//! The details of a step, below the graph.

use leptos::prelude::*;

use crate::{
    api::pipeline_plan::PlannedStep,
    base_path::href,
    format,
    labels::pipelines::{executor, step_details},
    ui::Fact,
};

/// The details of a step.
#[component]
pub(crate) fn StepDetails(step: PlannedStep) -> impl IntoView {
    let who = match &step.agent {
        Some(agent) if !agent.id.is_empty() => {
            view! { <a href=href(format!("/agents/{}", agent.id))>{agent.name.clone()}</a> }.into_any()
        }
        _ => executor(&step).into_any(),
    };
    let part = |(name, value): (&'static str, String)| {
        view! {
            <Fact name>
                <code class="path">{value}</code>
            </Fact>
        }
    };
    let parts = step_details(&step).into_iter().map(part).collect_view();
    let kind = format!("({})", step.action.kind());
    let attempts = step.retry.as_ref().map_or(1, |retry| retry.max_attempts);
    view! {
        <dl class="facts">
            <Fact name="Step">
                <code class="path">{step.id.clone()}</code>
                {kind}
            </Fact>
            <Fact name="Executed by">{who}</Fact>
            {parts}
            {(attempts > 1)
                .then(|| view! { <Fact name="Attempts">{format!("up to {}", format::count(attempts.into()))}</Fact> })}
            {step.timeout.clone().map(|timeout| view! { <Fact name="Timeout">{timeout}</Fact> })}
        </dl>
    }
}
