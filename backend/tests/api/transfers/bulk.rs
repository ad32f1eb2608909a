//! Tests of `POST /api/transfers/retry` and `POST /api/transfers/cancel`.

use backend::events::Signal;
use rstest::rstest;
use serde_json::{Value, json};

use super::{insert_many, path, with_agent};
use crate::support::{Client, TestApp, app::TestAgent};

const UNKNOWN_TRANSFER: &str = "0199c1f0-6c00-7000-8000-000000000001";

/// A transfer after this report.
async fn reported(app: &TestApp, agent: &TestAgent, report: &Value) -> Value {
    let transfer = app.transfer(agent).await;
    let answer = app.key(&agent.key).patch(&path(&transfer), report).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    transfer["id"].clone()
}

async fn changed(client: &Client, operation: &str, selection: Value) -> Value {
    let answer = client.post(&format!("/api/transfers/{operation}"), &selection).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["data"]["results"].clone()
}

async fn status(client: &Client, id: &Value) -> Value {
    let answer = client.get(&format!("/api/transfers/{}", id.as_str().expect("an id"))).await;
    answer.body["data"]["transfer"]["status"].clone()
}

#[tokio::test]
async fn each_transfer_has_its_own_result() {
    let (app, customer, agent, _) = with_agent().await;
    let user = app.bearer(&customer.token);
    let failed = reported(&app, &agent, &json!({ "status": "failed", "error": "gone" })).await;
    let completed = reported(&app, &agent, &json!({ "status": "completed" })).await;
    let results = changed(&user, "retry", json!({ "ids": [completed, failed, UNKNOWN_TRANSFER, failed] })).await;
    assert_eq!(
        results,
        json!([
            {
                "id": completed, "ok": false, "code": "CONFLICT",
                "error": "a transfer that is completed cannot be retried: only a failed one can",
            },
            { "id": failed, "ok": true },
            { "id": UNKNOWN_TRANSFER, "ok": false, "code": "NOT_FOUND", "error": "transfer not found" },
        ])
    );
    assert_eq!((status(&user, &failed).await, status(&user, &completed).await), (json!("queued"), json!("completed")));
    let directives = app.key(&agent.key).get("/api/agents/directives").await;
    let sent: Vec<&Value> = directives.body["data"]["directives"].as_array().expect("directives").iter().collect();
    assert_eq!((sent.len(), &sent[0]["type"]), (1, &json!("retryTransfer")));
}

#[tokio::test]
async fn a_filter_selects_what_its_list_shows() {
    let (app, customer, agent, _) = with_agent().await;
    let user = app.bearer(&customer.token);
    let quota = reported(&app, &agent, &json!({ "status": "failed", "error": "Quota exceeded" })).await;
    let gone = reported(&app, &agent, &json!({ "status": "failed", "error": "gone" })).await;
    let queued = app.transfer(&agent).await["id"].clone();
    let running = reported(&app, &agent, &json!({ "status": "running" })).await;
    let filter = json!({ "filter": { "status": "failed", "q": "quota" } });
    assert_eq!(changed(&user, "retry", filter).await, json!([{ "id": quota, "ok": true }]));
    assert_eq!(status(&user, &gone).await, "failed");
    let filter = json!({ "filter": { "agentId": agent.id, "status": "queued" } });
    let results = changed(&user, "cancel", filter).await;
    assert_eq!(results, json!([{ "id": queued, "ok": true }, { "id": quota, "ok": true }]));
    assert_eq!(changed(&user, "cancel", json!({ "ids": [running] })).await, json!([{ "id": running, "ok": true }]));
    assert_eq!(status(&user, &running).await, "running", "its agent confirms first");
    assert_eq!(status(&user, &queued).await, "cancelled");
}

#[tokio::test]
async fn transfers_of_others_are_not_found_and_not_selected() {
    let (app, customer, agent, _) = with_agent().await;
    let other = app.customer("Other").await;
    let failed = reported(&app, &agent, &json!({ "status": "failed" })).await;
    let (user, other_user) = (app.bearer(&customer.token), app.bearer(&other.token));
    let results = changed(&other_user, "retry", json!({ "ids": [failed] })).await;
    assert_eq!(results[0]["code"], "NOT_FOUND");
    assert_eq!(changed(&other_user, "retry", json!({ "filter": { "status": "failed" } })).await, json!([]));
    assert_eq!(changed(&other_user, "cancel", json!({ "filter": { "customerId": customer.id } })).await, json!([]));
    assert_eq!(status(&user, &failed).await, "failed");
}

