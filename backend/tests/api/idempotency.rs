//! `Idempotency-Key`: a creating request has one effect, however often it is repeated.

use std::{sync::Arc, time::Duration};

use backend::{
    actor::{Actor, Permission},
    model::{FromFields, customer::CreateCustomer},
    store::{
        db::sql,
        idempotency::{IdempotencyClaim, Known, RequestKey, claim},
    },
};
use chrono::TimeDelta;
use futures_util::FutureExt;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{
    graphql::two_customers_and_callers::COPY,
    support::{Answer, PASSWORD, TestApp, app::TestAgent},
};

fn transfer() -> Value {
    json!({ "sourceUrl": "/in/a.csv", "destinationPath": "/out/a.csv", "direction": "pull", "protocol": "local" })
}

async fn agent(app: &TestApp) -> TestAgent {
    app.agent(app.customer("acme").await.id, "edge-1").await
}

async fn create(app: &TestApp, agent: &TestAgent, key: &str, body: &Value) -> Answer {
    app.key(&agent.key).with("Idempotency-Key", key).post("/api/transfers", body).await
}

/// The total of a list.
async fn total(app: &TestApp, path: &str) -> Value {
    app.admin().await.get(path).await.body["data"]["pagination"]["total"].clone()
}

/// The idempotency keys that the server stores.
async fn stored_keys(app: &TestApp) -> Vec<(String,)> {
    sql("SELECT key FROM idempotency").fetch_all(&app.app.db).await.expect("the keys")
}

#[tokio::test]
async fn a_repetition_gets_the_first_answer_again() {
    let app = TestApp::start().await;
    let agent = agent(&app).await;
    let first = create(&app, &agent, "k1", &transfer()).await;
    assert_eq!(first.status, 201, "{}", first.body);
    let path = format!("/api/transfers/{}", first.body["data"]["transfer"]["id"].as_str().unwrap_or_default());
    app.key(&agent.key).patch(&path, &json!({ "status": "running" })).await;
    let again = create(&app, &agent, "k1", &transfer()).await;
    assert_eq!((again.status, again.body), (201, first.body), "the answer of then, not the transfer of now");
    assert_eq!(total(&app, "/api/transfers").await, 1);
    assert_eq!(create(&app, &agent, "k2", &transfer()).await.status, 201);
    assert_eq!(total(&app, "/api/transfers").await, 2);
}

#[rstest]
#[case::customers("/api/customers", json!({ "name": "Acme" }))]
#[case::users("/api/users", json!({ "email": "a@b.example", "password": PASSWORD, "role": "admin" }))]
#[tokio::test]
async fn it_holds_for_everything_that_is_created(#[case] path: &str, #[case] body: Value) {
    let app = TestApp::start().await;
    let admin = app.admin().await.with("Idempotency-Key", "k1");
    let first = admin.post(path, &body).await;
    let again = admin.post(path, &body).await;
    assert_eq!((first.status, again.status, again.body), (201, 201, first.body));
}

#[tokio::test]
async fn the_same_key_with_another_body_is_422() {
    let app = TestApp::start().await;
    let agent = agent(&app).await;
    create(&app, &agent, "k1", &transfer()).await;
    let mut other = transfer();
    other["size"] = json!(5);
    let answer = create(&app, &agent, "k1", &other).await;
    assert_eq!((answer.status, &answer.body["success"]), (422, &json!(false)));
    assert_eq!(total(&app, "/api/transfers").await, 1);
}

#[tokio::test]
async fn while_the_first_is_at_work_a_repetition_is_409() {
    let app = TestApp::start().await;
    let agent = agent(&app).await;
    let (actor, _) = app.cp().authenticate_agent_key(&agent.key).await.expect("an agent");
    let body = transfer();
    let raw = body.to_string().into_bytes();
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begins, may_end, who) = (Arc::clone(&begun), Arc::clone(&go_on), actor.clone());
    let input = backend::model::transfer::CreateTransfer::read(body.as_object().cloned().unwrap_or_default());
    let first = app.app.cp.with_idempotency(
        &actor,
        Permission::CreateTransfer,
        "create_transfer",
        Some("k1"),
        &raw,
        |cp, claim| async move {
            begins.notify_one();
            may_end.notified().await;
            cp.create_transfer(&who, input?, claim.as_ref()).await
        },
    );
    let repetition = async {
        begun.notified().await;
        let answer = create(&app, &agent, "k1", &body).await;
        go_on.notify_one();
        answer
    };
    let (first, repetition) = tokio::join!(first, repetition);
    assert_eq!((repetition.status, &repetition.body["data"]), (409, &Value::Null));
    let again = create(&app, &agent, "k1", &body).await;
    assert_eq!((again.status, &again.body["data"]["transfer"]), (201, &json!(first.expect("a transfer"))));
}

