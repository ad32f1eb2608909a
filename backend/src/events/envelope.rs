//! What servers send each other over Redis. They may be of different versions, so what one does not know spoils nothing:
//! unknown fields and kinds are passed over, and an event that cannot be read fails alone.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strum::VariantNames;
use uuid::Uuid;

use super::{Invalidation, Message};
use crate::model::event::{Event, FORM};

/// A message with who sent it, and in which form.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Envelope<M> {
    pub(super) node: Uuid,
    /// See [`FORM`].
    #[serde(default)]
    form: u64,
    #[serde(flatten)]
    pub(super) content: Content<M>,
}

/// What servers tell each other.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Content<M> {
    /// Somebody is there.
    Tick,
    /// Something may have been missed.
    Resync,
    /// What was committed.
    Message(M),
}

/// What was read of a message.
#[derive(Debug, PartialEq)]
pub(super) struct Heard {
    /// Who sent it.
    pub(super) node: Uuid,
    /// What it says; nothing if none of it is known here.
    pub(super) content: Option<Content<Message>>,
    /// Why somebody may be left with an outdated view, if so.
    pub(super) missed: Option<&'static str>,
}

impl<M> Envelope<M> {
    /// Something to send.
    pub(super) const fn new(node: Uuid, content: Content<M>) -> Self {
        Self { node, form: FORM, content }
    }
}

/// Reads a message of any version.
///
/// # Errors
///
/// If it is no message at all.
pub(super) fn read(bytes: &[u8]) -> serde_json::Result<Heard> {
    if let Ok(Envelope { node, form, content }) = serde_json::from_slice::<Envelope<Message>>(bytes)
        && form <= FORM
    {
        return Ok(Heard { node, content: Some(content), missed: None });
    }
    let fields: Map<String, Value> = serde_json::from_slice(bytes)?;
    let node = Uuid::deserialize(fields.get("node").unwrap_or(&Value::Null))?;
    let nothing = |missed| Ok(Heard { node, content: None, missed: Some(missed) });
    if fields.get("form").and_then(Value::as_u64).is_some_and(|form| form > FORM) {
        return nothing("its form is that of a newer version");
    }
    let Some(message) = fields.get("message") else { return nothing("it is of no kind that is known here") };
    let (message, missed) = message_of(message);
    Ok(Heard { node, content: Some(Content::Message(message)), missed })
}

/// All of a message that can be read.
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
            Err(_) => missed = Some("it does not say what has changed"),
        }
    }
    (Message { events, invalidations }, missed)
}

/// The name of a variant, with or without content.
fn name_of(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.as_object()?.keys().next().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn heard(content: &Value) -> Heard {
        let mut message = json!({ "node": Uuid::nil(), "addedLater": 1 });
        let fields = message.as_object_mut().expect("an object");
        fields.extend(content.as_object().cloned().unwrap_or_default());
        read(message.to_string().as_bytes()).expect("a message")
    }

    fn told(content: &Value) -> Message {
        match heard(content) {
            Heard { content: Some(Content::Message(message)), missed: None, .. } => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_this_version_says_it_reads() {
        for content in [Content::Tick, Content::Resync, Content::Message(Message::default())] {
            let text = serde_json::to_vec(&Envelope::new(Uuid::nil(), content)).expect("JSON");
            assert_eq!(read(&text).expect("a message").missed, None);
        }
        assert_eq!(heard(&json!({ "tick": null })).content, Some(Content::Tick));
    }

    #[test]
    fn what_is_not_known_here_is_passed_over() {
        let agent = Uuid::from_u128(3);
        let forget = json!(["schedules", { "tariffs": 5 }, "moods", { "directives": agent }]);
        let message = told(&json!({ "message": { "events": [], "forget": forget, "notes": [1] } }));
        assert_eq!(message.invalidations, [Invalidation::Schedules, Invalidation::Directives(agent.into())]);
        let event = json!({
            "number": 5, "kind": "invoiceSent", "at": "2026-04-25T13:00:00Z", "actor": "system",
            "object": { "type": "invoice", "view": {} },
        });
        let message = told(&json!({ "message": { "events": [event], "forget": [] } }));
        assert_eq!(message.events[0].number, Some(5), "so that nobody thinks it was lost");
    }

    #[test]
    fn what_is_known_and_cannot_be_read_was_missed() {
        let newer = json!({ "form": FORM + 1, "message": { "events": [], "forget": [] } });
        let other = json!({ "message": { "events": [], "forget": [{ "agentKeys": [1, 2] }] } });
        let event = json!({ "message": { "events": [{ "number": 5, "object": { "type": "agent" } }] } });
        for content in [newer, other, event, json!({ "census": {} })] {
            assert!(heard(&content).missed.is_some(), "{content}");
        }
        assert!(read(b"{}").is_err() && read(b"[").is_err());
    }
}
