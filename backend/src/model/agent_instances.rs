//! Decides which process of an agent may work, if several processes share one copied state folder.
//!
//! Each process chooses a random id. A new id replaces the current one at once, since every restart looks like that, also after
//! `kill -9`. If a replaced id sends requests again, two processes are alive, and the one whose first request came later has to
//! stop.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::InstanceId;

/// The maximum number of replaced processes that are stored for an agent.
const MAX_EARLIER: usize = 16;
/// How long after the replacement of a process its requests count as delayed requests of a process that has ended.
const LATE: TimeDelta = TimeDelta::seconds(10);

/// The processes of one agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentInstances {
    current: Instance,
    /// The replaced processes, oldest first.
    #[serde(default)]
    earlier: Vec<Earlier>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Instance {
    id: InstanceId,
    first_heard_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Earlier {
    #[serde(flatten)]
    instance: Instance,
    replaced_at: DateTime<Utc>,
    /// Whether the process got the answer that it must stop.
    is_stopped: bool,
}

/// The state of a process that has sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceState {
    /// The process that may work.
    Current,
    /// A process that was replaced within the last 10 seconds: the request may be delayed.
    Late,
    /// A new process, which replaces the current one.
    New,
    /// A replaced process that is alive and older than the current one. It replaces the current one.
    Returned,
    /// A process that must stop and did not get that answer before.
    Duplicate,
    /// A process that got the answer before that it must stop.
    Stopped,
}

impl InstanceState {
    /// Whether the process has to stop.
    #[must_use]
    pub const fn must_stop(self) -> bool {
        matches!(self, Self::Duplicate | Self::Stopped)
    }

    /// Whether this state is the first sign that two processes of the agent are alive.
    #[must_use]
    pub const fn is_discovery(self) -> bool {
        matches!(self, Self::Duplicate | Self::Returned)
    }
}

impl AgentInstances {
    /// Creates the record of an agent whose first process is `id`.
    #[must_use]
    pub const fn new(id: InstanceId, now: DateTime<Utc>) -> Self {
        Self { current: Instance { id, first_heard_at: now }, earlier: Vec::new() }
    }

    /// The state of a process that sends a request at `now`, without recording it.
    #[must_use]
    pub fn state_of(&self, id: InstanceId, now: DateTime<Utc>) -> InstanceState {
        if id == self.current.id {
            return InstanceState::Current;
        }
        match self.earlier.iter().find(|earlier| earlier.instance.id == id) {
            None => InstanceState::New,
            Some(earlier) if earlier.is_stopped => InstanceState::Stopped,
            Some(earlier) if now - earlier.replaced_at < LATE => InstanceState::Late,
            Some(earlier) if earlier.instance.first_heard_at > self.current.first_heard_at => InstanceState::Duplicate,
            Some(_) => InstanceState::Returned,
        }
    }

    /// Records a request of a process, and returns its state.
    pub fn record(&mut self, id: InstanceId, now: DateTime<Utc>) -> InstanceState {
        let state = self.state_of(id, now);
        let replaced = |instance, is_stopped| Earlier { instance, replaced_at: now, is_stopped };
        match state {
            InstanceState::Current | InstanceState::Late | InstanceState::Stopped => {}
            InstanceState::New => {
                self.earlier.push(replaced(self.current, false));
                self.current = Instance { id, first_heard_at: now };
                if self.earlier.len() > MAX_EARLIER {
                    self.earlier.remove(0);
                }
            }
            InstanceState::Duplicate => {
                self.earlier.iter_mut().filter(|earlier| earlier.instance.id == id).for_each(|it| it.is_stopped = true);
            }
            InstanceState::Returned => {
                if let Some(place) = self.earlier.iter().position(|earlier| earlier.instance.id == id) {
                    let returned = self.earlier.remove(place).instance;
                    self.earlier.push(replaced(self.current, true));
                    self.current = returned;
                }
            }
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const A: InstanceId = InstanceId(Uuid::from_u128(1));
    const B: InstanceId = InstanceId(Uuid::from_u128(2));
    const C: InstanceId = InstanceId(Uuid::from_u128(3));

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    #[test]
    fn a_restart_replaces_the_process_before_and_is_never_stopped() {
        let mut instances = AgentInstances::new(A, at(0));
        for (number, second) in (2..100).zip(1..) {
            let next = InstanceId(Uuid::from_u128(number));
            assert_eq!(instances.record(next, at(second)), InstanceState::New);
            assert_eq!(instances.record(next, at(second + 1000)), InstanceState::Current);
        }
        assert_eq!(instances.earlier.len(), MAX_EARLIER);
    }

    #[test]
    fn what_a_dead_process_had_sent_stops_no_process() {
        let mut instances = AgentInstances::new(A, at(0));
        instances.record(B, at(100));
        assert_eq!(instances.record(A, at(105)), InstanceState::Late);
        assert_eq!(instances.record(B, at(1000)), InstanceState::Current);
    }

    #[test]
    fn of_two_live_processes_the_one_that_reported_first_later_stops_and_stays_stopped() {
        let mut instances = AgentInstances::new(A, at(0));
        instances.record(B, at(100));
        assert_eq!(instances.record(A, at(130)), InstanceState::Returned);
        assert_eq!(instances.record(B, at(131)), InstanceState::Stopped);
        assert_eq!(instances.record(A, at(160)), InstanceState::Current);
        assert_eq!(instances.record(B, at(9000)), InstanceState::Stopped);
        // Started anew it is a new process, and the same is found again.
        assert_eq!(instances.record(C, at(9001)), InstanceState::New);
        assert_eq!(instances.record(A, at(9020)), InstanceState::Returned);
        assert!(instances.record(C, at(9021)).must_stop());
    }

    #[test]
    fn of_three_that_live_the_first_one_goes_on() {
        let mut instances = AgentInstances::new(A, at(0));
        instances.record(B, at(1));
        instances.record(C, at(2));
        assert_eq!(instances.record(B, at(30)), InstanceState::Returned);
        assert_eq!(instances.record(A, at(31)), InstanceState::Returned);
        assert!(instances.record(B, at(60)).must_stop() && instances.record(C, at(60)).must_stop());
        let mut instances = AgentInstances::new(A, at(0));
        instances.record(B, at(1));
        instances.record(C, at(2));
        assert_eq!(instances.record(A, at(30)), InstanceState::Returned);
        assert_eq!(instances.record(B, at(31)), InstanceState::Duplicate);
        assert_eq!(instances.record(B, at(32)), InstanceState::Stopped);
    }
}
