//! The GraphQL socket end to end: a real listener and a real client, without sleeps.

mod access;
mod attention;
mod closing;
mod event_log;
mod hostile_messages;
mod jobs;
mod messages;
mod pipelines;
mod several_servers;
mod shared;
mod states;

use serde_json::{Value, json};

use crate::support::{
    TestApp,
    app::{TestAgent, TestCustomer},
};

/// The subscription to transfers in these tests.
const TRANSFERS: &str = "subscription ($initial: Boolean) { transferUpdated(initial: $initial) \
                         { resync transfer { id status bytesTransferred revision } } }";
/// The subscription to agents in these tests.
const AGENTS: &str =
    "subscription ($initial: Boolean) { agentUpdated(initial: $initial) { resync agent { id status load } } }";

/// A customer's agent with a queued transfer.
struct Story {
    app: TestApp,
    customer: TestCustomer,
    agent: TestAgent,
    transfer: String,
}

impl Story {
    async fn begin() -> Self {
        Self::on(TestApp::start().await).await
    }

    async fn on(app: TestApp) -> Self {
        let customer = app.customer("acme").await;
        let agent = app.agent(customer.id, "edge-1").await;
        let transfer = app.transfer(&agent).await["id"].as_str().unwrap_or_default().to_owned();
        Self { app, customer, agent, transfer }
    }

    /// Reports about the transfer as the agent, to the server of the story.
    async fn report(&self, body: &Value) -> Value {
        self.report_to(&self.app, body).await
    }

    /// Reports about the transfer as the agent, to this server.
    async fn report_to(&self, app: &TestApp, body: &Value) -> Value {
        let answer = app.key(&self.agent.key).patch(&format!("/api/transfers/{}", self.transfer), body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["data"]["transfer"].clone()
    }
}

/// The message with this state of a transfer.
fn transfer_message(transfer: &Value) -> Value {
    let status = transfer["status"].as_str().unwrap_or_default().to_uppercase();
    json!({ "transferUpdated": { "resync": false, "transfer": {
        "id": transfer["id"], "status": status, "bytesTransferred": transfer["bytesTransferred"],
        "revision": transfer["revision"],
    } } })
}
