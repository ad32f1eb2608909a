//! The messages of `graphql-transport-ws`.

use async_graphql::Request;
pub(super) use mftplus_protocol::socket::SUBPROTOCOL as PROTOCOL;
use serde_json::{Map, Value, json};

use crate::{
    error::Error,
    graphql::request::{from_fields, names_document},
};

/// The maximum length of the id that a client gives an operation, in bytes. The id is kept until the operation ends.
const MAX_ID: usize = 1024;
/// The maximum size of a ping's payload that is sent back, in bytes.
const MAX_ECHO: usize = 1024;

/// A message of a client.
pub(super) enum ClientMessage {
    /// `connection_init`, with its payload.
    Init(Map<String, Value>),
    Ping(Option<Value>),
    Pong,
    Subscribe(String, Result<Box<Request>, Error>),
    Complete(String),
}

impl ClientMessage {
    /// Reads a message.
    ///
    /// # Errors
    ///
    /// The reason with which the socket must be closed.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        let Ok(Value::Object(mut message)) = serde_json::from_str(text) else {
            return Err("Invalid message: not a JSON object");
        };
        let Some(Value::String(kind)) = message.remove("type") else {
            return Err("Invalid message: `type` must be a string");
        };
        match kind.as_str() {
            "connection_init" => Ok(Self::Init(object(message.remove("payload"))?.unwrap_or_default())),
            "ping" => Ok(Self::Ping(object(message.remove("payload"))?.map(Value::Object))),
            "pong" => object(message.remove("payload")).map(|_| Self::Pong),
            "subscribe" => {
                let id = id(&mut message)?;
                let payload = object(message.remove("payload"))?;
                let payload = payload.ok_or("Invalid message: `payload` must be an object")?;
                Ok(Self::Subscribe(id, request(payload)?))
            }
            "complete" => Ok(Self::Complete(id(&mut message)?)),
            _ => Err("Invalid message: unknown `type`"),
        }
    }
}

fn id(message: &mut Map<String, Value>) -> Result<String, &'static str> {
    match message.remove("id") {
        Some(Value::String(id)) if id.len() > MAX_ID => Err("Invalid message: `id` is longer than 1024 bytes"),
        Some(Value::String(id)) if !id.is_empty() => Ok(id),
        _ => Err("Invalid message: `id` must be a string that is not empty"),
    }
}

fn object(value: Option<Value>) -> Result<Option<Map<String, Value>>, &'static str> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err("Invalid message: `payload` must be an object"),
    }
}

/// A request. The outer error closes the socket, because the protocol is violated; the inner one ends the operation.
fn request(payload: Map<String, Value>) -> Result<Result<Box<Request>, Error>, &'static str> {
    let is =
        |name: &str, is_one: fn(&Value) -> bool| payload.get(name).is_none_or(|value| value.is_null() || is_one(value));
    if !payload.get("query").is_some_and(Value::is_string) && !names_document(&payload) {
        return Err("Invalid message: `payload.query` must be a string");
    }
    if !is("operationName", Value::is_string) {
        return Err("Invalid message: `payload.operationName` must be a string");
    }
    if !is("variables", Value::is_object) {
        return Err("Invalid message: `payload.variables` must be an object");
    }
    if !is("extensions", Value::is_object) {
        return Err("Invalid message: `payload.extensions` must be an object");
    }
    Ok(from_fields(payload).map(Box::new))
}

pub(super) const ACK: &str = r#"{"type":"connection_ack"}"#;

/// Returns the message `pong`. It waits in memory until the client reads it, so a payload of more than [`MAX_ECHO`]
/// bytes is omitted.
pub(super) fn pong(payload: Option<Value>) -> String {
    let payload = payload.map(|payload| payload.to_string()).filter(|payload| payload.len() <= MAX_ECHO);
    match payload {
        Some(payload) => format!(r#"{{"type":"pong","payload":{payload}}}"#),
        None => r#"{"type":"pong"}"#.to_owned(),
    }
}

pub(super) fn complete(id: &str) -> String {
    json!({ "id": id, "type": "complete" }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::no_json("{")]
    #[case::no_object("[]")]
    #[case::no_type(r#"{"id":"1"}"#)]
    #[case::unknown_type(r#"{"type":"start"}"#)]
    #[case::no_id(r#"{"type":"subscribe","payload":{"query":"{me{id}}"}}"#)]
    #[case::long_id(&format!(r#"{{"type":"complete","id":"{}"}}"#, "x".repeat(1025)))]
    #[case::empty_id(r#"{"type":"subscribe","id":"","payload":{"query":"{me{id}}"}}"#)]
    #[case::no_payload(r#"{"type":"subscribe","id":"1"}"#)]
    #[case::no_query(r#"{"type":"subscribe","id":"1","payload":{}}"#)]
    #[case::name_no_string(r#"{"type":"subscribe","id":"1","payload":{"query":"{me{id}}","operationName":1}}"#)]
    #[case::variables_no_object(r#"{"type":"subscribe","id":"1","payload":{"query":"{me{id}}","variables":[]}}"#)]
    #[case::extensions_no_object(r#"{"type":"subscribe","id":"1","payload":{"query":"{me{id}}","extensions":""}}"#)]
    #[case::init_no_object(r#"{"type":"connection_init","payload":"token"}"#)]
    #[case::ping_no_object(r#"{"type":"ping","payload":1}"#)]
    #[case::complete_without_id(r#"{"type":"complete"}"#)]
    fn what_is_no_message_is_refused(#[case] text: &str) {
        assert!(ClientMessage::read(text).is_err());
    }

    #[test]
    fn a_large_payload_of_a_ping_is_not_sent_back() {
        assert_eq!(pong(Some(json!({ "a": 1 }))), r#"{"type":"pong","payload":{"a":1}}"#);
        assert_eq!(pong(Some(json!({ "a": "x".repeat(MAX_ECHO) }))), r#"{"type":"pong"}"#);
    }
}
