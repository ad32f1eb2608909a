//! The event log, and the messages of the bus.

use backend::{
    events::{Reader, Signal},
    model::event::{Event, Kind, Object},
    store::db::sql,
};
use rstest::rstest;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    PASSWORD, TestApp, admin,
    app::{TestAgent, TestDatabase},
    connected,
};

/// A row of the event log: number, kind, actor and id of the object.
type Row = (i64, String, String, Uuid);

async fn log(app: &TestApp) -> Vec<Row> {
    let rows = sql("SELECT number, kind, actor, object_id FROM events ORDER BY number");
    rows.fetch_all(&app.app.db).await.expect("the log")
}

async fn kinds_after(app: &TestApp, number: usize) -> Vec<String> {
    log(app).await.into_iter().skip(number).map(|(_, kind, ..)| kind).collect()
}

/// The next events, up to one of this kind; `None` after a resync.
async fn events_until(reader: &mut Reader, last: Kind) -> Option<Vec<Event>> {
    let mut received = Vec::new();
    loop {
        match reader.next().await.expect("a bus") {
            Signal::Resync => return None,
            Signal::Message(message) => received.extend(message.events.iter().cloned()),
        }
        if received.last().is_some_and(|event| event.kind == last) {
            return Some(received);
        }
    }
}

async fn agent(app: &TestApp) -> TestAgent {
    app.agent(app.customer("acme").await.id, "edge-1").await
}

