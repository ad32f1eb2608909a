//! Detects two processes of one agent that use copies of one state folder and would run each job twice. The process
//! that started later has to stop.

use std::sync::Arc;

use super::ControlPlane;
use crate::{
    actor::{Actor, Scope},
    error::{ConflictReason, Error, Result},
    events::Invalidation,
    ids::{AgentId, InstanceId},
    model::{
        agent_instances::{AgentInstances, InstanceState},
        event::{Kind, Object},
    },
    store,
};

/// What a process of an agent may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InstanceRole {
    /// The process may run jobs and steps.
    Active,
    /// The process may report, but must not begin new work: another process has just replaced it, and the server does
    /// not know yet whether both are running.
    Replaced,
}

impl ControlPlane {
    /// Decides what a process of an agent may do. A process that sends no instance id may do everything. The decision
    /// needs no database read while requests come from the same process.
    ///
    /// # Errors
    ///
    /// [`Error::ConflictBecause`] for a process that has to stop because another one uses a copy of its state folder.
    pub(super) async fn require_own_state(
        &self,
        actor: &Actor,
        id: AgentId,
        instance: Option<InstanceId>,
    ) -> Result<InstanceRole> {
        let Some(instance) = instance else { return Ok(InstanceRole::Active) };
        let now = self.now();
        let cache = &self.cache;
        let read = || async { Ok(store::agent_instances::find(&self.db, id).await?.map(Arc::new)) };
        let known = cache.agent_instances.get(id, now, cache.bus(), read).await?;
        match known.map(|known| known.state_of(instance, now)) {
            Some(InstanceState::Current) => return Ok(InstanceRole::Active),
            Some(InstanceState::Late) => return Ok(InstanceRole::Replaced),
            Some(InstanceState::Stopped) => return Err(duplicate()),
            _ => {}
        }
        let mut work = self.begin(actor).await?;
        let mut instances =
            store::agent_instances::lock(&mut work.tx, id, &AgentInstances::new(instance, work.now)).await?;
        let state = instances.record(instance, work.now);
        store::agent_instances::save(&mut work.tx, id, &instances).await?;
        if state.is_discovery()
            && let Some(row) = store::agents::find(&mut work.tx, Scope::All, id).await?
        {
            tracing::warn!(agent.id = %id, "two processes of this agent share a copied state folder: the later one has to stop");
            work.note(Kind::AgentDuplicateStopped, Object::Agent(row.into()));
        }
        work.invalidate(Invalidation::AgentKeys(id));
        self.commit(work).await?;
        match state {
            InstanceState::Late => Ok(InstanceRole::Replaced),
            _ if state.must_stop() => Err(duplicate()),
            _ => Ok(InstanceRole::Active),
        }
    }
}

fn duplicate() -> Error {
    Error::ConflictBecause {
        message: "another process of this agent runs with a copy of the same state folder: stop one of them, or \
                  register this one as an agent of its own"
            .to_owned(),
        reason: ConflictReason::DuplicateInstance,
    }
}
