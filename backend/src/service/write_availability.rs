//! Whether reports can be stored, according to the last batch of the writer, and since when.
//!
//! While heartbeats cannot be stored, and for three intervals afterwards, a missing heartbeat does not mean that the
//! agent is offline.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::{ControlPlane, delta};
use crate::clock::Clock;

/// The result of the writer's last batch.
#[derive(Debug)]
pub(super) struct WriteAvailability {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Reports are stored: since the start of the server if the time is `None`, otherwise since an outage ended.
    Working(Option<DateTime<Utc>>),
    /// The database cannot be written.
    Failing,
}

impl WriteAvailability {
    pub(super) const fn new(clock: Clock) -> Self {
        Self { clock, state: Mutex::new(State::Working(None)) }
    }

    /// Records whether a batch was written.
    pub(super) fn note(&self, is_working: bool) {
        let mut state = self.state();
        match (*state, is_working) {
            (State::Failing, true) => *state = State::Working(Some(self.clock.now())),
            (State::Working(_), false) => *state = State::Failing,
            (State::Working(_), true) | (State::Failing, false) => {}
        }
    }

    /// Whether the last batch could be written.
    pub(super) fn is_working(&self) -> bool {
        matches!(*self.state(), State::Working(_))
    }

    /// Whether this server could store reports at all times from this instant on.
    fn has_worked_since(&self, instant: DateTime<Utc>) -> bool {
        match *self.state() {
            State::Working(since) => since.is_none_or(|since| since <= instant),
            State::Failing => false,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ControlPlane {
    /// The time without a heartbeat after which an agent is offline: three intervals.
    fn offline_after(&self) -> TimeDelta {
        delta(self.timing.heartbeat_interval) * 3
    }

    /// Whether agents may be marked offline: the server has run, and heartbeats could be stored, for three intervals.
    pub(super) fn can_judge_silence(&self, now: DateTime<Utc>) -> bool {
        self.clock.monotonic().since(self.started) >= self.offline_after() && self.can_end_leases(now)
    }

    /// Whether leases may end: an agent cannot come back during an outage of the database, and after a jump of the
    /// clock the length of its absence is not known.
    pub(super) fn can_end_leases(&self, now: DateTime<Utc>) -> bool {
        self.may_judge_silence() && self.write_availability.has_worked_since(now - self.offline_after())
    }

    /// Whether transfers may be marked stalled: their agents could report progress for the whole time.
    pub(super) fn can_judge_stalls(&self, now: DateTime<Utc>) -> bool {
        self.may_judge_silence() && self.write_availability.has_worked_since(now - delta(self.timing.stalled_after))
    }

    /// The instant before which no lease begins, so that none ends before [`ControlPlane::can_end_leases`].
    pub(super) fn leases_from(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match *self.write_availability.state() {
            State::Working(since) => since.map(|since| since + self.offline_after() - delta(self.timing.lease)),
            State::Failing => Some(now),
        }
    }
}
