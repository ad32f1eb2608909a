//! The fleet in figures.

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
    /// The figures of all that the caller may see, as they are now.
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
        let figures = store::fleet::figures(&self.db, customer, now - DAY).await?;
        Ok(Fleet {
            agents: figures.agents,
            transfers: figures.transfers,
            bytes_per_second: figures.bytes_per_second,
            failures_in_last_day: figures.failures,
            at: now.into(),
        })
    }
}
