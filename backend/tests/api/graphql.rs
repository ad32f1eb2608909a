//! GraphQL over HTTP, with one file per concern.

mod access;
mod errors;
mod events;
mod fairness;
mod fleet;
pub(crate) mod hostile_requests;
mod http_requests;
mod idempotency;
mod jobs;
mod limits;
mod media;
mod mutations;
mod nonconforming_clients;
mod pages;
mod pipelines;
mod refusals;
mod repeated_documents;
mod response_budget;
mod same_answers_as_rest;
mod statement_count;
pub(crate) mod two_customers_and_callers;
mod viewer;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::{
    Client, TestApp,
    app::{START, TestAgent, TestCustomer},
};

/// A server with a customer's agent, and a client of that customer.
async fn with_agent() -> (TestApp, TestCustomer, TestAgent, Client) {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let agent = app.agent(customer.id, "server1").await;
    let user = app.bearer(&customer.token);
    (app, customer, agent, user)
}

/// A new transfer of this agent after this report, as REST returns it.
async fn transfer_after(app: &TestApp, agent: &TestAgent, report: &Value) -> Value {
    let transfer = app.transfer(agent).await;
    let path = format!("/api/transfers/{}", transfer["id"].as_str().expect("an id"));
    let answer = app.key(&agent.key).patch(&path, report).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["data"]["transfer"].clone()
}

/// A new token of this user.
async fn token_of(app: &TestApp, email: &str, life: TimeDelta) -> String {
    let signed_in = app.cp().issue_token(&backend::actor::Actor::System, email, life).await;
    signed_in.expect("a token").token
}

/// An access token of this user two hours before the last representable time. Adding a day to the current time then
/// panics.
pub(crate) async fn at_the_end_of_time(app: &TestApp, email: &str) -> String {
    let now: DateTime<Utc> = START.parse().expect("an instant");
    app.advance(DateTime::<Utc>::MAX_UTC - now - TimeDelta::days(8));
    let token = token_of(app, email, TimeDelta::days(8) - TimeDelta::hours(1)).await;
    app.advance(TimeDelta::days(8) - TimeDelta::hours(2));
    token
}

/// The variables with this id.
fn of(id: &impl ToString) -> Value {
    json!({ "id": id.to_string() })
}
