//! Durations in text form: `30s`, `2h`, `1h30m`.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::field_reader::Check;

/// A duration in whole seconds, such as `30s`, `90m` or `1h30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(as = Period, value_type = String, pattern = "^([0-9]+[dhms]){1,4}$", example = "30s")]
pub struct HumanDuration(u64);

/// The form of a duration, as a pattern of JSON Schema. The pattern does not check the order of the units; the reader
/// does.
pub const PATTERN: &str = "^([0-9]+[dhms]){1,4}$";

/// The message for a text that is not a duration.
const PROBLEM: &str = "must be a duration such as 30s, 5m or 1h30m";

/// The longest duration, in seconds: 366 days.
const LONGEST: u64 = 366 * 86_400;

impl HumanDuration {
    /// Creates a duration of this number of seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Converts the value into a [`Duration`] of the standard library.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }

    /// The length of the duration in seconds.
    #[must_use]
    pub const fn as_seconds(self) -> u64 {
        self.0
    }
}

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
        let mut left = self.0;
        for (seconds, unit) in parts {
            if left >= seconds {
                write!(f, "{}{unit}", left / seconds)?;
                left %= seconds;
            }
        }
        if self.0 == 0 { f.write_str("0s") } else { Ok(()) }
    }
}

impl FromStr for HumanDuration {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (mut total, mut number, mut last) = (0_u64, None, u64::MAX);
        for c in text.chars() {
            if let Some(digit) = c.to_digit(10) {
                let so_far: u64 = number.unwrap_or(0);
                number = Some(so_far.saturating_mul(10).saturating_add(u64::from(digit)));
                continue;
            }
            let seconds = match c {
                'd' => 86_400,
                'h' => 3_600,
                'm' => 60,
                's' => 1,
                _ => return Err(PROBLEM),
            };
            // Each unit once, the larger ones first.
            if seconds >= last {
                return Err(PROBLEM);
            }
            last = seconds;
            total = total.saturating_add(number.take().ok_or(PROBLEM)?.saturating_mul(seconds));
        }
        if number.is_some() || last == u64::MAX {
            return Err(PROBLEM);
        }
        if total > LONGEST { Err("must be at most 366d") } else { Ok(Self(total)) }
    }
}

impl TryFrom<String> for HumanDuration {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<HumanDuration> for String {
    fn from(duration: HumanDuration) -> Self {
        duration.to_string()
    }
}

/// A duration in whole seconds, such as `30s`, `90m` or `1h30m`.
#[async_graphql::Scalar(name = "Duration")]
impl async_graphql::ScalarType for HumanDuration {
    fn parse(value: async_graphql::Value) -> async_graphql::InputValueResult<Self> {
        let async_graphql::Value::String(text) = &value else {
            return Err(async_graphql::InputValueError::expected_type(value));
        };
        text.parse().map_err(async_graphql::InputValueError::custom)
    }

    fn to_value(&self) -> async_graphql::Value {
        async_graphql::Value::String(self.to_string())
    }
}

/// Reads a duration from a JSON string such as `1h30m`.
///
/// # Errors
///
/// A message that says what the value must be.
pub fn duration(value: Value) -> Check<HumanDuration> {
    match value {
        Value::String(text) => text.parse().map_err(ToOwned::to_owned),
        _ => Err(PROBLEM.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("30s", Some("30s"))]
    #[case("90m", Some("1h30m"))]
    #[case("1h30m", Some("1h30m"))]
    #[case("0s", Some("0s"))]
    #[case("366d", Some("366d"))]
    #[case("367d", None)]
    #[case("30", None)]
    #[case("", None)]
    #[case("s", None)]
    #[case("1m1h", None)]
    #[case("1.5h", None)]
    #[case("-1s", None)]
    #[case("99999999999999999999d", None)]
    fn a_duration_is_whole_seconds_in_units(#[case] text: &str, #[case] shown: Option<&str>) {
        assert_eq!(text.parse::<HumanDuration>().ok().map(|duration| duration.to_string()).as_deref(), shown);
    }
}
