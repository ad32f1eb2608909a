//! Checks the requests and answers of all tests against the OpenAPI document: every answer must be described, and so must every
//! accepted body and query. Each request of a `Client` is checked here.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::client::Answer;

/// The parts of a request that the document describes.
pub(crate) struct Sent<'a> {
    pub(crate) method: &'a str,
    /// The path with its query.
    pub(crate) path: &'a str,
    pub(crate) body: &'a [u8],
}

/// The document for answers, in which additional properties are not allowed.
static STRICT: LazyLock<Value> = LazyLock::new(|| {
    let mut document = json!(backend::rest::document());
    let schemas = document["components"]["schemas"].as_object_mut().expect("schemas");
    schemas.values_mut().for_each(seal_parts);
    document
});
/// The document for requests, as it is served: additional properties are allowed and ignored.
static SERVED: LazyLock<Value> = LazyLock::new(|| json!(backend::rest::document()));
/// Compiled validators by schema.
static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// Fails unless the document describes the request and its answer.
pub(crate) fn check(sent: &Sent<'_>, answer: &Answer) {
    let place = format!("{} {} is answered {}", sent.method, sent.path, answer.status);
    let (path, query) = sent.path.split_once('?').unwrap_or((sent.path, ""));
    let Some(item) = item(path) else {
        // GraphQL and the documents are described elsewhere; of the rest there is nothing.
        if path.starts_with("/api/") && !path.starts_with("/api/docs") {
            // A body that is too large is refused with this status at every path.
            assert!(matches!(answer.status, 404 | 413), "{place}, and no path of the document is like it");
            fits(&failure(), &answer.body, &STRICT, &place);
        }
        return;
    };
    let method = sent.method.to_ascii_lowercase();
    let Some(operation) = item.get(&method) else {
        // What answers GET answers HEAD, without a body.
        if method != "head" {
            let refused = matches!(answer.status, 405 | 413);
            assert!(refused, "{place}, a method that is not described");
            fits(&failure(), &answer.body, &STRICT, &place);
        }
        return;
    };
    check_answer(operation, answer, &place);
    if (200..300).contains(&answer.status) {
        check_query(operation, query, &place);
        if !sent.body.is_empty() {
            check_body(operation, sent.body, answer, &place);
        }
    }
}

fn check_answer(operation: &Value, answer: &Answer, place: &str) {
    let described = &operation["responses"][answer.status.to_string()];
    if answer.status == 413 && described.is_null() {
        return fits(&failure(), &answer.body, &STRICT, place);
    }
    assert!(described.is_object(), "{place}, which is not described: {}", answer.body);
    if described["content"].is_null() {
        let is_bare = answer.bytes.is_empty() && answer.header("content-type").is_none();
        return assert!(is_bare, "{place} with a body, and none is described: {}", answer.body);
    }
    let sent_as = answer.header("content-type").unwrap_or_default();
    let sent_as = sent_as.split(';').next().unwrap_or_default();
    let content = &described["content"][sent_as];
    assert!(content.is_object(), "{place} as `{sent_as}`, which is not described");
    if sent_as == "application/json" {
        let mut schema = content["schema"].clone();
        seal(&mut schema);
        fits(&schema, &answer.body, &STRICT, place);
    }
    // What says when to come again says so wherever it is described.
    for name in ["Retry-After", "Allow"] {
        let is_there = described["headers"].get(name).is_none() || answer.header(name).is_some();
        assert!(is_there, "{place} without the `{name}` that is described");
    }
}

fn check_query(operation: &Value, query: &str, place: &str) {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let parameters: Vec<&Value> = parameters.filter(|parameter| parameter["in"] == "query").collect();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let Some(parameter) = parameters.iter().find(|parameter| parameter["name"] == *name) else { continue };
        let place = format!("{place}: `{name}={value}`");
        let text = json!(value);
        // All values of a query are text; those of numbers and truths look like them.
        let value = serde_json::from_str(&value).ok().filter(|value: &Value| !value.is_object() && !value.is_null());
        let schema = compiled(&parameter["schema"], &SERVED, &place);
        assert!(schema.is_valid(&text) || value.is_some_and(|value| schema.is_valid(&value)), "{place} does not fit");
    }
}

