//! Loaders: links of many objects are followed with one question per kind, within the caller's rights.

use std::{collections::HashMap, sync::Arc};

use crate::{
    actor::Actor,
    error::Error,
    ids::{AgentId, CustomerId},
    model::{agent::Agent, customer::Customer, transfer::Transfer},
    service::ControlPlane,
};

/// Loads on behalf of one caller.
pub(super) struct Loader {
    pub(super) cp: Arc<ControlPlane>,
    pub(super) actor: Actor,
}

/// An agent's newest transfers, as many as that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct NewestOf(pub(super) AgentId, pub(super) u64);

impl async_graphql::dataloader::Loader<AgentId> for Loader {
    type Value = Agent;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[AgentId]) -> Result<HashMap<AgentId, Agent>, Arc<Error>> {
        let agents = self.cp.find_agents(&self.actor, ids).await.map_err(Arc::new)?;
        Ok(agents.into_iter().map(|agent| (agent.id, agent)).collect())
    }
}

impl async_graphql::dataloader::Loader<CustomerId> for Loader {
    type Value = Customer;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[CustomerId]) -> Result<HashMap<CustomerId, Customer>, Arc<Error>> {
        let customers = self.cp.find_customers(&self.actor, ids).await.map_err(Arc::new)?;
        Ok(customers.into_iter().map(|customer| (customer.id, customer)).collect())
    }
}

impl async_graphql::dataloader::Loader<NewestOf> for Loader {
    type Value = Vec<Transfer>;
    type Error = Arc<Error>;

    async fn load(&self, wanted: &[NewestOf]) -> Result<HashMap<NewestOf, Vec<Transfer>>, Arc<Error>> {
        let agents: Vec<(AgentId, u64)> = wanted.iter().map(|NewestOf(agent, count)| (*agent, *count)).collect();
        let newest = self.cp.newest_transfers(&self.actor, &agents).await.map_err(Arc::new)?;
        Ok(wanted.iter().copied().zip(newest).collect())
    }
}
