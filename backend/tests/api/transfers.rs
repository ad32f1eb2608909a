//! Transfers, with one file per operation.

mod batch;
mod bulk;
mod create;
mod export;
mod get;
mod list;
mod pages;
mod samples;
mod sort;
mod text_search;
mod update;

pub(crate) use list::insert_many;
use serde_json::Value;

use crate::support::{
    Client, TestApp,
    app::{TestAgent, TestCustomer},
};

/// A server with a customer's agent, and the client of that agent.
async fn with_agent() -> (TestApp, TestCustomer, TestAgent, Client) {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let agent = app.agent(customer.id, "server1").await;
    let client = app.key(&agent.key);
    (app, customer, agent, client)
}

/// The path of a transfer.
fn path(transfer: &Value) -> String {
    format!("/api/transfers/{}", transfer["id"].as_str().expect("an id"))
}
