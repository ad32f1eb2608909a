//! The engine of pipeline runs: advances runs that are due, because of a change or because time has passed.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::{
    actor::Actor,
    error::{Error, Result},
    ids::RunId,
    service::{ControlPlane, delta, failure_isolation::PAGE, optimistic_attempt_limit::OptimisticRetry},
    store::{self, pipeline_runs::DueRun},
    webhooks::Permits,
};

/// Wakes the engine of this server when a run may be due, and limits the webhooks that this server sends at a time.
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

impl ControlPlane {
    /// Waits until a run may be due because of a change that this server has committed.
    pub async fn runs_may_go_on(&self) {
        self.engine.wakeup.notified().await;
    }

    /// Advances all due runs, sends their webhooks, and starts queued slots of pipelines. Returns the number of runs
    /// that were examined.
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
        let mut attempts = OptimisticRetry::default();
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
        self.send_claimed(&row, claimed);
        Ok(())
    }
}
