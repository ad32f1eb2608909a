//! Records whether the writer could store its last batch of reports, and since when that has been so.
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

    /// Whether this server has been able to store reports ever since this instant.
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
    /// The time without a heartbeat after which an agent is offline: three heartbeat intervals.
    fn offline_after(&self) -> TimeDelta {
        delta(self.timing.heartbeat_interval) * 3
    }

    /// Whether agents may be marked offline. True once the server has run, and heartbeats could be stored, for three
    /// heartbeat intervals.
    pub(super) fn can_judge_silence(&self, now: DateTime<Utc>) -> bool {
        self.clock.monotonic().since(self.started) >= self.offline_after() && self.can_end_leases(now)
    }

    /// Whether leases may end. False during an outage of the database and for three heartbeat intervals after it,
    /// because agents cannot report, and as long after a jump of the clock, because the time since an agent's last
    /// report is not known.
    pub(super) fn can_end_leases(&self, now: DateTime<Utc>) -> bool {
        self.may_judge_silence() && self.write_availability.has_worked_since(now - self.offline_after())
    }

    /// Whether transfers may be marked stalled. True once agents could report progress for the whole time after which a
    /// transfer is stalled.
    pub(super) fn can_judge_stalls(&self, now: DateTime<Utc>) -> bool {
        self.may_judge_silence() && self.write_availability.has_worked_since(now - delta(self.timing.stalled_after))
    }

    /// The earliest instant from which leases are counted, so that no lease ends while [`ControlPlane::can_end_leases`]
    /// is false. `None` if there was no outage of the database.
    pub(super) fn leases_from(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match *self.write_availability.state() {
            State::Working(since) => since.map(|since| since + self.offline_after() - delta(self.timing.lease)),
            State::Failing => Some(now),
        }
    }
}
