//! Reads an object field by field, so that all of its errors are reported at once.
//!
//! Code derived by serde stops at the first error, and does not distinguish null from absent, or two names of one field. The
//! contract requires all of this, so bodies and queries are read as maps: each field is taken by its name or its alias (the
//! name that it has in answers) and checked, and errors are collected. [`Fields::finish`] returns the input or all errors.

#![expect(clippy::needless_pass_by_value, reason = "a check is handed the value it takes")]

use mftplus_protocol::characters;
use serde_json::{Map, Number, Value};
use uuid::Uuid;

use super::redaction::{self, without_passwords};
use crate::error::{Error, FieldErrors, Result};

/// An input that can be read from [`Fields`].
pub trait FromFields: Sized {
    /// Reads the fields of this input; `None` only if an error was recorded.
    fn from_fields(fields: &mut Fields) -> Option<Self>;

    /// Reads a whole object.
    ///
    /// # Errors
    ///
    /// [`Error::Fields`] with all errors.
    fn read(object: Map<String, Value>) -> Result<Self> {
        let mut fields = Fields::new(object);
        let input = Self::from_fields(&mut fields);
        fields.finish(input)
    }
}

/// The change of a field in an update.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Change<T> {
    /// The field is absent and keeps its value.
    #[default]
    Keep,
    /// The field is null, which removes its value.
    Clear,
    /// The field has a new value.
    Set(T),
}

impl<T: Clone> Change<T> {
    /// Applies the change to the value of the field.
    pub fn apply(&self, value: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *value = None,
            Self::Set(new) => *value = Some(new.clone()),
        }
    }
}

/// The fields of an object that were not read yet, and the errors so far.
#[derive(Debug)]
pub struct Fields {
    object: Map<String, Value>,
    errors: FieldErrors,
}

/// The result of a check: the value, or a message that says what the value must be.
pub type Check<T> = Result<T, String>;

impl Fields {
    /// Creates the fields of `object`. Unread fields are ignored, unless [`Self::refuse_unread`] is called.
    #[must_use]
    pub fn new(object: Map<String, Value>) -> Self {
        Self { object, errors: FieldErrors::default() }
    }

    /// Creates the fields of a query string. If a parameter occurs twice, its last value counts.
    #[must_use]
    pub fn of_query(parameters: impl Iterator<Item = (String, String)>) -> Self {
        let object = parameters.map(|(name, value)| (name, Value::String(value))).collect();
        Self { object, errors: FieldErrors::default() }
    }

    /// Whether there is a field with this name that was not read yet.
    #[must_use]
    pub fn holds(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    /// The value of a field under its name or one of its aliases. It is an error if both are present and differ.
    fn take(&mut self, name: &'static str, aliases: &[&str]) -> Result<Option<Value>, ()> {
        let mut found = self.object.remove(name);
        for alias in aliases {
            let Some(other) = self.object.remove(*alias) else { continue };
            match &found {
                Some(value) if *value != other => {
                    self.errors.add(
                        name,
                        format!("differs from `{alias}`, which is another name of this field: send one of them"),
                    );
                    return Err(());
                }
                _ => found = Some(other),
            }
        }
        Ok(found)
    }

    /// Reads a field that must be present and not null. Returns `None` if an error was recorded.
    pub fn required<T>(
        &mut self,
        name: &'static str,
        aliases: &[&str],
        check: impl FnOnce(Value) -> Check<T>,
    ) -> Option<T> {
        match self.take(name, aliases) {
            Err(()) => None,
            Ok(None | Some(Value::Null)) => {
                self.errors.add(name, "is required");
                None
            }
            Ok(Some(value)) => self.checked(name, value, check),
        }
    }

    /// Reads a field that may be absent; null means absent. The outer `None` means that an error was recorded.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        aliases: &[&str],
        check: impl FnOnce(Value) -> Check<T>,
    ) -> Option<Option<T>> {
        match self.take(name, aliases) {
            Err(()) => None,
            Ok(None | Some(Value::Null)) => Some(None),
            Ok(Some(value)) => self.checked(name, value, check).map(Some),
        }
    }

    /// Reads a field of an update. Absent keeps the value, null is an error. The outer `None` means that an error was
    /// recorded.
    pub fn update<T>(
        &mut self,
        name: &'static str,
        aliases: &[&str],
        check: impl FnOnce(Value) -> Check<T>,
    ) -> Option<Option<T>> {
        match self.take(name, aliases) {
            Err(()) => None,
            Ok(None) => Some(None),
            Ok(Some(Value::Null)) => {
                self.errors.add(name, "cannot be null: leave it out to keep it");
                None
            }
            Ok(Some(value)) => self.checked(name, value, check).map(Some),
        }
    }

    /// Reads a field of an update. Absent keeps the value, null removes it. `None` means that an error was recorded.
    pub fn clearable<T>(
        &mut self,
        name: &'static str,
        aliases: &[&str],
        check: impl FnOnce(Value) -> Check<T>,
    ) -> Option<Change<T>> {
        match self.take(name, aliases) {
            Err(()) => None,
            Ok(None) => Some(Change::Keep),
            Ok(Some(Value::Null)) => Some(Change::Clear),
            Ok(Some(value)) => self.checked(name, value, check).map(Change::Set),
        }
    }

