//! Serializes responses as JSON of limited length.

use std::io;

use async_graphql::{Response, ServerError, Value};
use bytes::Bytes;
use serde::Serialize;

use super::errors::is_request_error;
use crate::error::{Error, Result};

/// A response in the form that the GraphQL specification defines: `data` is absent if nothing was executed.
#[derive(Serialize)]
pub(super) struct Payload<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
}

impl<'a> From<&'a Response> for Payload<'a> {
    fn from(response: &'a Response) -> Self {
        Self { data: (!is_request_error(response)).then_some(&response.data), errors: &response.errors }
    }
}

/// Serializes a value as JSON of at most `max` bytes.
///
/// # Errors
///
/// [`Error::ResponseTooLarge`] if the JSON would be longer.
pub(super) fn write(value: &impl Serialize, max: usize) -> Result<Bytes> {
    let mut bounded = Bounded { bytes: Vec::new(), max };
    match serde_json::to_writer(&mut bounded, value) {
        Ok(()) => Ok(bounded.bytes.into()),
        Err(error) if error.is_io() => Err(Error::ResponseTooLarge),
        Err(error) => Err(Error::internal(error)),
    }
}

/// A buffer of at most `max` bytes.
struct Bounded {
    bytes: Vec<u8>,
    max: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if piece.len() > self.max - self.bytes.len() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_written_up_to_the_limit() {
        assert_eq!(write(&["abc"], 7).expect("seven bytes"), r#"["abc"]"#);
        assert!(matches!(write(&["abc"], 6), Err(Error::ResponseTooLarge)));
    }
}
