//! Agents: registration, heartbeats, key rotation and revocation.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    ControlPlane, Work,
    agent_instances::InstanceRole,
    authenticate::{KEY_PREFIX, digest},
    enrolment_codes::SHOWN,
};
use crate::{
    actor::{Actor, KeyDigest, Permission, Scope},
    error::{Error, Result},
    events::Invalidation,
    ids::{AgentId, CustomerId},
    model::{
        MAX_LIMIT, Page, PageRequest,
        agent::{Agent, AgentFilter, AgentStatus, Heartbeat, RegisterAgent},
        agent_detail::AgentDetail,
        certificate::KeptCertificate,
        directive::{Directive, DirectiveAction},
        event::{Kind, Object},
        job::JobFilter,
        job_and_pipeline_order::ScheduledSort,
        transfer::{Transfer, TransferFilter, TransferSort},
    },
    store::{self, agents::AgentRow, api_keys::KeyState, db::EnumText},
};

/// The heartbeat interval of an agent that has not acknowledged another one, in seconds.
const PUBLISHED_INTERVAL: i64 = 30;
/// How long the old API key remains valid beside a new one, by default.
const OVERLAP: TimeDelta = TimeDelta::hours(24);
/// The maximum number of transfers in the detail of an agent.
const NEWEST: u64 = 20;

/// A new agent with its API key, which is shown only once. The type has no `Debug`, so that the key is never logged.
#[derive(Clone)]
pub struct Registered {
    /// The agent.
    pub agent: Agent,
    /// The API key of the agent.
    pub api_key: String,
}

impl ControlPlane {
    /// Registers an agent for the calling user's customer, or for the customer of the enrolment code in the input.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthenticated`] without a customer and a code, [`Error::Forbidden`] if the code is unknown, expired
    /// or used up.
    pub async fn register_agent(
        &self,
        actor: Option<&Actor>,
        input: RegisterAgent,
        ip_address: Option<String>,
    ) -> Result<Registered> {
        if let Some(actor) = actor {
            actor.require(Permission::RegisterAgent)?;
        }
        let mut work = self.begin(actor.unwrap_or(&Actor::System)).await?;
        let customer = registering_customer(&mut work, actor, &input).await?;
        let now = work.now;
        let row = AgentRow {
            id: self.ids.next(now),
            customer_id: customer,
            name: input.name,
            hostname: input.hostname,
            os: EnumText(input.os),
            version: input.version,
            status: EnumText(AgentStatus::Online),
            status_reason: None,
            status_since: Some(now),
            last_heartbeat: now,
            heartbeat_interval: PUBLISHED_INTERVAL,
            offline_since: None,
            ip_address,
            load: None,
            memory: None,
            revision: 1,
            created_at: now,
        };
        store::agents::insert(&mut work.tx, &row).await?;
        let api_key = self.add_key(&mut work, row.id).await?;
        self.send_heartbeat_interval(&mut work, row.id, row.heartbeat_interval).await?;
        let agent = Agent::from(row);
        if actor.is_none() {
            work.actor = Actor::Agent { agent: agent.id, customer, key: None }.to_string();
        }
        work.note(Kind::AgentRegistered, Object::Agent(agent.clone()));
        self.commit(work).await?;
        Ok(Registered { agent, api_key })
    }

    /// Records a heartbeat. Returns the agent and its open directives.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the caller is an agent, [`Error::ConflictBecause`] for a process that has to stop
    /// because another one uses a copy of its state folder.
    pub async fn record_heartbeat(
        &self,
        actor: &Actor,
        heartbeat: Heartbeat,
        ip_address: Option<String>,
    ) -> Result<(Agent, Vec<Directive>)> {
        let id = actor.require_agent(Permission::SendHeartbeat)?;
        let role = self.require_own_state(actor, id, heartbeat.instance_id).await?;
        let (agent, acknowledged) = self.writer.record_heartbeat(id, heartbeat, ip_address, self.now()).await?;
        if role == InstanceRole::Replaced {
            return Ok((agent, Vec::new()));
        }
        let mut open = self.open_directives(id).await?;
        let is_sent = |action: &DirectiveAction| matches!(action, DirectiveAction::SetHeartbeatInterval { seconds } if *seconds == self.interval());
        if acknowledged != self.interval() && !open.iter().any(|directive| is_sent(&directive.action)) {
            let mut work = self.begin(&Actor::System).await?;
            let name = DirectiveAction::SetHeartbeatInterval { seconds: acknowledged }.name();
            store::directives::acknowledge_all(&mut work.tx, id, name, work.now).await?;
            self.send_heartbeat_interval(&mut work, id, acknowledged).await?;
            self.commit(work).await?;
            open = self.open_directives(id).await?;
        }
        Ok((agent, open))
    }

    /// Returns a page of the agents that the caller may see, newest first.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents.
    pub async fn list_agents(&self, actor: &Actor, filter: &AgentFilter, request: PageRequest) -> Result<Page<Agent>> {
        let scope = actor.require(Permission::ViewAgents)?;
        Ok(store::agents::list(&self.db, scope, filter, request).await?.map(Agent::from))
    }

