//! Rate limits: the number of requests that a subject, such as a user or a client address, may make in a window. A
//! window starts with the first request of its subject and lasts 60 seconds.
//!
//! One server counts in memory, several servers count together in Redis. While Redis is not available, each server
//! counts alone.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    str::FromStr,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, Utc};

pub mod redis;

/// How long a window lasts, in milliseconds.
pub const WINDOW_MS: i64 = 60_000;
const SHARDS: usize = 16;
/// The maximum number of windows of a shard, which limits the memory. A new window beyond it replaces any other one: a
/// client with more addresses than that is not limited by a window for one address anyway.
const WINDOWS_PER_SHARD: usize = 1 << 16;

/// A class of requests that are counted together. The classes are those of section 4 of the published reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Class {
    /// Registration of agents, per client address.
    Register,
    /// Sign-in and renewal of sessions, per client address.
    Login,
    /// Failed sign-ins, per e-mail address and client address together.
    Failure,
    /// Failed sign-ins, per e-mail address, from all client addresses.
    Account,
    /// Requests with an access token, per user.
    User,
    /// Requests with an API key, per key.
    Agent,
    /// GraphQL operations, per user.
    Graphql,
}

/// The maximum number of requests of a window, per class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    register: u32,
    login: u32,
    user: u32,
    agent: u32,
    graphql: u32,
    is_on: bool,
}

/// The maximum number of failed sign-ins per e-mail address, client address and window.
const FAILURES: u32 = 5;
/// The maximum number of failed sign-ins per e-mail address and window, from all client addresses. It is higher than
/// [`FAILURES`], so that one attacker cannot lock a user out.
const ACCOUNT_FAILURES: u32 = 4 * FAILURES;

impl Default for Quotas {
    fn default() -> Self {
        Self { register: 10, login: 10, user: 60, agent: 300, graphql: 600, is_on: true }
    }
}

impl FromStr for Quotas {
    type Err = String;

    /// Parses `off`, or a list such as `register=10,agent=300`; a class that is not named keeps its default.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut quotas = Self::default();
        if text == "off" {
            return Ok(Self { is_on: false, ..quotas });
        }
        for part in text.split(',') {
            let (name, number) =
                part.split_once('=').ok_or_else(|| format!("`{part}` is not of the form name=number"))?;
            let quota = match name.trim() {
                "register" => &mut quotas.register,
                "login" => &mut quotas.login,
                "user" => &mut quotas.user,
                "agent" => &mut quotas.agent,
                "graphql" => &mut quotas.graphql,
                other => return Err(format!("`{other}` is not one of register, login, user, agent, graphql")),
            };
            *quota = match number.trim().parse() {
                Ok(number) if number > 0 => number,
                _ => return Err(format!("`{number}` is not a number of requests above 0")),
            };
        }
        Ok(quotas)
    }
}

impl Quotas {
    const fn of(&self, class: Class) -> u32 {
        match class {
            Class::Register => self.register,
            Class::Login => self.login,
            Class::Failure => FAILURES,
            Class::Account => ACCOUNT_FAILURES,
            Class::User => self.user,
            Class::Agent => self.agent,
            Class::Graphql => self.graphql,
        }
    }
}

/// The state of a window after a request was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The maximum number of requests of the window.
    pub limit: u32,
    /// The number of further requests that the subject may make in this window.
    pub remaining: u32,
    /// The end of the window.
    pub resets_at: DateTime<Utc>,
    /// Whether this request exceeded the limit.
    pub exceeded: bool,
}

/// An attempt that counts as a failure unless it is released. See [`Limits::reserve`].
#[derive(Debug)]
#[must_use = "an attempt that succeeds is released"]
pub struct Reservation {
    class: Class,
    subject: String,
    resets_at: DateTime<Utc>,
    is_shared: bool,
}

/// The state of a window: the requests so far, and its end in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    count: u32,
    ends_at: i64,
}

