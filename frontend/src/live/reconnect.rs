//! The rules for reconnecting after a socket has closed.

use std::time::Duration;

use mftplus_protocol::{
    backoff::Backoff,
    socket::{AfterClose, CloseCode},
};

/// What to do after a socket has closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reconnect {
    /// Get a new access token first: the old one has expired or was revoked.
    Renew,
    /// Reconnect after this delay.
    Wait(Duration),
}

/// The delays of a visible tab. The longest one is short, so that the page is up to date within five seconds after the
/// server is back.
const DELAYS: Backoff = Backoff::doubling(Duration::from_millis(500), Duration::from_secs(3));
/// The delays of a hidden tab. It connects at once when it becomes visible.
const HIDDEN_DELAYS: Backoff = Backoff { longest: Duration::from_secs(30), ..DELAYS };

/// Decides what to do after a socket has closed with `code`. `failures` is the number of consecutive failures before
/// this one; `random` is at least 0 and less than 1.
pub(super) fn after_close(code: CloseCode, failures: u32, random: f64, is_hidden: bool) -> Reconnect {
    if code.after() == AfterClose::RenewToken && failures == 0 {
        return Reconnect::Renew;
    }
    let delays = if is_hidden { HIDDEN_DELAYS } else { DELAYS };
    Reconnect::Wait(delays.jittered(failures.saturating_add(1), random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expired_token_is_renewed_at_once() {
        assert_eq!(after_close(CloseCode::UNAUTHORIZED, 0, 0.5, false), Reconnect::Renew);
        assert_eq!(after_close(CloseCode::FORBIDDEN, 0, 0.5, false), Reconnect::Renew);
    }

    #[test]
    fn a_token_that_is_refused_repeatedly_is_retried_with_delays() {
        assert_eq!(after_close(CloseCode::UNAUTHORIZED, 1, 0.0, false), Reconnect::Wait(Duration::from_millis(500)));
    }

    #[test]
    fn the_first_delay_is_half_a_second_and_half_of_it_is_random() {
        assert_eq!(after_close(CloseCode::LOST, 0, 0.0, false), Reconnect::Wait(Duration::from_millis(250)));
        assert_eq!(
            after_close(CloseCode::SERVICE_RESTART, 2, 0.5, false),
            Reconnect::Wait(Duration::from_millis(1500))
        );
    }

    #[test]
    fn a_visible_page_returns_within_three_seconds_however_long_the_outage_was() {
        let wait = |is_hidden| after_close(CloseCode::LOST, 500, 0.5, is_hidden);
        assert_eq!(wait(false), Reconnect::Wait(Duration::from_millis(2250)));
        assert_eq!(wait(true), Reconnect::Wait(Duration::from_millis(22_500)));
    }
}
