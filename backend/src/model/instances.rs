//! Which process of an agent may work, when several come with one copied state.
//!
//! A process names itself by a random id. A new id takes the place of the one before at once, since that is what every
//! restart looks like, also after `kill -9`. Only when an id is heard again that was replaced before are two processes
//! alive; then the one that was first heard later has to stop.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::InstanceId;

/// How many earlier processes are known again.
const REMEMBERED: usize = 16;
/// A request of a process that has ended may still arrive for so long.
const LATE: TimeDelta = TimeDelta::seconds(10);

/// The processes of one agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Instances {
    current: Instance,
    /// Oldest first.
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
    /// Whether it was told to stop.
    is_stopped: bool,
}

/// What a process is that is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The one that may work; nothing changes.
    Current,
    /// One that was replaced a moment ago; what it sent before may still arrive.
    Late,
    /// A new one, which takes the place of the one before.
    New,
    /// One that was replaced and is alive: the newer one stops, and it goes on.
    Returned,
    /// One that has to stop, which is news.
    Duplicate,
    /// One that was told to stop before.
    Stopped,
}

impl Heard {
    /// Whether this process may not work.
    #[must_use]
    pub const fn must_stop(self) -> bool {
        matches!(self, Self::Duplicate | Self::Stopped)
    }

    /// Whether two processes are found to be alive by this.
    #[must_use]
    pub const fn is_discovery(self) -> bool {
        matches!(self, Self::Duplicate | Self::Returned)
    }
}

impl Instances {
    /// Those of an agent of which this is the first process that names itself.
    #[must_use]
    pub const fn new(id: InstanceId, now: DateTime<Utc>) -> Self {
        Self { current: Instance { id, first_heard_at: now }, earlier: Vec::new() }
    }

    /// What a process would be if it were heard now.
    #[must_use]
    pub fn look(&self, id: InstanceId, now: DateTime<Utc>) -> Heard {
        if id == self.current.id {
            return Heard::Current;
        }
        match self.earlier.iter().find(|earlier| earlier.instance.id == id) {
            None => Heard::New,
            Some(earlier) if earlier.is_stopped => Heard::Stopped,
            Some(earlier) if now - earlier.replaced_at < LATE => Heard::Late,
            Some(earlier) if earlier.instance.first_heard_at > self.current.first_heard_at => Heard::Duplicate,
            Some(_) => Heard::Returned,
        }
    }

    /// Takes note of a process that is heard.
    pub fn hear(&mut self, id: InstanceId, now: DateTime<Utc>) -> Heard {
        let heard = self.look(id, now);
        let replaced = |instance, is_stopped| Earlier { instance, replaced_at: now, is_stopped };
        match heard {
            Heard::Current | Heard::Late | Heard::Stopped => {}
            Heard::New => {
                self.earlier.push(replaced(self.current, false));
                self.current = Instance { id, first_heard_at: now };
                if self.earlier.len() > REMEMBERED {
                    self.earlier.remove(0);
                }
            }
            Heard::Duplicate => {
                self.earlier.iter_mut().filter(|earlier| earlier.instance.id == id).for_each(|it| it.is_stopped = true);
            }
            Heard::Returned => {
                if let Some(place) = self.earlier.iter().position(|earlier| earlier.instance.id == id) {
                    let returned = self.earlier.remove(place).instance;
                    self.earlier.push(replaced(self.current, true));
                    self.current = returned;
                }
            }
        }
        heard
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
        let mut instances = Instances::new(A, at(0));
        for (number, second) in (2..100).zip(1..) {
            let next = InstanceId(Uuid::from_u128(number));
            assert_eq!(instances.hear(next, at(second)), Heard::New);
            assert_eq!(instances.hear(next, at(second + 1000)), Heard::Current);
        }
        assert_eq!(instances.earlier.len(), REMEMBERED);
    }

    #[test]
    fn what_a_dead_process_had_sent_stops_nobody() {
        let mut instances = Instances::new(A, at(0));
        instances.hear(B, at(100));
        assert_eq!(instances.hear(A, at(105)), Heard::Late);
        assert_eq!(instances.hear(B, at(1000)), Heard::Current);
    }

    #[test]
    fn of_two_that_live_the_one_that_was_first_heard_later_stops_and_stays_stopped() {
        let mut instances = Instances::new(A, at(0));
        instances.hear(B, at(100));
        assert_eq!(instances.hear(A, at(130)), Heard::Returned);
        assert_eq!(instances.hear(B, at(131)), Heard::Stopped);
        assert_eq!(instances.hear(A, at(160)), Heard::Current);
        assert_eq!(instances.hear(B, at(9000)), Heard::Stopped);
        // Started anew it is a new process, and the same is found again.
        assert_eq!(instances.hear(C, at(9001)), Heard::New);
        assert_eq!(instances.hear(A, at(9020)), Heard::Returned);
        assert!(instances.hear(C, at(9021)).must_stop());
    }

    #[test]
    fn of_three_that_live_the_first_one_goes_on() {
        let mut instances = Instances::new(A, at(0));
        instances.hear(B, at(1));
        instances.hear(C, at(2));
        assert_eq!(instances.hear(B, at(30)), Heard::Returned);
        assert_eq!(instances.hear(A, at(31)), Heard::Returned);
        assert!(instances.hear(B, at(60)).must_stop() && instances.hear(C, at(60)).must_stop());
        let mut instances = Instances::new(A, at(0));
        instances.hear(B, at(1));
        instances.hear(C, at(2));
        assert_eq!(instances.hear(A, at(30)), Heard::Returned);
        assert_eq!(instances.hear(B, at(31)), Heard::Duplicate);
        assert_eq!(instances.hear(B, at(32)), Heard::Stopped);
    }
}
