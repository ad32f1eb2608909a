//! Limits how many webhooks a server sends at once and per second, and records which runs wait for a permit.
//!
//! A webhook without a permit is not claimed: its run stays unchanged in the database, and an entry in memory says that
//! the run can only wait. So a waiting webhook needs no task, no connection and no transaction.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{MAX_AT_ONCE, MAX_PER_CUSTOMER};
use crate::ids::{CustomerId, RunId};

/// The minimum time for which a used permit stays taken, so that a customer sends at most [`MAX_PER_CUSTOMER`] webhooks
/// per second. Each webhook writes its run twice, so receivers that refuse at once would otherwise keep the database
/// busy.
const MIN_HOLD: TimeDelta = TimeDelta::seconds(1);

/// The permits of one server for webhooks. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Permits(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Permits by customer; `None` is the platform.
    taken: HashMap<Option<CustomerId>, Vec<Taken>>,
    /// The number of permits in use.
    in_use: usize,
    /// Runs that wait for a permit, with the scan that last found them due.
    waiting: HashMap<RunId, (Waiting, u64)>,
    /// The number of permits handed out since the start, which numbers them.
    handed_out: u64,
    /// The number of scans of all due runs that have begun.
    scans: u64,
}

#[derive(Debug)]
struct Taken {
    number: u64,
    since: DateTime<Utc>,
    is_in_use: bool,
}

impl Taken {
    fn is_over(&self, now: DateTime<Utc>) -> bool {
        // If the clock was set back, the difference is negative and the permit is free.
        !self.is_in_use && !(TimeDelta::zero()..MIN_HOLD).contains(&(now - self.since))
    }
}

/// A run with webhooks that wait for a permit.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// The customer whose permits the webhooks need; `None` is the platform.
    pub customer: Option<CustomerId>,
    /// The revision of the run at which it was found waiting.
    pub revision: i64,
    /// The next time at which the run is due for another reason; `None` if there is none.
    pub until: Option<DateTime<Utc>>,
}

/// The permission to send one webhook. Dropping the permit returns it.
#[derive(Debug)]
pub struct Permit {
    permits: Permits,
    customer: Option<CustomerId>,
    number: u64,
    was_used: bool,
}

impl Permit {
    /// Records that a webhook is sent with this permit. An unused permit is free again as soon as it is dropped.
    pub const fn mark_used(&mut self) {
        self.was_used = true;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.permits.state().release(self);
    }
}

impl Permits {
    /// Takes a permit for a webhook of this customer; `None` if a limit is reached.
    #[must_use]
    pub fn take(&self, customer: Option<CustomerId>, now: DateTime<Utc>) -> Option<Permit> {
        let mut state = self.state();
        if !state.has_room(customer, now) {
            return None;
        }
        state.handed_out += 1;
        state.in_use += 1;
        let number = state.handed_out;
        state.taken.entry(customer).or_default().push(Taken { number, since: now, is_in_use: true });
        Some(Permit { permits: self.clone(), customer, number, was_used: false })
    }

    /// Begins a scan of all due runs. Removes waiting runs that the previous scan did not find due.
    pub fn begin_scan(&self) {
        let mut state = self.state();
        state.scans += 1;
        let scans = state.scans;
        state.waiting.retain(|_, (_, seen_in)| *seen_in + 1 >= scans);
    }

    /// Whether a run can do nothing but wait for a permit. False if it was found waiting at another revision than this
    /// one.
    #[must_use]
    pub fn keeps_waiting(&self, run: RunId, revision: i64, now: DateTime<Utc>) -> bool {
        let mut state = self.state();
        let scans = state.scans;
        let Some((waiting, seen_in)) = state.waiting.get_mut(&run) else { return false };
        *seen_in = scans;
        let Waiting { customer, revision: noted, until } = *waiting;
        noted == revision && until.is_none_or(|until| now < until) && !state.has_room(customer, now)
    }

    /// Records that a run waits for a permit or, with `None`, that it does not wait.
    pub fn note(&self, run: RunId, waiting: Option<Waiting>) {
        let mut state = self.state();
        let scans = state.scans;
        match waiting {
            Some(waiting) => state.waiting.insert(run, (waiting, scans)),
            None => state.waiting.remove(&run),
        };
    }

