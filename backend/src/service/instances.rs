//! Two processes with one copied state would do each job twice: the later one is told to stop.

use std::sync::Arc;

use super::ControlPlane;
use crate::{
    actor::{Actor, Scope},
    error::{ConflictReason, Error, Result},
    events::Invalidation,
    ids::{AgentId, InstanceId},
    model::{
        event::{Kind, Object},
        instances::{InstanceState, Instances},
    },
    store,
};

/// What a process of an agent may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Everything.
    Works,
    /// Report, and begin nothing: another process has just taken its place, and whether both live is not known yet.
    Replaced,
}

impl ControlPlane {
    /// Whether a process of an agent may work, an error where another one with the same state does; one that does not name
    /// itself may. Costs no read of the database while the same process is heard.
    pub(super) async fn require_own_state(
        &self,
        actor: &Actor,
        id: AgentId,
        instance: Option<InstanceId>,
    ) -> Result<Turn> {
        let Some(instance) = instance else { return Ok(Turn::Works) };
        let now = self.now();
        let cache = &self.cache;
        let read = async { Ok(store::agent_instances::find(&self.db, id).await?.map(Arc::new)) };
        let known = cache.instances.get(id, now, cache.bus(), read).await?;
        match known.map(|known| known.state_of(instance, now)) {
            Some(InstanceState::Current) => return Ok(Turn::Works),
            Some(InstanceState::Late) => return Ok(Turn::Replaced),
            Some(InstanceState::Stopped) => return Err(duplicate()),
            _ => {}
        }
        let mut work = self.begin(actor).await?;
        let mut instances = store::agent_instances::lock(&mut work.tx, id, &Instances::new(instance, work.now)).await?;
        let state = instances.record(instance, work.now);
        store::agent_instances::save(&mut work.tx, id, &instances).await?;
        if state.is_discovery()
            && let Some(row) = store::agents::find(&mut work.tx, Scope::All, id).await?
        {
            tracing::warn!(agent.id = %id, "two processes of this agent are at work with one copied state; the later one is told to stop");
            work.note(Kind::AgentDuplicateStopped, Object::Agent(row.into()));
        }
        // What is known of the agent's credentials and processes.
        work.invalidate(Invalidation::AgentKeys(id));
        self.commit(work).await?;
        match state {
            InstanceState::Late => Ok(Turn::Replaced),
            _ if state.must_stop() => Err(duplicate()),
            _ => Ok(Turn::Works),
        }
    }
}

fn duplicate() -> Error {
    Error::ConflictBecause {
        message: "another process of this agent is at work with a copy of the same state folder: stop one of them, or \
                  register this one as an agent of its own"
            .to_owned(),
        reason: ConflictReason::DuplicateInstance,
    }
}
