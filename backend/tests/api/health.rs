//! Tests of `GET /api/health` and the other health checks.

use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn health_is_the_one_answer_without_an_envelope() {
    let app = TestApp::start().await;
    app.advance(chrono::TimeDelta::milliseconds(3_600_400));
    let answer = app.anonymous().get("/api/health").await;
    assert_eq!(answer.status, 200);
    let status = answer.body["status"].clone();
    assert_eq!(answer.body, json!({ "status": status, "timestamp": "2026-04-25T14:00:00.400Z", "uptime": 3600 }));
}

#[tokio::test]
async fn a_server_with_its_database_is_ready() {
    let app = TestApp::start().await;
    let answer = app.anonymous().get("/api/health/ready").await;
    assert_eq!((answer.status, &answer.body["data"]["ready"]), (200, &json!(true)));
    assert_eq!(app.anonymous().get("/api/health/live").await.body["data"], json!({ "live": true }));
}

#[tokio::test]
async fn a_server_that_shuts_down_says_so() {
    let app = TestApp::start().await;
    app.app.stop.cancel();
    let answer = app.anonymous().get("/api/health/ready").await;
    assert_eq!((answer.status, &answer.body["success"]), (503, &json!(false)));
    assert_eq!(answer.body["details"]["parts"]["accepting"], json!(false));
    assert_eq!(app.anonymous().get("/api/health").await.body["status"], json!("degraded"));
}