#[tokio::test]
async fn a_request_whose_client_disconnects_at_once_is_carried_out() {
    let app = TestApp::start().await;
    let agent = agent(&app).await;
    let (actor, _) = app.cp().authenticate_agent_key(&agent.key).await.expect("an agent");
    let (body, who, carried_out) = (transfer(), actor.clone(), Arc::new(Notify::new()));
    let ends = Arc::clone(&carried_out);
    let raw = body.to_string().into_bytes();
    let input = backend::model::transfer::CreateTransfer::read(body.as_object().cloned().unwrap_or_default());
    let request = app.app.cp.with_idempotency(
        &actor,
        Permission::CreateTransfer,
        "create_transfer",
        Some("k1"),
        &raw,
        |cp, claim| async move {
            let transfer = cp.create_transfer(&who, input?, claim.as_ref()).await;
            ends.notify_one();
            transfer
        },
    );
    assert!(request.now_or_never().is_none(), "it is dropped before its first answer from the database");
    let in_time = tokio::time::timeout(Duration::from_secs(30), carried_out.notified()).await;
    in_time.expect("the end of the request");
    assert_eq!(create(&app, &agent, "k1", &body).await.status, 201);
    assert_eq!(total(&app, "/api/transfers").await, 1);
}

#[tokio::test]
async fn two_at_once_create_one() {
    let app = TestApp::start().await;
    let agent = agent(&app).await;
    let body = transfer();
    let (one, two) = tokio::join!(create(&app, &agent, "k1", &body), create(&app, &agent, "k1", &body));
    for answer in [&one, &two] {
        assert!([201, 409].contains(&answer.status), "{}", answer.body);
    }
    assert_eq!(total(&app, "/api/transfers").await, 1);
}

#[tokio::test]
async fn a_key_is_its_callers_own() {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let (one, two) = (app.agent(customer.id, "edge-1").await, app.agent(customer.id, "edge-2").await);
    let first = create(&app, &one, "k1", &transfer()).await;
    let mut other = transfer();
    other["size"] = json!(5);
    let second = create(&app, &two, "k1", &other).await;
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(second.body["data"]["transfer"]["agentId"], json!(two.id));
}

#[tokio::test]
async fn a_key_belongs_to_its_operation() {
    let app = TestApp::start().await;
    let admin = app.admin().await.with("Idempotency-Key", "k1");
    let user = json!({ "email": "a@b.example", "password": PASSWORD, "role": "admin" });
    assert_eq!(admin.post("/api/customers", &json!({ "name": "Acme" })).await.status, 201);
    assert_eq!(admin.post("/api/users", &user).await.status, 201);
}

/// A key, and a text that is none: a caller without the permission does not learn which.
const KEYS: [&str; 2] = ["k1", "not a key"];

#[tokio::test]
async fn a_mutation_without_the_permission_is_refused_with_a_key_as_without_one_and_stores_none() {
    let app = TestApp::start().await;
    let (own, other) = (app.customer("own").await, app.customer("other").await);
    let user = app.bearer(&own.token);
    let new_user = format!("createUser(input: {{ email: \"a@b.example\", password: \"{PASSWORD}\", role: ADMIN }})");
    let mut mutations =
        vec![("createCustomer(input: { name: \"Acme\" })".to_owned(), "FORBIDDEN"), (new_user, "FORBIDDEN")];
    for (customer, code) in [(&own, "FORBIDDEN"), (&other, "NOT_FOUND")] {
        let agent = app.agent(customer.id, "edge-1").await;
        let job = app.job(&agent, &json!({})).await;
        let pipeline = app.pipeline(customer.id, "daily", COPY).await;
        let run = app.run(pipeline).await.id;
        mutations.push((format!("runJob(id: \"{job}\")"), code));
        mutations.push((format!("runPipeline(id: \"{pipeline}\")"), code));
        mutations.push((format!("rerunPipelineRun(id: \"{run}\")"), code));
    }
    for (mutation, code) in &mutations {
        let document = format!("mutation {{ {mutation} {{ id }} }}");
        let without = user.ask(&document, &Value::Null).await;
        assert_eq!(without.codes(), [*code], "{mutation}: {}", without.body);
        for key in KEYS {
            let with = user.with("Idempotency-Key", key).ask(&document, &Value::Null).await;
            assert_eq!(with.codes(), [*code], "{mutation} with `{key}`: {}", with.body);
            assert_eq!(with.body["errors"][0]["message"], without.body["errors"][0]["message"], "{mutation}");
        }
    }
    assert!(stored_keys(&app).await.is_empty());
}

#[tokio::test]
async fn a_post_without_the_permission_is_refused_with_a_key_as_without_one_and_stores_none() {
    let app = TestApp::start().await;
    let (own, other) = (app.customer("own").await, app.customer("other").await);
    let user = app.bearer(&own.token);
    let mut posts = vec![("/api/customers".to_owned(), json!({ "name": "Acme" }), 403)];
    for (customer, status) in [(&own, 403), (&other, 404)] {
        app.agent(customer.id, "edge-1").await;
        let pipeline = app.pipeline(customer.id, "daily", COPY).await;
        posts.push((format!("/api/pipelines/{pipeline}/runs"), json!({}), status));
    }
    for (path, body, status) in &posts {
        let without = user.post(path, body).await;
        assert_eq!(without.status, *status, "{path}: {}", without.body);
        for key in KEYS {
            let with = user.with("Idempotency-Key", key).post(path, body).await;
            assert_eq!((with.status, &with.body), (*status, &without.body), "{path} with `{key}`");
        }
    }
    assert!(stored_keys(&app).await.is_empty());
}

