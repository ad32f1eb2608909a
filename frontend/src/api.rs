//! The server's GraphQL side, typed: one function per operation, fragments checked against `schema.graphql` when
//! compiled. It knows nothing of pages.

pub(crate) mod agents;
pub(crate) mod codes;
pub(crate) mod customers;
pub(crate) mod definitions;
mod error;
pub(crate) mod events;
pub(crate) mod fleet;
pub(crate) mod http;
pub(crate) mod jobs;
pub(crate) mod me;
pub(crate) mod pipeline_runs;
pub(crate) mod pipelines;
pub(crate) mod plan;
mod request;
pub(crate) mod runs;
mod scalars;
pub(crate) mod slots;
pub(crate) mod transfers;
pub(crate) mod users;
pub(crate) mod webhooks;

use cynic::Id;
use serde::{Deserialize, de::DeserializeOwned};

pub(crate) use self::{error::ApiError, request::Request, scalars::ByteCount};
use crate::json::{self, Raw};

/// How many rows a page of a list has.
pub(crate) const PAGE_SIZE: i32 = 20;

#[cynic::schema("mftplus")]
pub(crate) mod schema {}

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Page<T> {
    /// The rows.
    pub(crate) items: Vec<T>,
    /// How many there are in all.
    pub(crate) total: i32,
    /// Whether counting stopped there.
    pub(crate) total_is_at_least: bool,
}

impl<T> Page<T> {
    /// The same page with other rows.
    pub(crate) fn map<U>(self, turn: impl FnMut(T) -> U) -> Page<U> {
        let Self { items, total, total_is_at_least } = self;
        Page { items: items.into_iter().map(turn).collect(), total, total_is_at_least }
    }
}

/// How many rows a list has in all, and whether counting stopped there.
pub(crate) type Total = (i32, bool);

/// An object by its id.
#[derive(cynic::QueryVariables)]
pub(crate) struct ById {
    id: Id,
}

impl ById {
    fn new(id: &str) -> Self {
        Self { id: Id::new(id) }
    }
}

/// An answer, of which the data is not read yet: so this is there once, and not for every operation.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Option<Raw<'a>>,
    errors: Option<Vec<Problem>>,
}

#[derive(Deserialize)]
struct Problem {
    message: String,
    extensions: Option<Extensions>,
}

/// What stands beside the message of an error.
#[derive(Deserialize)]
struct Extensions {
    #[serde(default)]
    code: String,
}

/// Reads an answer, or one frame of a subscription. The first error decides.
fn decode<T: DeserializeOwned>(answer: &str) -> Result<T, ApiError> {
    json::read(data_of(answer)?).ok_or(ApiError::Garbled)
}

fn data_of(answer: &str) -> Result<&str, ApiError> {
    let Answer { data, errors } = json::read(answer).ok_or(ApiError::Garbled)?;
    if let Some(Problem { message, extensions }) = errors.into_iter().flatten().next() {
        let code = extensions.map(|extensions| extensions.code).unwrap_or_default();
        return Err(ApiError::Refused { code, message });
    }
    data.map(|data| data.0).ok_or(ApiError::Garbled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Figure {
        number: i32,
    }

    #[test]
    fn data_is_read() {
        assert_eq!(decode::<Figure>(r#"{"data":{"number":7}}"#), Ok(Figure { number: 7 }));
    }

    #[test]
    fn the_first_error_decides() {
        let answer = r#"{"data":null,"errors":[{"message":"agent not found","extensions":{"code":"NOT_FOUND"}},{"message":"b"}]}"#;
        assert!(decode::<Figure>(answer).unwrap_err().is_not_found());
        let bare = r#"{"data":{"number":7},"errors":[{"message":"no"}]}"#;
        assert_eq!(decode::<Figure>(bare), Err(ApiError::Refused { code: String::new(), message: "no".to_owned() }));
    }

    #[test]
    fn other_text_is_garbled() {
        for answer in ["", "<html>", "{}", r#"{"data":{"number":"x"}}"#] {
            assert_eq!(decode::<Figure>(answer), Err(ApiError::Garbled), "{answer}");
        }
    }
}
