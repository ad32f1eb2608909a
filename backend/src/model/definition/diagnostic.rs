//! Diagnostics: the errors and warnings about a definition, with their locations.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::redaction::without_passwords;

/// Severity of a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema, async_graphql::Enum)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The definition is invalid.
    Error,
    /// The definition is valid, but probably does not do what was intended.
    Warning,
}

/// An error or a warning about a definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
pub struct Diagnostic {
    /// Severity of the diagnostic.
    pub severity: Severity,
    /// Line number, counted from 1.
    #[schema(minimum = 1, example = 3)]
    pub line: u32,
    /// Column in characters, counted from 1.
    #[schema(minimum = 1, example = 1)]
    pub column: u32,
    /// Message that says what is wrong and what to write instead.
    #[schema(example = "unknown key `sorce`: did you mean `source`?")]
    pub message: String,
    /// Path of the value in the definition, such as `steps[0].needs[1]`; null for the whole definition.
    #[schema(required, example = "steps[0].needs[1]")]
    pub path: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

/// A position in the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, counted in characters.
    pub column: u32,
}

impl Position {
    /// The first position of a text.
    pub const START: Self = Self { line: 1, column: 1 };

    /// The position after this number of bytes of a text.
    pub(super) fn after(source: &str, bytes: usize) -> Self {
        let before = source.get(..bytes).unwrap_or(source);
        // A line ends with a line feed, a carriage return, or both.
        let ends = before.matches('\n').count() + before.matches('\r').count() - before.matches("\r\n").count();
        let line = before.rsplit(['\n', '\r']).next().unwrap_or(before);
        Self { line: small(ends + 1), column: small(line.chars().count() + 1) }
    }
}

/// Converts a count of lines or characters to `u32`, in which it always fits, because texts are short.
pub(super) fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The location of a value: its position in the text and its path in the structure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceLocation {
    /// The position in the text.
    pub at: Position,
    /// The path in the structure, such as `steps[0].needs[1]`; empty for the whole definition.
    pub path: String,
}

impl SourceLocation {
    /// Creates a warning about the value at this location.
    #[must_use]
    pub fn warning(&self, message: impl Into<String>) -> Diagnostic {
        self.diagnostic(Severity::Warning, message.into())
    }

    /// Creates an error about the value at this location.
    #[must_use]
    pub fn error(&self, message: impl Into<String>) -> Diagnostic {
        self.diagnostic(Severity::Error, message.into())
    }

    fn diagnostic(&self, severity: Severity, message: String) -> Diagnostic {
        // A key may be anything.
        let path = Some(without_passwords(&self.path)).filter(|path| !path.is_empty());
        Diagnostic { severity, line: self.at.line, column: self.at.column, message, path }
    }

    /// The location of the value under a key of this mapping.
    pub(super) fn key(&self, key: &str, at: Position) -> Self {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Self { at, path }
    }

    /// The location of an item of this list.
    pub(super) fn item(&self, index: usize, at: Position) -> Self {
        Self { at, path: format!("{}[{index}]", self.path) }
    }

    /// The same path with another position in the text.
    pub(super) fn moved(&self, at: Position) -> Self {
        Self { at, path: self.path.clone() }
    }
}

/// The maximum number of diagnostics that are kept. More of them usually have one cause.
const MOST: usize = 100;

/// Collects diagnostics, at most [`MOST`] of them, and counts further errors.
#[derive(Debug, Default)]
pub(super) struct Diagnostics {
    found: Vec<Diagnostic>,
    more: usize,
    /// Whether only the beginning of the text could be read. If so, missing values are not reported.
    pub(super) is_partial: bool,
}

impl Diagnostics {
    /// Adds an error. The message is built only if it is kept, since a text may have tens of thousands of errors.
    pub(super) fn error(&mut self, location: &SourceLocation, message: impl FnOnce() -> String) {
        if self.is_full() {
            self.more += 1;
        } else {
            self.found.push(location.error(message()));
        }
    }

    /// Adds an error about a missing value, unless a part of the text could not be read.
    pub(super) fn missing(&mut self, location: &SourceLocation, message: impl FnOnce() -> String) {
        if !self.is_partial {
            self.error(location, message);
        }
    }

    /// Adds a warning.
    pub(super) fn warning(&mut self, location: &SourceLocation, message: impl FnOnce() -> String) {
        if !self.is_full() {
            self.found.push(location.warning(message()));
        }
    }

    /// Whether no more diagnostics are kept.
    pub(super) fn is_full(&self) -> bool {
        self.found.len() >= MOST
    }

    /// Whether there is an error.
    pub(super) fn has_errors(&self) -> bool {
        self.more > 0 || self.found.iter().any(|found| found.severity == Severity::Error)
    }

    /// Returns the diagnostics in the order of the text, then an error with the number of errors that were not kept, if
    /// any.
    pub(super) fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|found| (found.line, found.column, found.severity));
        self.found.dedup();
        if let (Some(last), true) = (self.found.last(), self.more > 0) {
            let message = format!("and {} more: fix those above first", self.more);
            self.found.push(Diagnostic { severity: Severity::Error, message, path: None, ..last.clone() });
        }
        self.found
    }
}
