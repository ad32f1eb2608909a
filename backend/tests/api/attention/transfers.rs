//! Attention for transfers.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{HOUR, MINUTE, SECOND, item_lines, items, items_of, with_agent};
use crate::support::{TestApp, admin, app::TestAgent, customer_of};

/// Creates a transfer between these locations, and reports about it.
async fn transfer(app: &TestApp, agent: &TestAgent, protocol: &str, source: &str, report: &Value) -> Value {
    let body = json!({ "source": source, "destination": "/in/a.csv", "direction": "pull", "protocol": protocol });
    let client = app.key(&agent.key);
    let created = client.post("/api/transfers", &body).await.body["data"]["transfer"].clone();
    let path = format!("/api/transfers/{}", created["id"].as_str().expect("an id"));
    let answer = client.patch(&path, report).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["data"]["transfer"].clone()
}

#[tokio::test]
async fn failures_are_grouped_by_cause_and_host() {
    let (app, customer, agent) = with_agent().await;
    let coded = json!({ "status": "failed", "error": "552 /in/1.csv", "errorCode": "quotaExceeded" });
    let first = transfer(&app, &agent, "sftp", "sftp://u@SFTP.partner.example:22/out/1.csv", &coded).await;
    app.advance(MINUTE);
    let second = transfer(&app, &agent, "sftp", "sftp://sftp.partner.example/out/2.csv", &coded).await;
    for file in ["3", "4", "5"] {
        let report = json!({ "status": "failed", "error": format!("cannot read /out/{file}.csv: gone") });
        transfer(&app, &agent, "local", &format!("/out/{file}.csv"), &report).await;
    }
    let found = items(&app).await;
    assert_eq!(
        item_lines(&found),
        [
            "transferFailed warning 3: 3 transfers on `edge-1` failed: cannot read …: gone",
            "transferFailed warning 2: 2 transfers with `sftp.partner.example` failed: quota exceeded",
        ]
    );
    let partner = &found[1];
    let ids = json!([second["id"], first["id"]]);
    assert_eq!(partner["action"], json!({ "type": "retryTransfers", "ids": ids }));
    let object = |id: &Value, name: &str| json!({ "type": "transfer", "id": id, "name": name });
    assert_eq!(partner["objects"], json!([object(&second["id"], "2.csv"), object(&first["id"], "1.csv")]));
    assert_eq!(
        json!([partner["cause"], partner["since"], partner["customerId"], partner["countIsAtLeast"]]),
        json!(["quota exceeded", "2026-04-25T13:00:00Z", customer.id, false])
    );
    let retried = app.bearer(&customer.token).post("/api/transfers/retry", &json!({ "ids": ids })).await;
    assert_eq!(retried.status, 200, "{}", retried.body);
    assert_eq!(items(&app).await.len(), 1, "what is retried has not failed");
}

#[tokio::test]
async fn a_failure_counts_for_a_day_and_ten_of_a_group_are_critical() {
    let (app, _, agent) = with_agent().await;
    for _ in 0..9 {
        app.failed_transfer(&agent).await;
    }
    let before = items(&app).await;
    assert_eq!(item_lines(&before), ["transferFailed warning 9: 9 transfers with `ftp.example.com` failed: no space"]);
    app.failed_transfer(&agent).await;
    let after = items(&app).await;
    assert_eq!((&after[0]["severity"], &after[0]["id"]), (&json!("critical"), &before[0]["id"]));
    let day = TimeDelta::days(1);
    assert_eq!(items_of(&app, &admin(), day - SECOND * 3).await[0]["count"], 10);
    assert_eq!(items_of(&app, &admin(), SECOND).await[0]["count"], 1);
    assert!(items_of(&app, &admin(), SECOND).await.is_empty());
}

#[tokio::test]
async fn stalled_transfers_are_shown_until_they_move_and_are_critical_after_an_hour() {
    let (app, _, agent) = with_agent().await;
    let running = json!({ "status": "running" });
    let stalled = transfer(&app, &agent, "sftp", "sftp://sftp.partner.example/out/1.csv", &running).await;
    app.advance(MINUTE + SECOND);
    app.cp().mark_stalled_transfers().await.expect("a sweep");
    let found = items(&app).await;
    assert_eq!(item_lines(&found), ["transferStalled warning 1: 1 transfer with `sftp.partner.example` stalled"]);
    assert_eq!(found[0]["since"], "2026-04-25T13:00:00Z");
    assert_eq!(found[0]["action"], json!({ "type": "cancelTransfers", "ids": [stalled["id"]] }));
    assert_eq!(items_of(&app, &admin(), HOUR).await[0]["severity"], "critical");
    let path = format!("/api/transfers/{}", stalled["id"].as_str().expect("an id"));
    app.key(&agent.key).patch(&path, &json!({ "bytesTransferred": 1 })).await;
    assert!(items(&app).await.is_empty());
}

#[tokio::test]
async fn a_customer_sees_the_items_about_their_own_transfers() {
    let (app, customer, agent) = with_agent().await;
    let other = app.customer("Other").await;
    let foreign = app.agent(other.id, "edge-2").await;
    app.failed_transfer(&agent).await;
    app.failed_transfer(&foreign).await;
    app.failed_transfer(&foreign).await;
    let all = items(&app).await;
    assert_eq!(all.iter().map(|item| item["count"].clone()).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(items_of(&app, &customer_of(&customer), SECOND).await, [all[1].clone()]);
    assert_eq!(items_of(&app, &customer_of(&other), SECOND).await, [all[0].clone()]);
}
