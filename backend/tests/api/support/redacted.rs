//! Redacts answers for snapshots: values that differ from run to run are replaced by placeholders.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

/// The answer with placeholders for ids, secrets, tokens, cursors and the seeds in names. Ids are numbered in the order in
/// which they appear.
pub(crate) fn redacted(answer: &Value) -> Value {
    Redactor::default().value(answer)
}

#[derive(Default)]
struct Redactor {
    ids: Vec<String>,
}

impl Redactor {
    fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.value(item)).collect()),
            Value::Object(fields) => {
                // A cursor is an id, or sealed with the secret of the server; that of an event is its id, too.
                let is_cursor = |name: &str, value: &Value| {
                    let has_its_name = name.to_ascii_lowercase().ends_with("cursor");
                    value.is_string() && (has_its_name || fields.get("cursor") == Some(value))
                };
                let field = |(name, value): (&String, &Value)| {
                    let value = if is_cursor(name, value) { Value::from("{cursor}") } else { self.value(value) };
                    (name.clone(), value)
                };
                // The engines keep the names of stored JSON in different orders.
                let sorted: BTreeMap<&String, &Value> = fields.iter().collect();
                Value::Object(sorted.into_iter().map(field).collect())
            }
            other => other.clone(),
        }
    }

    fn text(&mut self, text: &str) -> String {
        if text.starts_with("mft_") {
            // The prefix tells the kind of the secret.
            return format!("{}{{secret}}", text.get(..7).unwrap_or(text));
        }
        if text.starts_with("eyJ") {
            return "{token}".to_owned();
        }
        let (mut redacted, mut rest) = (String::new(), text);
        while let Some(first) = rest.chars().next() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let taken = if let Some(id) = rest.get(..36).filter(|id| Uuid::try_parse(id).is_ok()) {
                redacted += &self.id(id);
                id.len()
            } else if digits >= 10 {
                redacted += "{seed}";
                digits
            } else {
                redacted.push(first);
                first.len_utf8()
            };
            rest = &rest[taken..];
        }
        redacted
    }

    fn id(&mut self, id: &str) -> String {
        let known = self.ids.iter().position(|known| known == id);
        let index = known.unwrap_or_else(|| {
            self.ids.push(id.to_owned());
            self.ids.len() - 1
        });
        format!("{{id {}}}", index + 1)
    }
}
