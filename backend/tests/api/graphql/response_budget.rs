//! The memory budget of large answers.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, header},
};
use backend::{
    graphql,
    transport::{ConnectionLimits, ResponseBudget},
};
use serde_json::json;
use tower::ServiceExt;

use super::two_customers_and_callers::COPY;
use crate::support::{TestApp, TestListener, app::TestCustomer};

const KIB: usize = 1024;
/// The budget in the tests, of which one caller may use a quarter.
const BUDGET: usize = 512 * KIB;
/// The minimum size of an answer to [`QUERY`].
const ANSWER: usize = 100 * KIB;
const QUERY: &str = "{ pipelines { nodes { yaml } } }";

/// A server whose large answers share [`BUDGET`].
async fn with_budget() -> (TestApp, Router, ResponseBudget) {
    let app = TestApp::start().await;
    let answers = ResponseBudget::new(BUDGET);
    let settings = graphql::Settings { responses: answers.clone(), ..app.app.graphql(&app.settings) };
    (app, graphql::router(settings), answers)
}

/// A customer with a pipeline whose definition is long.
async fn with_long_definition(app: &TestApp, name: &str) -> TestCustomer {
    let customer = app.customer(name).await;
    app.agent(customer.id, "server1").await;
    app.pipeline(customer.id, "orders", &format!("{COPY}# {}\n", "x".repeat(ANSWER))).await;
    customer
}

fn request(customer: &TestCustomer) -> Request<Body> {
    let request = Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {}", customer.token));
    request.body(json!({ "query": QUERY }).to_string().into()).expect("a request")
}

#[tokio::test]
async fn an_answer_takes_its_part_of_the_budget_until_it_is_read_or_dropped() {
    let (app, router, answers) = with_budget().await;
    let customer = with_long_definition(&app, "Acme").await;
    for is_read in [true, false] {
        let answer = router.clone().oneshot(request(&customer)).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        assert!(answers.available() <= BUDGET - ANSWER, "{}", answers.available());
        if is_read {
            let bytes = to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
            assert!(bytes.len() >= ANSWER && bytes.ends_with(b"}"), "{}", bytes.len());
        } else {
            drop(answer);
        }
        assert_eq!(answers.available(), BUDGET);
    }
}

#[tokio::test]
async fn an_answer_that_is_not_read_holds_up_the_next_large_one_of_its_caller_and_no_other() {
    let (app, router, answers) = with_budget().await;
    let (customer, other) = (with_long_definition(&app, "Acme").await, with_long_definition(&app, "Other").await);
    let unread = router.clone().oneshot(request(&customer)).await.expect("an answer");
    let waiting = app.app.tasks.spawn(router.clone().oneshot(request(&customer)));
    let answer = router.clone().oneshot(request(&other)).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    drop(answer);
    assert!(answers.available() <= BUDGET - ANSWER, "the first one is not read yet");
    drop(unread);
    let answer = waiting.await.expect("no panic").expect("an answer");
    assert_eq!(answer.status(), 200);
    drop(answer);
    assert_eq!(answers.available(), BUDGET);
}

#[tokio::test]
async fn an_answer_on_a_socket_gives_back_what_it_took_when_it_is_sent() {
    let (app, router, answers) = with_budget().await;
    let customer = with_long_definition(&app, "Acme").await;
    let server = TestListener::of(router, ConnectionLimits::of_api(100)).await;
    let mut subscriber = server.subscriber(&customer.token).await;
    // More than fit into the caller's part at once.
    for id in ["1", "2", "3"] {
        subscriber.subscribe(id, QUERY).await;
    }
    for _ in 0..3 {
        assert_eq!(subscriber.receive().await["type"], "next");
        assert_eq!(subscriber.receive().await["type"], "complete");
    }
    let newest = "{ events(first: 1) { nodes { cursor } } }";
    let newest = app.bearer(&customer.token).data(newest, &json!({})).await["events"]["nodes"][0]["cursor"].clone();
    let yaml = format!("{COPY}# {}\n", "x".repeat(ANSWER));
    app.pipeline(customer.id, "more", &yaml).await;
    let follow =
        format!("subscription {{ events(after: {newest}) {{ event {{ object {{ ... on Pipeline {{ yaml }} }} }} }} }}");
    subscriber.subscribe("log", &follow).await;
    assert_eq!(subscriber.data("log").await["events"]["event"]["object"]["yaml"], json!(yaml));
    // What is sent before the pong has been given back by then.
    subscriber.send(&json!({ "type": "ping" })).await;
    assert_eq!(subscriber.receive().await, json!({ "type": "pong" }));
    assert_eq!(answers.available(), BUDGET);
}
