//! The messages of the subprotocol, and the close codes of sockets.

use rstest::rstest;
use serde_json::{Value, json};

use super::Story;
use crate::{graphql::at_the_end_of_time, support::TestApp};

#[rstest]
#[case::no_message(json!("nonsense"), 4400, "Invalid message: not a JSON object")]
#[case::unknown_type(json!({ "type": "start" }), 4400, "Invalid message: unknown `type`")]
#[case::no_query(json!({ "type": "subscribe", "id": "1", "payload": {} }), 4400, "Invalid message: `payload.query` must be a string")]
#[case::not_introduced(json!({ "type": "subscribe", "id": "1", "payload": { "query": "{ me { id } }" } }), 4401, "Unauthorized")]
#[case::bad_token(json!({ "type": "connection_init", "payload": { "Authorization": "Bearer nonsense" } }), 4403, "Forbidden")]
#[case::no_bearer(json!({ "type": "connection_init", "payload": { "authorization": "nonsense" } }), 4403, "Forbidden")]
#[case::api_key(json!({ "type": "connection_init", "payload": { "X-API-Key": "mft_ak_x" } }), 4403, "Forbidden")]
#[tokio::test]
async fn an_unauthenticated_socket_that_sends_this_is_closed(
    #[case] message: Value,
    #[case] code: u16,
    #[case] reason: &str,
) {
    let app = TestApp::start().await;
    let server = app.listen().await;
    let mut anonymous = server.unauthenticated().await;
    anonymous.send(&message).await;
    assert_eq!(anonymous.closed().await, (code, reason.to_owned()));
}

#[tokio::test]
async fn introducing_oneself_twice_is_once_too_often() {
    let story = Story::begin().await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    subscriber.send(&json!({ "type": "connection_init" })).await;
    assert_eq!(subscriber.closed().await, (4429, "Too many initialisation requests".to_owned()));
}

#[tokio::test]
async fn an_operation_s_name_is_its_own_while_it_is_at_work() {
    let story = Story::begin().await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    subscriber.subscribe("one", "{ me { role } }").await;
    assert_eq!(subscriber.data("one").await, json!({ "me": { "role": "CUSTOMER" } }));
    assert_eq!(subscriber.receive().await, json!({ "id": "one", "type": "complete" }));
    subscriber.subscribe("one", "subscription { fleetUpdated { resync } }").await;
    subscriber.subscribe("one", "subscription { fleetUpdated { resync } }").await;
    assert_eq!(subscriber.closed().await, (4409, "Subscriber for one already exists".to_owned()));
}

#[tokio::test]
async fn a_ping_is_answered_with_what_it_holds() {
    let app = TestApp::start().await;
    let server = app.listen().await;
    let mut anonymous = server.unauthenticated().await;
    anonymous.send(&json!({ "type": "ping", "payload": { "a": 1 } })).await;
    assert_eq!(anonymous.receive().await, json!({ "type": "pong", "payload": { "a": 1 } }));
    anonymous.send(&json!({ "type": "pong" })).await;
    anonymous.send(&json!({ "type": "ping" })).await;
    assert_eq!(anonymous.receive().await, json!({ "type": "pong" }));
}

#[rstest]
#[case::unknown_field("{ nonsense }")]
#[case::no_document("{")]
#[case::unknown_field_of_a_stream("subscription { transferUpdated { nonsense } }")]
#[case::two_streams("subscription { fleetUpdated { resync } agentUpdated { resync } }")]
#[case::figure_out_of_bounds("subscription { fleetUpdated(throttleMs: 60001) { resync } }")]
#[case::cursor_that_is_none("subscription { events(after: \"?\") { gap } }")]
#[tokio::test]
async fn what_cannot_be_carried_out_is_an_error_and_not_an_answer(#[case] query: &str) {
    let story = Story::begin().await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    subscriber.subscribe("wrong", query).await;
    let frame = subscriber.receive().await;
    assert_eq!((&frame["id"], &frame["type"]), (&json!("wrong"), &json!("error")), "{frame}");
    assert_eq!(frame["payload"][0]["extensions"]["code"], "INVALID", "{frame}");
    subscriber.subscribe("right", "{ __typename }").await;
    assert_eq!(subscriber.data("right").await, json!({ "__typename": "Query" }));
}

#[tokio::test]
async fn without_a_token_a_client_may_sign_in_and_nothing_else() {
    let app = TestApp::start().await;
    let person = app.create_user("admin", None).await;
    let server = app.listen().await;
    let mut anonymous = server.unauthenticated().await;
    anonymous.send(&json!({ "type": "connection_init" })).await;
    assert_eq!(anonymous.receive().await["type"], "connection_ack");
    for query in ["subscription { fleetUpdated { resync } }", "subscription { events { gap } }"] {
        anonymous.subscribe("watch", query).await;
        let frame = anonymous.receive().await;
        assert_eq!(
            (&frame["type"], &frame["payload"][0]["extensions"]["code"]),
            (&json!("error"), &json!("UNAUTHENTICATED"))
        );
    }
    let login = format!(
        "mutation {{ login(email: \"{}\", password: \"{}\") {{ user {{ email }} }} }}",
        person.email,
        crate::support::PASSWORD
    );
    anonymous.subscribe("login", &login).await;
    assert_eq!(anonymous.data("login").await["login"]["user"]["email"], json!(person.email));
}

