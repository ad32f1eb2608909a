//! The only source of the current time. Tests inject a manual clock. Jumps of the system clock are detected in `jumps`.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{self, Duration},
};

use chrono::{DateTime, TimeDelta, Utc};

mod jumps;

pub use jumps::Jumps;

use jumps::{JumpDetector, Reading};

/// The source of the current time. Clones share their state.
///
/// Instants are whole milliseconds: the precision of the API, stored without loss by both databases, and the first bits of a
/// `UUIDv7`, so that ordering by id is ordering by `createdAt`.
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    detector: Mutex<JumpDetector>,
    /// The milliseconds of the system clock at the last reading, if they were accepted; otherwise [`NOT_ACCEPTED`].
    accepted: AtomicI64,
}

/// A value of `State::accepted` that no reading of the system clock equals.
const NOT_ACCEPTED: i64 = i64::MIN;

impl Default for State {
    fn default() -> Self {
        Self { detector: Mutex::default(), accepted: AtomicI64::new(NOT_ACCEPTED) }
    }
}

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(ManualClock),
    /// The machine's clocks, moved forward by this many milliseconds.
    #[cfg(feature = "test-clock")]
    Movable(Arc<std::sync::atomic::AtomicU64>),
}

/// A reading of the monotonic clock. Only the difference of two readings has a meaning.
#[derive(Clone, Copy, Debug)]
pub enum MonotonicInstant {
    /// A reading of the machine's monotonic clock.
    Machine(time::Instant),
    /// A reading of a [`ManualClock`], in milliseconds since its start.
    Manual(i64),
}

impl MonotonicInstant {
    /// The time since `earlier`, in whole milliseconds. Zero if one of the two is a reading of the machine's clock and
    /// the other of a manual clock.
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

impl Clock {
    /// Creates a clock that reads the machine's system clock.
    #[must_use]
    pub fn system() -> Self {
        Self { source: Source::System, state: Arc::default() }
    }

    /// Creates a clock for tests. Its time changes only through the methods of `clock`.
    #[must_use]
    pub fn manual(clock: ManualClock) -> Self {
        Self { source: Source::Manual(clock), state: Arc::default() }
    }

    /// Creates a system clock that [`Self::set_ahead`] can move forward, for the servers that tests run as processes.
    #[cfg(feature = "test-clock")]
    #[must_use]
    pub fn movable() -> Self {
        Self { source: Source::Movable(Arc::default()), state: Arc::default() }
    }

    /// Sets how far a clock from [`Self::movable`] is ahead of the machine's clock. A smaller value than before has no
    /// effect, nor has a call for another kind of clock. It does not count as a jump, because the monotonic clock moves
    /// too.
    #[cfg(feature = "test-clock")]
    pub fn set_ahead(&self, ahead: Duration) {
        if let Source::Movable(millis) = &self.source {
            millis.fetch_max(u64::try_from(ahead.as_millis()).unwrap_or(0), Ordering::AcqRel);
        }
    }

    /// The current time, in whole milliseconds.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        // A request asks several times within a millisecond, of which the first reading has looked for a jump. `jumps` always
        // does, so that a system clock that stands still is noticed, too.
        let millis = self.source.wall_millis();
        if millis == self.state.accepted.load(Ordering::Acquire) { whole_millis(millis) } else { self.update() }
    }

    /// The current time, after a look for a jump.
    fn update(&self) -> DateTime<Utc> {
        let read = self.source.read();
        let mut detector = self.detector();
        let now = detector.update(read);
        // Under the lock, so that the last reading decides.
        let accepted = if detector.has_pending_jump() { NOT_ACCEPTED } else { read.wall.timestamp_millis() };
        self.state.accepted.store(accepted, Ordering::Release);
        now
    }

    /// Reads the monotonic clock.
    #[must_use]
    pub fn monotonic(&self) -> MonotonicInstant {
        self.source.read().monotonic
    }

    /// Reads the clock and returns the jumps so far, including one that this reading detects.
    #[must_use]
    pub fn jumps(&self) -> Jumps {
        // Jumps are detected when the clock is read.
        let _now = self.update();
        self.detector().jumps
    }

    /// Returns the time since a jump of the system clock was last accepted; `None` if no jump was accepted.
    #[must_use]
    pub fn since_jump(&self) -> Option<TimeDelta> {
        let monotonic = self.monotonic();
        self.detector().accepted_at.map(|at| monotonic.since(at))
    }

