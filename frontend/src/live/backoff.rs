//! When to reconnect after a socket has closed.

use mftplus_protocol::socket::{AfterClose, CloseCode};

/// What to do after a socket has closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reconnect {
    /// Get a new token first: the old one has expired or was revoked.
    Renew,
    /// Reconnect after this many milliseconds.
    Wait(u64),
}

/// Decides by the close code and the number of consecutive failures. `random` is at least 0 and less than 1.
pub(super) fn after_close(code: CloseCode, failures: u32, random: f64) -> Reconnect {
    if code.after() == AfterClose::RenewToken && failures == 0 {
        return Reconnect::Renew;
    }
    Reconnect::Wait(pause(failures, random))
}

/// Half a second, doubled with each failure up to 30 seconds, in milliseconds; up to half of it is jitter.
fn pause(failures: u32, random: f64) -> u64 {
    let longest = (500_u64 << failures.min(6)).min(30_000);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "at most 30,000"
    )]
    let jitter = (longest as f64 / 2.0 * random) as u64;
    longest / 2 + jitter
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
    fn a_token_that_is_refused_repeatedly_is_retried_with_pauses() {
        assert_eq!(after_close(CloseCode::UNAUTHORIZED, 1, 0.0), Reconnect::Wait(500));
    }

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        let pauses: Vec<_> = (0..9).map(|failures| pause(failures, 0.0) * 2).collect();
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    }

    #[test]
    fn half_of_a_pause_is_jitter() {
        assert_eq!(after_close(CloseCode::SERVICE_RESTART, 2, 0.0), Reconnect::Wait(1000));
        assert_eq!(after_close(CloseCode::LOST, 2, 0.999), Reconnect::Wait(1999));
    }
}
