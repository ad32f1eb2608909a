//! The format of messages between servers over Redis. The servers may have different versions, so unknown fields and
//! kinds are ignored, and an event that cannot be read does not affect the rest of its message.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strum::VariantNames;
use uuid::Uuid;

use super::{Invalidation, Message};
use crate::model::event::{Event, FORM};

/// A message with its sender and the version of its format.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Envelope<M> {
    /// The id of the server that sent the message.
    pub(super) node: Uuid,
    /// The version of the payloads, see [`FORM`].
    #[serde(default)]
    form: u64,
    #[serde(flatten)]
    pub(super) content: Content<M>,
}

/// The content of a message.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Content<M> {
    /// The sender is connected; sent every second.
    Tick,
    /// Messages of the sender may have been lost.
    Resync,
    /// The changes of a commit.
    Message(M),
}

/// A message as it was read.
#[derive(Debug, PartialEq)]
pub(super) struct Received {
    /// The id of the server that sent the message.
    pub(super) node: Uuid,
    /// The content of the message; `None` if this version of the server cannot read it.
    pub(super) content: Option<Content<Message>>,
    /// Why a part of the message could not be read, so that readers need a resync; `None` if all of it was read.
    pub(super) missed: Option<&'static str>,
}

impl<M> Envelope<M> {
    /// Creates a message of this server, in the format of this version.
    pub(super) const fn new(node: Uuid, content: Content<M>) -> Self {
        Self { node, form: FORM, content }
    }
}

/// Reads a message of any version.
///
/// # Errors
///
/// An error if the bytes are not a JSON object with a `node`.
pub(super) fn read(bytes: &[u8]) -> serde_json::Result<Received> {
    if let Ok(Envelope { node, form, content }) = serde_json::from_slice::<Envelope<Message>>(bytes)
        && form <= FORM
    {
        return Ok(Received { node, content: Some(content), missed: None });
    }
    let fields: Map<String, Value> = serde_json::from_slice(bytes)?;
    let node = Uuid::deserialize(fields.get("node").unwrap_or(&Value::Null))?;
    let nothing = |missed| Ok(Received { node, content: None, missed: Some(missed) });
    if fields.get("form").and_then(Value::as_u64).is_some_and(|form| form > FORM) {
        return nothing("its format is that of a newer version");
    }
    let Some(message) = fields.get("message") else { return nothing("its kind is not known to this version") };
    let (message, missed) = message_of(message);
    Ok(Received { node, content: Some(Content::Message(message)), missed })
}

/// The readable part of a message, and the reason if the rest could not be read.
fn message_of(message: &Value) -> (Message, Option<&'static str>) {
    let list = |name: &str| message[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut missed = None;
    let mut events = Vec::new();
    for event in list("events") {
        let (event, is_missed) = Event::from_other_version(event);
        if is_missed {
            missed = Some("an object in it cannot be read");
        }
        events.push(event);
    }
    let mut invalidations = Vec::new();
    for item in list("forget") {
        match Invalidation::deserialize(item) {
            Ok(invalidation) => invalidations.push(invalidation),
            // This version caches nothing of a kind that it does not know.
            Err(_) if !name_of(item).is_some_and(|name| Invalidation::VARIANTS.contains(&name)) => {}
            Err(_) => missed = Some("an invalidation in it cannot be read"),
        }
    }
    (Message { events, invalidations, ..Message::default() }, missed)
}

/// The name of a variant, with or without content.
fn name_of(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.as_object()?.keys().next().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn received(content: &Value) -> Received {
        let mut message = json!({ "node": Uuid::nil(), "addedLater": 1 });
        let fields = message.as_object_mut().expect("an object");
        fields.extend(content.as_object().cloned().unwrap_or_default());
        read(message.to_string().as_bytes()).expect("a message")
    }

    fn read_message(content: &Value) -> Message {
        match received(content) {
            Received { content: Some(Content::Message(message)), missed: None, .. } => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_version_reads_its_own_messages() {
        for content in [Content::Tick, Content::Resync, Content::Message(Message::default())] {
            let text = serde_json::to_vec(&Envelope::new(Uuid::nil(), content)).expect("JSON");
            assert_eq!(read(&text).expect("a message").missed, None);
        }
        assert_eq!(received(&json!({ "tick": null })).content, Some(Content::Tick));
    }

    #[test]
    fn unknown_fields_and_kinds_are_ignored() {
        let agent = Uuid::from_u128(3);
        let forget = json!(["schedules", { "tariffs": 5 }, "moods", { "directives": agent }]);
        let message = read_message(&json!({ "message": { "events": [], "forget": forget, "notes": [1] } }));
        assert_eq!(message.invalidations, [Invalidation::Schedules, Invalidation::Directives(agent.into())]);
        let event = json!({
            "number": 5, "kind": "invoiceSent", "at": "2026-04-25T13:00:00Z", "actor": "system",
            "object": { "type": "invoice", "view": {} },
        });
        let message = read_message(&json!({ "message": { "events": [event], "forget": [] } }));
        assert_eq!(message.events[0].number, Some(5), "the number is known, so it is not a gap");
    }

    #[test]
    fn a_known_part_that_cannot_be_read_is_reported_as_missed() {
        let newer = json!({ "form": FORM + 1, "message": { "events": [], "forget": [] } });
        let other = json!({ "message": { "events": [], "forget": [{ "agentKeys": [1, 2] }] } });
        let event = json!({ "message": { "events": [{ "number": 5, "object": { "type": "agent" } }] } });
        for content in [newer, other, event, json!({ "census": {} })] {
            assert!(received(&content).missed.is_some(), "{content}");
        }
        assert!(read(b"{}").is_err() && read(b"[").is_err());
    }
}
