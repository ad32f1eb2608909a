//! The card with the settings of a job.

use leptos::prelude::*;

use crate::{
    api::jobs::{Job, JobLinks},
    base_path::href,
    labels::{
        self,
        jobs::{CATCH_UPS, OVERLAPS},
    },
    live::Entry,
    reactive_query::Fetch,
    ui::{Card, Copyable, Fact, Time},
};

/// The settings of a job.
#[component]
pub(super) fn Details(row: RwSignal<Entry<Job>>, links: Fetch<JobLinks>) -> impl IntoView {
    let read = move |read: fn(&Job) -> String| move || row.with(|entry| read(&entry.object));
    let (id, created_at) = row.with_untracked(|entry| (entry.object.id.inner().to_owned(), entry.object.created_at));
    let agent = move || {
        let name = row.with(|entry| entry.object.agent_name.clone());
        match links.read(|links| links.agent.as_ref().map(|agent| agent.id.inner().to_owned())).flatten() {
            Some(id) => view! { <a href=href(format!("/agents/{id}"))>{name}</a> }.into_any(),
            None => format!("{name} (revoked)").into_any(),
        }
    };
    let customer = move || {
        links.read(|links| links.customer.clone()).flatten().map(|customer| {
            view! {
                <Fact name="Customer"><a href=href(format!("/customers/{}", customer.id.inner()))>{customer.name}</a></Fact>
            }
        })
    };
    let rules = move || {
        let rules = row.with(|entry| labels::file_copy_rules::of_job(&entry.object));
        rules.into_iter().map(|(name, value)| view! { <Fact name=name>{value}</Fact> }).collect_view()
    };
    view! {
        <Card title="Details">
            <dl class="facts">
                <Fact name="Source">
                    <Copyable what="source" text=Signal::derive(read(|job| job.source.clone())) />
                </Fact>
                <Fact name="Destination">
                    <Copyable what="destination" text=Signal::derive(read(|job| job.destination.clone())) />
                </Fact>
                <Fact name="Protocol">{read(|job| labels::protocol_with_direction(job.protocol, job.direction))}</Fact>
                {rules}
                <Fact name="Agent">{agent}</Fact>
                {customer}
                <Fact name="Overlap">{read(|job| labels::label_of(&OVERLAPS, &job.overlap).to_owned())}</Fact>
                <Fact name="Missed slots">{read(|job| labels::label_of(&CATCH_UPS, &job.catch_up).to_owned())}</Fact>
                <Fact name="Retries">{read(|job| labels::jobs::retry(job.retry.as_ref()))}</Fact>
                <Fact name="Created">
                    <Time at=created_at />
                </Fact>
                <Fact name="Job id">
                    <Copyable what="job id" text=id />
                </Fact>
            </dl>
        </Card>
    }
}
