//! The subscription to the event log: in the order of commits, without gaps or repetitions.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Story;
use crate::{graphql::two_customers_and_callers::COPY, support::Subscriber};

pub(super) async fn event(subscriber: &mut Subscriber, id: &str) -> (String, String) {
    let data = subscriber.data(id).await;
    let entry = &data["events"];
    assert_eq!(entry["gap"], false, "{data}");
    let text = |name: &str| entry["event"][name].as_str().unwrap_or_default().to_owned();
    (text("kind"), text("cursor"))
}

pub(super) fn follow(after: Option<&str>) -> String {
    let after = after.map_or_else(String::new, |cursor| format!("(after: \"{cursor}\")"));
    format!("subscription {{ events{after} {{ gap event {{ kind cursor }} }} }}")
}

/// The cursor of the newest event that the caller may see.
pub(super) async fn newest(story: &Story) -> String {
    let data =
        story.app.bearer(&story.customer.token).data("{ events(first: 1) { nodes { cursor } } }", &json!({})).await;
    data["events"]["nodes"][0]["cursor"].as_str().expect("a cursor").to_owned()
}

#[tokio::test]
async fn it_goes_on_after_a_cursor_and_then_live() {
    let story = Story::begin().await;
    let cursor = newest(&story).await;
    story.report(&json!({ "status": "running", "bytesTransferred": 1 })).await;
    story.report(&json!({ "bytesTransferred": 2 })).await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    subscriber.subscribe("log", &follow(Some(&cursor))).await;
    let (kind, middle) = event(&mut subscriber, "log").await;
    assert_eq!(kind, "TRANSFER_STATUS_CHANGED");
    story.report(&json!({ "bytesTransferred": 3 })).await;
    story.report(&json!({ "status": "completed" })).await;
    let (kind, last) = event(&mut subscriber, "log").await;
    assert_eq!(kind, "TRANSFER_STATUS_CHANGED", "progress is not logged");
    subscriber.subscribe("again", &follow(Some(&middle))).await;
    assert_eq!(event(&mut subscriber, "again").await.1, last, "neither a hole nor a repetition");
}

#[tokio::test]
async fn what_was_thrown_away_meanwhile_is_a_gap() {
    let story = Story::begin().await;
    let cursor = newest(&story).await;
    story.report(&json!({ "status": "running" })).await;
    story.app.advance(TimeDelta::days(31));
    story.app.cp().purge().await.expect("a purge");
    let customer = story.app.customer("late").await;
    let admin = story.app.admin().await;
    drop(customer);
    let token = admin.ask("{ me { id } }", &json!({})).await;
    assert_eq!(token.status, 200);
    let late = story.app.create_user("late", Some(story.customer.id)).await;
    let signed_in = story.app.sign_in(&late.email, crate::support::PASSWORD).await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(signed_in.body["data"]["token"].as_str().expect("a token")).await;
    subscriber.subscribe("log", &follow(Some(&cursor))).await;
    assert_eq!(subscriber.data("log").await["events"], json!({ "gap": true, "event": Value::Null }));
}

#[tokio::test]
async fn a_customer_hears_nothing_of_others_nor_of_what_is_the_administrators_business() {
    let story = Story::begin().await;
    let cursor = newest(&story).await;
    let other = story.app.customer("other").await;
    story.app.agent(other.id, "edge-9").await;
    story.app.create_user("colleague", Some(story.customer.id)).await;
    let own = story.app.agent(story.customer.id, "edge-2").await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    let query = format!("subscription {{ events(after: \"{cursor}\") {{ event {{ kind objectId customerId }} }} }}");
    subscriber.subscribe("log", &query).await;
    let code = subscriber.data("log").await;
    assert_eq!(code["events"]["event"]["kind"], "ENROLMENT_CODE_CREATED");
    let registered = subscriber.data("log").await;
    assert_eq!(registered["events"]["event"]["objectId"], json!(own.id));
}

#[tokio::test]
async fn a_cursor_of_an_earlier_version_is_a_gap_to_a_customer_whatever_its_number() {
    let story = Story::begin().await;
    let server = story.app.listen().await;
    for number in [1_i64, 2, i64::MAX] {
        let mut subscriber = server.subscriber(&story.customer.token).await;
        subscriber.subscribe("log", &follow(Some(&URL_SAFE_NO_PAD.encode(number.to_be_bytes())))).await;
        assert_eq!(subscriber.data("log").await["events"], json!({ "gap": true, "event": Value::Null }), "{number}");
    }
}

#[tokio::test]
async fn a_customer_hears_of_an_administrator_only_that_it_was_one() {
    let story = Story::begin().await;
    let cursor = newest(&story).await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    let query = format!("subscription {{ events(after: \"{cursor}\") {{ event {{ actor kind }} }} }}");
    subscriber.subscribe("log", &query).await;
    story.report(&json!({ "status": "failed", "error": "no route to host" })).await;
    let failed = subscriber.data("log").await;
    assert_eq!(failed["events"]["event"]["actor"], json!(format!("agent:{}", story.agent.id)));
    let retry = "mutation ($id: ID!) { retryTransfer(id: $id) { id } }";
    story.app.admin().await.data(retry, &json!({ "id": story.transfer })).await;
    let retried = subscriber.data("log").await;
    assert_eq!(retried["events"]["event"], json!({ "actor": "admin", "kind": "TRANSFER_STATUS_CHANGED" }));
}

#[tokio::test]
async fn a_customer_who_follows_the_log_reads_the_definition_of_the_current_version_only() {
    let story = Story::begin().await;
    let cursor = newest(&story).await;
    let pipeline = story.app.pipeline(story.customer.id, "orders", COPY).await;
    let newer = format!("{COPY}timeout: 2h\n");
    story.app.redefine(pipeline, &newer, None).await;
    let root = story.app.create_user("root", None).await;
    let signed_in = story.app.sign_in(&root.email, crate::support::PASSWORD).await;
    let server = story.app.listen().await;
    let query = format!(
        "subscription {{ events(after: \"{cursor}\") {{ event {{ object {{ ... on Pipeline {{ version yaml }} }} }} }} }}"
    );
    let admin = signed_in.body["data"]["token"].as_str().expect("a token").to_owned();
    for (token, first) in [(&story.customer.token, ""), (&admin, COPY)] {
        let mut subscriber = server.subscriber(token).await;
        subscriber.subscribe("log", &query).await;
        for expected in [json!({ "version": 1, "yaml": first }), json!({ "version": 2, "yaml": newer })] {
            assert_eq!(subscriber.data("log").await["events"]["event"]["object"], expected);
        }
    }
}

#[tokio::test]
async fn many_subscriptions_to_the_log_on_one_socket_each_get_every_entry() {
    let story = Story::begin().await;
    let cursor = newest(&story).await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    for number in 0..20 {
        subscriber.subscribe(&number.to_string(), &follow(Some(&cursor))).await;
    }
    story.report(&json!({ "status": "running" })).await;
    story.report(&json!({ "status": "completed" })).await;
    let mut entries = [0; 20];
    for _ in 0..40 {
        let frame = subscriber.receive().await;
        assert_eq!(frame["payload"]["data"]["events"]["event"]["kind"], "TRANSFER_STATUS_CHANGED", "{frame}");
        let id: usize = frame["id"].as_str().and_then(|id| id.parse().ok()).expect("an id of ours");
        entries[id] += 1;
    }
    assert_eq!(entries, [2; 20]);
}
