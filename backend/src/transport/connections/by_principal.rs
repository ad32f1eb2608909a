//! The connections of authenticated callers, by the principal (a customer or an administrator) in whose quota they
//! count.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{Connection, SEARCHED};
use crate::{
    actor::Actor,
    ids::{CustomerId, UserId},
};

/// The holder of a quota: one customer with its users and agents, or one administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Principal {
    Customer(CustomerId),
    Administrator(UserId),
}

impl Principal {
    /// Returns the principal of a caller; `None` for the server itself, which has no connections.
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
    /// The connections of each quota by number, oldest first.
    by_principal: HashMap<Principal, BTreeMap<u64, Arc<Connection>>>,
    total: usize,
}

impl Known {
    /// Returns the number of connections in all quotas.
    pub(super) const fn len(&self) -> usize {
        self.total
    }

    /// Returns the number of connections in this quota.
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

    /// Closes the oldest connection of a quota that is between two requests. Returns whether there was one.
    pub(super) fn close_oldest_idle(&mut self, principal: Principal) -> bool {
        let held = self.by_principal.get(&principal);
        let mut oldest = held.into_iter().flat_map(BTreeMap::values).take(SEARCHED);
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

/// Counts a connection that is closed because its quota is used up.
pub(super) fn count_closed() {
    metrics::counter!("mftplus_connections_closed_total", "reason" => "quota").increment(1);
}