fn check_body(operation: &Value, body: &[u8], answer: &Answer, place: &str) {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    // An operation without a body reads none.
    if schema.is_null() {
        return;
    }
    let Ok(mut body) = serde_json::from_slice::<Value>(body) else { panic!("{place} to a body that is no JSON") };
    rename(schema, &mut body);
    if operation["operationId"] == "update_transfers" && answer.status != 204 {
        // Each update was taken or refused by itself: those that were taken must be described.
        let outcomes = answer.body["data"]["results"].as_array().expect("outcomes");
        let updates = body["updates"].as_array_mut().expect("updates");
        assert_eq!(updates.len(), outcomes.len(), "{place}");
        let taken = updates.drain(..).zip(outcomes).filter(|(_, outcome)| outcome["status"] == 200);
        let taken: Vec<Value> = taken.map(|(update, _)| update).collect();
        let update = json!({ "$ref": "#/components/schemas/TransferUpdate" });
        for mut each in taken {
            rename(&update, &mut each);
            fits(&update, &each, &SERVED, place);
        }
        return;
    }
    fits(schema, &body, &SERVED, place);
}

/// Gives fields that were sent by their other name the name that has a schema.
fn rename(schema: &Value, body: &mut Value) {
    let Some(body) = body.as_object_mut() else { return };
    for (name, property) in properties(schema) {
        let described = property["description"].as_str().unwrap_or_default();
        let alias = described.split_once("Alias: `").and_then(|(_, rest)| rest.split('`').next());
        if let Some(value) = alias.and_then(|alias| body.remove(alias)) {
            body.entry(name).or_insert(value);
        }
    }
}

/// The properties of a schema of the document, and of those it is made of.
fn properties(schema: &Value) -> Map<String, Value> {
    let reference = schema["$ref"].as_str().and_then(|reference| SERVED.pointer(reference.strip_prefix('#')?));
    let mut found = schema["properties"].as_object().cloned().unwrap_or_default();
    let parts = schema["allOf"].as_array().into_iter().flatten();
    reference.into_iter().chain(parts).for_each(|part| found.extend(properties(part)));
    found
}

fn failure() -> Value {
    json!({ "$ref": "#/components/schemas/Failure", "unevaluatedProperties": false })
}

fn fits(schema: &Value, value: &Value, document: &Value, place: &str) {
    let schema = compiled(schema, document, place);
    let wrong: Vec<String> =
        schema.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "{place}, which is described otherwise: {}\n{value}", wrong.join("\n"));
}

fn compiled(schema: &Value, document: &Value, place: &str) -> Arc<Validator> {
    let is_strict = std::ptr::eq(document, &raw const *STRICT);
    let key = format!("{is_strict} {schema}");
    let mut validators = VALIDATORS.lock().expect("no test panics while it holds the lock");
    let compile = || {
        let mut schema = schema.clone();
        // `$ref`s are found in the same place as in the document.
        schema["components"] = document["components"].clone();
        let validator = jsonschema::options().should_validate_formats(true).build(&schema);
        Arc::new(validator.unwrap_or_else(|error| panic!("{place}, by no schema: {error}")))
    };
    Arc::clone(validators.entry(key).or_insert_with(compile))
}

/// The operations of a path: of its template with the most words in it.
fn item(path: &str) -> Option<&'static Value> {
    let given: Vec<&str> = path.split('/').collect();
    let fits = |template: &str| {
        let words: Vec<&str> = template.split('/').collect();
        let is_like = |(word, given): (&&str, &&str)| word == given || (word.starts_with('{') && !given.is_empty());
        words.len() == given.len() && words.iter().zip(&given).all(is_like)
    };
    let paths = SERVED["paths"].as_object().expect("paths").iter();
    let found = paths.filter(|(template, _)| fits(template));
    found.min_by_key(|(template, _)| template.matches('{').count()).map(|(_, item)| item)
}

/// Makes a schema refuse objects with more than it describes.
fn seal(schema: &mut Value) {
    seal_parts(schema);
    let is_open = ["$ref", "allOf", "oneOf", "anyOf", "properties"].iter().all(|key| schema.get(key).is_none());
    if let (Some(schema), false) = (schema.as_object_mut(), is_open)
        && !schema.contains_key("additionalProperties")
    {
        schema.insert("unevaluatedProperties".to_owned(), json!(false));
    }
}

/// Seals every value within a schema. The parts of a composed schema are not sealed by themselves, because each
/// describes only a part.
fn seal_parts(schema: &mut Value) {
    for key in ["allOf", "oneOf", "anyOf"] {
        schema.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten().for_each(seal_parts);
    }
    schema.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten().for_each(|(_, it)| seal(it));
    for key in ["items", "additionalProperties"] {
        schema.get_mut(key).filter(|it| it.is_object()).into_iter().for_each(seal);
    }
}
