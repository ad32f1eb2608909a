//! Tests of `POST /api/agents/{id}/key`.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    Answer, Client, TestApp,
    app::{TestAgent, TestCustomer},
};

async fn with_agent() -> (TestApp, TestCustomer, TestAgent, String) {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let agent = app.agent(customer.id, "server1").await;
    let path = format!("/api/agents/{}/key", agent.id);
    (app, customer, agent, path)
}

fn new_key(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{}", answer.body);
    let key = answer.body["data"]["apiKey"].as_str().expect("a key").to_owned();
    assert_eq!(answer.body, json!({ "success": true, "data": { "apiKey": key } }));
    assert!(key.starts_with("mft_ak_"), "{key}");
    key
}

async fn works(client: &Client) -> bool {
    client.post("/api/agents/heartbeat", &json!({})).await.status == 200
}

#[tokio::test]
async fn both_keys_work_for_a_day_and_then_the_new_one() {
    let (app, customer, agent, path) = with_agent().await;
    let new = new_key(&app.bearer(&customer.token).send("POST", &path, None).await);
    app.advance(TimeDelta::hours(24) - TimeDelta::milliseconds(1));
    assert!(works(&app.key(&agent.key)).await && works(&app.key(&new)).await);
    app.advance(TimeDelta::milliseconds(1));
    assert!(!works(&app.key(&agent.key)).await);
    assert!(works(&app.key(&new)).await);
}

#[tokio::test]
async fn without_an_overlap_the_old_key_ends_now() {
    let (app, _, agent, path) = with_agent().await;
    let old = app.key(&agent.key);
    assert!(works(&old).await);
    let new = new_key(&app.admin().await.post(&path, &json!({ "overlapSeconds": 0 })).await);
    assert!(!works(&old).await);
    assert!(works(&app.key(&new)).await);
}

#[tokio::test]
async fn an_agent_gets_itself_a_new_key_but_no_other_agent() {
    let (app, customer, agent, path) = with_agent().await;
    let neighbour = app.agent(customer.id, "server2").await;
    assert_eq!(app.key(&neighbour.key).post(&path, &json!({})).await.status, 404);
    let new = new_key(&app.key(&agent.key).post(&path, &json!({ "overlapSeconds": 60 })).await);
    app.advance(TimeDelta::seconds(60));
    assert!(!works(&app.key(&agent.key)).await);
    // The new one may go on by itself.
    new_key(&app.key(&new).post(&path, &json!({})).await);
}

#[tokio::test]
async fn a_longer_overlap_later_does_not_give_an_old_key_more_time() {
    let (app, _, agent, path) = with_agent().await;
    let admin = app.admin().await;
    let second = new_key(&admin.post(&path, &json!({ "overlapSeconds": 60 })).await);
    let third = new_key(&admin.post(&path, &json!({ "overlapSeconds": 3600 })).await);
    app.advance(TimeDelta::seconds(60));
    assert!(!works(&app.key(&agent.key)).await);
    assert!(works(&app.key(&second)).await && works(&app.key(&third)).await);
}

#[tokio::test]
async fn a_replaced_key_only_works_once_the_newer_one_was_used() {
    let (app, _, agent, path) = with_agent().await;
    let old = app.key(&agent.key);
    let new = app.key(&new_key(&old.send("POST", &path, None).await));
    assert!(works(&old).await && works(&new).await);
    let refused = old.post(&path, &json!({ "overlapSeconds": 0 })).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert!(works(&old).await && works(&new).await, "and ends no other key");
    assert_eq!(new.send("POST", &path, None).await.status, 201);
}

#[tokio::test]
async fn a_rotation_may_be_repeated_while_the_newer_key_was_never_used() {
    let (app, _, agent, path) = with_agent().await;
    let old = app.key(&agent.key);
    let lost = app.key(&new_key(&old.post(&path, &json!({ "overlapSeconds": 60 })).await));
    let new = app.key(&new_key(&old.post(&path, &json!({ "overlapSeconds": 3600 })).await));
    assert!(!works(&lost).await, "what was never used is replaced");
    assert!(works(&new).await);
    assert_eq!(old.send("POST", &path, None).await.status, 403);
    app.advance(TimeDelta::seconds(60));
    assert!(!works(&old).await, "a repetition gives the old key no more time");
    assert!(works(&new).await);
}

#[tokio::test]
async fn a_key_that_was_replaced_twice_ends_nothing() {
    let (app, _, agent, path) = with_agent().await;
    let first = app.key(&agent.key);
    let second = app.key(&new_key(&first.send("POST", &path, None).await));
    assert!(works(&second).await);
    let third = app.key(&new_key(&second.send("POST", &path, None).await));
    assert_eq!(first.send("POST", &path, None).await.status, 403, "the second was used, if not the third");
    assert!(works(&third).await && works(&second).await);
}

#[tokio::test]
async fn the_first_use_of_a_key_counts_on_every_server_and_after_a_restart() {
    let (app, _, agent, path) = with_agent().await;
    let new = new_key(&app.key(&agent.key).send("POST", &path, None).await);
    assert!(works(&app.key(&new)).await);
    let app = app.restarted(TimeDelta::zero()).await;
    assert_eq!(app.key(&agent.key).send("POST", &path, None).await.status, 403);
    assert!(works(&app.key(&new)).await);
}

#[rstest]
#[case(json!({ "overlapSeconds": -1 }))]
#[case(json!({ "overlapSeconds": 2_592_001 }))]
#[case(json!({ "overlapSeconds": 1.5 }))]
#[case(json!({ "overlapSeconds": "60" }))]
#[tokio::test]
async fn an_overlap_that_is_wrong_is_400_and_makes_no_key(#[case] body: Value) {
    let (app, _, agent, path) = with_agent().await;
    let client = app.key(&agent.key);
    let answer = client.post(&path, &body).await;
    assert_eq!((answer.status, answer.wrong_fields()), (400, vec!["overlapSeconds"]));
    app.advance(TimeDelta::hours(25));
    assert!(works(&client).await);
}
