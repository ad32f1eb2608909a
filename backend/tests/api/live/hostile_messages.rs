//! Small messages that would take all of the stack, the processor or the memory are refused, and the socket stays open.

use serde_json::{Value, json};

use super::Story;
use crate::{
    graphql::hostile_requests::{deep, doubling, with_long_definitions},
    support::{Subscriber, TestApp},
};

async fn refused(subscriber: &mut Subscriber, query: &str, variables: &Value) -> Value {
    let payload = json!({ "query": query, "variables": variables });
    subscriber.send(&json!({ "id": "wrong", "type": "subscribe", "payload": payload })).await;
    let mut frame = subscriber.receive().await;
    assert_eq!((&frame["id"], &frame["type"]), (&json!("wrong"), &json!("error")), "{frame}");
    frame["payload"][0]["extensions"]["code"].take()
}

async fn assert_well(subscriber: &mut Subscriber) {
    subscriber.subscribe("right", "{ __typename }").await;
    assert_eq!(subscriber.data("right").await, json!({ "__typename": "Query" }));
    subscriber.receive().await;
}

#[tokio::test]
async fn documents_that_nest_or_double_without_end_are_refused_from_whomever_they_come() {
    let story = Story::begin().await;
    let server = story.app.listen().await;
    let mut anonymous = server.unauthenticated().await;
    anonymous.send(&json!({ "type": "connection_init" })).await;
    assert_eq!(anonymous.receive().await["type"], "connection_ack");
    for mut subscriber in [anonymous, server.subscriber(&story.customer.token).await] {
        for document in deep().into_iter().chain([doubling(22, "__typename"), doubling(30, "me { id }")]) {
            assert_eq!(refused(&mut subscriber, &document, &Value::Null).await, "INVALID", "{document:.60}");
        }
        let nested = (0..40).fold(json!(1), |inner, _| json!([inner]));
        assert_eq!(refused(&mut subscriber, "{ __typename }", &json!({ "v": nested })).await, "INVALID");
        assert_well(&mut subscriber).await;
    }
}

#[tokio::test]
async fn a_message_that_nests_without_end_is_none() {
    let app = TestApp::start().await;
    let server = app.listen().await;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let mut anonymous = server.unauthenticated().await;
        let payload = format!("{}1{}", open.repeat(9_000), close.repeat(9_000));
        anonymous.send_text(&format!("{{\"type\":\"ping\",\"payload\":{{\"a\":{payload}}}}}")).await;
        assert_eq!(anonymous.closed().await, (4400, "Invalid message: not a JSON object".to_owned()));
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_an_error_of_its_operation() {
    let (app, _, token) = with_long_definitions(6, 20_000).await;
    let server = app.listen().await;
    let mut subscriber = server.subscriber(&token).await;
    let query = "{ pipelines { nodes { yaml } } }";
    assert_eq!(refused(&mut subscriber, query, &Value::Null).await, "RESPONSE_TOO_LARGE");
    assert_well(&mut subscriber).await;
}

#[tokio::test]
async fn a_subscription_costs_less_for_each_answer_than_a_query() {
    let story = Story::begin().await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    let links =
        "agent { transfers(first: 100) { id source status agent { id name hostname transfers(first: 20) { id } } } }";
    let query = format!("{{ transfer(id: \"{}\") {{ {links} }} }}", story.transfer);
    subscriber.subscribe("once", &query).await;
    subscriber.data("once").await;
    subscriber.receive().await;
    let subscription = format!("subscription {{ transferUpdated {{ transfer {{ {links} }} }} }}");
    assert_eq!(refused(&mut subscriber, &subscription, &Value::Null).await, "INVALID");
    let long = format!("subscription {{ transferUpdated {{ resync }} }} # {}", "x".repeat(65_536));
    assert_eq!(refused(&mut subscriber, &long, &Value::Null).await, "INVALID");
    let variables = json!({ "v": "x".repeat(65_536) });
    let used = "subscription ($v: String) { transferUpdated(filter: { search: $v }) { resync } }";
    assert_eq!(refused(&mut subscriber, used, &variables).await, "INVALID");
    assert_well(&mut subscriber).await;
}

#[tokio::test]
async fn without_a_token_an_operation_s_faults_are_not_explained() {
    let app = TestApp::start().await;
    let server = app.listen().await;
    let mut anonymous = server.unauthenticated().await;
    anonymous.send(&json!({ "type": "connection_init" })).await;
    anonymous.receive().await;
    for document in ["{ pipelinez { id } }", "subscription { transferUpdated { nothing } }", "subscription { nothing }"]
    {
        assert_eq!(refused(&mut anonymous, document, &Value::Null).await, "UNAUTHENTICATED");
    }
    assert_eq!(refused(&mut anonymous, "mutation { login { token } }", &Value::Null).await, "INVALID");
}

#[tokio::test]
async fn a_hash_in_place_of_a_document_is_an_error_that_clients_know() {
    let app = TestApp::start().await;
    let server = app.listen().await;
    let mut anonymous = server.unauthenticated().await;
    anonymous.send(&json!({ "type": "connection_init" })).await;
    anonymous.receive().await;
    let hash = json!({ "persistedQuery": { "version": 1, "sha256Hash": "00" } });
    anonymous.send(&json!({ "id": "1", "type": "subscribe", "payload": { "extensions": hash } })).await;
    let frame = anonymous.receive().await;
    let extensions = json!({
        "code": "PERSISTED_QUERY_NOT_SUPPORTED", "requestId": frame["payload"][0]["extensions"]["requestId"],
    });
    let error = json!({ "message": "PersistedQueryNotSupported", "extensions": extensions });
    assert_eq!(frame, json!({ "id": "1", "type": "error", "payload": [error] }));
    let payload = json!({ "query": "{ __typename }", "extensions": hash });
    anonymous.send(&json!({ "id": "2", "type": "subscribe", "payload": payload })).await;
    assert_eq!(anonymous.data("2").await, json!({ "__typename": "Query" }));
}
