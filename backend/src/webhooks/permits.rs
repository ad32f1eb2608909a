//! How many webhooks a server sends at once, and which runs wait until it may send theirs.
//!
//! A webhook that has no permit is not claimed: its run stays in the database as it is, and here a few words say that there
//! is nothing else to do for it. So what waits costs no task, no connection and no transaction.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{MAX_AT_ONCE, MAX_PER_CUSTOMER};
use crate::ids::{CustomerId, RunId};

/// For how long a permit that was used stays taken at least. Each webhook changes its run twice, so receivers that refuse
/// at once would otherwise keep the database busy: a customer sends [`MAX_PER_CUSTOMER`] webhooks per second at most.
const PACE: TimeDelta = TimeDelta::seconds(1);

/// The permits of one server for webhooks.
#[derive(Clone, Debug, Default)]
pub struct Permits(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// By customer; none is the platform itself.
    taken: HashMap<Option<CustomerId>, Vec<Taken>>,
    /// How many permits are in use.
    in_use: usize,
    waiting: HashMap<RunId, (Waiting, u64)>,
    /// Counts the permits that were handed out.
    handed_out: u64,
    /// Counts the looks at all runs that are due.
    looks: u64,
}

#[derive(Debug)]
struct Taken {
    number: u64,
    since: DateTime<Utc>,
    is_in_use: bool,
}

impl Taken {
    fn is_over(&self, now: DateTime<Utc>) -> bool {
        // A clock that was set back keeps no permit.
        !self.is_in_use && !(TimeDelta::zero()..PACE).contains(&(now - self.since))
    }
}

/// A run with webhooks that wait for a permit.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// The customer whose permits they need; none is the platform itself.
    pub customer: Option<CustomerId>,
    /// The revision of the run that this holds for.
    pub revision: i64,
    /// When there is something else to do for the run.
    pub until: Option<DateTime<Utc>>,
}

/// A permit in use, given back when it is dropped.
#[derive(Debug)]
pub struct Permit {
    permits: Permits,
    customer: Option<CustomerId>,
    number: u64,
    was_used: bool,
}

impl Permit {
    /// Notes that a webhook is sent. A permit that was not used is free again at once.
    pub const fn mark_used(&mut self) {
        self.was_used = true;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.permits.state().give_back(self);
    }
}

impl Permits {
    /// A permit for a webhook of this customer, if there is one.
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

    /// Begins a look at all runs that are due. What waited and was not met by the look before is forgotten.
    pub fn begin_look(&self) {
        let mut state = self.state();
        state.looks += 1;
        let looks = state.looks;
        state.waiting.retain(|_, (_, met)| *met + 1 >= looks);
    }

    /// Whether there is nothing to do for a run of this revision but to wait for a permit.
    #[must_use]
    pub fn keeps_waiting(&self, run: RunId, revision: i64, now: DateTime<Utc>) -> bool {
        let mut state = self.state();
        let looks = state.looks;
        let Some((waiting, met)) = state.waiting.get_mut(&run) else { return false };
        *met = looks;
        let Waiting { customer, revision: noted, until } = *waiting;
        noted == revision && until.is_none_or(|until| now < until) && !state.has_room(customer, now)
    }

    /// Notes what a run waits for, if it waits for a permit.
    pub fn note(&self, run: RunId, waiting: Option<Waiting>) {
        let mut state = self.state();
        let looks = state.looks;
        match waiting {
            Some(waiting) => state.waiting.insert(run, (waiting, looks)),
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

    fn give_back(&mut self, permit: &Permit) {
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

    /// All permits that a customer can take, in use.
    fn all_of(permits: &Permits, owner: Option<CustomerId>, now: DateTime<Utc>) -> Vec<Permit> {
        let used = |mut permit: Permit| {
            permit.mark_used();
            permit
        };
        std::iter::from_fn(|| permits.take(owner, now)).map(used).collect()
    }

    #[test]
    fn a_customer_takes_its_share_and_all_customers_together_no_more_than_all() {
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
    fn a_run_that_is_not_met_any_more_is_forgotten() {
        let permits = Permits::default();
        let _taken = all_of(&permits, Some(customer(1)), NOW);
        let runs = [1, 2].map(|number| RunId(Uuid::from_u128(number)));
        permits.begin_look();
        for run in runs {
            permits.note(run, Some(Waiting { customer: Some(customer(1)), revision: 1, until: None }));
        }
        permits.begin_look();
        assert!(permits.keeps_waiting(runs[0], 1, NOW));
        permits.begin_look();
        assert_eq!(runs.map(|run| permits.keeps_waiting(run, 1, NOW)), [true, false]);
    }
}
