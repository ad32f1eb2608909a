//! Scalars with one form in JSON.

use async_graphql::{InputValueError, InputValueResult, ScalarType, Value};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Date and time in UTC as RFC 3339 with `Z`, with milliseconds if they are not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = DateTime<Utc>, format = "date-time", example = "2026-04-25T13:00:00Z")]
pub struct Instant(pub DateTime<Utc>);

/// Date and time in UTC as RFC 3339 with `Z`, such as `2026-04-25T13:00:00Z`, with milliseconds if they are not zero.
#[async_graphql::Scalar(name = "DateTime")]
impl ScalarType for Instant {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        let at =
            DateTime::parse_from_rfc3339(text).map_err(|_| "is not a date and time such as 2026-04-25T13:00:00Z")?;
        Ok(Self(at.to_utc()))
    }

    fn to_value(&self) -> Value {
        serde_json::to_value(self).ok().and_then(|json| Value::from_json(json).ok()).unwrap_or_default()
    }
}

/// A number of bytes: 64 bits, as a JSON number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteCount(pub i64);

#[async_graphql::Scalar]
impl ScalarType for ByteCount {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(number) if number.as_i64().is_some_and(|count| count >= 0) => {
                Ok(Self(number.as_i64().unwrap_or_default()))
            }
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::Number(self.0.into())
    }
}

impl From<DateTime<Utc>> for Instant {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at)
    }
}
