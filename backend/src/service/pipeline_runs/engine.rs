//! The engine of pipeline runs: advances them when time has passed, and sends their webhooks.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::sync::Notify;

use crate::{
    actor::Actor,
    error::{Error, Result},
    ids::RunId,
    model::pipeline::run_graph::Task,
    service::{ControlPlane, attempts::Attempts, background::PAGE, delta},
    store::{
        self,
        pipeline_runs::{DueRun, PipelineRunRow},
    },
    webhooks::{Delivery, Permit, Permits},
};

/// Wakes the engine of this server when it may have something to do, and limits the webhooks that it sends.
#[derive(Debug, Default)]
pub(in crate::service) struct EngineControl {
    wakeup: Notify,
    pub(super) permits: Permits,
}

impl EngineControl {
    pub(in crate::service) fn wake(&self) {
        self.wakeup.notify_one();
    }
}

/// A webhook that this server has claimed.
struct Claimed {
    place: usize,
    attempt: i64,
    at: DateTime<Utc>,
    permit: Permit,
}

impl ControlPlane {
    /// Waits until the engine may have something to do.
    pub async fn runs_may_go_on(&self) {
        self.engine.wakeup.notified().await;
    }

    /// Advances all due runs, sends their webhooks, and starts queued slots of pipelines. Returns how many runs were
    /// examined.
    pub async fn advance_pipeline_runs(self: &Arc<Self>) -> Result<usize> {
        const WHAT: &str = "advancing runs of pipelines";
        let now = self.now();
        self.engine.permits.begin_scan();
        let due = |after| store::pipeline_runs::due(&self.db, now, after, PAGE);
        let advance_due = |runs: Vec<DueRun>| async move {
            for run in &runs {
                if !self.engine.permits.keeps_waiting(run.id, run.revision, now) {
                    self.advance_readable_run(run.id).await?;
                }
            }
            Ok::<usize, Error>(runs.len())
        };
        let looked_at = self.work_through(WHAT, 1, due, advance_due).await?;
        let mut given_up = 0;
        if self.can_end_leases(now) {
            let cutoff = now - delta(self.timing.lease);
            let lost = |after| store::pipeline_runs::with_lost_agents(&self.db, cutoff, after, PAGE);
            let advance_lost = |ids: Vec<RunId>| async move {
                for id in &ids {
                    self.advance_readable_run(*id).await?;
                }
                Ok::<usize, Error>(ids.len())
            };
            given_up = self.work_through(WHAT, 1, lost, advance_lost).await?;
        }
        self.start_queued_pipelines().await?;
        Ok(looked_at + given_up)
    }

    /// Advances a run, unless it was deleted meanwhile or can only be read by a newer version of the server.
    async fn advance_readable_run(self: &Arc<Self>, id: RunId) -> Result<()> {
        match self.advance_run(id).await {
            Ok(()) | Err(Error::NotFound(_) | Error::Unavailable(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn advance_run(self: &Arc<Self>, id: RunId) -> Result<()> {
        let mut attempts = Attempts::default();
        let (row, claimed) = loop {
            attempts.begin()?;
            let mut work = self.begin(&Actor::System).await?;
            let before = store::pipeline_runs::find(&mut work.tx, id).await?.ok_or(Error::NotFound("run"))?;
            let mut row = before.clone();
            let claimed = self.claim_webhooks(&mut row, work.now);
            // After a concurrent change these claims are dropped.
            if let Some(row) = self.advance_and_save(&mut work, &before, row, Vec::new()).await? {
                self.commit(work).await?;
                break (row, claimed);
            }
        };
        for mut claim in claimed {
            // Skips claims of steps that the same change has ended or timed out.
            let step = &row.state_machine.steps[claim.place];
            if (step.attempt, step.sent_at) == (claim.attempt, Some(claim.at)) && step.is_in_flight() {
                claim.permit.mark_used();
                let cp = Arc::clone(self);
                let row = row.clone();
                self.tasks.spawn(async move {
                    if let Err(error) = cp.send_webhook(&row, &claim).await {
                        let error: &dyn std::error::Error = &error;
                        tracing::warn!(error, "the outcome of a webhook was not stored: its claim will expire");
                    }
                    // The permit is released before the engine looks for a run that needs it.
                    drop(claim);
                    if cp.engine.permits.has_waiting() {
                        cp.engine.wake();
                    }
                });
            }
        }
        Ok(())
    }

    /// Claims due webhooks in the order of the steps, as long as there are permits.
    fn claim_webhooks(&self, row: &mut PipelineRunRow, now: DateTime<Utc>) -> Vec<Claimed> {
        let mut claimed = Vec::new();
        for place in row.state_machine.unclaimed(now) {
            let Some(permit) = self.engine.permits.take(row.customer_id, now) else { break };
            row.state_machine.claim(place, now);
            claimed.push(Claimed { place, attempt: row.state_machine.steps[place].attempt, at: now, permit });
        }
        claimed
    }

    async fn send_webhook(&self, row: &PipelineRunRow, claim: &Claimed) -> Result<()> {
        let outcome = match self.delivery(row, claim).await {
            Ok(delivery) => self.webhooks.post(delivery).await,
            Err(error) => Err(error.to_string()),
        };
        let kept = self.change_run(&Actor::System, row.id, |state_machine, now| {
            state_machine.posted(claim.place, claim.attempt, claim.at, outcome.clone(), now);
            Ok(Vec::new())
        });
        match kept.await {
            Err(Error::NotFound(_)) => Ok(()),
            kept => kept.map(drop),
        }
    }

    async fn delivery(&self, row: &PipelineRunRow, claim: &Claimed) -> Result<Delivery> {
        let node = &row.state_machine.graph.nodes[claim.place];
        let Task::Webhook { url, body } = &node.task else { return Err(Error::internal("no webhook was claimed")) };
        let body = body.clone().unwrap_or_else(|| summary(row, &node.id, claim.attempt));
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&body).is_ok();
        Ok(Delivery {
            url: url.clone(),
            content_type: if is_json { "application/json" } else { "text/plain; charset=utf-8" },
            id: format!("{}/{}/{}", row.id, node.id, claim.attempt),
            signature: self.webhook_signature(row.customer_id, &body, claim.at).await?,
            timeout: node.timeout_seconds.map(Duration::from_secs),
            body,
        })
    }
}

/// The default body of a webhook: the state of its run.
fn summary(row: &PipelineRunRow, step: &str, attempt: i64) -> String {
    let run = row.view();
    let steps = run.steps.iter().filter(|other| other.id != step);
    json!({
        "pipeline": { "id": run.pipeline_id, "identifier": row.identifier, "version": run.version },
        "run": {
            "id": run.id, "trigger": run.trigger, "startedAt": run.started_at, "parameters": run.parameters,
            "steps": steps.collect::<Vec<_>>(),
        },
        "step": { "id": step, "attempt": attempt },
    })
    .to_string()
}
