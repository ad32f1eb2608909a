//! The webhooks of steps. One server claims each webhook, and sends it.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::{
    actor::Actor,
    error::{Error, Result},
    model::pipeline::stored_run_plan::Task,
    service::ControlPlane,
    store::pipeline_runs::PipelineRunRow,
    webhooks::{Delivery, Permit},
};

/// A webhook that this server has claimed, and not sent yet.
pub(super) struct Claimed {
    place: usize,
    attempt: i64,
    at: DateTime<Utc>,
    permit: Permit,
}

impl ControlPlane {
    /// Claims the due webhooks of a run in the order of the steps, as long as there are permits. Changes `row` only;
    /// the caller saves it.
    pub(super) fn claim_webhooks(&self, row: &mut PipelineRunRow, now: DateTime<Utc>) -> Vec<Claimed> {
        let mut claimed = Vec::new();
        for place in row.state_machine.unclaimed(now) {
            let Some(permit) = self.engine.permits.take(row.customer_id, now) else { break };
            row.state_machine.claim(place, now);
            claimed.push(Claimed { place, attempt: row.state_machine.steps[place].attempt, at: now, permit });
        }
        claimed
    }

    /// Sends the claimed webhooks of a run, each in a task.
    pub(super) fn send_claimed(self: &Arc<Self>, row: &PipelineRunRow, claimed: Vec<Claimed>) {
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
    }

    async fn send_webhook(&self, row: &PipelineRunRow, claim: &Claimed) -> Result<()> {
        let outcome = match self.delivery(row, claim).await {
            Ok(delivery) => self.webhooks.post(delivery).await,
            Err(error) => Err(error.to_string()),
        };
        let kept = self.change_run(&Actor::System, row.id, |state_machine, now| {
            state_machine.record_webhook(claim.place, claim.attempt, claim.at, outcome.clone(), now);
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
