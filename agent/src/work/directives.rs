//! Receives directives by long polling, and handles each directive once.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use mftplus_protocol::characters::printable;
use mftplus_protocol::wire::DirectiveKind;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::identity::{ApiKey, Registration};
use crate::server::context::DirectiveBatch;
use crate::server::wire::{Directive, Status};
use crate::transfer::claimed_state_files::Claimed;
use crate::transfer::run_transfer::{UnreportedOutcome, cancel_idle, report_without_copy};
use crate::work::agent::{Agent, Role};
use crate::work::execute;
use crate::work::item_runner::{self, Acknowledgement, id};
use crate::work::job;
use crate::work::retry_transfer_directive;
use crate::work::step;

/// Handles the directives that this process receives.
pub(crate) struct Dispatcher {
    agent: Arc<Agent>,
    role: Role,
    handled: HashSet<Uuid>,
    warned: HashSet<Uuid>,
}

impl Dispatcher {
    /// Creates the dispatcher of a process with this role. The dispatcher of `copy` handles only the cancellation of
    /// its own transfers.
    pub(crate) fn new(agent: Arc<Agent>, role: Role) -> Self {
        Self { agent, role, handled: HashSet::new(), warned: HashSet::new() }
    }

    /// Handles directives until the agent shuts down.
    pub(crate) async fn run(mut self, mut inbox: mpsc::Receiver<DirectiveBatch>) {
        while let Some(DirectiveBatch { directives, handled }) = inbox.recv().await {
            for directive in directives {
                self.handle(&directive).await;
            }
            if let Some(handled) = handled {
                // The task that polls may have ended.
                let _ = handled.send(());
            }
        }
    }

    async fn handle(&mut self, directive: &Directive) {
        if !self.handled.contains(&directive.id) {
            match self.act(directive).await {
                Ok(Acknowledgement::Done) => {
                    let (id, kind) = (directive.id, &directive.kind);
                    tracing::info!(directive.id = %id, directive.kind = %kind, "the directive is carried out");
                    self.handled.insert(directive.id);
                }
                Ok(Acknowledgement::InProgress | Acknowledgement::Deferred) => return,
                Err(error) => {
                    if self.warned.insert(directive.id) {
                        let (id, kind) = (directive.id, printable(&directive.kind));
                        tracing::warn!(directive.id = %id, directive.kind = %kind, "the directive is not carried out: {error:#}");
                    }
                    return;
                }
            }
        }
        if let Err(error) = self.agent.server.api.acknowledge(directive.id).await {
            tracing::debug!(directive.id = %directive.id, %error, "not acknowledged yet");
        }
    }

    async fn act(&mut self, directive: &Directive) -> anyhow::Result<Acknowledgement> {
        let payload = &directive.payload;
        let kind = DirectiveKind::from_name(&directive.kind);
        if self.role == Role::Copy && kind != Some(DirectiveKind::CancelTransfer) {
            // The daemon handles it.
            return Ok(Acknowledgement::Deferred);
        }
        let kind = kind.with_context(|| {
            format!("this version of the agent does not know `{}` and ignores it", printable(&directive.kind))
        })?;
        match kind {
            DirectiveKind::CancelTransfer => self.cancel(directive.id, id(payload, "transferId")?).await,
            DirectiveKind::StartJob => item_runner::accept(&self.agent, job::work_item(directive)?, execute).await,
            DirectiveKind::CancelJobRun => job::cancel(&self.agent, directive).await,
            DirectiveKind::RunStep => {
                let item = step::work_item(&self.agent, directive).await?;
                item_runner::accept(&self.agent, item, execute).await
            }
            DirectiveKind::CancelStep => step::cancel(&self.agent, directive).await,
            DirectiveKind::RetryTransfer => {
                let attempt =
                    payload.get("attempt").and_then(Value::as_u64).context("the directive has no `attempt`")?;
                retry_transfer_directive::retry(&self.agent, id(payload, "transferId")?, u32::try_from(attempt)?).await
            }
            DirectiveKind::RotateKey => self.rotate_key().await,
            DirectiveKind::SetHeartbeatInterval => {
                let seconds =
                    payload.get("seconds").and_then(Value::as_u64).filter(|seconds| (1..=86_400).contains(seconds));
                self.set_heartbeat_interval(
                    seconds.context("the `seconds` of the directive must be a number from 1 to 86400")?,
                )
                .await
            }
        }
    }

