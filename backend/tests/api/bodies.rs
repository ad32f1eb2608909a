//! Request bodies and the memory they may take together.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, header},
    response::Response,
};
use backend::{graphql, rest, transport::BodyBudget};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower::ServiceExt;

use crate::support::{TestApp, app::TestAgent};

const KIB: usize = 1024;

/// A server with 4 KiB for the bodies of all anonymous callers, and 8 KiB for those of all others.
async fn with_small_budgets() -> (TestApp, Router, TestAgent) {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let agent = app.agent(customer.id, "edge-1").await;
    let bodies = BodyBudget::new(4 * KIB, 8 * KIB);
    let api = rest::Api { bodies: bodies.clone(), ..app.app.api(&app.settings) };
    let settings = graphql::Settings { bodies, ..app.app.graphql(&app.settings) };
    let router = rest::router(api).merge(graphql::router(settings));
    (app, router, agent)
}

fn post(path: &str, key: Option<&str>, body: Body) -> Request<Body> {
    let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
    if let Some(key) = key {
        request = request.header("X-API-Key", key);
    }
    request.body(body).expect("a request")
}

/// A body of which this much has arrived once `arrived` is notified, and whose rest never arrives.
fn half(size: usize, arrived: Arc<Notify>) -> Body {
    let begun = stream::iter([Ok::<_, std::io::Error>(vec![b' '; size])]);
    let rest = stream::once(async move {
        arrived.notify_one();
        std::future::pending().await
    });
    Body::from_stream(begun.chain(rest))
}

async fn status_and_body(response: Response) -> (u16, Option<String>, Value) {
    let (parts, body) = response.into_parts();
    let retry = parts.headers.get(header::RETRY_AFTER).map(|value| value.to_str().expect("text").to_owned());
    let bytes = to_bytes(body, usize::MAX).await.expect("a body");
    (parts.status.as_u16(), retry, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

#[tokio::test]
async fn half_sent_bodies_of_anonymous_clients_keep_to_their_budget_and_delay_no_agent() {
    let (app, router, agent) = with_small_budgets().await;
    let arrived = Arc::new(Notify::new());
    let begun = router.clone().oneshot(post("/api/auth/login", None, half(4 * KIB, Arc::clone(&arrived))));
    let begun = app.app.tasks.spawn(app.app.stop.clone().run_until_cancelled_owned(begun));
    arrived.notified().await;

    for path in ["/api/auth/login", "/api/agents/register"] {
        let answer = router.clone().oneshot(post(path, None, Body::from("{}"))).await.expect("an answer");
        let (status, retry, body) = status_and_body(answer).await;
        assert_eq!((status, retry.is_some()), (503, true), "{path}: {body}");
        assert_eq!(body["error"], "too many request bodies are being received: try again in a moment");
    }
    let query = json!({ "query": "{ __typename }" }).to_string();
    let answer = router.clone().oneshot(post("/graphql", None, Body::from(query))).await.expect("an answer");
    let (status, _, body) = status_and_body(answer).await;
    assert_eq!((status, &body["errors"][0]["extensions"]["code"]), (503, &json!("UNAVAILABLE")), "{body}");

    let heartbeat = post("/api/agents/heartbeat", Some(&agent.key), Body::from("{}"));
    let answer = router.clone().oneshot(heartbeat).await.expect("an answer");
    assert_eq!(status_and_body(answer).await.0, 200, "agents have a budget of their own");

    // What a request held is given back when it ends.
    begun.abort();
    drop(begun.await);
    let answer = router.clone().oneshot(post("/api/auth/login", None, Body::from("{}"))).await.expect("an answer");
    assert_eq!(status_and_body(answer).await.0, 400);
}

#[tokio::test]
async fn an_agents_bodies_count_with_those_of_authenticated_callers() {
    let (app, router, agent) = with_small_budgets().await;
    let arrived = Arc::new(Notify::new());
    let begun = post("/api/agents/heartbeat", Some(&agent.key), half(8 * KIB, Arc::clone(&arrived)));
    app.app.tasks.spawn(app.app.stop.clone().run_until_cancelled_owned(router.clone().oneshot(begun)));
    arrived.notified().await;

    let heartbeat = post("/api/agents/heartbeat", Some(&agent.key), Body::from("{}"));
    let answer = router.clone().oneshot(heartbeat).await.expect("an answer");
    let (status, retry, _) = status_and_body(answer).await;
    assert_eq!((status, retry.is_some()), (503, true));
    let answer = router.clone().oneshot(post("/api/auth/login", None, Body::from("{}"))).await.expect("an answer");
    assert_eq!(status_and_body(answer).await.0, 400, "anonymous clients have a budget of their own");
    // Without a body nothing is needed.
    let poll = Request::get("/api/agents/directives").header("X-API-Key", &agent.key).body(Body::empty());
    let answer = router.oneshot(poll.expect("a request")).await.expect("an answer");
    assert_eq!(status_and_body(answer).await.0, 200);
}
