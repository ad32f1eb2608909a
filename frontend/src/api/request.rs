//! What is asked of the server, as data.

use cynic::{Operation, StreamingOperation};
use serde::{Serialize, de::DeserializeOwned};

use super::{error::ApiError, response::decode};

/// Reads an answer, or one frame of a subscription.
pub(crate) type Read<T> = Box<dyn Fn(&str) -> Result<T, ApiError>>;

/// An operation, ready to be sent, and how its answers are read. It is no future: so sending and waiting are there once,
/// and not for every operation.
pub(crate) struct Request<T> {
    /// What is sent.
    pub(crate) text: String,
    /// How its answers are read.
    pub(crate) read: Read<T>,
}

impl<T: 'static> Request<T> {
    /// A query or a mutation, and what of its answer is wanted.
    pub(super) fn new<D, V>(operation: &Operation<D, V>, pick: fn(D) -> Result<T, ApiError>) -> Self
    where
        D: DeserializeOwned + 'static,
        V: Serialize,
    {
        Self { text: text(operation), read: Box::new(move |answer| pick(decode(answer)?)) }
    }

    /// A subscription, and what of each frame is wanted.
    pub(super) fn stream<D, V>(operation: &StreamingOperation<D, V>, pick: fn(D) -> T) -> Self
    where
        D: DeserializeOwned + 'static,
        V: Serialize,
    {
        Self { text: text(operation), read: Box::new(move |frame| decode(frame).map(pick)) }
    }

    /// The same request, whose answers are turned into something else.
    pub(crate) fn map<U>(self, turn: impl Fn(T) -> U + 'static) -> Request<U> {
        let read = self.read;
        Request { text: self.text, read: Box::new(move |answer| read(answer).map(&turn)) }
    }
}

/// An operation holds texts and numbers only, which are always JSON.
fn text(operation: &impl Serialize) -> String {
    serde_json::to_string(operation).unwrap_or_default()
}