impl Window {
    /// Whether requests are counted in the window. A window that ends later than one that begins now was created by a
    /// wrong clock.
    const fn is_open(self, now: i64) -> bool {
        self.ends_at > now && self.ends_at <= now.saturating_add(WINDOW_MS)
    }
}

/// Counts requests against the quotas.
#[derive(Debug)]
pub struct Limits {
    quotas: Quotas,
    memory: Memory,
    shared: Option<redis::Shared>,
}

impl Limits {
    /// Creates a counter. With `shared`, it counts in Redis, and in memory only while Redis is not available.
    #[must_use]
    pub fn new(quotas: Quotas, shared: Option<redis::Shared>) -> Self {
        Self { quotas, memory: Memory::default(), shared }
    }

    /// Counts a request of `subject`, and returns the state of its window; `None` if rate limits are off.
    pub async fn count(&self, class: Class, subject: &str, now: DateTime<Utc>) -> Option<Verdict> {
        if !self.quotas.is_on {
            return None;
        }
        let millis = now.timestamp_millis();
        let shared = match &self.shared {
            // Boxed, so that requests that are counted in memory do not hold the state of a connection to Redis.
            Some(shared) => Box::pin(shared.add(class, subject, millis)).await,
            None => None,
        };
        let window = shared.unwrap_or_else(|| self.memory.add(class, subject, millis));
        let limit = self.quotas.of(class);
        Some(Verdict {
            limit,
            remaining: limit.saturating_sub(window.count),
            resets_at: resets_at(window, now),
            exceeded: window.count > limit,
        })
    }

    /// Counts an attempt of `subject` before its outcome is known, so that concurrent attempts cannot exceed the limit.
    /// Returns `None` if rate limits are off. A refused attempt is not counted.
    ///
    /// # Errors
    ///
    /// The end of the window, if the window is full.
    pub async fn reserve(
        &self,
        class: Class,
        subject: String,
        now: DateTime<Utc>,
    ) -> Result<Option<Reservation>, DateTime<Utc>> {
        if !self.quotas.is_on {
            return Ok(None);
        }
        let (limit, millis) = (self.quotas.of(class), now.timestamp_millis());
        let shared = match &self.shared {
            Some(shared) => shared.reserve(class, &subject, millis, limit).await,
            None => None,
        };
        let is_shared = shared.is_some();
        let (window, is_taken) = shared.unwrap_or_else(|| self.memory.reserve(class, &subject, millis, limit));
        let resets_at = resets_at(window, now);
        if is_taken { Ok(Some(Reservation { class, subject, resets_at, is_shared })) } else { Err(resets_at) }
    }

    /// Releases a reserved attempt that did not fail, so that it no longer counts. Has no effect once its window has
    /// ended.
    pub async fn release(&self, reservation: Reservation, now: DateTime<Utc>) {
        let Reservation { class, subject, resets_at, is_shared } = reservation;
        if now >= resets_at {
            return;
        }
        match &self.shared {
            Some(shared) if is_shared => shared.release(class, &subject).await,
            _ => self.memory.release(class, &subject, now.timestamp_millis()),
        }
    }
}

fn resets_at(window: Window, now: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(window.ends_at).unwrap_or(now)
}

/// The windows of this server.
#[derive(Debug, Default)]
struct Memory {
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Debug, Default)]
struct Shard {
    /// The windows by class and hash of the subject, so that the memory does not depend on the length of subjects.
    windows: HashMap<(Class, u64), Window>,
    /// The time at which ended windows were last removed, in milliseconds.
    swept_at: i64,
}

impl Memory {
    fn add(&self, class: Class, subject: &str, now: i64) -> Window {
        self.change(class, subject, now, |window| {
            window.count = window.count.saturating_add(1);
            *window
        })
    }

    /// Counts an attempt if the window is not full. Returns the window and whether the attempt was counted.
    fn reserve(&self, class: Class, subject: &str, now: i64, limit: u32) -> (Window, bool) {
        self.change(class, subject, now, |window| {
            let is_free = window.count < limit;
            window.count += u32::from(is_free);
            (*window, is_free)
        })
    }

