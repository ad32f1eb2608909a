//! How something that failed is made again.

use std::{fmt, str::FromStr, time::Duration};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::model::fields::{Check, Fields, integer, number};

/// A length of time in whole seconds, written such as `30s`, `90m` or `1h30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = r"^(\d+[dhms])+$", example = "30s")]
pub struct Period(u64);

/// The longest period: a year.
const LONGEST: u64 = 366 * 86_400;

impl Period {
    /// So many seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// As a duration.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl fmt::Display for Period {
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

impl FromStr for Period {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const PROBLEM: &str = "must be a duration such as 30s, 5m or 1h30m";
        let (mut total, mut figure, mut last) = (0_u64, None, u64::MAX);
        for c in text.chars() {
            if let Some(digit) = c.to_digit(10) {
                let so_far: u64 = figure.unwrap_or(0);
                figure = Some(so_far.saturating_mul(10).saturating_add(u64::from(digit)));
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
            total = total.saturating_add(figure.take().ok_or(PROBLEM)?.saturating_mul(seconds));
        }
        if figure.is_some() || last == u64::MAX {
            return Err(PROBLEM);
        }
        if total > LONGEST { Err("must be at most 366d") } else { Ok(Self(total)) }
    }
}

impl TryFrom<String> for Period {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

/// A length of time in whole seconds, such as `30s`, `90m` or `1h30m`.
#[async_graphql::Scalar(name = "Duration")]
impl async_graphql::ScalarType for Period {
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

/// How something that failed is made again: after `initialDelay`, then after `factor` times as long, up to `maxDelay`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct Retry {
    /// How many attempts there are in all.
    #[schema(minimum = 1, maximum = 20, example = 3)]
    pub max_attempts: i64,
    /// How long after the first failure.
    pub initial_delay: Period,
    /// How many times longer each further delay is.
    #[schema(minimum = 1, maximum = 100, example = 4)]
    pub factor: f64,
    /// The longest delay.
    pub max_delay: Period,
}

impl Retry {
    /// Reads it from an object of a body.
    ///
    /// # Errors
    ///
    /// A sentence with everything that is wrong.
    pub fn read(value: Value) -> Check<Self> {
        let Value::Object(object) = value else { return Err("must be an object".to_owned()) };
        let mut fields = Fields::new(object);
        let max_attempts = fields.required("maxAttempts", &[], integer(1, 20));
        let initial_delay = fields.optional("initialDelay", &[], period);
        let factor = fields.optional("factor", &[], number(1.0, 100.0));
        let max_delay = fields.optional("maxDelay", &[], period);
        let whole = (|| {
            Some(Self {
                max_attempts: max_attempts?,
                initial_delay: initial_delay?.unwrap_or(Period(30)),
                factor: factor?.unwrap_or(2.0),
                max_delay: max_delay?.unwrap_or(Period(3_600)),
            })
        })();
        fields.finish(whole).map_err(|error| error.to_string())
    }

    /// How long after the end of this failed attempt the next one begins; nothing after the last.
    #[must_use]
    pub fn delay_after(&self, attempt: i64) -> Option<TimeDelta> {
        if attempt >= self.max_attempts {
            return None;
        }
        let mut delay = self.initial_delay.duration().as_secs_f64();
        let most = self.max_delay.duration().as_secs_f64();
        for _ in 1..attempt {
            delay = (delay * self.factor).min(most);
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most a year of milliseconds")]
        Some(TimeDelta::milliseconds((delay.min(most) * 1000.0) as i64))
    }
}

/// A length of time.
///
/// # Errors
///
/// What it must be.
pub fn period(value: Value) -> Check<Period> {
    match value {
        Value::String(text) => text.parse().map_err(ToOwned::to_owned),
        _ => Err("must be a duration such as 30s, 5m or 1h30m".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

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
    fn a_period_is_whole_seconds_in_units(#[case] text: &str, #[case] shown: Option<&str>) {
        assert_eq!(text.parse::<Period>().ok().map(|period| period.to_string()).as_deref(), shown);
    }

    #[test]
    fn delays_grow_up_to_their_bound_and_end_with_the_last_attempt() {
        let retry = json!({ "maxAttempts": 4, "initialDelay": "30s", "factor": 4, "maxDelay": "5m" });
        let retry = Retry::read(retry).expect("a retry");
        let delays: Vec<_> =
            (1..=4).map(|attempt| retry.delay_after(attempt).map(|delay| delay.num_seconds())).collect();
        assert_eq!(delays, [Some(30), Some(120), Some(300), None]);
    }

    #[test]
    fn everything_wrong_with_a_retry_is_said() {
        let wrong = Retry::read(json!({ "maxAttempts": 0, "factor": 0.5, "maxDelay": "soon" }));
        let said = wrong.expect_err("wrong in three places");
        assert!(["maxAttempts", "factor", "maxDelay"].iter().all(|name| said.contains(name)), "{said}");
    }
}
