//! Directives: instructions to agents, which are delivered until they are acknowledged or expire.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    AgentCredentials, ControlPlane, Work, agent_instances::InstanceRole, optimistic_attempt_limit::OptimisticRetry,
};
use crate::{
    actor::{Actor, Permission},
    error::{Error, Result},
    events::{Invalidation, Reader, Signal},
    ids::{AgentId, DirectiveId, InstanceId},
    model::directive::{Directive, DirectiveAction},
    store,
};

/// How long a directive is valid.
const LIFETIME: TimeDelta = TimeDelta::hours(24);
/// How often a long poll reads the database while messages of other servers do not arrive.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

impl ControlPlane {
    /// Returns the open directives of an agent, oldest first, from the cache if possible.
    pub(super) async fn open_directives(&self, agent: AgentId) -> Result<Vec<Directive>> {
        let now = self.now();
        let cache = &self.cache;
        let read = || async { Ok(Some(Arc::from(store::directives::open(&self.db, agent, now).await?))) };
        let open = cache.directives.get(agent, now, cache.bus(), read).await?;
        let open = open.iter().flat_map(|open| open.iter());
        Ok(open.filter(|directive| directive.expires_at.0 > now).cloned().collect())
    }

    /// Returns the open directives of the calling agent. If there is none, the call waits up to `wait` for one and then
    /// returns an empty list.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the caller is an agent, [`Error::Unauthenticated`] as soon as its credentials become
    /// invalid, also during the wait, [`Error::ConflictBecause`] for a process that has to stop because another one
    /// uses a copy of its state folder.
    pub async fn list_directives(
        &self,
        actor: &Actor,
        credentials: AgentCredentials<'_>,
        wait: Duration,
        instance: Option<InstanceId>,
    ) -> Result<Vec<Directive>> {
        let agent = actor.require_agent(Permission::ReceiveDirectives)?;
        let deadline = Instant::now() + wait;
        let mut changes = self.bus.read();
        loop {
            // Checked in each round: another process may have started while this one waited.
            let role = self.require_own_state(actor, agent, instance).await?;
            // The directives first and then the credentials, so that credentials which end between the two reads are
            // noticed.
            let open = match role {
                InstanceRole::Active => self.open_directives(agent).await?,
                InstanceRole::Replaced => Vec::new(),
            };
            let (holder, expires_at) = self.holder_of(credentials).await?;
            if holder != *actor {
                return Err(Error::Unauthenticated("these credentials now belong to another agent"));
            }
            if !open.is_empty() || Instant::now() >= deadline {
                return Ok(open);
            }
            let expiry = expires_at.and_then(|at| (at - self.now()).to_std().ok()).map(|left| Instant::now() + left);
            tokio::select! {
                () = self.stop.cancelled() => return Ok(open),
                () = sleep_until(expiry.map_or(deadline, |expiry| expiry.min(deadline))) => {}
                () = self.until_relevant_change(&mut changes, actor) => {}
                () = sleep(POLL_INTERVAL), if !self.bus.is_connected() => {}
            }
        }
    }

    /// Waits until the directives of an agent, or the agent's right to receive them, may have changed.
    async fn until_relevant_change(&self, changes: &mut Reader, actor: &Actor) {
        while let Some(signal) = changes.next().await {
            let is_relevant = match &signal {
                Signal::Message(message) => message.invalidations.iter().any(|what| concerns(*what, actor)),
                Signal::Resync => true,
            };
            if is_relevant {
                // The task that invalidates the cache may receive this signal later.
                self.cache.apply(&signal);
                return;
            }
        }
        std::future::pending::<()>().await;
    }

    /// Acknowledges a directive. A repetition has no effect.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the directive does not belong to the calling agent.
    pub async fn acknowledge_directive(&self, actor: &Actor, id: DirectiveId) -> Result<Directive> {
        let agent = actor.require_agent(Permission::AcknowledgeDirective)?;
        let mut attempts = OptimisticRetry::default();
        loop {
            attempts.begin()?;
            let mut work = self.begin(actor).await?;
            let directive = store::directives::find(&mut work.tx, agent, id).await?;
            let directive = directive.ok_or(Error::NotFound("directive"))?;
            let is_noted = match directive.action {
                DirectiveAction::CancelStep { .. } => self.report_stopped_step(&mut work, &directive).await?,
                DirectiveAction::CancelJobRun { run_id } => self.report_stopped_job_run(&mut work, run_id).await?,
                _ => true,
            };
            if !is_noted {
                // A concurrent change was committed first: try again.
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

    /// Stores a directive for an agent in the transaction of the change that causes it. The agent receives it after the
    /// commit.
    pub(super) async fn send_directive(&self, work: &mut Work, agent: AgentId, action: DirectiveAction) -> Result<()> {
        let directive = Directive {
            id: self.ids.next(work.now),
            created_at: work.now.into(),
            expires_at: (work.now + LIFETIME).into(),
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
        Invalidation::Session(_) | Invalidation::User(_) | Invalidation::Attention(_) | Invalidation::Schedules => {
            false
        }
    }
}
