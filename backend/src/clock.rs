//! Time, injected. Nothing else in the crate asks the machine what time it is.
//!
//! The machine's clock may be set while the server runs, and set wrongly: for some seconds it may say that a year has
//! passed. So it is compared with the machine's counter of time that nobody sets. Where the two disagree, the present is
//! reckoned by the counter until the clock is right again, or has gone on by itself for a minute: then it is believed.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time,
};

use chrono::{DateTime, TimeDelta, Utc};

/// A difference that is no jump: clocks are set right by little all the time.
const TOLERANCE: TimeDelta = TimeDelta::seconds(5);
/// How long a clock that has jumped has to go on before it is believed.
const BELIEVED_AFTER: TimeDelta = TimeDelta::seconds(60);

/// Where the present comes from. Clones are the same clock.
///
/// Instants are whole milliseconds: that is what the API shows, what both databases keep without loss, and what a
/// `UUIDv7` begins with, so that ordering by id is ordering by `createdAt`.
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(ManualClock),
}

/// A point of the time that only passes: by itself it says nothing, but two of them say how much lies between.
#[derive(Clone, Copy, Debug)]
pub enum Steady {
    /// Of the machine.
    Machine(time::Instant),
    /// Of a clock for tests, in milliseconds.
    Manual(i64),
}

impl Steady {
    /// How much time has passed since `earlier`, in whole milliseconds.
    #[must_use]
    pub fn since(self, earlier: Self) -> TimeDelta {
        match (self, earlier) {
            (Self::Machine(later), Self::Machine(earlier)) => {
                let passed = later.saturating_duration_since(earlier).as_millis();
                TimeDelta::milliseconds(i64::try_from(passed).unwrap_or(i64::MAX / 2))
            }
            (Self::Manual(later), Self::Manual(earlier)) => TimeDelta::milliseconds(later - earlier),
            (Self::Machine(_), Self::Manual(_)) | (Self::Manual(_), Self::Machine(_)) => TimeDelta::zero(),
        }
    }
}

/// What both clocks of the machine say at once.
#[derive(Clone, Copy, Debug)]
struct Reading {
    wall: DateTime<Utc>,
    steady: Steady,
}

/// Jumps of the machine's clock since the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Jumps {
    /// How many were noticed.
    pub noticed: u64,
    /// How many of them were believed.
    pub believed: u64,
    /// How far ahead of the time that had passed the clock was at the last one.
    pub ahead: TimeDelta,
}

#[derive(Debug, Default)]
struct State {
    /// The last reading that was right.
    right: Option<Reading>,
    /// Since when the clock is ahead by how much, if it is.
    doubt: Option<(Steady, TimeDelta)>,
    jumps: Jumps,
    believed_at: Option<Steady>,
}

