//! The format in which events are stored and sent, so that another version of the server can read them.
//!
//! Readers ignore unknown fields, and missing fields have default values, so an object can get new fields without a new
//! version of the format. Only a change that an older reader would misread increases [`FORM`], the version of the
//! format; an older reader then ignores the object.

use chrono::DateTime;
use serde::Deserialize;
use serde_json::Value;
use strum::VariantNames;
use uuid::Uuid;

use super::{Event, Kind, Object, Unknown};
use crate::model::Instant;

/// The version of the format that this server writes, and the newest one that it reads. An object without this number
/// has version 1.
pub const FORM: u64 = 1;

/// The key of the form in a stored object.
const KEY: &str = "form";

impl Object {
    /// Converts the object into the JSON that is stored.
    ///
    /// # Errors
    ///
    /// An error if the object cannot be written as JSON, which is a bug.
    pub fn payload(&self) -> serde_json::Result<Value> {
        let mut payload = serde_json::to_value(self)?;
        payload[KEY] = FORM.into();
        Ok(payload)
    }

    /// Reads a stored object, which any version may have written.
    ///
    /// # Errors
    ///
    /// The reason why the object cannot be read.
    pub fn from_payload(payload: Value) -> Result<Self, String> {
        match payload.get(KEY).and_then(Value::as_u64) {
            Some(form) if form > FORM => Err(format!("its form is {form}, and this version reads up to {FORM}")),
            _ => serde_json::from_value(payload).map_err(|error| error.to_string()),
        }
    }

    /// Whether this version has a type of object with this name.
    fn has_type(name: &str) -> bool {
        Self::VARIANTS.contains(&name)
    }
}

impl Event {
    /// Reads an event that another version of the server sent. The second value is whether a subscriber may now have an
    /// outdated view: the type of the object is known to this version, but the object cannot be read.
    #[must_use]
    pub fn from_other_version(event: &Value) -> (Self, bool) {
        let reason = match Self::deserialize(event) {
            Ok(event) => return (event, false),
            Err(error) => error.to_string(),
        };
        let object = &event["object"];
        let known = object["type"].as_str().is_some_and(Object::has_type);
        let id = object["view"]["id"].as_str().and_then(|id| id.parse().ok()).unwrap_or(Uuid::nil());
        let unread = Self {
            number: event["number"].as_i64(),
            kind: Kind::deserialize(&event["kind"]).unwrap_or(Kind::Unknown),
            at: Instant::deserialize(&event["at"]).unwrap_or(Instant(DateTime::UNIX_EPOCH)),
            actor: event["actor"].as_str().unwrap_or_default().to_owned(),
            object: Object::Unknown(Unknown { id, customer_id: None, agent_id: None, reason }),
        };
        (unread, known)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn customer() -> Value {
        let view =
            json!({ "id": Uuid::nil(), "name": "Acme", "suspended": false, "createdAt": "2026-04-25T13:00:00Z" });
        json!({ "type": "customer", "view": view })
    }

    #[test]
    fn an_object_says_its_form_and_is_read_again() {
        let object = Object::from_payload(customer()).expect("a payload without a form has the first form");
        let payload = object.payload().expect("JSON");
        assert_eq!(payload["form"], FORM);
        assert_eq!(Object::from_payload(payload), Ok(object));
    }

    #[test]
    fn what_a_newer_form_means_is_not_guessed() {
        let mut payload = customer();
        payload["form"] = (FORM + 1).into();
        assert_eq!(Object::from_payload(payload), Err("its form is 2, and this version reads up to 1".to_owned()));
    }

    #[test]
    fn an_event_of_another_version_keeps_its_number_whatever_else_cannot_be_read() {
        let event = |kind: &str, object: Value| json!({ "number": 7, "kind": kind, "at": "2026-04-25T13:00:00Z", "actor": "system", "object": object });
        let (read, is_missed) = Event::from_other_version(&event("customerMoved", customer()));
        assert_eq!((read.kind, is_missed), (Kind::Unknown, false));
        assert_eq!(read.object.payload().expect("JSON")["view"], customer()["view"]);
        let invoice = json!({ "type": "invoice", "view": { "id": Uuid::from_u128(1) } });
        let (read, is_missed) = Event::from_other_version(&event("invoiceSent", invoice));
        assert_eq!((read.number, read.object.id(), is_missed), (Some(7), Uuid::from_u128(1), false));
        let (read, is_missed) = Event::from_other_version(&event("customerUpdated", json!({ "type": "customer" })));
        assert_eq!((read.number, read.kind, is_missed), (Some(7), Kind::CustomerUpdated, true));
        assert_eq!(Event::from_other_version(&json!(null)).0.number, None);
    }
}
