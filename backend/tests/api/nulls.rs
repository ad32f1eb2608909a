//! Null and NUL: the server accepts null exactly where the OpenAPI document allows it; and the character NUL, which
//! PostgreSQL cannot store, never causes a server error.

use serde_json::{Value, json};

use crate::support::{Client, TestApp};

const ID: &str = "0199c1f0-6c00-7000-8000-000000000001";

/// Whether a schema allows null.
fn is_nullable(schema: &Value) -> bool {
    let is_null = |kind: &Value| kind == "null" || kind["type"] == "null";
    ["type", "oneOf"].iter().any(|key| schema[key].as_array().is_some_and(|kinds| kinds.iter().any(is_null)))
}

/// The callers that all operations together need.
struct Callers {
    admin: Client,
    agent: Client,
    anonymous: Client,
}

impl Callers {
    async fn of(app: &TestApp) -> Self {
        let customer = app.customer("acme").await;
        let agent = app.agent(customer.id, "edge-1").await;
        let anonymous = app.anonymous().with("Cookie", "mftplus_refresh=nonsense");
        Self { admin: app.admin().await, agent: app.key(&agent.key), anonymous }
    }

    /// A caller who may call this operation.
    fn of_operation(&self, operation: &Value) -> &Client {
        let ways = operation["security"].as_array().map(Vec::as_slice).unwrap_or_default();
        if ways.contains(&json!({})) {
            &self.anonymous
        } else if ways.iter().any(|way| way.get("bearer").is_some()) {
            &self.admin
        } else {
            &self.agent
        }
    }
}

/// Every operation of the document: its method, its path with ids of objects that do not exist, and its description.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        let path = path.replace("{stepId}", "fetch").replace("{id}", ID).replace("{runId}", ID);
        let operations = item.as_object().expect("operations").iter();
        all.extend(operations.map(|(method, operation)| (method.to_uppercase(), path.clone(), operation)));
    }
    all
}

/// The schema of an operation's body.
fn body_of<'a>(document: &'a Value, operation: &Value) -> Option<&'a Value> {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    assert!(schema.is_null() || schema["$ref"].is_string(), "a body without a name: {operation}");
    document.pointer(&schema["$ref"].as_str()?[1..])
}

#[tokio::test]
async fn null_is_taken_where_the_document_says_so_and_nowhere_else() {
    let app = TestApp::start().await;
    let callers = Callers::of(&app).await;
    let document = json!(backend::rest::document());
    let mut tried = 0;
    for (method, path, operation) in operations(&document) {
        if let Some(schema) = body_of(&document, operation) {
            tried += check(callers.of_operation(operation), &method, &path, schema).await;
        }
    }
    assert!(tried > 60, "{tried} fields");
}

#[tokio::test]
async fn the_character_nul_is_refused_or_removed_wherever_it_stands() {
    let app = TestApp::start().await;
    let callers = Callers::of(&app).await;
    let document = json!(backend::rest::document());
    let mut tried = 0;
    for (method, path, operation) in operations(&document) {
        let caller = callers.of_operation(operation);
        let mut requests = Vec::new();
        if let Some(schema) = body_of(&document, operation) {
            let mut bodies = Vec::new();
            each_with_nul(&schema["example"], &mut |body| bodies.push(body));
            requests.extend(bodies.into_iter().map(|body| (path.clone(), Some(body))));
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().expect("a name");
            match parameter["in"].as_str() {
                Some("query") => requests.push((format!("{path}?{name}=a%00b"), None)),
                Some("path") => requests.push((path.replace(ID, "a%00b"), None)),
                _ => {}
            }
        }
        for (path, body) in requests {
            let answer = caller.send(&method, &path, body.as_ref()).await;
            assert!(answer.status < 500, "{method} {path} {body:?}: {}", answer.body);
            tried += 1;
        }
    }
    assert!(tried > 120, "{tried} places");
}

/// Calls `tell` with copies of the value, in each of which one text or one name contains NUL.
fn each_with_nul(value: &Value, tell: &mut dyn FnMut(Value)) {
    match value {
        Value::String(text) => tell(json!(format!("{text}\0b"))),
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                each_with_nul(item, &mut |item| {
                    let mut items = items.clone();
                    items[place] = item;
                    tell(json!(items));
                });
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                each_with_nul(field, &mut |field| {
                    let mut fields = fields.clone();
                    fields[name] = field;
                    tell(json!(fields));
                });
            }
            let mut fields = fields.clone();
            fields.insert("\0".to_owned(), json!("a"));
            tell(json!(fields));
        }
        _ => {}
    }
}

/// Sends copies of the example of a body, in each of which one field is null. Returns the number of copies.
async fn check(caller: &Client, method: &str, path: &str, schema: &Value) -> usize {
    let fields = schema["properties"].as_object().expect("fields");
    for (name, field) in fields {
        let mut body = schema["example"].clone();
        body[name] = Value::Null;
        let answer = caller.send(method, path, Some(&body)).await;
        let is_refused = answer.status == 400 && answer.wrong_fields().contains(&name.as_str());
        let place = format!("{method} {path} with `{name}: null` is {}: {}", answer.status, answer.body);
        assert!(matches!(answer.status, 200..=204 | 400..=409), "{place}");
        // The examples of these have `ids`, without which they need a filter.
        let is_needed = name == "ids" && ["/api/transfers/cancel", "/api/transfers/retry"].contains(&path);
        assert_eq!(is_refused, !is_nullable(field) || is_needed, "{place}");
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
    let sentence = "send the body uncompressed, without `Content-Encoding`";
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