    /// Returns an agent with its jobs and its newest transfers.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::NotFound`] if there is no such agent within the caller's scope.
    pub async fn get_agent(&self, actor: &Actor, id: AgentId) -> Result<AgentDetail> {
        let scope = actor.require(Permission::ViewAgents)?;
        let agent = self.agent(scope, id).await?;
        let newest = PageRequest::page(1, NEWEST);
        let (filter, sort) = (TransferFilter::default(), TransferSort::default());
        let transfers = store::transfers::list(&self.db, Scope::Agent(id), &filter, sort, newest).await?;
        let transfers = transfers.items.iter().map(store::transfers::TransferRow::view).collect();
        let filter = JobFilter { agent_id: Some(id), enabled: None };
        let (sort, first) = (ScheduledSort::default(), PageRequest::page(1, MAX_LIMIT));
        let jobs = store::jobs::list(&self.db, scope, &filter, sort, first).await?;
        let jobs = jobs.items.iter().map(store::jobs::JobRow::view).collect();
        Ok(AgentDetail { agent: agent.into(), transfers, jobs })
    }

    /// Returns the agents with these ids that the caller may see, in no particular order.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents.
    pub async fn find_agents(&self, actor: &Actor, ids: &[AgentId]) -> Result<Vec<Agent>> {
        let scope = actor.require(Permission::ViewAgents)?;
        let rows = store::agents::find_all(&self.db, scope, ids).await?;
        Ok(rows.into_iter().map(Agent::from).collect())
    }

    /// Returns a page of an agent's transfers, newest first.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::NotFound`] if there is no such agent within the caller's scope.
    pub async fn list_agent_transfers(
        &self,
        actor: &Actor,
        id: AgentId,
        filter: TransferFilter,
        request: PageRequest,
    ) -> Result<Page<Transfer>> {
        let scope = actor.require(Permission::ViewAgents)?;
        self.agent(scope, id).await?;
        let filter = TransferFilter { agent_id: Some(id), ..filter };
        self.list_transfers(actor, &filter, TransferSort::default(), request).await
    }

    /// Creates a new API key for an agent. The old key remains valid for `overlap`, 24 hours by default.
    ///
    /// An agent that did not receive the answer may repeat the request with the old key, which invalidates the newer,
    /// unused key. Once the newer key has been used, the old key cannot be exchanged any more.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the agent is outside the caller's scope; the scope of an agent is itself.
    /// [`Error::Forbidden`] if the caller's own key was replaced by a newer key that is in use.
    pub async fn rotate_agent_key(&self, actor: &Actor, id: AgentId, overlap: Option<Duration>) -> Result<String> {
        let scope = actor.require(Permission::RotateAgentKey)?;
        let overlap = overlap.map_or(OVERLAP, super::delta);
        let mut work = self.begin(actor).await?;
        let row = store::agents::find(&mut work.tx, scope, id).await?.ok_or(Error::NotFound("agent"))?;
        store::api_keys::lock_keys(&mut work.tx, id).await?;
        // An agent that has sent its certificate alone needs no key to get one.
        if let Actor::Agent { key: Some(key), .. } = actor {
            exchange(&mut work, id, key).await?;
        }
        store::api_keys::expire_keys(&mut work.tx, id, work.now + overlap).await?;
        let api_key = self.add_key(&mut work, id).await?;
        // The first use of the new key acknowledges the directive: an agent that did not receive the key gets the
        // directive again. An agent that sends its certificate alone may never use a key.
        if matches!(actor, Actor::Agent { key: None, .. }) {
            store::directives::acknowledge_all(&mut work.tx, id, DirectiveAction::RotateKey {}.name(), work.now)
                .await?;
            work.invalidate(Invalidation::Directives(id));
        }
        work.invalidate(Invalidation::AgentKeys(id));
        work.note(Kind::AgentKeyRotated, Object::Agent(row.into()));
        self.commit(work).await?;
        Ok(api_key)
    }

    /// Sends an agent the directive to get a new API key, unless the agent has such a directive that is still open.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::NotFound`] outside the caller's scope, [`Error::Conflict`] if the
    /// customer of the agent is suspended.
    pub async fn request_key_rotation(&self, actor: &Actor, id: AgentId) -> Result<Agent> {
        let scope = actor.require(Permission::RequestKeyRotation)?;
        let mut work = self.begin(actor).await?;
        let row = store::agents::find(&mut work.tx, scope, id).await?.ok_or(Error::NotFound("agent"))?;
        let customer = store::customers::find(&mut work.tx, row.customer_id).await?;
        if customer.is_none_or(|customer| customer.suspended) {
            return Err(Error::conflict(
                "the customer of the agent is suspended: the agent receives no directives until the suspension ends",
            ));
        }
        // A second request waits here, and then finds the directive of the first.
        store::api_keys::lock_keys(&mut work.tx, id).await?;
        let (agent, action) = (Agent::from(row), DirectiveAction::RotateKey {});
        if !store::directives::has_open(&mut work.tx, id, action.name(), work.now).await? {
            self.send_directive(&mut work, id, action).await?;
            work.note(Kind::AgentKeyRotationRequested, Object::Agent(agent.clone()));
        }
        self.commit(work).await?;
        Ok(agent)
    }

