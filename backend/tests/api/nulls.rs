//! What the OpenAPI document says of null, of every field of every body, is what the server does.

use serde_json::{Value, json};

use crate::support::{Client, TestApp};

const ID: &str = "0199c1f0-6c00-7000-8000-000000000001";

/// Whether a schema allows null.
fn is_nullable(schema: &Value) -> bool {
    let is_null = |kind: &Value| kind == "null" || kind["type"] == "null";
    ["type", "oneOf"].iter().any(|key| schema[key].as_array().is_some_and(|kinds| kinds.iter().any(is_null)))
}

#[tokio::test]
async fn null_is_taken_where_the_document_says_so_and_nowhere_else() {
    let app = TestApp::start().await;
    let (admin, customer) = (app.admin().await, app.customer("acme").await);
    let agent = app.agent(customer.id, "edge-1").await;
    let agent = app.key(&agent.key);
    let stranger = app.anonymous().with("Cookie", "mftplus_refresh=nonsense");
    let document = json!(backend::rest::document());
    let mut tried = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        let path = path.replace("{stepId}", "fetch").replace("{id}", ID).replace("{runId}", ID);
        for (method, operation) in item.as_object().expect("operations") {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let Some(reference) = schema["$ref"].as_str() else {
                assert!(schema.is_null(), "{method} {path}: a body without a name");
                continue;
            };
            let schema = document.pointer(&reference[1..]).expect("a schema");
            let takes = |kind: &str| {
                operation["security"].as_array().is_some_and(|any| any.iter().any(|one| one.get(kind).is_some()))
            };
            let is_open = operation["security"].as_array().is_some_and(|any| any.contains(&json!({})));
            let caller = if is_open {
                &stranger
            } else if takes("bearer") {
                &admin
            } else {
                &agent
            };
            tried += check(caller, &method.to_uppercase(), &path, schema).await;
        }
    }
    assert!(tried > 60, "{tried} fields");
}

/// Sends the example of a body once with each of its fields null; how many there are.
async fn check(caller: &Client, method: &str, path: &str, schema: &Value) -> usize {
    let fields = schema["properties"].as_object().expect("fields");
    for (name, field) in fields {
        let mut body = schema["example"].clone();
        body[name] = Value::Null;
        let answer = caller.send(method, path, Some(&body)).await;
        let is_refused = answer.status == 400 && answer.wrong_fields().contains(&name.as_str());
        let place = format!("{method} {path} with `{name}: null` is {}: {}", answer.status, answer.body);
        assert!(matches!(answer.status, 200..=204 | 400..=409), "{place}");
        assert_eq!(is_refused, !is_nullable(field), "{place}");
    }
    fields.len()
}

#[tokio::test]
async fn a_body_that_may_be_left_out_is_not_null() {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let agent = app.agent(customer.id, "edge-1").await;
    let agent = app.key(&agent.key);
    assert_eq!(agent.send("POST", "/api/agents/heartbeat", None).await.status, 200);
    let answer = agent.post("/api/agents/heartbeat", &Value::Null).await;
    assert_eq!((answer.status, answer.body["error"].as_str()), (400, Some("the body must be a JSON object")));
}

#[tokio::test]
async fn a_compressed_body_is_refused_with_what_to_do() {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let agent = app.agent(customer.id, "edge-1").await;
    let sentence = "send the body as it is, without `Content-Encoding`: no compressed body is read";
    for encoding in ["gzip", "br", "deflate", "identity, gzip"] {
        let packed = app.key(&agent.key).with("Content-Encoding", encoding);
        let answer = packed.post("/api/agents/heartbeat", &json!({})).await;
        assert_eq!((answer.status, answer.body["error"].as_str()), (415, Some(sentence)), "{encoding}");
        let asked = json!({ "query": "{ __typename }" });
        let answer = app.anonymous().with("Content-Encoding", encoding).post("/graphql", &asked).await;
        let said = answer.body["errors"][0]["message"].as_str();
        assert_eq!((answer.status, said), (415, Some(sentence)), "{encoding}");
    }
    let plain = app.key(&agent.key).with("Content-Encoding", "Identity");
    assert_eq!(plain.post("/api/agents/heartbeat", &json!({})).await.status, 200);
    // Without a body there is nothing to read.
    let empty = app.key(&agent.key).with("Content-Encoding", "gzip");
    assert_eq!(empty.send("POST", "/api/agents/heartbeat", None).await.status, 200);
}
