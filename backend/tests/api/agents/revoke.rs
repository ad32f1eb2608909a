//! Tests of `DELETE /api/agents/{id}`.

use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn a_revoked_agent_is_gone_with_its_keys_and_its_transfers_stay() {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let agent = app.agent(customer.id, "server1").await;
    let transfer = app.transfer(&agent).await;
    let id = transfer["id"].as_str().expect("an id");
    let (user, key) = (app.bearer(&customer.token), app.key(&agent.key));
    let second = key.post(&format!("/api/agents/{}/key", agent.id), &json!({})).await;
    let second = app.key(second.body["data"]["apiKey"].as_str().expect("a key"));

    let answer = user.delete(&format!("/api/agents/{}", agent.id)).await;
    assert_eq!((answer.status, &answer.body), (200, &json!({ "success": true, "data": { "deleted": true } })));

    for key in [&key, &second] {
        assert_eq!(key.post("/api/agents/heartbeat", &json!({})).await.status, 401);
        assert_eq!(key.patch(&format!("/api/transfers/{id}"), &json!({ "progress": 1 })).await.status, 401);
    }
    for client in [&user, &app.admin().await] {
        assert_eq!(client.get(&format!("/api/agents/{}", agent.id)).await.status, 404);
        assert_eq!(client.get(&format!("/api/agents/{}/transfers", agent.id)).await.status, 404);
        assert_eq!(client.post(&format!("/api/agents/{}/key", agent.id), &json!({})).await.status, 404);
        assert_eq!(client.delete(&format!("/api/agents/{}", agent.id)).await.status, 404);
        assert_eq!(client.get("/api/agents").await.body["data"]["pagination"]["total"], 0);
        assert_eq!(client.get(&format!("/api/transfers/{id}")).await.body["data"]["transfer"], transfer);
        let listed = client.get(&format!("/api/transfers?agentId={}", agent.id)).await;
        assert_eq!(listed.body["data"]["transfers"], json!([transfer]));
    }
}