    async fn cancel(&self, directive: Uuid, id: Uuid) -> anyhow::Result<Acknowledgement> {
        let agent = &self.agent;
        if let Some(control) = agent.transfers.controls.get(id) {
            control.acknowledge_at_end(directive);
            control.cancel("cancelled on the server");
            return Ok(Acknowledgement::InProgress);
        }
        if self.role == Role::Copy {
            return Ok(Acknowledgement::Deferred);
        }
        let store = agent.transfers.store.clone();
        let states = agent.server.blocking(move || store.list()).await??;
        let begun = states.into_iter().find(|state| state.id == Some(id));
        let owner = begun.and_then(|state| agent.journal.find(|item| item.transfer_key == state.idempotency_key));
        if let Some(owner) = owner {
            // The transfer belongs to a work item that waits in the queue, so the work item is cancelled.
            agent.journal.cancel(&owner.key(), Some(directive)).await?;
            return Ok(Acknowledgement::InProgress);
        }
        let store = agent.transfers.store.clone();
        let claim = match agent.server.blocking(move || store.claim(id)).await?? {
            Claimed::Busy => return Ok(Acknowledgement::Deferred),
            Claimed::Ours(claim) => *claim,
            Claimed::Missing => {
                // The transfer has no stored state. The server's answer to this report does not matter.
                drop(agent.transfers.reporter.finish(id, report_without_copy(Status::Cancelled, None)));
                return Ok(Acknowledgement::Done);
            }
        };
        let unreported = if claim.state.report.is_some() {
            UnreportedOutcome::of_claim(claim)
        } else {
            Some(cancel_idle(&agent.transfers, claim, id).await?)
        };
        if let Some(unreported) = unreported {
            // The task that sends the report runs independently.
            drop(unreported.acknowledging(directive).send(&agent.transfers));
        }
        Ok(Acknowledgement::InProgress)
    }

    async fn rotate_key(&self) -> anyhow::Result<Acknowledgement> {
        let store = async |key: ApiKey| self.change_registration(move |registration| registration.api_key = key).await;
        self.agent.server.api.rotate_key(store).await?;
        Ok(Acknowledgement::Done)
    }

    async fn set_heartbeat_interval(&self, seconds: u64) -> anyhow::Result<Acknowledgement> {
        self.change_registration(move |registration| registration.heartbeat_seconds = Some(seconds)).await?;
        self.agent.heartbeat.send_replace(Duration::from_secs(seconds));
        Ok(Acknowledgement::Done)
    }

    /// Changes the stored registration with `change`, durably.
    async fn change_registration(&self, change: impl FnOnce(&mut Registration) + Send + 'static) -> anyhow::Result<()> {
        let state_dir = self.agent.state_dir.clone();
        let changing = move || -> anyhow::Result<()> {
            let mut registration = Registration::load(&state_dir)?.context("the registration is missing")?;
            change(&mut registration);
            registration.save(&state_dir)
        };
        self.agent.server.blocking(changing).await?
    }
}

/// Polls for directives and waits until they are handled. Ends after a fatal error of the server.
pub(crate) async fn poll(agent: Arc<Agent>) {
    let mut failures = 0;
    let mut open: HashSet<Uuid> = HashSet::new();
    let mut repeats = 0;
    loop {
        let asked = Instant::now();
        let answer = tokio::select! {
            () = agent.server.halted() => return,
            answer = agent.server.api.wait_for_directives() => answer,
        };
        let pause = match answer {
            Ok(directives) => {
                failures = 0;
                let before = std::mem::replace(&mut open, directives.iter().map(|directive| directive.id).collect());
                let is_new = !open.is_subset(&before) || asked.elapsed() >= agent.server.timing.poll;
                agent.server.deliver_and_wait(directives).await;
                // A server that repeats directives, or answers without waiting, must not be polled in a tight loop.
                // Most repeated directives start soon, and the server then waits again, so the pause is short at first
                // and grows.
                repeats = if is_new { 0 } else { repeats + 1 };
                if is_new {
                    Duration::ZERO
                } else {
                    agent.server.timing.backoff.jittered(repeats, fastrand::f64()).min(agent.server.timing.poll)
                }
            }
            Err(error) if error.is_fatal() => return agent.server.halt(&error),
            Err(error) => {
                failures += 1;
                tracing::debug!("cannot receive directives: {error}");
                let least = if error.is_temporary() { error.retry_after() } else { Duration::from_mins(1) };
                least.max(agent.server.timing.backoff.jittered(failures, fastrand::f64()))
            }
        };
        sleep(pause).await;
    }
}
