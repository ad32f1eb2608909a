//! Scalars with one form in JSON.

use std::ops::Range;

use async_graphql::{InputValueError, InputValueResult, ScalarType, Value};
use chrono::{DateTime, Datelike, Timelike, Utc};
use serde::{Deserialize, Serialize, Serializer};

/// Date and time in UTC as RFC 3339 with `Z`, with milliseconds if they are not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = DateTime<Utc>, format = "date-time", example = "2026-04-25T13:00:00Z")]
pub struct Instant(pub DateTime<Utc>);

/// As `DateTime<Utc>` is serialized, but without the formatting machinery for instants of whole milliseconds, which all
/// instants of the server are: each answer holds several.
impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = *b"0000-00-00T00:00:00.000Z";
        match write_millis(&mut text, self.0) {
            Some(text) => serializer.serialize_str(text),
            None => self.0.serialize(serializer),
        }
    }
}

/// Writes an instant of whole milliseconds into its form with milliseconds, and returns what is left of it without them if
/// they are zero. `None` for fractions of milliseconds, leap seconds, and years that have not four digits.
fn write_millis(text: &mut [u8; 24], at: DateTime<Utc>) -> Option<&str> {
    let at = at.naive_utc();
    let year = u32::try_from(at.year()).ok().filter(|year| *year <= 9999)?;
    let (millis, rest) = (at.nanosecond() / 1_000_000, at.nanosecond() % 1_000_000);
    if millis > 999 || rest > 0 {
        return None;
    }
    let parts: [(Range<usize>, u32); 7] = [
        (0..4, year),
        (5..7, at.month()),
        (8..10, at.day()),
        (11..13, at.hour()),
        (14..16, at.minute()),
        (17..19, at.second()),
        (20..23, millis),
    ];
    for (place, number) in parts {
        let mut number = number;
        for digit in text[place].iter_mut().rev() {
            *digit = b"0123456789"[number as usize % 10];
            number /= 10;
        }
    }
    if millis == 0 {
        text[19] = b'Z';
        return std::str::from_utf8(&text[..20]).ok();
    }
    std::str::from_utf8(text).ok()
}

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_instant_is_serialized_as_chrono_does() {
        let seconds =
            [-62_167_219_201, -62_167_219_200, -1, 0, 951_782_400, 1_777_122_000, 253_402_300_799, 253_402_300_800];
        let nanos = [0, 1, 1_000, 1_000_000, 10_000_000, 999_000_000, 999_999_999, 1_000_000_000, 1_500_000_000];
        for seconds in seconds {
            for nanos in nanos {
                // Leap seconds exist at the end of a minute only.
                let Some(at) = DateTime::from_timestamp(seconds, nanos) else { continue };
                assert_eq!(json!(Instant(at)), json!(at));
            }
        }
        assert_eq!(json!(Instant(DateTime::from_timestamp(1_777_122_000, 0).expect("a time"))), "2026-04-25T13:00:00Z");
        let late = DateTime::from_timestamp(253_402_300_799, 45_000_000).expect("a time");
        assert_eq!(json!(Instant(late)), "9999-12-31T23:59:59.045Z");
    }
}
