//! GraphQL requests as data.

use cynic::{Operation, StreamingOperation};
use serde::{Serialize, de::DeserializeOwned};

use super::{error::ApiError, response::decode};

/// Reads a response, or one result of a subscription.
pub(crate) type Read<T> = Box<dyn Fn(&str) -> Result<T, ApiError>>;

/// A serialised operation, and a function that reads its responses. It is data and not a future, so that the code that
/// sends requests and waits exists once, and not for every operation.
pub(crate) struct Request<T> {
    /// The JSON of the operation.
    pub(crate) text: String,
    /// Reads a response.
    pub(crate) read: Read<T>,
}

impl<T: 'static> Request<T> {
    /// Creates the request of a query or mutation. `pick` takes the result from the data of a response.
    pub(super) fn new<D, V>(operation: &Operation<D, V>, pick: fn(D) -> Result<T, ApiError>) -> Self
    where
        D: DeserializeOwned + 'static,
        V: Serialize,
    {
        Self { text: text(operation), read: Box::new(move |answer| pick(decode(answer)?)) }
    }

    /// Creates the request of a subscription. `pick` takes the update from the data of a result.
    pub(super) fn stream<D, V>(operation: &StreamingOperation<D, V>, pick: fn(D) -> T) -> Self
    where
        D: DeserializeOwned + 'static,
        V: Serialize,
    {
        Self { text: text(operation), read: Box::new(move |frame| decode(frame).map(pick)) }
    }

    /// The same request, whose result is converted with `convert`.
    pub(crate) fn map<U>(self, convert: impl Fn(T) -> U + 'static) -> Request<U> {
        let read = self.read;
        Request { text: self.text, read: Box::new(move |answer| read(answer).map(&convert)) }
    }
}

/// Serialises an operation. This never fails, since operations contain only strings, numbers, booleans and lists.
fn text(operation: &impl Serialize) -> String {
    serde_json::to_string(operation).unwrap_or_default()
}
