//! What time alone changes about runs: silence, the ends of leases, transfers that have all ended, attempts that are due.
//! Every server sweeps; each change is made by compare-and-set, so it is made, and told, once.

use chrono::TimeDelta;

use super::{ControlPlane, delta, dispatch::is_busy};
use crate::{
    actor::{Actor, Scope},
    error::Result,
    model::{agent::AgentStatus, directive::Wish, event::Kind, job::RunStatus, schedule::Overlap},
    store::{self, job_runs::JobRunRow},
};

/// A run without any news for so long has ended, whatever its agent does.
const SILENCE: TimeDelta = TimeDelta::hours(24);
/// A run whose transfers have all ended follows them after so long without a word.
const FOLLOWS_AFTER: TimeDelta = TimeDelta::seconds(60);

impl ControlPlane {
    /// Fails runs whose agent has been offline, or whose cancel was not confirmed, for longer than a lease, and those
    /// without news for a day; how many.
    ///
    /// # Errors
    ///
    /// Whatever the store says.
    pub async fn end_run_leases(&self) -> Result<usize> {
        let now = self.now();
        if !self.can_end_leases(now) {
            return Ok(0);
        }
        let cutoff = now - delta(self.timing.lease);
        let lease = humantime::format_duration(self.timing.lease);
        let mut ended = 0;
        for run in store::job_runs::past_lease(&self.db, cutoff).await? {
            let is_unconfirmed = run.state.cancel_requested_at.is_some_and(|asked| asked < cutoff);
            let reason = if is_unconfirmed {
                format!("the agent did not confirm the cancel within {lease}")
            } else {
                format!("the agent was offline for longer than {lease}")
            };
            ended += usize::from(self.end_lease(run, &reason).await?);
        }
        for run in store::job_runs::silent_since(&self.db, now - SILENCE).await? {
            ended += usize::from(self.end_lease(run, "nothing was heard of it for 24h").await?);
        }
        Ok(ended)
    }

    /// Fails a run because its agent was silent, and has the agent stop it should it be at work after all: another attempt
    /// has to know.
    async fn end_lease(&self, mut run: JobRunRow, reason: &str) -> Result<bool> {
        let mut work = self.begin(&Actor::System).await?;
        let seen = run.state.revision;
        if let Some(progress) = store::job_runs::progress_of(&mut work.tx, run.id).await? {
            run.state.bytes_transferred = Some(progress.bytes);
        }
        run.state.fail(reason, work.now);
        run.state.failed_by_lease = true;
        if run.state.cancel_requested_at.is_none() {
            self.plan_retry(&mut work, &mut run).await?;
        }
        if !self.save_run(&mut work, &run, seen, Kind::JobRunStatusChanged).await? {
            return Ok(false);
        }
        if self.agent_is_there(&mut work, run.agent_id).await? {
            self.direct(&mut work, run.agent_id, Wish::CancelJobRun { run_id: run.id }).await?;
        }
        self.commit(work).await?;
        self.start_queued_slots_of(run.job_id).await?;
        Ok(true)
    }

    /// Lets runs at work show what their transfers have come to, and end with them; how many ended.
    ///
    /// # Errors
    ///
    /// Whatever the store says.
    pub async fn follow_transfers(&self) -> Result<usize> {
        let mut ended = 0;
        for progress in store::job_runs::progress(&self.db).await? {
            let Some(mut run) = store::job_runs::find(&self.db, Scope::All, progress.run_id).await? else { continue };
            if run.state.status.has_ended() {
                continue;
            }
            let now = self.now();
            let (seen, before) = (run.state.revision, run.state.clone());
            run.state.heard_at = progress.heard_at().map_or(before.heard_at, |heard| heard.max(before.heard_at));
            run.state.bytes_transferred = Some(progress.bytes);
            let outcome = progress.outcome().filter(|_| now - run.state.heard_at >= FOLLOWS_AFTER);
            let mut work = self.begin(&Actor::System).await?;
            let kind = match outcome {
                Some(RunStatus::Failed) => {
                    run.state.fail(&failed(progress.failed), now);
                    self.plan_retry(&mut work, &mut run).await?;
                    Kind::JobRunStatusChanged
                }
                Some(status) => {
                    run.state.end(status, now);
                    Kind::JobRunStatusChanged
                }
                None if run.state == before => continue,
                None => {
                    if run.state.bytes_transferred != before.bytes_transferred {
                        run.state.revision += 1;
                    }
                    Kind::JobRunProgressed
                }
            };
            if self.save_run(&mut work, &run, seen, kind).await? {
                self.commit(work).await?;
                if outcome.is_some() {
                    ended += 1;
                    self.start_queued_slots_of(run.job_id).await?;
                }
            }
        }
        Ok(ended)
    }

    /// Asks for further attempts of failed runs that are due, where the agent was heard again and the earlier attempt is
    /// known not to be at work; how many.
    ///
    /// # Errors
    ///
    /// Whatever the store says.
    pub async fn retry_failed_runs(&self) -> Result<usize> {
        let mut retried = 0;
        for run in store::job_runs::due_retries(&self.db, self.now()).await? {
            retried += usize::from(self.retry_failed_run(&run).await?);
        }
        Ok(retried)
    }

    async fn retry_failed_run(&self, run: &JobRunRow) -> Result<bool> {
        let mut work = self.begin(&Actor::System).await?;
        store::schedules::take_turn(&mut work.tx).await?;
        let job = store::jobs::find(&mut work.tx, Scope::All, run.job_id).await?.filter(|job| job.enabled);
        let agent = store::agents::find(&mut work.tx, Scope::All, run.agent_id).await?;
        let (is_told, is_lost) = store::directives::about_job_run(&mut work.tx, run.id, work.now).await?;
        let (Some(job), Some(agent), false) = (job, agent, is_lost) else {
            // Nobody could run it, or it was never confirmed that the earlier attempt is not at work.
            store::job_runs::plan_retry(&mut work.tx, run.id, run.state.retry_at, None).await?;
            self.commit(work).await?;
            return Ok(false);
        };
        let ended_at = run.state.completed_at.unwrap_or(run.started_at);
        let is_heard =
            agent.status.0 != AgentStatus::Offline && (!run.state.failed_by_lease || agent.last_heartbeat > ended_at);
        let progress = store::job_runs::progress_of(&mut work.tx, run.id).await?;
        let is_at_work = is_told || progress.is_some_and(|progress| progress.open > 0);
        let is_free = job.overlap.0 == Overlap::Allow || !is_busy(&mut work, job.id).await?;
        if !is_heard || is_at_work || !is_free {
            return Ok(false);
        }
        if !store::job_runs::plan_retry(&mut work.tx, run.id, run.state.retry_at, None).await? {
            return Ok(false);
        }
        self.send_again(&mut work, &job, run).await?;
        self.commit(work).await?;
        Ok(true)
    }
}

fn failed(count: i64) -> String {
    if count == 1 { "a transfer of it failed".to_owned() } else { format!("{count} transfers of it failed") }
}