    fn detector(&self) -> MutexGuard<'_, JumpDetector> {
        self.state.detector.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source {
    /// The milliseconds that the system clock shows.
    fn wall_millis(&self) -> i64 {
        match self {
            Self::System => system_millis(),
            Self::Manual(clock) => clock.0.wall.load(Ordering::Acquire),
            #[cfg(feature = "test-clock")]
            Self::Movable(ahead) => system_millis().saturating_add_unsigned(ahead.load(Ordering::Acquire)),
        }
    }

    fn read(&self) -> Reading {
        match self {
            Self::System => machine(Duration::ZERO),
            Self::Manual(clock) => Reading {
                wall: whole_millis(clock.0.wall.load(Ordering::Acquire)),
                monotonic: MonotonicInstant::Manual(clock.0.passed.load(Ordering::Acquire)),
            },
            #[cfg(feature = "test-clock")]
            Self::Movable(ahead) => machine(Duration::from_millis(ahead.load(Ordering::Acquire))),
        }
    }
}

/// Both clocks of the machine, moved forward by `ahead`.
fn machine(ahead: Duration) -> Reading {
    Reading {
        wall: whole_millis(system_millis()) + ahead,
        monotonic: MonotonicInstant::Machine(time::Instant::now() + ahead),
    }
}

/// The milliseconds that the machine's system clock shows.
#[expect(clippy::disallowed_methods, reason = "this is where the machine's clock is read")]
fn system_millis() -> i64 {
    Utc::now().timestamp_millis()
}

/// A clock for tests. Clones share the same time.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Manual>);

#[derive(Debug)]
struct Manual {
    wall: AtomicI64,
    passed: AtomicI64,
}

impl ManualClock {
    /// Creates a clock whose current time is `start`.
    #[must_use]
    pub fn at(start: DateTime<Utc>) -> Self {
        Self(Arc::new(Manual { wall: AtomicI64::new(start.timestamp_millis()), passed: AtomicI64::new(0) }))
    }

    /// Advances both the system clock and the monotonic clock.
    pub fn advance(&self, by: TimeDelta) {
        self.0.passed.fetch_add(by.num_milliseconds(), Ordering::AcqRel);
        self.jump(by);
    }

    /// Sets the system clock ahead or back. The monotonic clock does not move.
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
    fn a_jump_for_some_seconds_is_detected_and_not_accepted() {
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
        assert_eq!((jumps.detected, jumps.accepted, jumps.ahead), (3, 0, YEAR));
        assert_eq!(clock.since_jump(), None);
    }

    #[test]
    fn a_jump_is_accepted_when_the_clock_keeps_its_new_time_for_a_minute() {
        let (manual, clock, noon) = at_noon();
        manual.jump(-YEAR);
        assert_eq!(clock.now(), noon);
        manual.advance(TimeDelta::seconds(60));
        assert_eq!(clock.now(), noon - YEAR + TimeDelta::seconds(60));
        manual.advance(TimeDelta::seconds(1));
        assert_eq!(clock.since_jump(), Some(TimeDelta::seconds(1)));
        assert_eq!((clock.jumps().detected, clock.jumps().accepted), (1, 1));
    }

    #[test]
    fn a_clock_that_stands_still_is_a_jump_at_the_next_check() {
        let (manual, clock, noon) = at_noon();
        manual.advance(TimeDelta::seconds(10));
        manual.jump(TimeDelta::seconds(-10));
        assert_eq!(clock.jumps().detected, 1);
        assert_eq!(clock.now(), noon + TimeDelta::seconds(10));
        manual.jump(TimeDelta::seconds(10));
        assert_eq!(clock.now(), noon + TimeDelta::seconds(10));
        assert_eq!((clock.jumps().detected, clock.jumps().accepted), (1, 0));
    }

    #[cfg(feature = "test-clock")]
    #[test]
    fn a_clock_that_a_test_moves_forward_has_not_jumped_and_never_goes_back() {
        let clock = Clock::movable();
        let (time, monotonic) = (clock.now(), clock.monotonic());
        for ahead in [Duration::from_hours(24), Duration::ZERO] {
            clock.set_ahead(ahead);
            assert!(clock.now() >= time + TimeDelta::hours(24));
            assert!(clock.monotonic().since(monotonic) >= TimeDelta::hours(24));
        }
        assert_eq!(clock.jumps().detected, 0);
    }

    #[test]
    fn a_small_correction_is_not_a_jump() {
        let (manual, clock, noon) = at_noon();
        manual.jump(TimeDelta::seconds(5));
        manual.advance(YEAR);
        assert_eq!(clock.now(), noon + YEAR + TimeDelta::seconds(5));
        assert_eq!(clock.jumps().detected, 0);
    }
}
