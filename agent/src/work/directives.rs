//! Acts on what the server wants of this agent, each thing once.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::identity::Registration;
use crate::random::random_u64;
use crate::server::backoff::backoff;
use crate::server::heartbeat::Role;
use crate::server::wire::{Directive, Status};
use crate::session::{Mail, Session};
use crate::transfer::run::{discard_part, report_without_copy, tell};
use crate::transfer::store::Claimed;
use crate::work::job;
use crate::work::retry;
use crate::work::step;

/// What became of a directive.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Done: the server may forget it.
    Done,
    /// Under way: it is acknowledged when that has ended.
    UnderWay,
    /// Nothing, now; the server will say it again.
    Later,
}

/// Reads the session's mail.
pub(crate) struct Dispatcher {
    session: Arc<Session>,
    role: Role,
    done: HashSet<Uuid>,
    puzzling: HashSet<Uuid>,
}

impl Dispatcher {
    /// A reader for a session; a copy obeys only what concerns its own transfers.
    pub(crate) fn new(session: Arc<Session>, role: Role) -> Self {
        Self { session, role, done: HashSet::new(), puzzling: HashSet::new() }
    }

    /// Acts on mail as it comes.
    pub(crate) async fn run(mut self, mut mail: mpsc::UnboundedReceiver<Mail>) {
        while let Some(Mail { directives, read }) = mail.recv().await {
            for directive in directives {
                self.handle(&directive).await;
            }
            if let Some(read) = read {
                // The poller may have ended.
                let _ = read.send(());
            }
        }
    }

    async fn handle(&mut self, directive: &Directive) {
        if !self.done.contains(&directive.id) {
            match self.act(directive).await {
                Ok(Act::Done) => {
                    tracing::info!(directive.id = %directive.id, directive.kind = %directive.kind, "done");
                    self.done.insert(directive.id);
                }
                Ok(Act::UnderWay | Act::Later) => return,
                Err(error) => {
                    if self.puzzling.insert(directive.id) {
                        tracing::warn!(directive.id = %directive.id, directive.kind = %directive.kind, "not done: {error:#}");
                    }
                    return;
                }
            }
        }
        if let Err(error) = self.session.api.acknowledge(directive.id).await {
            tracing::debug!(directive.id = %directive.id, %error, "not acknowledged yet");
        }
    }

    async fn act(&mut self, directive: &Directive) -> anyhow::Result<Act> {
        let payload = &directive.payload;
        if directive.kind == "cancelTransfer" {
            return self.cancel(directive.id, id(payload, "transferId")?);
        }
        if self.role == Role::Copy {
            // The daemon's business.
            return Ok(Act::Later);
        }
        match directive.kind.as_str() {
            "startJob" => job::start(&self.session, directive),
            "cancelJobRun" => job::cancel(&self.session, directive),
            "runStep" => step::start(&self.session, directive),
            "cancelStep" => step::cancel(&self.session, directive),
            "retryTransfer" => {
                let attempt = payload.get("attempt").and_then(Value::as_u64).context("no `attempt`")?;
                retry::retry(&self.session, directive.id, id(payload, "transferId")?, u32::try_from(attempt)?).await
            }
            "rotateKey" => self.rotate_key().await,
            "setHeartbeatInterval" => {
                let seconds =
                    payload.get("seconds").and_then(Value::as_u64).filter(|seconds| (1..=86_400).contains(seconds));
                self.set_heartbeat_interval(seconds.context("`seconds` is not a number from 1 to 86400")?)
            }
            other => anyhow::bail!("this version of the agent does not know `{other}`; it is left alone"),
        }
    }

    fn cancel(&self, directive: Uuid, id: Uuid) -> anyhow::Result<Act> {
        let session = &self.session;
        if let Some(control) = session.controls.get(id) {
            control.acknowledge_at_end(directive);
            control.cancel("cancelled on the server");
            return Ok(Act::UnderWay);
        }
        if self.role == Role::Copy {
            return Ok(Act::Later);
        }
        let begun = session.store.list()?.into_iter().find(|state| state.id == Some(id));
        let owner = begun.and_then(|state| session.errands.find(|errand| errand.transfer_key == state.idempotency_key));
        if let Some(owner) = owner {
            // Its copy waits for its turn, so the run as a whole is called off.
            session.errands.cancel(&owner.key(), Some(directive))?;
            return Ok(Act::UnderWay);
        }
        let mut claim = match session.store.claim(id)? {
            Claimed::Busy => return Ok(Act::Later),
            Claimed::Ours(claim) => *claim,
            Claimed::Missing => {
                // Nothing of it is left here; what the server says to that does not matter.
                drop(session.reporter.finish(id, report_without_copy(Status::Cancelled, None)));
                return Ok(Act::Done);
            }
        };
        let report = if let Some(report) = claim.state.report.clone() {
            report
        } else {
            discard_part(session, &claim.state);
            let report = report_without_copy(Status::Cancelled, None);
            claim.record_end(report.clone())?;
            report
        };
        tell(session, claim, id, report, vec![directive]);
        Ok(Act::UnderWay)
    }

    async fn rotate_key(&self) -> anyhow::Result<Act> {
        let session = &self.session;
        let key = session.api.rotate_key().await?;
        let registration = Registration::load(&session.state_dir)?.context("the registration is gone")?;
        Registration { api_key: key.clone(), ..registration }.save(&session.state_dir)?;
        session.api.adopt_key(key);
        Ok(Act::Done)
    }

    fn set_heartbeat_interval(&self, seconds: u64) -> anyhow::Result<Act> {
        let session = &self.session;
        let registration = Registration::load(&session.state_dir)?.context("the registration is gone")?;
        Registration { heartbeat_seconds: Some(seconds), ..registration }.save(&session.state_dir)?;
        session.heartbeat.send_replace(Duration::from_secs(seconds));
        Ok(Act::Done)
    }
}

/// Long-polls for directives for good.
pub(crate) async fn poll(session: Arc<Session>) {
    let mut failures = 0;
    let mut open: HashSet<Uuid> = HashSet::new();
    let mut repeats = 0;
    loop {
        let asked = Instant::now();
        let answer = tokio::select! {
            () = session.halted() => return,
            answer = session.api.wait_for_directives() => answer,
        };
        let pause = match answer {
            Ok(directives) => {
                failures = 0;
                let before = std::mem::replace(&mut open, directives.iter().map(|directive| directive.id).collect());
                let is_news = !open.is_subset(&before) || asked.elapsed() >= session.timing.poll;
                session.deliver_and_wait(directives).await;
                // A server that repeats itself, or does not wait, must not be asked in a tight loop. What it repeats is
                // mostly being begun at this moment, and then it waits again: so the pause grows from a short one.
                repeats = if is_news { 0 } else { repeats + 1 };
                if is_news {
                    Duration::ZERO
                } else {
                    backoff(session.timing.backoff, repeats, random_u64()).min(session.timing.poll)
                }
            }
            Err(error) if error.is_fatal() => return session.halt(&error),
            Err(error) => {
                failures += 1;
                tracing::debug!("no directives: {error}");
                let least = if error.is_temporary() { error.retry_after() } else { Duration::from_mins(1) };
                least.max(backoff(session.timing.backoff, failures, random_u64()))
            }
        };
        sleep(pause).await;
    }
}

/// An id in a directive's payload.
pub(crate) fn id(payload: &Value, name: &str) -> anyhow::Result<Uuid> {
    let id = payload.get(name).and_then(Value::as_str).with_context(|| format!("no `{name}`"))?;
    id.parse().with_context(|| format!("`{name}` is not an id"))
}
