//! The limit of one response, checked while the response is resolved. A response that has become too large is
//! abandoned at once, so it is never held in memory as a whole.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use async_graphql::Value;

/// The maximum number of fields of a response, `__typename` included. Each field takes far more memory than it has
/// bytes.
const MAX_FIELDS: usize = 200_000;
/// The maximum number of fields of one response of a subscription, which is resolved on a thread of the runtime.
const MAX_FIELDS_OF_SUBSCRIPTION: usize = 20_000;
/// The bytes of JSON around a name and its value.
const PUNCTUATION: usize = 4;

/// The limit of one response, and how much of it is used.
#[derive(Debug)]
pub(super) struct ResponseLimit {
    max_bytes: usize,
    is_subscription: AtomicBool,
    bytes: AtomicUsize,
    fields: AtomicUsize,
}

impl ResponseLimit {
    pub(super) fn new(max_bytes: usize) -> Self {
        let (bytes, fields) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { max_bytes, is_subscription: AtomicBool::new(false), bytes, fields }
    }

    /// Reduces the maximum number of fields to that of a subscription.
    pub(super) fn narrow(&self) {
        self.is_subscription.store(true, Relaxed);
    }

    /// Starts to count the next response from zero.
    pub(super) fn begin(&self) {
        self.bytes.store(0, Relaxed);
        self.fields.store(0, Relaxed);
    }

    /// Whether the response has become too large.
    pub(super) fn is_exceeded(&self) -> bool {
        let max_fields = if self.is_subscription.load(Relaxed) { MAX_FIELDS_OF_SUBSCRIPTION } else { MAX_FIELDS };
        self.bytes.load(Relaxed) > self.max_bytes || self.fields.load(Relaxed) > max_fields
    }

    /// Counts the whole size of a leaf, which is a value without a selection set.
    pub(super) fn charge_leaf(&self, value: &Value) {
        self.charge(size(value), 1);
    }

    /// Counts the field names of an object or a list whose values were counted before.
    pub(super) fn charge_names(&self, value: &Value) {
        if let Value::Object(fields) = value {
            self.charge(fields.keys().map(|name| name.len() + PUNCTUATION).sum(), fields.len());
        }
    }

    /// Counts an error.
    pub(super) fn charge_error(&self, message: &str, path: impl Iterator<Item = usize>) {
        self.charge(message.len() + path.map(|length| length + PUNCTUATION).sum::<usize>() + 64, 1);
    }

    fn charge(&self, bytes: usize, fields: usize) {
        self.bytes.fetch_add(bytes, Relaxed);
        self.fields.fetch_add(fields, Relaxed);
    }
}

/// The minimum number of bytes of a value as JSON.
fn size(value: &Value) -> usize {
    match value {
        Value::Number(_) => 1,
        Value::Null | Value::Boolean(_) => 4,
        Value::String(text) => text.len() + 2,
        Value::Enum(name) => name.len() + 2,
        Value::Binary(bytes) => bytes.len(),
        Value::List(items) => items.iter().map(|item| size(item) + 1).sum(),
        Value::Object(fields) => fields.iter().map(|(name, field)| name.len() + PUNCTUATION + size(field)).sum(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_exceeded_by_its_bytes_and_the_next_begins_anew() {
        let limit = ResponseLimit::new(100);
        limit.charge_leaf(&Value::from("x".repeat(98)));
        assert!(!limit.is_exceeded());
        limit.charge_names(&Value::from_json(json!({ "name": null })).expect("a value"));
        assert!(limit.is_exceeded());
        limit.begin();
        assert!(!limit.is_exceeded());
    }

    #[test]
    fn an_answer_is_exceeded_by_its_fields_sooner_for_a_subscription() {
        let limit = ResponseLimit::new(usize::MAX);
        for _ in 0..=MAX_FIELDS_OF_SUBSCRIPTION {
            limit.charge_leaf(&Value::Null);
        }
        assert!(!limit.is_exceeded());
        limit.narrow();
        assert!(limit.is_exceeded());
    }

    #[test]
    fn json_in_a_leaf_counts_whole() {
        let inner = json!({ "list": ["text", 1, { "a": null }] });
        let size = size(&Value::from_json(inner.clone()).expect("a value"));
        assert!((20..=inner.to_string().len() + 12).contains(&size), "{size}");
    }
}
