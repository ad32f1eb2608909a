//! What the server wants of agents.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use tokio::time::{Instant, sleep, sleep_until};

use super::{ControlPlane, Work, attempts::Attempts, instances::Turn};
use crate::{
    actor::{Actor, Permission},
    error::{Error, Result},
    events::{Invalidation, Reader, Signal},
    ids::{AgentId, DirectiveId, InstanceId},
    model::directive::{Directive, DirectiveAction},
    store,
};

/// How long a directive waits for its agent.
const KEPT: TimeDelta = TimeDelta::hours(24);
/// How often a waiting agent is looked up while other servers cannot be heard.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl ControlPlane {
    /// What waits for the agent, oldest first.
    pub(super) async fn open_directives(&self, agent: AgentId) -> Result<Vec<Directive>> {
        let now = self.now();
        let cache = &self.cache;
        let read = async { Ok(Some(Arc::from(store::directives::open(&self.db, agent, now).await?))) };
        let open = cache.directives.get(agent, now, cache.bus(), read).await?;
        let open = open.iter().flat_map(|open| open.iter());
        Ok(open.filter(|directive| directive.expires_at.0 > now).cloned().collect())
    }

    /// What waits for the agent that asks; if nothing does, waits up to `wait` for something. Nobody is answered whose key
    /// has ended meanwhile, and nobody goes on waiting: whatever may have changed that wakes them.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless an agent asks, [`Error::Unauthenticated`] as soon as `key` is not valid any more,
    /// [`Error::ConflictBecause`] for a process that has to stop.
    pub async fn list_directives(
        &self,
        actor: &Actor,
        key: &str,
        wait: Duration,
        instance: Option<InstanceId>,
    ) -> Result<Vec<Directive>> {
        let agent = actor.require_agent(Permission::ReceiveDirectives)?;
        let deadline = Instant::now() + wait;
        let mut changes = self.bus.read();
        loop {
            // Each time: another process may have come while this one waited.
            let turn = self.require_own_state(actor, agent, instance).await?;
            // First what waits, then the right to it: one that ends between is noticed here.
            let open = match turn {
                Turn::Works => self.open_directives(agent).await?,
                Turn::Replaced => Vec::new(),
            };
            let (holder, expires_at) = self.holder_of_key(key).await?;
            if holder != *actor {
                return Err(Error::Unauthenticated("this API key is another agent's by now"));
            }
            if !open.is_empty() || Instant::now() >= deadline {
                return Ok(open);
            }
            let expiry = expires_at.and_then(|at| (at - self.now()).to_std().ok()).map(|left| Instant::now() + left);
            tokio::select! {
                () = self.stop.cancelled() => return Ok(open),
                () = sleep_until(expiry.map_or(deadline, |expiry| expiry.min(deadline))) => {}
                () = self.until_it_concerns(&mut changes, actor) => {}
                () = sleep(LOOK_AGAIN), if !self.bus.is_connected() => {}
            }
        }
    }

    /// Waits until what waits for an agent, or its right to be told, may have changed.
    async fn until_it_concerns(&self, changes: &mut Reader, actor: &Actor) {
        while let Some(signal) = changes.next().await {
            let is_concerned = match &signal {
                Signal::Message(message) => message.invalidations.iter().any(|what| concerns(*what, actor)),
                Signal::Resync => true,
            };
            if is_concerned {
                // The task that invalidates the cache may receive this signal later.
                self.cache.apply(&signal);
                return;
            }
        }
        std::future::pending::<()>().await;
    }

    /// Takes note that the agent has seen to a directive. Doing so again changes nothing.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the directive is not the agent's.
    pub async fn acknowledge_directive(&self, actor: &Actor, id: DirectiveId) -> Result<Directive> {
        let agent = actor.require_agent(Permission::AcknowledgeDirective)?;
        let mut attempts = Attempts::default();
        loop {
            attempts.begin()?;
            let mut work = self.begin(actor).await?;
            let directive = store::directives::find(&mut work.tx, agent, id).await?;
            let directive = directive.ok_or(Error::NotFound("directive"))?;
            let is_noted = match directive.action {
                DirectiveAction::CancelStep { .. } => self.note_stop_of_step(&mut work, &directive).await?,
                DirectiveAction::CancelJobRun { run_id } => self.note_stop_of_job_run(&mut work, run_id).await?,
                _ => true,
            };
            if !is_noted {
                // Another change came between.
                continue;
            }
            let was_open = store::directives::claim(&mut work.tx, id, work.now).await?;
            if was_open {
                super::job_starts::decline(&mut work, &directive).await?;
            }
            if let DirectiveAction::SetHeartbeatInterval { seconds } = directive.action {
                store::agents::set_heartbeat_interval(&mut work.tx, agent, seconds).await?;
            }
            work.invalidate(Invalidation::Directives(agent));
            self.commit(work).await?;
            return Ok(directive);
        }
    }

    /// Lets the agent know what is wanted, with the change that makes it so.
    pub(super) async fn direct(&self, work: &mut Work, agent: AgentId, action: DirectiveAction) -> Result<()> {
        let directive = Directive {
            id: self.ids.next(work.now),
            created_at: work.now.into(),
            expires_at: (work.now + KEPT).into(),
            action,
        };
        store::directives::insert(&mut work.tx, agent, &directive).await?;
        work.invalidate(Invalidation::Directives(agent));
        Ok(())
    }
}

fn concerns(what: Invalidation, actor: &Actor) -> bool {
    let Actor::Agent { agent, customer, .. } = actor else { return false };
    match what {
        Invalidation::Directives(changed) | Invalidation::AgentKeys(changed) => changed == *agent,
        Invalidation::Customer(changed) => changed == *customer,
        Invalidation::Session(_) | Invalidation::User(_) | Invalidation::Schedules => false,
    }
}
