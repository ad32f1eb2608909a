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

const DELAYS: Backoff = Backoff::doubling(Duration::from_millis(500), Duration::from_secs(30));

/// Decides by the close code and the number of consecutive failures before this one. `random` is at least 0 and less
/// than 1.
pub(super) fn after_close(code: CloseCode, failures: u32, random: f64) -> Reconnect {
    if code.after() == AfterClose::RenewToken && failures == 0 {
        return Reconnect::Renew;
    }
    Reconnect::Wait(DELAYS.jittered(failures.saturating_add(1), random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expired_token_is_renewed_at_once() {
        assert_eq!(after_close(CloseCode::UNAUTHORIZED, 0, 0.5), Reconnect::Renew);
        assert_eq!(after_close(CloseCode::FORBIDDEN, 0, 0.5), Reconnect::Renew);
    }

    #[test]
    fn a_token_that_is_refused_repeatedly_is_retried_with_delays() {
        assert_eq!(after_close(CloseCode::UNAUTHORIZED, 1, 0.0), Reconnect::Wait(Duration::from_millis(500)));
    }

    #[test]
    fn the_first_delay_is_half_a_second_and_half_of_it_is_random() {
        assert_eq!(after_close(CloseCode::LOST, 0, 0.0), Reconnect::Wait(Duration::from_millis(250)));
        assert_eq!(after_close(CloseCode::SERVICE_RESTART, 2, 0.5), Reconnect::Wait(Duration::from_millis(1500)));
    }
}