    /// Whether any run waits for a permit.
    #[must_use]
    pub fn has_waiting(&self) -> bool {
        !self.state().waiting.is_empty()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether a customer may take a permit now.
    fn has_room(&mut self, customer: Option<CustomerId>, now: DateTime<Utc>) -> bool {
        self.taken.retain(|_, taken| {
            taken.retain(|permit| !permit.is_over(now));
            !taken.is_empty()
        });
        let own = self.taken.get(&customer).map_or(0, Vec::len);
        self.in_use < MAX_AT_ONCE && own < MAX_PER_CUSTOMER
    }

    fn release(&mut self, permit: &Permit) {
        self.in_use -= 1;
        let Some(taken) = self.taken.get_mut(&permit.customer) else { return };
        if !permit.was_used {
            taken.retain(|taken| taken.number != permit.number);
        } else if let Some(taken) = taken.iter_mut().find(|taken| taken.number == permit.number) {
            taken.is_in_use = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const SECOND: TimeDelta = TimeDelta::seconds(1);
    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn customer(number: usize) -> CustomerId {
        CustomerId(Uuid::from_u128(number as u128))
    }

    /// Takes all permits that the customer can get, and uses them.
    fn all_of(permits: &Permits, customer: Option<CustomerId>, now: DateTime<Utc>) -> Vec<Permit> {
        let used = |mut permit: Permit| {
            permit.mark_used();
            permit
        };
        std::iter::from_fn(|| permits.take(customer, now)).map(used).collect()
    }

    #[test]
    fn a_customer_gets_its_share_and_all_customers_together_the_total() {
        let permits = Permits::default();
        let taken: Vec<Vec<Permit>> = (0..10).map(|number| all_of(&permits, Some(customer(number)), NOW)).collect();
        let counts: Vec<usize> = taken.iter().map(Vec::len).collect();
        assert_eq!(counts, [8, 8, 8, 8, 8, 8, 8, 8, 0, 0]);
        assert!(all_of(&permits, None, NOW).is_empty(), "the platform's own count like those of a customer");
        drop(taken);
        assert_eq!(all_of(&permits, None, NOW).len(), MAX_PER_CUSTOMER);
    }

    #[test]
    fn a_permit_that_was_used_is_free_after_a_second_and_one_that_was_not_at_once() {
        let permits = Permits::default();
        drop(permits.take(Some(customer(1)), NOW));
        let taken = all_of(&permits, Some(customer(1)), NOW);
        assert_eq!(taken.len(), MAX_PER_CUSTOMER);
        drop(taken);
        assert!(permits.take(Some(customer(1)), NOW + SECOND - TimeDelta::milliseconds(1)).is_none());
        let taken = all_of(&permits, Some(customer(1)), NOW + SECOND);
        assert_eq!(taken.len(), MAX_PER_CUSTOMER);
        assert!(permits.take(Some(customer(1)), NOW + SECOND * 60).is_none(), "what is in use is never free");
        drop(taken);
        assert!(permits.take(Some(customer(1)), NOW).is_some(), "the clock was set back");
    }

    #[test]
    fn a_run_waits_until_there_is_a_permit_or_something_else_to_do() {
        let (permits, run) = (Permits::default(), RunId(Uuid::from_u128(1)));
        let taken = all_of(&permits, Some(customer(1)), NOW);
        let waiting = Waiting { customer: Some(customer(1)), revision: 3, until: Some(NOW + SECOND * 10) };
        assert!(!permits.keeps_waiting(run, 3, NOW), "nothing is known of it");
        permits.note(run, Some(waiting));
        assert!(permits.keeps_waiting(run, 3, NOW + SECOND * 9));
        assert!(!permits.keeps_waiting(run, 3, NOW + SECOND * 10), "something else is due");
        assert!(!permits.keeps_waiting(run, 4, NOW), "it was changed, maybe by another server");
        drop(taken);
        assert!(!permits.keeps_waiting(run, 3, NOW + SECOND), "there is a permit");
        permits.note(run, None);
        assert!(!permits.has_waiting());
    }

    #[test]
    fn a_run_that_a_scan_does_not_find_is_removed_by_the_next() {
        let permits = Permits::default();
        let _taken = all_of(&permits, Some(customer(1)), NOW);
        let runs = [1, 2].map(|number| RunId(Uuid::from_u128(number)));
        permits.begin_scan();
        for run in runs {
            permits.note(run, Some(Waiting { customer: Some(customer(1)), revision: 1, until: None }));
        }
        permits.begin_scan();
        assert!(permits.keeps_waiting(runs[0], 1, NOW));
        permits.begin_scan();
        assert_eq!(runs.map(|run| permits.keeps_waiting(run, 1, NOW)), [true, false]);
    }
}
