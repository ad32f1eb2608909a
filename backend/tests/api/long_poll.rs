//! Tests of `GET /api/agents/directives?wait=…`.

use backend::model::customer::UpdateCustomer;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{TestApp, admin, app::TestDatabase, connected};

const WAIT: &str = "/api/agents/directives?wait=60";

#[tokio::test]
async fn what_waits_already_is_answered_at_once() {
    let app = TestApp::start().await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    app.cp().request_key_rotation(&admin(), agent.id).await.expect("a request");
    let answer = app.key(&agent.key).get(WAIT).await;
    assert_eq!(answer.body["data"]["directives"][0]["type"], "rotateKey");
}

#[tokio::test]
async fn a_long_poll_answers_as_soon_as_something_is_wanted() {
    let app = TestApp::start().await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    let sibling = app.agent(app.customer("other").await.id, "edge-2").await;
    let client = app.key(&agent.key);
    let (answer, ()) = tokio::join!(client.get(WAIT), async {
        app.cp().request_key_rotation(&admin(), sibling.id).await.expect("a request");
        app.cp().request_key_rotation(&admin(), agent.id).await.expect("a request");
    });
    assert_eq!(answer.body["data"]["directives"][0]["type"], "rotateKey", "{}", answer.body);
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn a_long_poll_on_another_server_answers_as_well() {
    let database = TestDatabase::shared().await;
    let app = TestApp::on(&database, &["--rate-limits", "off"]).await;
    let other = TestApp::on(&database, &["--rate-limits", "off"]).await;
    connected(&app).await;
    connected(&other).await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    let client = other.key(&agent.key);
    // The other server remembers that nothing waits.
    assert_eq!(client.get("/api/agents/directives").await.body["data"]["directives"], json!([]));
    let (answer, ()) = tokio::join!(client.get(WAIT), async {
        app.cp().request_key_rotation(&admin(), agent.id).await.expect("a request");
    });
    assert_eq!(answer.body["data"]["directives"][0]["type"], "rotateKey", "{}", answer.body);
}

#[tokio::test]
async fn a_long_poll_ends_empty_when_the_server_stops() {
    let app = TestApp::start().await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    let client = app.key(&agent.key);
    let (answer, ()) = tokio::join!(client.get(WAIT), async { app.app.stop.cancel() });
    assert_eq!((answer.status, &answer.body["data"]["directives"]), (200, &json!([])));
}

#[tokio::test]
async fn a_long_poll_ends_when_its_agent_is_revoked() {
    let app = TestApp::start().await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    let client = app.key(&agent.key);
    let (answer, ()) = tokio::join!(client.get(WAIT), async {
        app.cp().revoke_agent(&admin(), agent.id).await.expect("revoked");
    });
    assert_eq!((answer.status, &answer.body["data"]), (401, &Value::Null));
}

#[tokio::test]
async fn a_long_poll_ends_when_its_customer_is_suspended_and_others_wait_on() {
    let app = TestApp::start().await;
    let (customer, other) = (app.customer("acme").await, app.customer("other").await);
    let (agent, sibling) = (app.agent(customer.id, "edge-1").await, app.agent(other.id, "edge-2").await);
    let (client, waiting) = (app.key(&agent.key), app.key(&sibling.key));
    let (answer, still_there, ()) = tokio::join!(client.get(WAIT), waiting.get(WAIT), async {
        let suspended = UpdateCustomer { suspended: Some(true), ..UpdateCustomer::default() };
        app.cp().update_customer(&admin(), customer.id, suspended).await.expect("suspended");
        app.cp().request_key_rotation(&admin(), sibling.id).await.expect("a request");
    });
    assert_eq!(answer.status, 401, "{}", answer.body);
    assert_eq!(still_there.body["data"]["directives"][0]["type"], "rotateKey");
}

#[tokio::test]
async fn a_long_poll_with_a_key_that_was_replaced_hands_out_nothing_after_its_end() {
    let app = TestApp::start().await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    let client = app.key(&agent.key);
    let (answer, ()) = tokio::join!(client.get(WAIT), async {
        let overlap = Some(std::time::Duration::from_hours(1));
        app.cp().rotate_agent_key(&admin(), agent.id, overlap).await.expect("a key");
        app.advance(chrono::TimeDelta::hours(1));
        app.cp().request_key_rotation(&admin(), agent.id).await.expect("a request");
    });
    assert_eq!(answer.status, 401, "{}", answer.body);
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn a_long_poll_on_another_server_ends_with_its_right_as_well() {
    let database = TestDatabase::shared().await;
    let app = TestApp::on(&database, &["--rate-limits", "off"]).await;
    let other = TestApp::on(&database, &["--rate-limits", "off"]).await;
    connected(&app).await;
    connected(&other).await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    let client = other.key(&agent.key);
    assert_eq!(client.get("/api/agents/directives").await.status, 200, "the other server remembers the key");
    let (answer, ()) = tokio::join!(client.get(WAIT), async {
        app.cp().revoke_agent(&admin(), agent.id).await.expect("revoked");
    });
    assert_eq!(answer.status, 401, "{}", answer.body);
}

#[rstest]
#[case("61")]
#[case("-1")]
#[case("soon")]
#[case("1.5")]
#[tokio::test]
async fn a_wait_out_of_bounds_is_400(#[case] wait: &str) {
    let app = TestApp::start().await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    let answer = app.key(&agent.key).get(&format!("/api/agents/directives?wait={wait}")).await;
    assert_eq!(answer.status, 400);
    assert_ne!(answer.body["details"]["fields"]["wait"], Value::Null);
}
