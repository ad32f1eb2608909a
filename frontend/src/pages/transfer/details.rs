//! The card with the details of a transfer.

use leptos::prelude::*;

use super::run_of_transfer::OriginFacts;
use crate::{
    api::transfers::{Transfer, TransferLinks},
    base_path::href,
    labels,
    live::Entry,
    reactive_query::Fetch,
    ui::{Badge, Card, Copyable, Fact},
};

/// The details of a transfer.
#[component]
pub(super) fn Details(row: RwSignal<Entry<Transfer>>, links: Fetch<TransferLinks>) -> impl IntoView {
    let read = move |read: fn(&Transfer) -> String| move || row.with(|entry| read(&entry.object));
    let id = row.with_untracked(|entry| entry.object.id.inner().to_owned());
    let agent = move || {
        links.read(|links| {
            let name = links.agent_name.clone();
            match &links.agent {
                Some(agent) => view! { <a href=href(format!("/agents/{}", agent.id.inner()))>{name}</a> }.into_any(),
                None => format!("{name} (revoked)").into_any(),
            }
        })
    };
    let hostname = move || links.read(|links| links.agent_hostname.clone());
    let customer = Memo::new(move |_| {
        links
            .read(|links| {
                links.customer.as_ref().map(|customer| (customer.id.inner().to_owned(), customer.name.clone()))
            })
            .flatten()
    });
    let checksum = Memo::new(move |_| row.with(|entry| entry.object.checksum_sha256.clone()));
    let result = Memo::new(move |_| row.with(|entry| labels::checksum_result(&entry.object)));
    let network = Memo::new(move |_| row.with(|entry| labels::network(&entry.object.network)));
    view! {
        <Card title="Details">
            <dl class="facts">
                <Fact name="Source">
                    <Copyable what="source" text=Signal::derive(read(|transfer| transfer.source.clone())) />
                </Fact>
                <Fact name="Destination">
                    <Copyable what="destination" text=Signal::derive(read(|transfer| transfer.destination.clone())) />
                </Fact>
                <Fact name="Agent">{agent}</Fact>
                <Fact name="Host name">{hostname}</Fact>
                {move || {
                    customer
                        .get()
                        .map(|(id, name)| {
                            view! { <Fact name="Customer"><a href=href(format!("/customers/{id}"))>{name}</a></Fact> }
                        })
                }}
                <OriginFacts />
                <Fact name="Protocol">{read(labels::transfer_protocol)}</Fact>
                <Fact name="Size">{read(labels::size)}</Fact>
                <Fact name="Attempt">{read(|transfer| transfer.attempt.to_string())}</Fact>
                {move || network.get().map(|network| view! { <Fact name="Network">{network}</Fact> })}
                {move || {
                    result
                        .get()
                        .map(|state| {
                            view! {
                                <Fact name="Checksum">
                                    <Badge state=Signal::stored(state) />
                                </Fact>
                            }
                        })
                }}
                {move || {
                    checksum
                        .get()
                        .map(|checksum| {
                            view! {
                                <Fact name="SHA-256">
                                    <Copyable what="checksum" text=checksum />
                                </Fact>
                            }
                        })
                }}
                <Fact name="Transfer id">
                    <Copyable what="transfer id" text=id />
                </Fact>
            </dl>
        </Card>
    }
}
