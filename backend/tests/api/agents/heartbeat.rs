//! Tests of `POST /api/agents/heartbeat`.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    Client, TestApp,
    app::{START, TestAgent, TestCustomer},
};

const PATH: &str = "/api/agents/heartbeat";

async fn with_agent() -> (TestApp, TestCustomer, TestAgent, Client) {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let agent = app.agent(customer.id, "server1").await;
    let client = app.key(&agent.key);
    (app, customer, agent, client)
}

#[tokio::test]
async fn a_heartbeat_is_answered_with_the_agent_and_what_waits_for_it() {
    let (app, customer, agent, client) = with_agent().await;
    app.advance(TimeDelta::seconds(30));
    let answer = client.post(PATH, &json!({ "status": "online", "load": 0.45, "memory": 512 })).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(
        answer.body,
        json!({ "success": true, "data": {
        "agent": {
            "id": agent.id, "name": null, "hostname": "server1", "os": "linux", "version": null, "status": "online",
            "statusReason": null, "lastHeartbeat": "2026-04-25T13:00:30Z", "ipAddress": "127.0.0.1", "createdAt": START,
            "customerId": customer.id, "load": 0.45, "memory": 512.0, "revision": 2,
        },
        "directives": [],
    } })
    );
    let stored = app.bearer(&customer.token).get(&format!("/api/agents/{}", agent.id)).await;
    for (field, value) in answer.body["data"]["agent"].as_object().expect("an agent") {
        assert_eq!(&stored.body["data"]["agent"][field], value, "{field}");
    }
}

#[tokio::test]
async fn the_body_may_be_empty_or_left_out() {
    let (_app, _, _, client) = with_agent().await;
    assert_eq!(client.send_bytes("POST", PATH, None, Vec::new()).await.status, 200);
    assert_eq!(client.post(PATH, &json!({})).await.status, 200);
    assert_eq!(client.post(PATH, &json!({ "status": null, "load": null, "memory": null })).await.status, 200);
}

#[rstest]
#[case("online", None, "online")]
#[case("busy", None, "busy")]
#[case("error", None, "error")]
#[case("offline", None, "online")]
#[case("online", Some("busy"), "busy")]
#[case("busy", Some("online"), "online")]
#[case("error", Some("online"), "online")]
#[case("offline", Some("error"), "error")]
#[case("online", Some("offline"), "offline")]
#[case("offline", Some("offline"), "offline")]
#[tokio::test]
async fn a_status_is_what_was_said_last_and_only_offline_goes_by_itself(
    #[case] before: &str,
    #[case] said: Option<&str>,
    #[case] after: &str,
) {
    let (_app, _, _, client) = with_agent().await;
    client.post(PATH, &json!({ "status": before })).await;
    let answer = client.post(PATH, &said.map_or(json!({}), |status| json!({ "status": status }))).await;
    assert_eq!((answer.status, &answer.body["data"]["agent"]["status"]), (200, &json!(after)));
}

#[tokio::test]
async fn load_and_memory_stay_until_they_are_said_again_and_each_heartbeat_is_a_revision() {
    let (_app, _, _, client) = with_agent().await;
    let said = [
        (json!({ "load": 1.5, "memory": 2048.25 }), json!([1.5, 2048.25, 2])),
        (json!({}), json!([1.5, 2048.25, 3])),
        (json!({ "load": 0 }), json!([0.0, 2048.25, 4])),
        (json!({ "memory": 1 }), json!([0.0, 1.0, 5])),
        (json!({ "load": null, "memory": null }), json!([0.0, 1.0, 6])),
    ];
    for (body, expected) in said {
        let agent = client.post(PATH, &body).await.body["data"]["agent"].clone();
        assert_eq!(json!([agent["load"], agent["memory"], agent["revision"]]), expected, "after {body}");
    }
}