    fn checked<T>(&mut self, name: &str, value: Value, check: impl FnOnce(Value) -> Check<T>) -> Option<T> {
        check(value).map_err(|problem| self.errors.add(name, problem)).ok()
    }

    /// Records an error that the check of a single field cannot find, such as one about two fields together.
    pub fn problem(&mut self, name: &'static str, problem: impl Into<String>) {
        self.errors.add(name, problem);
    }

    /// Records an error of the first field that was not read, if there is one.
    pub fn refuse_unread(&mut self, problem: &str) {
        if let Some(name) = self.object.keys().next() {
            self.errors.add(name.chars().take(64).collect::<String>(), problem);
        }
    }

    /// Returns the input `whole` or, if there were errors, all of them.
    ///
    /// # Errors
    ///
    /// [`Error::Fields`] if any error was recorded.
    pub fn finish<T>(self, whole: Option<T>) -> Result<T> {
        match whole {
            Some(whole) if self.errors.is_empty() => Ok(whole),
            _ => Err(Error::Fields(self.errors)),
        }
    }
}

/// Returns a check that reads text and removes the white space at its ends. The text must have at least `min`
/// characters without that white space, at most `max` with it, and no password of a URL.
pub fn text(min: usize, max: usize) -> impl FnOnce(Value) -> Check<String> {
    move |value| {
        let Value::String(received) = value else { return Err("must be a string".to_owned()) };
        let text = received.trim();
        let length = text.chars().count();
        if length < min || received.chars().count() > max {
            return Err(if min == 0 {
                format!("must be at most {max} characters long")
            } else {
                format!("must be {min} to {max} characters long")
            });
        }
        characters::check(text, characters::is_forbidden_in_names)?;
        redaction::check(text)?;
        if length > 0 && text.chars().all(characters::is_blank) {
            return Err("must contain a visible character".to_owned());
        }
        Ok(text.to_owned())
    }
}

/// Returns a check that reads a message of a program, for people. Only a value that is not text is an error, so that no
/// report is refused because of its message: line breaks and tabs are kept, other control characters and passwords in
/// URLs are removed, and the text is cut off after `max` characters.
pub fn message(max: usize) -> impl FnOnce(Value) -> Check<String> {
    move |value| {
        let Value::String(text) = value else { return Err("must be a string".to_owned()) };
        let is_shown = |c: &char| matches!(c, '\n' | '\r' | '\t') || !characters::is_forbidden_in_paths(*c);
        let shown: String = text.chars().filter(is_shown).collect();
        // Before the text is cut, since half a password would not be recognised.
        Ok(without_passwords(shown.trim()).chars().take(max).collect())
    }
}

/// Returns a check that reads a path or URL of 1 to `max` characters. White space at its ends is kept.
pub fn location(max: usize) -> impl FnOnce(Value) -> Check<String> {
    move |value| match value {
        Value::String(path) if path.trim().is_empty() || path.chars().count() > max => {
            Err(format!("must be 1 to {max} characters long"))
        }
        Value::String(path) => characters::check(&path, characters::is_forbidden_in_paths).map(|()| path),
        _ => Err("must be a string".to_owned()),
    }
}

/// Returns a check that reads text such as a password or a token without changing it. The text may have at most `max`
/// bytes, of any character except NUL.
pub fn raw_text(max: usize) -> impl FnOnce(Value) -> Check<String> {
    move |value| match value {
        Value::String(text) if text.contains('\0') => Err("must not contain the character NUL".to_owned()),
        Value::String(text) if text.len() <= max => Ok(text),
        Value::String(_) => Err(format!("must be at most {max} bytes long")),
        _ => Err("must be a string".to_owned()),
    }
}

/// Reads the name of an enum value.
pub fn one_of<T: std::str::FromStr + strum::VariantNames>(value: Value) -> Check<T> {
    let parsed = match &value {
        Value::String(parsed) => parsed.parse().ok(),
        _ => None,
    };
    parsed.ok_or_else(|| format!("must be one of {}", T::VARIANTS.join(", ")))
}

/// Returns a check that reads a number from `min` to `max`.
pub fn number(min: f64, max: f64) -> impl FnOnce(Value) -> Check<f64> {
    move |value| match value.as_f64() {
        Some(number) if number >= min && number <= max => Ok(number),
        Some(_) if max < f64::MAX => Err(format!("must be between {min} and {max}")),
        Some(_) => Err(format!("must be {min} or more")),
        None => Err("must be a number".to_owned()),
    }
}

