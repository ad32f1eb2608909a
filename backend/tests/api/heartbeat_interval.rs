//! A server with a heartbeat interval other than the published 30 s sends it to each agent.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp, app::TestDatabase};

fn directives(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["data"]["directives"].clone()
}

async fn heartbeat(app: &TestApp, key: &str) -> Value {
    directives(&app.key(key).send("POST", "/api/agents/heartbeat", None).await)
}

async fn acknowledge(app: &TestApp, key: &str, directive: &Value) {
    let path = format!("/api/agents/directives/{}/ack", directive["id"].as_str().unwrap_or_default());
    assert_eq!(app.key(key).send("POST", &path, None).await.status, 200);
}

#[tokio::test]
async fn the_published_interval_is_sent_to_no_agent() {
    let app = TestApp::start().await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    assert_eq!(heartbeat(&app, &agent.key).await, json!([]));
}

#[tokio::test]
async fn another_interval_is_sent_until_it_is_acknowledged() {
    let app = TestApp::with(&["--rate-limits", "off", "--heartbeat-interval", "10s"]).await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    let delivery = heartbeat(&app, &agent.key).await;
    assert_eq!(
        (&delivery[0]["type"], &delivery[0]["payload"]),
        (&json!("setHeartbeatInterval"), &json!({ "seconds": 10 }))
    );
    assert_eq!(heartbeat(&app, &agent.key).await, delivery, "the same directive, not another one");
    acknowledge(&app, &agent.key, &delivery[0]).await;
    assert_eq!(heartbeat(&app, &agent.key).await, json!([]));
}

#[tokio::test]
async fn an_agent_that_ignores_it_gets_it_again_after_it_expired() {
    let app = TestApp::with(&["--rate-limits", "off", "--heartbeat-interval", "10s"]).await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    let delivery = heartbeat(&app, &agent.key).await;
    app.advance(TimeDelta::hours(24));
    let again = heartbeat(&app, &agent.key).await;
    assert_eq!((again.as_array().map(Vec::len), &again[0]["type"]), (Some(1), &json!("setHeartbeatInterval")));
    assert_ne!(again[0]["id"], delivery[0]["id"]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn a_server_that_restarts_with_another_interval_sends_the_new_one_only() {
    let database = TestDatabase::shared().await;
    let first = TestApp::on(&database, &["--rate-limits", "off", "--heartbeat-interval", "10s"]).await;
    let agent = first.agent(first.customer("acme").await.id, "edge-1").await;
    let delivery = heartbeat(&first, &agent.key).await;
    acknowledge(&first, &agent.key, &delivery[0]).await;
    let second = TestApp::on(&database, &["--rate-limits", "off", "--heartbeat-interval", "20s"]).await;
    let delivery = heartbeat(&second, &agent.key).await;
    assert_eq!((delivery.as_array().map(Vec::len), &delivery[0]["payload"]), (Some(1), &json!({ "seconds": 20 })));
}