#[rstest]
#[case(json!({}), "ids", "is required unless there is a `filter`")]
#[case(json!({ "ids": [] }), "ids", "must be an array of 1 to 500 ids")]
#[case(json!({ "ids": vec![UNKNOWN_TRANSFER; 501] }), "ids", "must be an array of 1 to 500 ids")]
#[case(json!({ "ids": ["one"] }), "ids", "must be an array of UUIDs")]
#[case(json!({ "ids": UNKNOWN_TRANSFER }), "ids", "must be an array of ids")]
#[case(json!({ "ids": [UNKNOWN_TRANSFER], "filter": {} }), "filter", "cannot be given together with `ids`")]
#[case(json!({ "filter": "failed" }), "filter", "must be an object")]
#[case(json!({ "filter": { "q": "ab" } }), "filter", "q: must be 3 to 255 characters long")]
#[case(json!({ "filter": {} }), "filter", "give at least one field")]
#[case(json!({ "filter": { "status": null, "search": " " } }), "filter", "give at least one field")]
#[case(json!({ "filter": { "stauts": "failed" } }), "filter", "stauts: is not a filter of transfers")]
#[case(json!({ "filter": { "status": "failed", "limit": 1 } }), "filter", "limit: is not a filter of transfers")]
#[tokio::test]
async fn a_selection_is_either_ids_or_a_filter(#[case] selection: Value, #[case] field: &str, #[case] problem: &str) {
    let (app, customer, agent, _) = with_agent().await;
    let user = app.bearer(&customer.token);
    let queued = app.transfer(&agent).await["id"].clone();
    for operation in ["retry", "cancel"] {
        let answer = user.post(&format!("/api/transfers/{operation}"), &selection).await;
        assert_eq!((answer.status, &answer.body["details"]["fields"]), (400, &json!({ field: [problem] })));
    }
    assert_eq!(status(&user, &queued).await, "queued");
}

#[tokio::test]
async fn a_filter_that_selects_more_than_500_changes_nothing_and_says_how_many() {
    let (app, customer, agent, _) = with_agent().await;
    insert_many(&app, customer.id, &agent, 501).await;
    let user = app.bearer(&customer.token);
    for filter in [json!({ "status": "queued" }), json!({ "protocol": "local" })] {
        let answer = user.post("/api/transfers/cancel", &json!({ "filter": filter })).await;
        let problem = "selects 501 transfers, but one request changes at most 500: add a condition";
        assert_eq!((answer.status, &answer.body["details"]["fields"]), (400, &json!({ "filter": [problem] })));
    }
    let queued = user.get("/api/transfers?status=queued&limit=1").await;
    assert_eq!(queued.body["data"]["pagination"]["total"], 501);
}

#[tokio::test]
async fn a_caller_who_is_suspended_meanwhile_changes_no_further_transfer() {
    const ALL: usize = 500;
    let (app, customer, agent, _) = with_agent().await;
    insert_many(&app, customer.id, &agent, ALL).await;
    let (user, admin) = (app.bearer(&customer.token), app.admin().await);
    let mut bus = app.cp().bus().read();
    let suspend = async {
        // The first transfer is cancelled.
        while !matches!(bus.next().await.expect("a signal"), Signal::Message(message) if !message.events.is_empty()) {}
        admin.patch(&format!("/api/customers/{}", customer.id), &json!({ "suspended": true })).await
    };
    let cancel = changed(&user, "cancel", json!({ "filter": { "status": "queued" } }));
    let (results, suspended) = tokio::join!(cancel, suspend);
    assert_eq!(suspended.status, 200, "{}", suspended.body);
    let results = results.as_array().expect("results").clone();
    let changed = results.iter().take_while(|result| result["ok"] == true).count();
    assert!(0 < changed && changed < results.len() && results.len() == ALL, "{changed} of {}", results.len());
    for left in &results[changed..] {
        assert_eq!((&left["ok"], &left["code"]), (&json!(false), &json!("UNAUTHENTICATED")), "{left}");
    }
    let cancelled = admin.get("/api/transfers?status=cancelled&limit=1").await;
    assert_eq!(cancelled.body["data"]["pagination"]["total"], changed);
}

#[tokio::test]
async fn mutations_change_several_transfers_as_rest_does() {
    let (app, customer, agent, _) = with_agent().await;
    let user = app.bearer(&customer.token);
    let failed = reported(&app, &agent, &json!({ "status": "failed" })).await;
    let document = "mutation ($ids: [ID!]) { retryTransfers(ids: $ids) { id ok code error } }";
    let changed = user.data(document, &json!({ "ids": [failed, UNKNOWN_TRANSFER] })).await;
    assert_eq!(
        changed["retryTransfers"],
        json!([
            { "id": failed, "ok": true, "code": null, "error": null },
            { "id": UNKNOWN_TRANSFER, "ok": false, "code": "NOT_FOUND", "error": "transfer not found" },
        ])
    );
    let document = "mutation { cancelTransfers(filter: { status: [QUEUED, RUNNING] }) { id ok } }";
    let changed = user.data(document, &Value::Null).await;
    assert_eq!(changed["cancelTransfers"], json!([{ "id": failed, "ok": true }]));
    for arguments in ["ids: []", "filter: null", "filter: {}", "filter: { status: [] }"] {
        let document = format!("mutation {{ cancelTransfers({arguments}) {{ id }} }}");
        assert_eq!(user.ask(&document, &Value::Null).await.codes(), ["INVALID"]);
    }
}

#[tokio::test]
async fn one_request_counts_once_whatever_it_selects() {
    let app = TestApp::with(&["--rate-limits", "user=3"]).await;
    let customer = app.customer("Acme").await;
    let user = app.bearer(&customer.token);
    for left in ["2", "1", "0"] {
        let answer = user.post("/api/transfers/cancel", &json!({ "ids": [UNKNOWN_TRANSFER, customer.id] })).await;
        assert_eq!((answer.status, answer.header("x-ratelimit-remaining")), (200, Some(left)));
    }
    assert_eq!(user.post("/api/transfers/cancel", &json!({ "ids": [UNKNOWN_TRANSFER] })).await.status, 429);
}
