//! Reads GraphQL responses.

use serde::{Deserialize, de::DeserializeOwned};

use super::error::ApiError;
use crate::json::{self, Raw};

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
pub(super) fn decode<T: DeserializeOwned>(answer: &str) -> Result<T, ApiError> {
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
