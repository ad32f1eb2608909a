//! Limits how often a log line is written that clients can cause at will.

use std::{
    mem,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The minimum time between two lines.
const INTERVAL: Duration = Duration::from_secs(10);

/// Permits one log line in 10 seconds, and counts the suppressed lines.
#[derive(Debug, Default)]
pub struct LogThrottle(Mutex<Lines>);

#[derive(Debug, Default)]
struct Lines {
    /// When the last line was logged.
    logged: Option<Instant>,
    /// The number of lines that were suppressed since then.
    left_out: u64,
}

impl LogThrottle {
    /// Returns the number of lines suppressed since the last logged one, if a line may be logged now; otherwise counts
    /// the line as suppressed and returns `None`.
    #[must_use]
    pub fn permit(&self, now: Instant) -> Option<u64> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.logged.is_some_and(|at| now.duration_since(at) < INTERVAL) {
            lines.left_out += 1;
            return None;
        }
        lines.logged = Some(now);
        Some(mem::take(&mut lines.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_logged_once_in_an_interval_with_the_number_of_those_left_out() {
        let (throttle, start) = (LogThrottle::default(), Instant::now());
        let soon = start + INTERVAL / 2;
        assert_eq!(
            [start, start, soon, start + INTERVAL].map(|at| throttle.permit(at)),
            [Some(0), None, None, Some(2)]
        );
        assert_eq!([soon + INTERVAL, start + INTERVAL * 2].map(|at| throttle.permit(at)), [None, Some(1)]);
    }
}
