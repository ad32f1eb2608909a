//! Detects jumps of the system clock.
//!
//! The system clock may be set to a wrong time while the server runs, for example a year ahead for some seconds. So it is
//! compared with the monotonic clock, which cannot be set. If the two disagree, the current time is computed from the monotonic
//! clock until the system clock is right again. If the system clock keeps its new time for a minute, the jump is accepted.

use chrono::{DateTime, TimeDelta, Utc};

use super::MonotonicInstant;

/// The largest difference that is not a jump, since small corrections of clocks are frequent.
const TOLERANCE: TimeDelta = TimeDelta::seconds(5);
/// How long the system clock must keep its new time before a jump is accepted.
const ACCEPTED_AFTER: TimeDelta = TimeDelta::seconds(60);

/// The system clock and the monotonic clock, read at the same time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) wall: DateTime<Utc>,
    pub(super) monotonic: MonotonicInstant,
}

/// Jumps of the system clock since the start of the server.
#[derive(Clone, Copy, Debug, Default)]
pub struct Jumps {
    /// The number of jumps detected.
    pub detected: u64,
    /// The number of jumps accepted, which means that the system clock kept its new time for a minute.
    pub accepted: u64,
    /// How far the system clock was ahead of the expected time at the last jump; negative if it was behind.
    pub ahead: TimeDelta,
}

/// Detects jumps by comparing readings of the system clock and of the monotonic clock.
#[derive(Debug, Default)]
pub(super) struct JumpDetector {
    /// The last reading whose system clock was accepted.
    accepted: Option<Reading>,
    /// A jump that is not accepted yet: when it was detected, and how far the system clock is ahead.
    pending_jump: Option<(MonotonicInstant, TimeDelta)>,
    pub(super) jumps: Jumps,
    /// When the last jump was accepted.
    pub(super) accepted_at: Option<MonotonicInstant>,
}

impl JumpDetector {
    /// Whether a jump was detected that is neither accepted nor corrected yet.
    pub(super) const fn has_pending_jump(&self) -> bool {
        self.pending_jump.is_some()
    }

    /// Records a reading of both clocks, and returns the current time that follows from it.
    pub(super) fn update(&mut self, read: Reading) -> DateTime<Utc> {
        let Some(accepted) = self.accepted else {
            self.accepted = Some(read);
            return read.wall;
        };
        let expected = accepted.wall + read.monotonic.since(accepted.monotonic);
        let ahead = read.wall - expected;
        if ahead.abs() <= TOLERANCE {
            (self.accepted, self.pending_jump) = (Some(read), None);
            return read.wall;
        }
        match self.pending_jump {
            Some((since, before)) if (ahead - before).abs() <= TOLERANCE => {
                if read.monotonic.since(since) < ACCEPTED_AFTER {
                    return expected;
                }
                (self.accepted, self.pending_jump) = (Some(read), None);
                (self.jumps.accepted, self.accepted_at) = (self.jumps.accepted + 1, Some(read.monotonic));
                read.wall
            }
            _ => {
                self.pending_jump = Some((read.monotonic, ahead));
                (self.jumps.detected, self.jumps.ahead) = (self.jumps.detected + 1, ahead);
                expected
            }
        }
    }
}
