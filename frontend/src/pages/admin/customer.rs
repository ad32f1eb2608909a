//! The page of a customer: its throughput, its agents and users, its usage per month, its enrolment codes and its webhook
//! secret.

use leptos::prelude::*;

use super::{customer_agents::CustomerAgents, customer_users::CustomerUsers, enrolment_codes_card::Codes};
use crate::{
    api::{customers, my_customer_name},
    base_path::href,
    pages::{
        id_in_address,
        throughput_card::{Throughput, ThroughputScope},
        usage_card::Usage,
        webhook_secret::WebhookSecret,
    },
    pending_first_queries::FirstQueries,
    reactive_query::Fetch,
    session::{Permission, Session},
    ui::{Failure, Missing, PageHead, WhenLoaded},
};

/// One customer: its throughput, its agents and users, its usage per month, its enrolment codes and its webhook secret. A
/// user sees only the user's own customer.
#[component]
pub(crate) fn CustomerPage() -> impl IntoView {
    let id = id_in_address();
    // A change of the id creates the page again.
    move || view! { <OneCustomer id=id.get() /> }
}

#[component]
fn OneCustomer(id: String) -> impl IntoView {
    let sees_others = expect_context::<Session>().may(Permission::ListCustomers);
    let asked = id.clone();
    let name = Fetch::new(move || {
        if sees_others {
            customers::name(&asked)
        } else {
            my_customer_name::customer_name().map(Option::unwrap_or_default)
        }
    });
    let title = move || name.read(Clone::clone).filter(|_| sees_others).unwrap_or_else(|| "Enrolment codes".to_owned());
    let about = move || {
        if sees_others {
            "Transfers, agents, users, usage and enrolment codes of this customer".to_owned()
        } else {
            name.read(Clone::clone).unwrap_or_default()
        }
    };
    let failure = Memo::new(move |_| name.failure());
    move || match failure.get() {
        Some(error) if error.is_not_found() => view! {
            <Missing
                noun="Customer"
                parent=("/customers", "Customers")
                text="This customer does not exist, or you do not have access to it."
            />
        }
        .into_any(),
        Some(error) => view! {
            <PageHead title="Customer" />
            <div class="card">
                <Failure error on_retry=move |()| name.reload() />
            </div>
        }
        .into_any(),
        None if sees_others => {
            let (owner, own, queries) = (id.clone(), id.clone(), FirstQueries::provide());
            view! {
                <PageHead title=Signal::derive(title) parent=("/customers", "Customers") about>
                    <a class="button" href=href(format!("/agents/new?customer={owner}"))>
                        "Add an agent"
                    </a>
                    <WebhookSecret customer=owner.clone() />
                </PageHead>
                <WhenLoaded queries rows=12>
                    <Throughput scope=ThroughputScope::Customer(own.clone()) />
                    <div class="columns">
                        <CustomerAgents customer=own.clone() />
                        <CustomerUsers customer=own.clone() />
                    </div>
                    <Usage scope=ThroughputScope::Customer(own.clone()) />
                    <Codes customer_id=own />
                </WhenLoaded>
            }
            .into_any()
        }
        None => view! {
            <PageHead title=Signal::derive(title) about>
                <a class="button" href=href("/agents/new")>
                    "Add an agent"
                </a>
            </PageHead>
            <Codes customer_id=id.clone() />
            <Throughput scope=ThroughputScope::Everything />
            <Usage scope=ThroughputScope::Everything />
        }
        .into_any(),
    }
}
