//! Tests of `GET /api/agents/{id}`.

use serde_json::{Value, json};

use crate::support::{TestApp, app::START};

#[tokio::test]
async fn an_agent_is_shown_with_its_transfers_and_jobs() {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let agent = app.agent(customer.id, "server1").await;
    let transfer = app.transfer(&agent).await;
    let answer = app.bearer(&customer.token).get(&format!("/api/agents/{}", agent.id)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.body,
        json!({ "success": true, "data": { "agent": {
        "id": agent.id, "name": null, "hostname": "server1", "os": "linux", "version": null, "status": "online",
        "statusReason": null, "lastHeartbeat": START, "ipAddress": null, "createdAt": START, "customerId": customer.id, "load": null,
        "memory": null, "revision": 1, "transfers": [transfer], "jobs": [],
    } } })
    );
}

#[tokio::test]
async fn it_holds_the_newest_twenty_transfers_of_this_agent_only() {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let (agent, other) = (app.agent(customer.id, "server1").await, app.agent(customer.id, "server2").await);
    let mut made = Vec::new();
    for _ in 0..22 {
        made.push(app.transfer(&agent).await["id"].clone());
        app.transfer(&other).await;
    }
    let answer = app.admin().await.get(&format!("/api/agents/{}", agent.id)).await;
    let shown = answer.body["data"]["agent"]["transfers"].as_array().expect("transfers");
    let shown: Vec<Value> = shown.iter().map(|transfer| transfer["id"].clone()).collect();
    made.reverse();
    assert_eq!(shown, made[..20]);
}
