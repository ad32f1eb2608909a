//! The log as it is followed: in the order of commits, without a hole and without a repetition.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Story;
use crate::support::Watcher;

async fn event(watcher: &mut Watcher, id: &str) -> (String, String) {
    let data = watcher.data(id).await;
    let entry = &data["events"];
    assert_eq!(entry["gap"], false, "{data}");
    let text = |name: &str| entry["event"][name].as_str().unwrap_or_default().to_owned();
    (text("kind"), text("cursor"))
}

fn follow(after: Option<&str>) -> String {
    let after = after.map_or_else(String::new, |cursor| format!("(after: \"{cursor}\")"));
    format!("subscription {{ events{after} {{ gap event {{ kind cursor }} }} }}")
}

/// The cursor of the newest event the caller may see.
async fn newest(story: &Story) -> String {
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
    let mut watcher = server.watcher(&story.customer.token).await;
    watcher.subscribe("log", &follow(Some(&cursor))).await;
    let (kind, middle) = event(&mut watcher, "log").await;
    assert_eq!(kind, "TRANSFER_STATUS_CHANGED");
    story.report(&json!({ "bytesTransferred": 3 })).await;
    story.report(&json!({ "status": "completed" })).await;
    let (kind, last) = event(&mut watcher, "log").await;
    assert_eq!(kind, "TRANSFER_STATUS_CHANGED", "progress is not logged");
    watcher.subscribe("again", &follow(Some(&middle))).await;
    assert_eq!(event(&mut watcher, "again").await.1, last, "neither a hole nor a repetition");
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
    let late = story.app.person("late", Some(story.customer.id)).await;
    let signed_in = story.app.sign_in(&late.email, crate::support::PASSWORD).await;
    let server = story.app.listen().await;
    let mut watcher = server.watcher(signed_in.body["data"]["token"].as_str().expect("a token")).await;
    watcher.subscribe("log", &follow(Some(&cursor))).await;
    assert_eq!(watcher.data("log").await["events"], json!({ "gap": true, "event": Value::Null }));
}

#[tokio::test]
async fn a_customer_hears_nothing_of_others_nor_of_what_is_the_administrators_business() {
    let story = Story::begin().await;
    let cursor = newest(&story).await;
    let other = story.app.customer("other").await;
    story.app.agent(other.id, "edge-9").await;
    story.app.person("colleague", Some(story.customer.id)).await;
    let own = story.app.agent(story.customer.id, "edge-2").await;
    let server = story.app.listen().await;
    let mut watcher = server.watcher(&story.customer.token).await;
    let query = format!("subscription {{ events(after: \"{cursor}\") {{ event {{ kind objectId customerId }} }} }}");
    watcher.subscribe("log", &query).await;
    let code = watcher.data("log").await;
    assert_eq!(code["events"]["event"]["kind"], "ENROLMENT_CODE_CREATED");
    let registered = watcher.data("log").await;
    assert_eq!(registered["events"]["event"]["objectId"], json!(own.id));
}