    /// Revokes an agent: its API keys and client certificates become invalid at once, its jobs are disabled, and the
    /// agent disappears from all lists. Its transfers remain.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::NotFound`] outside the caller's scope.
    pub async fn revoke_agent(&self, actor: &Actor, id: AgentId) -> Result<()> {
        let scope = actor.require(Permission::RevokeAgent)?;
        let mut work = self.begin(actor).await?;
        let row = store::agents::find(&mut work.tx, scope, id).await?.ok_or(Error::NotFound("agent"))?;
        if !store::agents::revoke(&mut work.tx, id, work.now).await? {
            return Err(Error::NotFound("agent"));
        }
        self.disable_jobs_of(&mut work, id).await?;
        let revoked = Agent { status: AgentStatus::Offline, revision: row.revision + 1, ..row.into() };
        work.invalidate(Invalidation::AgentKeys(id));
        work.invalidate(Invalidation::Directives(id));
        work.note(Kind::AgentRevoked, Object::Agent(revoked));
        self.commit(work).await
    }

    /// Returns the stored client certificates of an agent, newest first.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::NotFound`] if there is no such agent within the caller's scope.
    pub async fn list_agent_certificates(&self, actor: &Actor, id: AgentId) -> Result<Vec<KeptCertificate>> {
        let scope = actor.require(Permission::ViewAgents)?;
        self.agent(scope, id).await?;
        let kept = store::agent_certificates::list(&self.db, id).await?.into_iter();
        let certificate = |(issued_at, expires_at): (DateTime<Utc>, DateTime<Utc>)| KeptCertificate {
            issued_at: issued_at.into(),
            expires_at: expires_at.into(),
        };
        Ok(kept.map(certificate).collect())
    }

    /// Returns the open directives of an agent, oldest first: at most 100.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::NotFound`] if there is no such agent within the caller's scope.
    pub async fn list_agent_directives(&self, actor: &Actor, id: AgentId) -> Result<Vec<Directive>> {
        let scope = actor.require(Permission::ViewAgents)?;
        self.agent(scope, id).await?;
        store::directives::open(&self.db, id, self.now()).await
    }

    /// Returns an agent, or [`Error::NotFound`] if there is no such agent within the scope.
    pub(super) async fn agent(&self, scope: Scope, id: AgentId) -> Result<AgentRow> {
        store::agents::find(&self.db, scope, id).await?.ok_or(Error::NotFound("agent"))
    }

    async fn add_key(&self, work: &mut Work, agent: AgentId) -> Result<String> {
        let key = self.ids.secret(KEY_PREFIX);
        store::api_keys::insert_key(&mut work.tx, agent, &digest(&key), &key[..SHOWN], work.now).await?;
        Ok(key)
    }

    /// Sends an agent the configured heartbeat interval, unless the agent has acknowledged it already.
    async fn send_heartbeat_interval(&self, work: &mut Work, agent: AgentId, acknowledged: i64) -> Result<()> {
        let seconds = self.interval();
        if acknowledged == seconds {
            return Ok(());
        }
        self.send_directive(work, agent, DirectiveAction::SetHeartbeatInterval { seconds }).await
    }

    fn interval(&self) -> i64 {
        i64::try_from(self.timing.heartbeat_interval.as_secs()).unwrap_or(i64::MAX)
    }
}

/// Checks that an agent may exchange this API key for a new one. Ends newer keys that were never used.
async fn exchange(work: &mut Work, agent: AgentId, key: &KeyDigest) -> Result<()> {
    const REPLACED: Error =
        Error::Forbidden("this API key was replaced by a newer one that is in use: request a new key with that one");
    let state = store::api_keys::key_state(&mut work.tx, &key.0, work.now).await?;
    match state.ok_or(Error::Unauthenticated("this API key is no longer valid"))? {
        KeyState { is_replaced: false, .. } => Ok(()),
        KeyState { is_newer_used: true, .. } => Err(REPLACED),
        KeyState { .. } => store::api_keys::end_newer_keys(&mut work.tx, agent, &key.0, work.now).await,
    }
}

/// The customer for which an agent registers.
async fn registering_customer(work: &mut Work, actor: Option<&Actor>, input: &RegisterAgent) -> Result<CustomerId> {
    match (actor, &input.customer_identifier) {
        (Some(Actor::Customer { customer, .. }), _) => Ok(*customer),
        (Some(Actor::Admin { .. } | Actor::System) | None, Some(code)) => {
            let customer = store::enrolment_codes::redeem(&mut work.tx, &digest(code), work.now).await?;
            customer.ok_or(Error::Forbidden("this enrolment code is unknown, expired or used up: use another one"))
        }
        (Some(Actor::Admin { .. } | Actor::System), None) => {
            Err(Error::field("customerIdentifier", "is required when an administrator registers an agent"))
        }
        (Some(Actor::Agent { .. }) | None, _) => Err(Error::Unauthenticated(
            "send the access token of a customer's user, or an enrolment code as `customerIdentifier`",
        )),
    }
}
