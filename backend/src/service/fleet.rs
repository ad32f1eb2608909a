//! The totals of the fleet.

use chrono::TimeDelta;

use super::ControlPlane;
use crate::{
    actor::{Actor, Permission, Scope},
    error::Result,
    model::fleet::Fleet,
    store,
};

/// How far back failures are counted.
const DAY: TimeDelta = TimeDelta::hours(24);

impl ControlPlane {
    /// Returns the current totals of the agents and transfers that the caller may see.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Forbidden`] for agents.
    pub async fn get_fleet(&self, actor: &Actor) -> Result<Fleet> {
        let scope = actor.require(Permission::ViewFleet)?;
        let now = self.now();
        let customer = match scope {
            Scope::Customer(customer) => Some(customer),
            Scope::All | Scope::Agent(_) => None,
        };
        let totals = store::fleet::totals(&self.db, customer, now - DAY).await?;
        Ok(Fleet {
            agents: totals.agents,
            transfers: totals.transfers,
            bytes_per_second: totals.bytes_per_second,
            failures_in_last_day: totals.failures,
            at: now.into(),
        })
    }
}
