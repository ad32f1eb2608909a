//! Retry policies of jobs, pipelines and steps.

use chrono::TimeDelta;
use mftplus_protocol::backoff::Backoff;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    duration::{HumanDuration, duration},
    field_reader::{Check, Fields, integer, number},
};

/// The maximum number of attempts, including the first.
pub const MAX_ATTEMPTS: i64 = 20;
/// The longest delay, in seconds: a day.
pub const MAX_DELAY: u64 = 86_400;
/// The maximum of `factor`.
pub const MAX_FACTOR: f64 = 100.0;

/// Retry policy. The second attempt follows `initialDelay` after the failure of the first; each further delay is
/// `factor` times longer, up to `maxDelay`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct Retry {
    /// Maximum number of attempts, including the first.
    #[schema(minimum = 1, maximum = 20, example = 3)]
    pub max_attempts: i64,
    /// Delay after the first failure.
    pub initial_delay: HumanDuration,
    /// Factor by which each further delay is longer than the one before.
    #[schema(minimum = 1, maximum = 100, example = 4)]
    pub factor: f64,
    /// Longest delay.
    pub max_delay: HumanDuration,
}

/// Retry policy: when failed work is retried.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({ "maxAttempts": 3, "initialDelay": "30s", "factor": 4, "maxDelay": "1h" }))]
#[expect(dead_code, reason = "describes the wire; it is read field by field")]
pub struct RetryInput {
    /// Maximum number of attempts, including the first.
    #[schema(minimum = 1, maximum = 20, example = 3)]
    max_attempts: i64,
    /// Delay after the first failure, at most 1d. Default: 30s.
    initial_delay: Option<HumanDuration>,
    /// Factor by which each further delay is longer than the one before. Default: 2.
    #[schema(minimum = 1, maximum = 100, example = 4)]
    factor: Option<f64>,
    /// Longest delay, at most 1d and not shorter than `initialDelay`. Default: 1h, or `initialDelay` if that is longer.
    max_delay: Option<HumanDuration>,
}

impl Retry {
    /// The policy without retries: one attempt.
    pub const NEVER: Self = Self::usual(1);

    /// The policy with at most this number of attempts, including the first, and the default delays.
    #[must_use]
    pub const fn usual(max_attempts: i64) -> Self {
        Self {
            max_attempts,
            initial_delay: HumanDuration::seconds(30),
            factor: 2.0,
            max_delay: HumanDuration::seconds(3_600),
        }
    }

    /// Creates a policy with default values for the parts that are `None`.
    ///
    /// # Errors
    ///
    /// A message if `max_delay` is shorter than `initial_delay`.
    pub fn new(
        max_attempts: i64,
        initial_delay: Option<HumanDuration>,
        factor: Option<f64>,
        max_delay: Option<HumanDuration>,
    ) -> Result<Self, String> {
        let usual = Self::usual(max_attempts);
        let initial_delay = initial_delay.unwrap_or(usual.initial_delay);
        let max_delay = max_delay.unwrap_or_else(|| usual.max_delay.max(initial_delay));
        if max_delay < initial_delay {
            return Err(format!("must not be shorter than `initialDelay`, which is {initial_delay}"));
        }
        Ok(Self { max_attempts, initial_delay, factor: factor.unwrap_or(usual.factor), max_delay })
    }

    /// Reads a policy from a field of a request body.
    ///
    /// # Errors
    ///
    /// A message with all errors.
    pub fn read(value: Value) -> Check<Self> {
        let Value::Object(object) = value else { return Err("must be an object".to_owned()) };
        let mut fields = Fields::new(object);
        let max_attempts = fields.required("maxAttempts", &[], integer(1, MAX_ATTEMPTS));
        let initial_delay = fields.optional("initialDelay", &[], delay);
        let factor = fields.optional("factor", &[], number(1.0, MAX_FACTOR));
        let max_delay = fields.optional("maxDelay", &[], delay);
        let whole = (|| match Self::new(max_attempts?, initial_delay?, factor?, max_delay?) {
            Ok(retry) => Some(retry),
            Err(problem) => {
                fields.problem("maxDelay", problem);
                None
            }
        })();
        fields.finish(whole).map_err(|error| error.to_string())
    }

    /// The delay between the end of the failed attempt with this number and the next attempt; `None` after the last
    /// attempt.
    #[must_use]
    pub fn delay_after(&self, attempt: i64) -> Option<TimeDelta> {
        if attempt >= self.max_attempts {
            return None;
        }
        let (first, longest) = (self.initial_delay.duration(), self.max_delay.duration());
        let delays = Backoff { first, factor: self.factor, longest };
        TimeDelta::from_std(delays.delay(u32::try_from(attempt).unwrap_or(u32::MAX))).ok()
    }
}

fn delay(value: Value) -> Check<HumanDuration> {
    match duration(value)? {
        duration if duration.as_seconds() <= MAX_DELAY => Ok(duration),
        _ => Err(format!("must be at most {}", HumanDuration::seconds(MAX_DELAY))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
        let wrong = json!({ "maxAttempts": 0, "initialDelay": "2d", "factor": 0.5, "maxDelay": "soon" });
        let said = Retry::read(wrong).expect_err("wrong in four places");
        assert!(["maxAttempts", "initialDelay", "factor", "maxDelay"].iter().all(|name| said.contains(name)), "{said}");
        let shrinking = Retry::read(json!({ "maxAttempts": 2, "initialDelay": "2h", "maxDelay": "1h" }));
        assert!(shrinking.expect_err("shrinks").contains("must not be shorter than `initialDelay`, which is 2h"));
    }

    #[test]
    fn what_is_left_out_is_usual_and_never_shorter_than_the_first_delay() {
        assert_eq!(Retry::read(json!({ "maxAttempts": 3 })), Ok(Retry::usual(3)));
        let long = Retry::read(json!({ "maxAttempts": 2, "initialDelay": "2h" })).expect("a retry");
        assert_eq!(long.max_delay, HumanDuration::seconds(7_200));
    }
}
