//! Tests of `GET /api/transfers/{id}`.

use chrono::TimeDelta;
use serde_json::json;

use super::{path, with_agent};

#[tokio::test]
async fn a_transfer_is_shown_as_its_agent_last_reported_it() {
    let (app, customer, agent, client) = with_agent().await;
    let transfer = app.transfer(&agent).await;
    app.advance(TimeDelta::seconds(5));
    let report = json!({
        "status": "running", "bytesTransferred": 250, "speed": 125, "throughputMbps": 0.001, "latencyMs": 12.5,
        "packetLossPercent": 0,
    });
    let reported = client.patch(&path(&transfer), &report).await;
    assert_eq!(reported.status, 200, "{}", reported.body);
    assert_eq!(reported.body["data"]["directives"], json!([]));
    let mut expected = transfer.clone();
    for (field, value) in [
        ("status", json!("running")),
        ("progress", json!(25.0)),
        ("bytesTransferred", json!(250)),
        ("speed", json!(125.0)),
        ("startedAt", json!("2026-04-25T13:00:05Z")),
        ("etaSeconds", json!(6)),
        ("lastProgressAt", json!("2026-04-25T13:00:05Z")),
        ("revision", json!(2)),
        ("network", json!({ "throughputMbps": 0.001, "latencyMs": 12.5, "packetLossPercent": 0.0 })),
    ] {
        expected[field] = value;
    }
    for client in [app.bearer(&customer.token), app.admin().await] {
        let shown = client.get(&path(&transfer)).await;
        assert_eq!((shown.status, &shown.body), (200, &json!({ "success": true, "data": { "transfer": expected } })));
    }
    assert_eq!(reported.body["data"]["transfer"], expected);
}

#[tokio::test]
async fn inside_a_transfer_an_agent_is_called_by_its_name_where_it_has_one() {
    let (app, customer, _, _) = with_agent().await;
    let body = json!({ "name": "The big one", "hostname": "server2", "os": "linux" });
    let registered = app.bearer(&customer.token).post("/api/agents/register", &body).await;
    let key = registered.body["data"]["apiKey"].as_str().expect("a key").to_owned();
    let id = serde_json::from_value(registered.body["data"]["agent"]["id"].clone()).expect("an id");
    let transfer = app.transfer(&crate::support::app::TestAgent { id, key }).await;
    assert_eq!(transfer["agent"], json!({ "id": id, "name": "The big one", "hostname": "server2" }));
}