#[tokio::test]
async fn a_status_has_the_reason_of_the_heartbeat_that_said_it() {
    let (app, _, _, client) = with_agent().await;
    let long = "a".repeat(501);
    let said = [
        (json!({ "status": "error", "statusReason": "no space" }), json!(["error", "no space"])),
        (json!({ "load": 1 }), json!(["error", "no space"])),
        (json!({ "statusReason": "no space on /data" }), json!(["error", "no space on /data"])),
        (json!({ "status": "error" }), json!(["error", null])),
        (json!({ "status": "error", "statusReason": long }), json!(["error", "a".repeat(500)])),
        (json!({ "status": "online" }), json!(["online", null])),
        (json!({ "status": "offline", "statusReason": "maintenance" }), json!(["offline", "maintenance"])),
        (json!({}), json!(["online", null])),
        (json!({ "statusReason": "warm" }), json!(["online", "warm"])),
        (json!({ "statusReason": " " }), json!(["online", null])),
        (json!({ "status": "busy", "statusReason": "full" }), json!(["busy", "full"])),
    ];
    for (body, expected) in said {
        let agent = client.post(PATH, &body).await.body["data"]["agent"].clone();
        assert_eq!(json!([agent["status"], agent["statusReason"]]), expected, "after {body}");
    }
    app.advance(TimeDelta::seconds(91));
    app.cp().mark_silent_agents_offline().await.expect("a sweep");
    let agents = app.admin().await.get("/api/agents").await;
    let agent = &agents.body["data"]["agents"][0];
    assert_eq!(json!([agent["status"], agent["statusReason"]]), json!(["offline", null]));
}

#[rstest]
#[case(json!({ "status": "asleep" }), &["status"])]
#[case(json!({ "status": 1 }), &["status"])]
#[case(json!({ "statusReason": 1 }), &["statusReason"])]
#[case(json!({ "load": -0.1 }), &["load"])]
#[case(json!({ "load": "0.45" }), &["load"])]
#[case(json!({ "memory": -1 }), &["memory"])]
#[case(json!({ "load": 1.7e308, "memory": 1e13 }), &["load", "memory"])]
#[case(json!({ "status": "", "load": [], "memory": true }), &["load", "memory", "status"])]
#[tokio::test]
async fn a_heartbeat_that_is_wrong_is_400_and_is_not_one(#[case] body: Value, #[case] wrong: &[&str]) {
    let (app, customer, agent, client) = with_agent().await;
    app.advance(TimeDelta::seconds(1));
    let answer = client.post(PATH, &body).await;
    assert_eq!((answer.status, answer.wrong_fields()), (400, wrong.to_vec()), "{}", answer.body);
    let stored = app.bearer(&customer.token).get(&format!("/api/agents/{}", agent.id)).await;
    let stored = &stored.body["data"]["agent"];
    assert_eq!((&stored["lastHeartbeat"], &stored["revision"]), (&json!(START), &json!(1)));
}

#[tokio::test]
async fn a_directive_rides_on_each_heartbeat_until_it_is_acknowledged() {
    let (app, customer, agent, client) = with_agent().await;
    let transfer = app.transfer(&agent).await;
    let path = format!("/api/transfers/{}", transfer["id"].as_str().expect("an id"));
    client.patch(&path, &json!({ "status": "running" })).await;
    let user = backend::service::Credentials::Token(&customer.token);
    let user = app.cp().authenticate(user).await.expect("a user").actor;
    let id = transfer["id"].as_str().expect("an id").parse().expect("an id");
    app.cp().cancel_transfer(&user, id).await.expect("asked for");
    for _ in 0..2 {
        let directives = client.post(PATH, &json!({})).await.body["data"]["directives"].clone();
        assert_eq!(directives[0]["type"], "cancelTransfer");
        assert_eq!(directives[0]["payload"], json!({ "transferId": transfer["id"] }));
        assert_eq!(directives.as_array().map(Vec::len), Some(1));
    }
    let report = client.patch(&path, &json!({ "status": "cancelled" })).await;
    assert_eq!(report.body["data"]["transfer"]["status"], "cancelled");
    assert_eq!(client.post(PATH, &json!({})).await.body["data"]["directives"], json!([]));
}