impl State {
    /// The present, by what both clocks say.
    fn settle(&mut self, read: Reading) -> DateTime<Utc> {
        let Some(right) = self.right else {
            self.right = Some(read);
            return read.wall;
        };
        let reckoned = right.wall + read.steady.since(right.steady);
        let ahead = read.wall - reckoned;
        if ahead.abs() <= TOLERANCE {
            (self.right, self.doubt) = (Some(read), None);
            return read.wall;
        }
        match self.doubt {
            Some((since, before)) if (ahead - before).abs() <= TOLERANCE => {
                if read.steady.since(since) < BELIEVED_AFTER {
                    return reckoned;
                }
                (self.right, self.doubt) = (Some(read), None);
                (self.jumps.believed, self.believed_at) = (self.jumps.believed + 1, Some(read.steady));
                read.wall
            }
            _ => {
                self.doubt = Some((read.steady, ahead));
                (self.jumps.noticed, self.jumps.ahead) = (self.jumps.noticed + 1, ahead);
                reckoned
            }
        }
    }
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self { source: Source::System, state: Arc::default() }
    }

    /// A clock that only moves when told to.
    #[must_use]
    pub fn manual(clock: ManualClock) -> Self {
        Self { source: Source::Manual(clock), state: Arc::default() }
    }

    /// The present, in whole milliseconds.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let read = self.source.read();
        self.state().settle(read)
    }

    /// A point of the time that only passes.
    #[must_use]
    pub fn steady(&self) -> Steady {
        self.source.read().steady
    }

    /// The jumps so far.
    #[must_use]
    pub fn jumps(&self) -> Jumps {
        // A look is what notices one.
        let _now = self.now();
        self.state().jumps
    }

    /// How long ago a jump was believed, if one was.
    #[must_use]
    pub fn since_jump(&self) -> Option<TimeDelta> {
        let steady = self.steady();
        self.state().believed_at.map(|at| steady.since(at))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source {
    fn read(&self) -> Reading {
        match self {
            #[expect(clippy::disallowed_methods, reason = "this is where the machine's clock is read")]
            Self::System => Reading {
                wall: whole_millis(Utc::now().timestamp_millis()),
                steady: Steady::Machine(time::Instant::now()),
            },
            Self::Manual(clock) => Reading {
                wall: whole_millis(clock.0.wall.load(Ordering::Acquire)),
                steady: Steady::Manual(clock.0.passed.load(Ordering::Acquire)),
            },
        }
    }
}

/// A clock for tests; clones share the same time.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Manual>);

#[derive(Debug)]
struct Manual {
    wall: AtomicI64,
    passed: AtomicI64,
}

impl ManualClock {
    /// A clock that stands at `start`.
    #[must_use]
    pub fn at(start: DateTime<Utc>) -> Self {
        Self(Arc::new(Manual { wall: AtomicI64::new(start.timestamp_millis()), passed: AtomicI64::new(0) }))
    }

    /// Lets time pass.
    pub fn advance(&self, by: TimeDelta) {
        self.0.passed.fetch_add(by.num_milliseconds(), Ordering::AcqRel);
        self.jump(by);
    }

    /// Sets the clock ahead, or back, without any time having passed.
    pub fn jump(&self, by: TimeDelta) {
        self.0.wall.fetch_add(by.num_milliseconds(), Ordering::AcqRel);
    }
}

fn whole_millis(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or(DateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: TimeDelta = TimeDelta::days(400);

    fn at_noon() -> (ManualClock, Clock, DateTime<Utc>) {
        let manual = ManualClock::at(DateTime::UNIX_EPOCH + TimeDelta::hours(12));
        let clock = Clock::manual(manual.clone());
        let noon = clock.now();
        (manual, clock, noon)
    }

    #[test]
    fn a_jump_for_some_seconds_is_noticed_and_not_believed() {
        let (manual, clock, noon) = at_noon();
        for ahead in [YEAR, -YEAR] {
            manual.jump(ahead);
            assert_eq!(clock.now(), noon);
            manual.jump(-ahead);
            assert_eq!(clock.now(), noon);
        }
        manual.jump(YEAR);
        assert_eq!(clock.now(), noon);
        manual.advance(TimeDelta::seconds(10));
        assert_eq!(clock.now(), noon + TimeDelta::seconds(10));
        manual.jump(-YEAR);
        manual.advance(TimeDelta::seconds(90));
        assert_eq!(clock.now(), noon + TimeDelta::seconds(100));
        let jumps = clock.jumps();
        assert_eq!((jumps.noticed, jumps.believed, jumps.ahead), (3, 0, YEAR));
        assert_eq!(clock.since_jump(), None);
    }

    #[test]
    fn a_clock_that_goes_on_from_where_it_was_set_is_believed() {
        let (manual, clock, noon) = at_noon();
        manual.jump(-YEAR);
        assert_eq!(clock.now(), noon);
        manual.advance(TimeDelta::seconds(60));
        assert_eq!(clock.now(), noon - YEAR + TimeDelta::seconds(60));
        manual.advance(TimeDelta::seconds(1));
        assert_eq!(clock.since_jump(), Some(TimeDelta::seconds(1)));
        assert_eq!((clock.jumps().noticed, clock.jumps().believed), (1, 1));
    }

    #[test]
    fn what_is_set_right_by_little_is_no_jump() {
        let (manual, clock, noon) = at_noon();
        manual.jump(TimeDelta::seconds(5));
        manual.advance(YEAR);
        assert_eq!(clock.now(), noon + YEAR + TimeDelta::seconds(5));
        assert_eq!(clock.jumps().noticed, 0);
    }
}
