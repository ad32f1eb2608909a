//! In whose quota the connections of authenticated callers count.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{Connection, LOOKED_AT};
use crate::{
    actor::Actor,
    ids::{CustomerId, UserId},
};

/// Who has a quota: the users and agents of one customer together, and each administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Principal {
    Customer(CustomerId),
    Administrator(UserId),
}

impl Principal {
    /// Whose quota a caller's connections count in; none for the server itself, which has no connection.
    pub(super) const fn of(actor: &Actor) -> Option<Self> {
        match actor {
            Actor::Admin { user, .. } => Some(Self::Administrator(*user)),
            Actor::Customer { customer, .. } | Actor::Agent { customer, .. } => Some(Self::Customer(*customer)),
            Actor::System => None,
        }
    }
}

/// The open connections of authenticated callers.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By number within a quota, so the oldest come first.
    by_principal: HashMap<Principal, BTreeMap<u64, Arc<Connection>>>,
    total: usize,
}

impl Known {
    /// How many there are in all quotas together.
    pub(super) const fn len(&self) -> usize {
        self.total
    }

    /// How many there are in this quota.
    pub(super) fn count(&self, principal: Principal) -> usize {
        self.by_principal.get(&principal).map_or(0, BTreeMap::len)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Arc<Connection>> {
        self.by_principal.values().flat_map(BTreeMap::values)
    }

    pub(super) fn insert(&mut self, principal: Principal, connection: Arc<Connection>) {
        let held = self.by_principal.entry(principal).or_default();
        if held.insert(connection.number, connection).is_none() {
            self.total += 1;
        }
    }

    pub(super) fn remove(&mut self, principal: Principal, number: u64) -> Option<Arc<Connection>> {
        let held = self.by_principal.get_mut(&principal)?;
        let removed = held.remove(&number)?;
        if held.is_empty() {
            self.by_principal.remove(&principal);
        }
        self.total -= 1;
        Some(removed)
    }

    /// Closes the oldest connection of a quota that is between two requests; whether there was one.
    pub(super) fn close_oldest_idle(&mut self, principal: Principal) -> bool {
        let held = self.by_principal.get(&principal);
        let mut oldest = held.into_iter().flat_map(BTreeMap::values).take(LOOKED_AT);
        let Some(number) = oldest.find(|connection| connection.is_between_requests()).map(|idle| idle.number) else {
            return false;
        };
        if let Some(idle) = self.remove(principal, number) {
            idle.closing.cancel();
            count_closed();
        }
        true
    }
}

/// Counts a connection that is closed since its quota has no room.
pub(super) fn count_closed() {
    metrics::counter!("mftplus_connections_closed_total", "reason" => "quota").increment(1);
}
