//! Whether reports can be stored, as the writer last found, and since when.
//!
//! While heartbeats cannot be stored, silence says nothing about an agent. Nor does it for the first intervals afterwards.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::{ControlPlane, delta};
use crate::clock::Clock;

/// What the writer last found.
#[derive(Debug)]
pub(super) struct Intake {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Reports are stored: from the start on, or since an outage ended.
    Working(Option<DateTime<Utc>>),
    /// The database cannot be written.
    Failing,
}

impl Intake {
    pub(super) const fn new(clock: Clock) -> Self {
        Self { clock, state: Mutex::new(State::Working(None)) }
    }

    /// Notes what the writer found.
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

    /// Whether reports could be stored all the time from this instant on, as far as this server knows.
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
    /// The silence after which an agent counts as offline.
    fn presence_grace(&self) -> TimeDelta {
        delta(self.timing.heartbeat_interval) * 3
    }

    /// Whether a silent agent has had the time to be heard: the server runs, and heartbeats could be stored, for three
    /// heartbeat intervals.
    pub(super) fn can_judge_silence(&self, now: DateTime<Utc>) -> bool {
        self.clock.monotonic().since(self.started) >= self.presence_grace() && self.can_end_leases(now)
    }

    /// Whether an agent that was offline has had the time to come back: none can during an outage of the database, and after
    /// a jump of the clock nobody knows how long it was.
    pub(super) fn can_end_leases(&self, now: DateTime<Utc>) -> bool {
        self.may_judge_silence() && self.intake.has_worked_since(now - self.presence_grace())
    }

    /// Whether a transfer without progress has had the time to report some.
    pub(super) fn can_judge_stalls(&self, now: DateTime<Utc>) -> bool {
        self.may_judge_silence() && self.intake.has_worked_since(now - delta(self.timing.stalled_after))
    }

    /// The instant before which no lease begins, so that none ends before [`ControlPlane::can_end_leases`].
    pub(super) fn leases_from(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match *self.intake.state() {
            State::Working(since) => since.map(|since| since + self.presence_grace() - delta(self.timing.lease)),
            State::Failing => Some(now),
        }
    }
}