/// Returns a check that reads a whole number from `min` to `max`. `5.0` is accepted.
pub fn integer(min: i64, max: i64) -> impl FnOnce(Value) -> Check<i64> {
    move |value| {
        let whole = match &value {
            Value::Number(number) => whole(number),
            _ => None,
        };
        match whole {
            Some(number) if (min..=max).contains(&number) => Ok(number),
            Some(_) if max < i64::MAX => Err(format!("must be between {min} and {max}")),
            Some(_) => Err(format!("must be {min} or more")),
            None if value.is_u64() => Err(format!("must be at most {max}")),
            None => Err("must be a whole number".to_owned()),
        }
    }
}

fn whole(number: &Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        let float = number.as_f64()?;
        // Up to 2^53 every whole number is represented exactly.
        #[expect(clippy::cast_possible_truncation, reason = "whole and small enough, checked beside it")]
        (float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0).then_some(float as i64)
    })
}

/// Applies a check for a number or a boolean to a parameter of a query, where every value is text.
pub fn parsed<T>(check: impl FnOnce(Value) -> Check<T>) -> impl FnOnce(Value) -> Check<T> {
    move |value| {
        let said = value.as_str().and_then(|text| serde_json::from_str(text).ok());
        check(said.unwrap_or(value))
    }
}

/// Reads true or false.
pub fn boolean(value: Value) -> Check<bool> {
    value.as_bool().ok_or_else(|| "must be true or false".to_owned())
}

/// Reads a UUID in the hyphenated form.
pub fn id<T: From<Uuid>>(value: Value) -> Check<T> {
    let uuid = value.as_str().filter(|text| text.len() == 36).and_then(|text| Uuid::try_parse(text).ok());
    uuid.map(T::from).ok_or_else(|| "must be a UUID".to_owned())
}

/// Reads a date and time in RFC 3339, between the years 1970 and 9999.
pub fn instant(value: Value) -> Check<chrono::DateTime<chrono::Utc>> {
    let instant = value.as_str().and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok());
    let problem = || "must be a date and time such as 2026-04-25T13:00:00Z".to_owned();
    let instant = instant.ok_or_else(problem)?.to_utc();
    // Years that both databases and all clients can represent.
    if (1970..=9999).contains(&chrono::Datelike::year(&instant)) { Ok(instant) } else { Err(problem()) }
}

/// Reads a SHA-256 as 64 hexadecimal digits, and converts it to lower case.
pub fn sha256_hex(value: Value) -> Check<String> {
    match value.as_str() {
        Some(digest) if digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Ok(digest.to_ascii_lowercase())
        }
        _ => Err("must be a SHA-256 as 64 hexadecimal digits".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: &Value) -> Fields {
        Fields::new(value.as_object().cloned().unwrap_or_default())
    }

    #[test]
    fn all_errors_are_reported_at_once() {
        let mut fields = fields(&json!({ "progress": 101, "size": "big", "name": null }));
        fields.update("progress", &[], number(0.0, 100.0));
        fields.update("size", &[], integer(0, i64::MAX));
        fields.required("name", &[], text(1, 5));
        let Err(error) = fields.finish(Some(())) else { panic!("must be refused") };
        assert_eq!(
            error.details(),
            Some(json!({ "fields": {
                "progress": ["must be between 0 and 100"],
                "size": ["must be a whole number"],
                "name": ["is required"],
            } }))
        );
    }

    #[test]
    fn an_alias_may_stand_for_a_name_but_not_against_it() {
        let mut same = fields(&json!({ "sourceUrl": "a", "source": "a" }));
        assert_eq!(same.required("sourceUrl", &["source"], text(1, 5)).as_deref(), Some("a"));
        let mut alone = fields(&json!({ "source": "a" }));
        assert_eq!(alone.required("sourceUrl", &["source"], text(1, 5)).as_deref(), Some("a"));
        let mut different = fields(&json!({ "sourceUrl": "a", "source": "b" }));
        assert_eq!(different.required("sourceUrl", &["source"], text(1, 5)), None);
        assert!(different.finish(Some(())).is_err());
    }

    #[test]
    fn null_clears_only_what_may_be_empty() {
        let mut fields = fields(&json!({ "error": null, "speed": null }));
        assert_eq!(fields.clearable("error", &[], text(0, 5)), Some(Change::Clear));
        assert_eq!(fields.update("speed", &[], number(0.0, f64::MAX)), None);
        assert!(fields.finish(Some(())).is_err());
    }

    #[test]
    fn white_space_at_the_ends_of_a_text_is_removed_but_counts_to_its_maximum() {
        assert_eq!(text(1, 5)(json!(" abc ")), Ok("abc".to_owned()));
        assert!(text(1, 5)(json!("abc   ")).is_err());
        assert!(text(1, 5)(json!("     ")).is_err());
    }

    #[test]
    fn a_byte_count_keeps_all_its_64_bits() {
        assert_eq!(integer(0, i64::MAX)(json!(i64::MAX)), Ok(i64::MAX));
        assert_eq!(integer(0, i64::MAX)(json!(5.0)), Ok(5));
        assert!(integer(0, i64::MAX)(json!(u64::MAX)).is_err());
        assert!(integer(0, i64::MAX)(json!(5.5)).is_err());
    }
}
