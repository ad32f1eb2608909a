//! Tests of `GET /api/agents/{id}/transfers`.

use serde_json::{Value, json};

use crate::support::TestApp;

#[tokio::test]
async fn an_agents_transfers_are_listed_newest_first_and_by_status() {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let (agent, other) = (app.agent(customer.id, "server1").await, app.agent(customer.id, "server2").await);
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(app.transfer(&agent).await);
        app.transfer(&other).await;
    }
    made.reverse();
    let client = app.bearer(&customer.token);
    let path = format!("/api/agents/{}/transfers", agent.id);
    let all = client.get(&path).await;
    assert_eq!(
        all.body,
        json!({ "success": true, "data": {
        "transfers": made, "pagination": { "page": 1, "limit": 20, "total": 5, "pages": 1 },
    } })
    );
    let last = client.get(&format!("{path}?page=3&limit=2")).await;
    assert_eq!(last.body["data"]["transfers"], json!([made[4]]));

    let first = made[4]["id"].as_str().expect("an id");
    let running = app.key(&agent.key).patch(&format!("/api/transfers/{first}"), &json!({ "status": "running" })).await;
    let filtered = client.get(&format!("{path}?status=running")).await;
    assert_eq!(filtered.body["data"]["transfers"], json!([running.body["data"]["transfer"]]));
    assert_eq!(filtered.body["data"]["pagination"]["total"], 1);
    let queued = client.get(&format!("{path}?status=queued&limit=1")).await;
    assert_eq!(queued.body["data"]["pagination"], json!({ "page": 1, "limit": 1, "total": 4, "pages": 4 }));
}

#[tokio::test]
async fn a_status_that_is_none_is_400_and_an_agent_that_is_none_404() {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let agent = app.agent(customer.id, "server1").await;
    let client = app.bearer(&customer.token);
    let refused = client.get(&format!("/api/agents/{}/transfers?status=asleep&limit=0", agent.id)).await;
    assert_eq!((refused.status, refused.wrong_fields()), (400, vec!["limit", "status"]));
    let missing = client.get("/api/agents/0199c1f0-6c00-7000-8000-000000000001/transfers").await;
    assert_eq!((missing.status, &missing.body["details"]), (404, &Value::Null));
}
