//! Reads GraphQL responses.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor},
};

use super::error::ApiError;
use crate::json::{self, Raw};

/// A response whose data is not parsed yet. Thus the code for this struct exists once, and not for every operation.
#[derive(Deserialize)]
struct GraphqlResponse<'a> {
    #[serde(borrow)]
    data: Option<Raw<'a>>,
    errors: Option<Vec<GraphqlError>>,
}

#[derive(Deserialize)]
struct GraphqlError {
    message: String,
    extensions: Option<Extensions>,
}

/// The extensions of a GraphQL error.
#[derive(Deserialize)]
struct Extensions {
    #[serde(default)]
    code: String,
    /// What is wrong with each field of the input.
    #[serde(default)]
    fields: Fields,
}

/// The refused fields in the order of the response, each with its name and what is wrong with it. A list, because the
/// code for a map would be large.
#[derive(Default)]
struct Fields(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((name, problems)) = map.next_entry::<String, Vec<String>>()? {
                    fields.push((name, problems.join(", ")));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// Reads a response, or one result of a subscription. If it contains errors, the first one is returned.
pub(super) fn decode<T: DeserializeOwned>(response: &str) -> Result<T, ApiError> {
    json::read(data_of(response)?).ok_or(ApiError::InvalidResponse)
}

fn data_of(response: &str) -> Result<&str, ApiError> {
    let GraphqlResponse { data, errors } = json::read(response).ok_or(ApiError::InvalidResponse)?;
    if let Some(GraphqlError { message, extensions }) = errors.into_iter().flatten().next() {
        let Some(Extensions { code, fields: Fields(fields) }) = extensions else {
            return Err(ApiError::Refused { code: String::new(), message });
        };
        return Err(if fields.is_empty() { ApiError::Refused { code, message } } else { ApiError::Fields(fields) });
    }
    data.map(|data| data.0).ok_or(ApiError::InvalidResponse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Number {
        number: i32,
    }

    #[test]
    fn data_is_read() {
        assert_eq!(decode::<Number>(r#"{"data":{"number":7}}"#), Ok(Number { number: 7 }));
    }

    #[test]
    fn the_first_error_decides() {
        let response = r#"{"data":null,"errors":[{"message":"agent not found","extensions":{"code":"NOT_FOUND"}},{"message":"b"}]}"#;
        assert!(decode::<Number>(response).unwrap_err().is_not_found());
        let bare = r#"{"data":{"number":7},"errors":[{"message":"no"}]}"#;
        assert_eq!(decode::<Number>(bare), Err(ApiError::Refused { code: String::new(), message: "no".to_owned() }));
    }

    #[test]
    fn wrong_fields_are_kept_apart() {
        let response = r#"{"data":null,"errors":[{"message":"name: no; source: no","extensions":{"code":"INVALID","requestId":"r","fields":{"name":["is empty","is short"],"source":["is empty"]}}}]}"#;
        let error = decode::<Number>(response).unwrap_err();
        assert_eq!(error.problem("name").as_deref(), Some("Is empty, is short."));
        assert_eq!(error.problem("source").as_deref(), Some("Is empty."));
    }

    #[test]
    fn other_text_is_an_invalid_response() {
        for response in ["", "<html>", "{}", r#"{"data":{"number":"x"}}"#] {
            assert_eq!(decode::<Number>(response), Err(ApiError::InvalidResponse), "{response}");
        }
    }
}
