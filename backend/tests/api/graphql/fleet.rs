//! The totals of the fleet.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{transfer_after, with_agent};
use crate::support::{Client, TestApp};

const FLEET: &str = "{ fleet {
    agents { online busy error offline total }
    transfers { queued running completed failed cancelled total }
    bytesPerSecond failuresInLastDay at } }";

async fn fleet(client: &Client) -> Value {
    client.data(FLEET, &Value::Null).await["fleet"].clone()
}

#[tokio::test]
async fn an_empty_fleet_is_all_zeros() {
    let app = TestApp::start().await;
    let expected = json!({
        "agents": { "online": 0, "busy": 0, "error": 0, "offline": 0, "total": 0 },
        "transfers": { "queued": 0, "running": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0 },
        "bytesPerSecond": 0.0, "failuresInLastDay": 0, "at": "2026-04-25T13:00:00Z",
    });
    assert_eq!(fleet(&app.admin().await).await, expected);
}

#[tokio::test]
async fn agents_are_counted_by_what_they_say_and_the_silent_and_revoked_too() {
    let (app, customer, _, user) = with_agent().await;
    for status in ["busy", "error", "offline"] {
        let agent = app.agent(customer.id, status).await;
        app.key(&agent.key).post("/api/agents/heartbeat", &json!({ "status": status })).await;
    }
    let counts = fleet(&user).await["agents"].clone();
    assert_eq!(counts, json!({ "online": 1, "busy": 1, "error": 1, "offline": 1, "total": 4 }));
    app.advance(TimeDelta::seconds(91));
    app.cp().mark_silent_agents_offline().await.expect("a sweep");
    let counts = fleet(&user).await["agents"].clone();
    assert_eq!(counts, json!({ "online": 0, "busy": 0, "error": 0, "offline": 4, "total": 4 }));
    let agents = user.data("{ agents { nodes { id } } }", &Value::Null).await;
    user.data("mutation ($id: ID!) { revokeAgent(id: $id) }", &agents["agents"]["nodes"][0]).await;
    assert_eq!(fleet(&user).await["agents"]["total"], 3);
}

#[tokio::test]
async fn transfers_are_counted_by_status_and_the_running_ones_add_up_to_a_speed() {
    let (app, _, agent, user) = with_agent().await;
    app.transfer(&agent).await;
    for report in [
        json!({ "status": "running", "speed": 100 }),
        json!({ "status": "running", "speed": 0.5 }),
        json!({ "status": "running" }),
        json!({ "status": "completed", "speed": 1000 }),
        json!({ "status": "failed", "speed": 1000 }),
        json!({ "status": "cancelled", "speed": 1000 }),
    ] {
        transfer_after(&app, &agent, &report).await;
    }
    let seen = fleet(&user).await;
    let counts = json!({ "queued": 1, "running": 3, "completed": 1, "failed": 1, "cancelled": 1, "total": 7 });
    assert_eq!((&seen["transfers"], &seen["bytesPerSecond"]), (&counts, &json!(100.5)));
    assert_eq!(fleet(&app.admin().await).await, seen);
}

#[tokio::test]
async fn what_stalls_has_no_speed_until_it_moves_again() {
    let (app, _, agent, user) = with_agent().await;
    let moving = transfer_after(&app, &agent, &json!({ "status": "running", "speed": 100 })).await;
    app.advance(TimeDelta::seconds(61));
    assert_eq!(app.cp().mark_stalled_transfers().await.expect("a sweep"), 1);
    let seen = fleet(&user).await;
    assert_eq!((&seen["bytesPerSecond"], &seen["transfers"]["running"]), (&json!(0.0), &json!(1)));
    let path = format!("/api/transfers/{}", moving["id"].as_str().expect("an id"));
    app.key(&agent.key).patch(&path, &json!({ "bytesTransferred": 10, "speed": 50 })).await;
    assert_eq!(fleet(&user).await["bytesPerSecond"], 50.0);
}

#[tokio::test]
async fn a_failure_counts_for_a_day_or_until_it_is_tried_again() {
    let (app, _, agent, user) = with_agent().await;
    let first = transfer_after(&app, &agent, &json!({ "status": "failed" })).await;
    app.advance(TimeDelta::hours(1));
    transfer_after(&app, &agent, &json!({ "status": "failed" })).await;
    let failures = async || fleet(&app.admin().await).await["failuresInLastDay"].clone();
    assert_eq!(failures().await, 2);
    app.advance(TimeDelta::hours(23) - TimeDelta::milliseconds(1));
    assert_eq!(failures().await, 2, "a millisecond before the first one's day is over");
    app.advance(TimeDelta::milliseconds(1));
    assert_eq!(failures().await, 1);
    let second = transfer_after(&app, &agent, &json!({ "status": "failed" })).await;
    assert_eq!(failures().await, 2);
    let admin = app.admin().await;
    admin.data("mutation ($id: ID!) { retryTransfer(id: $id) { id } }", &json!({ "id": second["id"] })).await;
    assert_eq!(failures().await, 1);
    admin.data("mutation ($id: ID!) { retryTransfer(id: $id) { id } }", &json!({ "id": first["id"] })).await;
    assert_eq!(failures().await, 1, "it was out of sight already");
    app.advance(TimeDelta::hours(1));
    assert_eq!(failures().await, 0);
    assert_eq!(user.ask(FLEET, &Value::Null).await.status, 401, "a day is longer than a token lives");
}

#[tokio::test]
async fn a_customer_sees_the_totals_of_their_own_fleet() {
    let (app, _, agent, user) = with_agent().await;
    let other = app.customer("Other").await;
    let foreign = app.agent(other.id, "server2").await;
    transfer_after(&app, &agent, &json!({ "status": "running", "speed": 3 })).await;
    for report in [json!({ "status": "failed" }), json!({ "status": "running", "speed": 5 })] {
        transfer_after(&app, &foreign, &report).await;
    }
    let fleet_totals = async |client: &Client| {
        let seen = fleet(client).await;
        let of = |pointer: &str| seen.pointer(pointer).cloned();
        ["/agents/total", "/transfers/running", "/bytesPerSecond", "/failuresInLastDay"].map(|name| json!(of(name)))
    };
    assert_eq!(fleet_totals(&user).await, [json!(1), json!(1), json!(3.0), json!(0)]);
    assert_eq!(fleet_totals(&app.bearer(&other.token)).await, [json!(1), json!(1), json!(5.0), json!(1)]);
    assert_eq!(fleet_totals(&app.admin().await).await, [json!(2), json!(2), json!(8.0), json!(1)]);
}