    fn release(&self, class: Class, subject: &str, now: i64) {
        self.change(class, subject, now, |window| window.count = window.count.saturating_sub(1));
    }

    fn change<T>(&self, class: Class, subject: &str, now: i64, change: impl FnOnce(&mut Window) -> T) -> T {
        let subject = self.hasher.hash_one(subject);
        #[expect(clippy::cast_possible_truncation, reason = "any bits will do")]
        let shard = subject as usize % SHARDS;
        let mut shard = self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner);
        // The absolute difference, because the clock may have been set back.
        if (now - shard.swept_at).abs() >= WINDOW_MS {
            shard.swept_at = now;
            shard.windows.retain(|_, window| window.is_open(now));
        }
        let fresh = Window { count: 0, ends_at: now + WINDOW_MS };
        let key = (class, subject);
        if shard.windows.len() >= WINDOWS_PER_SHARD && !shard.windows.contains_key(&key) {
            let other = shard.windows.keys().next().copied();
            other.map(|other| shard.windows.remove(&other));
        }
        let window = shard.windows.entry(key).or_insert(fresh);
        if !window.is_open(now) {
            *window = fresh;
        }
        change(window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_read_what_the_setting_says() {
        assert_eq!("off".parse::<Quotas>().map(|quotas| quotas.is_on), Ok(false));
        assert_eq!("agent=5, user=7".parse::<Quotas>(), Ok(Quotas { agent: 5, user: 7, ..Quotas::default() }));
        assert!("agents=5".parse::<Quotas>().is_err_and(|problem| problem.contains("agents")));
        assert!("agent=0".parse::<Quotas>().is_err());
        assert!("agent".parse::<Quotas>().is_err());
    }

    #[test]
    fn a_window_starts_with_its_first_request_and_lasts_a_minute() {
        let memory = Memory::default();
        assert_eq!(memory.add(Class::Agent, "a", 1_000), Window { count: 1, ends_at: 61_000 });
        assert_eq!(memory.add(Class::Agent, "a", 60_999), Window { count: 2, ends_at: 61_000 });
        assert_eq!(memory.add(Class::User, "a", 60_999).count, 1);
        assert_eq!(memory.add(Class::Agent, "a", 61_000), Window { count: 1, ends_at: 121_000 });
        assert_eq!(memory.add(Class::Agent, "a", 2_000).count, 1, "the clock was set back");
    }

    #[test]
    fn subjects_without_number_take_a_bounded_number_of_windows() {
        let memory = Memory::default();
        for subject in 0..=SHARDS * WINDOWS_PER_SHARD * 5 / 4 {
            assert_eq!(memory.add(Class::Login, &subject.to_string(), 1_000).count, 1);
        }
        let held = memory.shards.iter().map(|shard| shard.lock().expect("a shard").windows.len());
        assert!(held.max() <= Some(WINDOWS_PER_SHARD));
        memory.add(Class::Agent, "a", 1_000);
        assert_eq!(memory.add(Class::Agent, "a", 2_000).count, 2, "those that ask again are still counted");
    }

    #[test]
    fn attempts_are_reserved_up_to_the_limit_and_a_success_makes_room() {
        let memory = Memory::default();
        for count in 1..=5 {
            let window = Window { count, ends_at: 61_000 };
            assert_eq!(memory.reserve(Class::Failure, "a", 1_000, 5), (window, true));
        }
        let full = (Window { count: 5, ends_at: 61_000 }, false);
        assert_eq!(memory.reserve(Class::Failure, "a", 2_000, 5), full);
        assert_eq!(memory.reserve(Class::Failure, "a", 3_000, 5), full, "what is refused does not count");
        memory.release(Class::Failure, "a", 4_000);
        assert!(memory.reserve(Class::Failure, "a", 5_000, 5).1);
    }
}
