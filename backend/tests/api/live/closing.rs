//! A socket is closed when its token is no longer valid, or when its client closes it.

use chrono::TimeDelta;
use serde_json::json;

use super::Story;

#[tokio::test]
async fn signing_out_closes_the_session_s_sockets_and_no_others() {
    let story = Story::begin().await;
    let other = story.app.customer("other").await;
    let server = story.app.listen().await;
    let mut own = server.subscriber(&story.customer.token).await;
    let mut foreign = server.subscriber(&other.token).await;
    assert_eq!(story.app.bearer(&story.customer.token).post("/api/auth/logout", &json!({})).await.status, 200);
    assert_eq!(own.closed().await, (4403, "Forbidden".to_owned()));
    foreign.subscribe("still", "{ __typename }").await;
    foreign.data("still").await;
}

#[tokio::test]
async fn suspending_a_customer_closes_the_sockets_of_their_users() {
    let story = Story::begin().await;
    let admin = story.app.admin().await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    subscriber.subscribe("fleet", "subscription { fleetUpdated(initial: true) { resync } }").await;
    subscriber.data("fleet").await;
    let path = format!("/api/customers/{}", story.customer.id);
    assert_eq!(admin.patch(&path, &json!({ "suspended": true })).await.status, 200);
    assert_eq!(subscriber.closed().await, (4403, "Forbidden".to_owned()));
}

#[tokio::test]
async fn suspending_a_user_closes_their_sockets() {
    let story = Story::begin().await;
    let admin = story.app.admin().await;
    let person = story.app.create_user("subscriber", Some(story.customer.id)).await;
    let signed_in = story.app.sign_in(&person.email, crate::support::PASSWORD).await;
    let token = signed_in.body["data"]["token"].as_str().expect("a token").to_owned();
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&token).await;
    assert_eq!(admin.patch(&person.path(), &json!({ "suspended": true })).await.status, 200);
    assert_eq!(subscriber.closed().await, (4403, "Forbidden".to_owned()));
}

#[tokio::test]
async fn a_token_that_expires_closes_its_socket() {
    let story = Story::begin().await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    story.app.advance(TimeDelta::minutes(61));
    assert_eq!(subscriber.closed().await, (4401, "Token expired".to_owned()));
}

#[tokio::test]
async fn a_server_that_stops_says_so() {
    let story = Story::begin().await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    story.app.app.stop.cancel();
    assert_eq!(subscriber.closed().await, (1012, "The server is shutting down: connect again".to_owned()));
}

#[tokio::test]
async fn a_client_that_closes_its_socket_gets_its_code_back() {
    let story = Story::begin().await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    subscriber.watch("transfers", super::TRANSFERS).await;
    subscriber.close(4321, "enough").await;
    assert_eq!(subscriber.closed().await, (4321, String::new()));
    let mut anonymous = server.unauthenticated().await;
    anonymous.close(1000, "").await;
    assert_eq!(anonymous.closed().await, (1000, String::new()));
}

#[tokio::test]
async fn a_client_whose_message_is_too_large_receives_the_limit_although_it_has_sent_more() {
    let story = Story::begin().await;
    let server = story.app.listen().await;
    let long = "x".repeat(4 * 1024 * 1024);
    let mut subscriber = server.subscriber(&story.customer.token).await;
    subscriber.send_text(&long).await;
    assert_eq!(subscriber.closed().await, (1009, "The message is larger than 1 MiB: send smaller ones".to_owned()));
    let mut anonymous = server.unauthenticated().await;
    anonymous.send_text(&long[..512 * 1024]).await;
    let limit = "The message is larger than 64 KiB, the limit without a token: send a smaller one";
    assert_eq!(anonymous.closed().await, (1009, limit.to_owned()));
}