#[tokio::test]
async fn an_answer_is_kept_for_a_day() {
    let app = TestApp::start().await;
    let agent = agent(&app).await;
    let first = create(&app, &agent, "k1", &transfer()).await;
    app.advance(TimeDelta::hours(24) - TimeDelta::milliseconds(1));
    assert_eq!(create(&app, &agent, "k1", &transfer()).await.body, first.body);
    app.cp().purge().await.expect("a purge");
    assert_eq!(create(&app, &agent, "k1", &transfer()).await.body, first.body);
    app.advance(TimeDelta::milliseconds(1));
    let later = create(&app, &agent, "k1", &transfer()).await;
    assert_eq!(later.status, 201);
    assert_ne!(later.body["data"]["transfer"]["id"], first.body["data"]["transfer"]["id"]);
}

#[tokio::test]
async fn a_failure_is_not_kept() {
    let app = TestApp::start().await;
    let admin = app.admin().await.with("Idempotency-Key", "k1");
    let user = |email: &str| json!({ "email": email, "password": PASSWORD, "role": "admin" });
    app.create_user("taken", None).await;
    assert_eq!(admin.post("/api/users", &user("taken@example.com")).await.status, 409);
    assert_eq!(admin.post("/api/users", &json!({})).await.status, 400);
    assert_eq!(admin.post("/api/users", &user("free@example.com")).await.status, 201);
}

#[tokio::test]
async fn the_claim_of_a_server_that_died_is_taken_over_after_a_minute() {
    let app = TestApp::start().await;
    let agent = agent(&app).await;
    let (actor, _) = app.cp().authenticate_agent_key(&agent.key).await.expect("an agent");
    let request = RequestKey { caller: actor.to_string(), operation: "create_transfer".into(), key: "k1".to_owned() };
    let dead = IdempotencyClaim { request, id: agent.id.0 };
    let now = app.cp().now();
    let (until, kept) = (now + TimeDelta::minutes(1), now + TimeDelta::hours(24));
    let known = claim(&app.app.db, &dead, b"another digest", now, until, kept).await.expect("a claim");
    assert!(matches!(known, Known::Nothing), "{known:?}");
    assert_eq!(create(&app, &agent, "k1", &transfer()).await.status, 422);
    app.advance(TimeDelta::minutes(1));
    assert_eq!(create(&app, &agent, "k1", &transfer()).await.status, 201);
}

#[rstest]
#[case::empty("")]
#[case::with_a_space("a b")]
#[case::too_long("k".repeat(256))]
#[tokio::test]
async fn what_is_no_key_is_400(#[case] key: String) {
    let app = TestApp::start().await;
    let agent = agent(&app).await;
    let answer = create(&app, &agent, &key, &transfer()).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert_eq!(create(&app, &agent, &"k".repeat(255), &transfer()).await.status, 201);
}

#[tokio::test]
async fn it_is_ignored_where_the_answer_holds_a_secret() {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let user = app.bearer(&customer.token).with("Idempotency-Key", "k1");
    let machine = json!({ "hostname": "edge-1", "os": "linux" });
    let (one, two) =
        (user.post("/api/agents/register", &machine).await, user.post("/api/agents/register", &machine).await);
    assert_eq!((one.status, two.status), (201, 201));
    assert_ne!(one.body["data"]["apiKey"], two.body["data"]["apiKey"]);
    let other = json!({ "hostname": "edge-2", "os": "linux" });
    assert_eq!(user.post("/api/agents/register", &other).await.status, 201, "nor is another body refused");
    let codes = format!("/api/customers/{}/enrolment-codes", customer.id);
    let (one, two) = (user.post(&codes, &json!({})).await, user.post(&codes, &json!({})).await);
    assert_ne!(one.body["data"]["enrolmentCode"]["code"], two.body["data"]["enrolmentCode"]["code"]);
    let agent = app.agent(customer.id, "edge-3").await;
    let key = format!("/api/agents/{}/key", agent.id);
    let (one, two) = (user.post(&key, &json!({})).await, user.post(&key, &json!({})).await);
    assert_ne!(one.body["data"]["apiKey"], two.body["data"]["apiKey"]);
    let ops = app.create_user("ops", None).await;
    let login = json!({ "email": ops.email, "password": PASSWORD });
    let anonymous = app.anonymous().with("Idempotency-Key", "k1");
    let (one, two) = (anonymous.post("/api/auth/login", &login).await, anonymous.post("/api/auth/login", &login).await);
    assert_ne!(one.body["data"]["refreshToken"], two.body["data"]["refreshToken"]);
}

#[tokio::test]
async fn without_a_key_each_request_creates() {
    let app = TestApp::start().await;
    for _ in 0..2 {
        let input = CreateCustomer::read(json!({ "name": "Acme" }).as_object().cloned().unwrap_or_default());
        app.cp().create_customer(&Actor::System, input.expect("a customer"), None).await.expect("a customer");
    }
    assert_eq!(total(&app, "/api/customers").await, 2);
}