fn path(transfer: &Value) -> String {
    format!("/api/transfers/{}", transfer["id"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn everything_but_progress_leaves_one_row_in_the_order_of_commits() {
    let app = TestApp::start().await;
    let root = app.create_user("root", None).await;
    let session = app.sign_in(&root.email, PASSWORD).await;
    let user = app.bearer(session.body["data"]["token"].as_str().unwrap_or_default());
    let made = user.post("/api/customers", &json!({ "name": "Acme" })).await;
    let customer = made.body["data"]["customer"]["id"].as_str().unwrap_or_default();
    let person = json!({ "email": "a@b.example", "password": PASSWORD, "role": "customer", "customerId": customer });
    let made = user.post("/api/users", &person).await;
    let person = made.body["data"]["user"]["id"].as_str().unwrap_or_default();
    user.patch(&format!("/api/users/{person}"), &json!({ "suspended": true })).await;
    user.patch(&format!("/api/customers/{customer}"), &json!({ "name": "Acme Logistics" })).await;
    let code = user.post(&format!("/api/customers/{customer}/enrolment-codes"), &json!({})).await;
    let code = &code.body["data"]["enrolmentCode"];
    let machine = json!({ "hostname": "edge-1", "os": "linux", "customerIdentifier": code["code"] });
    let made = app.anonymous().post("/api/agents/register", &machine).await;
    let agent = made.body["data"]["agent"]["id"].as_str().unwrap_or_default();
    user.delete(&format!("/api/enrolment-codes/{}", code["id"].as_str().unwrap_or_default())).await;
    let rotated = user.send("POST", &format!("/api/agents/{agent}/key"), None).await;
    let key = rotated.body["data"]["apiKey"].as_str().unwrap_or_default();
    let machine = app.key(key);
    machine.post("/api/agents/heartbeat", &json!({ "status": "busy" })).await;
    let transfer = json!({ "sourceUrl": "/a", "destinationPath": "/b", "direction": "pull", "protocol": "local" });
    let made = machine.post("/api/transfers", &transfer).await;
    let transfer = &made.body["data"]["transfer"];
    machine.patch(&path(transfer), &json!({ "status": "running", "progress": 5 })).await;
    let id = transfer["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    app.cp().cancel_transfer(&admin(), id).await.expect("a cancel");
    machine.patch(&path(transfer), &json!({ "status": "cancelled" })).await;
    user.delete(&format!("/api/agents/{agent}")).await;
    user.send("POST", "/api/auth/logout", None).await;

    let (root, by_agent) = (format!("user:{}", root.id), format!("agent:{agent}"));
    let (root, by_agent) = (root.as_str(), by_agent.as_str());
    let expected = [
        ("userCreated", "system"),
        ("signedIn", root),
        ("customerCreated", root),
        ("userCreated", root),
        ("userUpdated", root),
        ("customerUpdated", root),
        ("enrolmentCodeCreated", root),
        ("agentRegistered", by_agent),
        ("enrolmentCodeDeleted", root),
        ("agentKeyRotated", root),
        ("agentStatusChanged", by_agent),
        ("transferCreated", by_agent),
        ("transferStatusChanged", by_agent),
        ("transferCancelRequested", "user:00000000-0000-0000-0000-000000000000"),
        ("transferStatusChanged", by_agent),
        ("agentRevoked", root),
        ("signedOut", root),
    ];
    let rows = log(&app).await;
    let logged: Vec<(&str, &str)> = rows.iter().map(|(_, kind, actor, _)| (kind.as_str(), actor.as_str())).collect();
    assert_eq!(logged, expected);
    let numbers: Vec<i64> = rows.iter().map(|(number, ..)| *number).collect();
    assert_eq!(numbers, (1..=17).collect::<Vec<i64>>(), "consecutive");
}

#[tokio::test]
async fn progress_and_heartbeats_leave_none() {
    let app = TestApp::start().await;
    let agent = agent(&app).await;
    let transfer = app.transfer(&agent).await;
    let client = app.key(&agent.key);
    client.patch(&path(&transfer), &json!({ "status": "running" })).await;
    let before = log(&app).await;
    for progress in 1..5 {
        client.patch(&path(&transfer), &json!({ "progress": progress, "speed": 5 })).await;
        client.post("/api/agents/heartbeat", &json!({ "load": 1 })).await;
    }
    let batch = json!({ "updates": [{ "id": transfer["id"], "progress": 50 }] });
    client.patch("/api/transfers", &batch).await;
    assert_eq!(log(&app).await, before);
}

#[tokio::test]
async fn what_is_refused_or_changes_nothing_leaves_none() {
    let app = TestApp::start().await;
    let agent = agent(&app).await;
    let transfer = app.transfer(&agent).await;
    let client = app.key(&agent.key);
    client.patch(&path(&transfer), &json!({ "status": "completed" })).await;
    app.create_user("taken", None).await;
    let before = log(&app).await;
    assert_eq!(client.patch(&path(&transfer), &json!({ "status": "running" })).await.status, 409);
    assert_eq!(client.patch(&path(&transfer), &json!({ "status": "completed" })).await.status, 200);
    assert_eq!(app.sign_in("taken@example.com", "wrong").await.status, 401);
    app.cp().mark_stalled_transfers().await.expect("a sweep");
    app.cp().end_leases().await.expect("a sweep");
    assert_eq!(log(&app).await, before);
}

#[tokio::test]
async fn each_update_of_a_batch_that_changes_a_status_leaves_its_own() {
    let app = TestApp::start().await;
    let agent = agent(&app).await;
    let (one, two) = (app.transfer(&agent).await, app.transfer(&agent).await);
    let before = log(&app).await.len();
    let update = |transfer: &Value, status: &str| json!({ "id": transfer["id"], "status": status });
    let batch = json!({ "updates": [update(&one, "running"), update(&two, "failed"), update(&one, "completed")] });
    assert_eq!(app.key(&agent.key).patch("/api/transfers", &batch).await.status, 200);
    assert_eq!(kinds_after(&app, before).await, ["transferStatusChanged"; 3]);
}

#[tokio::test]
async fn numbers_of_what_happens_at_once_have_no_holes() {
    let app = TestApp::start().await;
    let agent = agent(&app).await;
    let before = log(&app).await.len();
    futures_util::future::join_all((0..20).map(|_| app.transfer(&agent))).await;
    let numbers: Vec<i64> = log(&app).await.into_iter().skip(before).map(|(number, ..)| number).collect();
    let first = i64::try_from(before).unwrap_or(0) + 1;
    assert_eq!(numbers, (first..first + 20).collect::<Vec<i64>>());
}

#[tokio::test]
async fn the_log_holds_no_secret() {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let code =
        app.bearer(&customer.token).post(&format!("/api/customers/{}/enrolment-codes", customer.id), &json!({})).await;
    let code = code.body["data"]["enrolmentCode"]["code"].as_str().unwrap_or_default().to_owned();
    let machine = json!({ "hostname": "edge-1", "os": "linux", "customerIdentifier": code });
    let key = app.anonymous().post("/api/agents/register", &machine).await.body["data"]["apiKey"].clone();
    let rows = sql("SELECT CAST(object AS TEXT), actor FROM events");
    let rows: Vec<(String, String)> = rows.fetch_all(&app.app.db).await.expect("the log");
    assert!(!rows.is_empty());
    for secret in [code.as_str(), key.as_str().unwrap_or_default(), PASSWORD, "argon2"] {
        assert!(secret.len() > 5 && rows.iter().all(|(object, _)| !object.contains(secret)), "{secret}");
    }
}

#[tokio::test]
async fn a_reader_hears_what_was_committed_with_its_view_and_in_order() {
    let app = TestApp::start().await;
    let agent = agent(&app).await;
    let mut reader = app.cp().bus().read();
    let transfer = app.transfer(&agent).await;
    let client = app.key(&agent.key);
    client.patch(&path(&transfer), &json!({ "status": "running" })).await;
    client.patch(&path(&transfer), &json!({ "progress": 50 })).await;
    let last = client.patch(&path(&transfer), &json!({ "status": "completed" })).await;
    let mut events = Vec::new();
    while events.len() < 4 {
        if let Signal::Message(message) = reader.next().await.expect("a bus") {
            events.extend(message.events.iter().cloned());
        }
    }
    let kinds: Vec<Kind> = events.iter().map(|event| event.kind).collect();
    let changed = Kind::TransferStatusChanged;
    assert_eq!(kinds, [Kind::TransferCreated, changed, Kind::TransferProgressed, changed]);
    let revisions: Vec<Option<i64>> = events.iter().map(|event| event.object.revision()).collect();
    assert_eq!(revisions, [Some(1), Some(2), Some(3), Some(4)]);
    assert!(events.iter().filter_map(|event| event.number).is_sorted_by(|a, b| a < b));
    assert!(events.iter().filter(|event| event.kind.is_logged()).all(|event| event.number.is_some()));
    let Object::Transfer(view) = &events[3].object else { panic!("a transfer") };
    assert_eq!(json!(view), last.body["data"]["transfer"], "what subscribers see is what the caller was answered");
    assert_eq!(events[3].actor, format!("agent:{}", agent.id));
}

#[tokio::test]
async fn what_is_published_is_in_the_database_already() {
    let app = TestApp::start().await;
    let agent = agent(&app).await;
    let mut reader = app.cp().bus().read();
    let (transfer, ()) = tokio::join!(app.transfer(&agent), async {
        while let Some(signal) = reader.next().await {
            let Signal::Message(message) = signal else { continue };
            let Some(Object::Transfer(published)) = message.events.first().map(|event| &event.object) else { continue };
            let stored = app.cp().get_transfer(&admin(), published.id).await.expect("a transfer");
            assert_eq!(&stored, published);
            return;
        }
    });
    assert_eq!(transfer["revision"], 1);
}

/// Two servers on one database and one Redis, which receive each other's messages.
async fn pair(database: &TestDatabase) -> (TestApp, TestApp) {
    let one = TestApp::on(database, &["--rate-limits", "off"]).await;
    connected(&one).await;
    let two = TestApp::on(database, &["--rate-limits", "off"]).await;
    connected(&two).await;
    (one, two)
}

#[rstest]
#[case::first_to_second(true)]
#[case::second_to_first(false)]
#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn two_servers_hear_each_other(#[case] forwards: bool) {
    let database = TestDatabase::shared().await;
    let (one, two) = pair(&database).await;
    let (teller, listener) = if forwards { (&one, &two) } else { (&two, &one) };
    let agent = agent(teller).await;
    let mut reader = listener.cp().bus().read();
    // Until the publisher has found Redis, readers only get a resync.
    loop {
        let transfer = teller.transfer(&agent).await;
        let Some(events) = events_until(&mut reader, Kind::TransferCreated).await else { continue };
        let Some(Event { object: Object::Transfer(view), number: Some(_), .. }) = events.last() else {
            panic!("{events:?}")
        };
        assert_eq!(json!(view), transfer);
        return;
    }
}
