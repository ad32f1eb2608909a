//! The error of the parser. It has no details, because code for details would make the page larger.

use std::fmt;

use serde::de::Error;

/// The text is not JSON, or the value does not fit the type.
#[derive(Debug, PartialEq)]
pub(super) struct InvalidJson;

impl fmt::Display for InvalidJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the JSON that was expected")
    }
}

impl std::error::Error for InvalidJson {}

impl Error for InvalidJson {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}