#[tokio::test]
async fn a_page_of_another_origin_is_turned_away_and_one_of_our_own_is_not() {
    let app = TestApp::with(&["--allowed-origins", "https://fleet.example.com"]).await;
    let server = app.listen().await;
    for (origin, is_welcome) in [("https://fleet.example.com", true), ("https://evil.example.com", false)] {
        let opened = server.connect("graphql-transport-ws", &[("origin", origin)]).await;
        assert_eq!(opened.is_ok(), is_welcome, "{origin}");
    }
}

#[tokio::test]
async fn a_protocol_that_is_not_ours_is_refused() {
    let app = TestApp::start().await;
    let server = app.listen().await;
    assert!(server.connect("mqtt", &[]).await.is_err());
}

#[tokio::test]
async fn each_operation_on_a_socket_counts() {
    let app = TestApp::with(&["--rate-limits", "graphql=2"]).await;
    let customer = app.customer("acme").await;
    let server = app.listen().await;
    let mut subscriber = server.subscriber(&customer.token).await;
    for id in ["one", "two"] {
        subscriber.subscribe(id, "{ __typename }").await;
        subscriber.data(id).await;
        subscriber.receive().await;
    }
    subscriber.subscribe("three", "{ __typename }").await;
    let frame = subscriber.receive().await;
    assert_eq!((&frame["type"], &frame["payload"][0]["extensions"]["code"]), (&json!("error"), &json!("RATE_LIMITED")));
}

#[tokio::test]
async fn a_token_that_is_not_valid_counts_by_its_address_like_one_over_http() {
    let app = TestApp::with(&["--rate-limits", "graphql=2"]).await;
    let customer = app.customer("acme").await;
    let server = app.listen().await;
    let nonsense = json!({ "type": "connection_init", "payload": { "Authorization": "Bearer nonsense" } });
    for (code, reason) in
        [(4403, "Forbidden"), (4403, "Forbidden"), (4429, "Too many invalid tokens: try again in a minute")]
    {
        let mut anonymous = server.unauthenticated().await;
        anonymous.send(&nonsense).await;
        assert_eq!(anonymous.closed().await, (code, reason.to_owned()));
    }
    let answer = app.bearer("nonsense").from("127.0.0.1").ask("{ __typename }", &Value::Null).await;
    assert_eq!(answer.status, 429, "REST and the socket share one window: {}", answer.body);
    let mut subscriber = server.subscriber(&customer.token).await;
    subscriber.subscribe("known", "{ __typename }").await;
    subscriber.data("known").await;
}

#[tokio::test]
async fn a_token_that_cannot_be_checked_is_no_fault_of_its_holder() {
    let story = Story::begin().await;
    let server = story.app.listen().await;
    story.app.app.db.close().await;
    let mut anonymous = server.unauthenticated().await;
    let payload = json!({ "Authorization": format!("Bearer {}", story.customer.token) });
    anonymous.send(&json!({ "type": "connection_init", "payload": payload })).await;
    assert_eq!(anonymous.closed().await, (1013, "The token cannot be checked now: connect again".to_owned()));
}

#[tokio::test]
async fn messages_before_connection_init_are_limited() {
    let app = TestApp::start().await;
    let server = app.listen().await;
    let mut anonymous = server.unauthenticated().await;
    for _ in 0..16 {
        anonymous.send(&json!({ "type": "ping" })).await;
    }
    for _ in 0..16 {
        assert_eq!(anonymous.receive().await["type"], "pong");
    }
    anonymous.send(&json!({ "type": "pong" })).await;
    assert_eq!(anonymous.closed().await, (4400, "Too many messages before `connection_init`".to_owned()));
}

#[tokio::test]
async fn every_ping_of_an_authenticated_client_is_answered() {
    let story = Story::begin().await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    for number in 0..200 {
        subscriber.send(&json!({ "type": "ping", "payload": { "number": number } })).await;
    }
    for number in 0..200 {
        assert_eq!(subscriber.receive().await, json!({ "type": "pong", "payload": { "number": number } }));
    }
}

/// Causes the same panic as the test over HTTP.
#[tokio::test]
async fn an_operation_that_panics_ends_with_an_error_and_harms_no_other() {
    let story = Story::begin().await;
    let person = story.app.create_user("ops", None).await;
    let token = at_the_end_of_time(&story.app, &person.email).await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&token).await;
    subscriber
        .subscribe("last", &format!("mutation {{ rotateAgentKey(id: \"{}\") {{ apiKey }} }}", story.agent.id))
        .await;
    let frame = subscriber.receive().await;
    assert_eq!((&frame["id"], &frame["type"]), (&json!("last"), &json!("error")), "{frame}");
    let id = &frame["payload"][0]["extensions"]["requestId"];
    let error = json!({ "message": "internal error", "extensions": { "code": "INTERNAL", "requestId": id } });
    assert_eq!((&frame["payload"], id.is_string()), (&json!([error]), true), "{frame}");
    subscriber.subscribe("next", "{ __typename }").await;
    subscriber.data("next").await;
}
