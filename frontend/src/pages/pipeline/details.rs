//! The card with the details of a pipeline.

use leptos::prelude::*;

use crate::{
    api::{pipeline_plan::Plan, pipelines::Pipeline},
    base_path::href,
    ui::{Card, Copyable, Fact, Time},
};

/// The details of a pipeline.
#[component]
pub(super) fn Details(pipeline: Memo<Pipeline>, plan: Memo<Option<Plan>>) -> impl IntoView {
    let read = move |read: fn(&Pipeline) -> String| move || pipeline.with(read);
    let (id, identifier) =
        pipeline.with_untracked(|pipeline| (pipeline.id.inner().to_owned(), pipeline.identifier.clone()));
    let customer = move || {
        pipeline.with(|pipeline| pipeline.customer.clone()).map_or_else(
            || "The platform".into_any(),
            |customer| {
                view! { <a href=href(format!("/customers/{}", customer.id.inner()))>{customer.name}</a> }.into_any()
            },
        )
    };
    let parameters = move || {
        let known = plan.with(|plan| plan.as_ref().map(|plan| plan.parameters.clone())).unwrap_or_default();
        (!known.is_empty()).then(|| {
            let line =
                |(name, value): (String, String)| view! { <code class="path">{format!("{name} = {value}")}</code> };
            view! { <Fact name="Parameters">{known.into_iter().map(line).collect_view()}</Fact> }
        })
    };
    let timeout = move || {
        plan.with(|plan| plan.as_ref().and_then(|plan| plan.timeout.clone()))
            .map(|timeout| view! { <Fact name="Timeout">{timeout}</Fact> })
    };
    let description = move || {
        let description = pipeline.with(|pipeline| pipeline.description.clone());
        description.map(|description| view! { <Fact name="Description">{description}</Fact> })
    };
    view! {
        <Card title="Details">
            <dl class="facts">
                <Fact name="Identifier">
                    <Copyable what="identifier" text=identifier />
                </Fact>
                {description}
                <Fact name="Customer">{customer}</Fact>
                <Fact name="Version">{read(|pipeline| pipeline.version.to_string())}</Fact>
                {parameters}
                {timeout}
                <Fact name="Created">
                    <Time at=Signal::derive(move || pipeline.with(|pipeline| pipeline.created_at)) />
                </Fact>
                <Fact name="Updated">
                    <Time at=Signal::derive(move || pipeline.with(|pipeline| pipeline.updated_at)) />
                </Fact>
                <Fact name="Pipeline id">
                    <Copyable what="pipeline id" text=id />
                </Fact>
            </dl>
        </Card>
    }
}
