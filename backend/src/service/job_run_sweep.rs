//! Timeouts of job runs: ended leases, runs without reports, runs whose transfers have all ended, and due retries.
//! Every server runs the sweep. Each change is made by compare-and-set, so that only one server makes and publishes it.

use chrono::TimeDelta;

use super::{
    ControlPlane,
    busy_jobs_and_queued_slots::is_busy,
    delta,
    failure_isolation::{PAGE, attempt},
};
use crate::{
    actor::{Actor, Scope},
    error::Result,
    ids::RunId,
    model::{agent::AgentStatus, directive::DirectiveAction, event::Kind, job::RunStatus, schedule::Overlap},
    store::{
        self,
        job_runs::{JobRunRow, Overdue, Progress},
    },
};

/// How long a run may be without any report before it fails, even if its agent is online.
const SILENCE: TimeDelta = TimeDelta::hours(24);
/// How long a run whose transfers have all ended waits for a report, before it gets the final status that follows from
/// its transfers.
const FOLLOWS_AFTER: TimeDelta = TimeDelta::seconds(60);

impl ControlPlane {
    /// Fails runs whose agent has been offline, or whose cancel request was not confirmed, for longer than the lease,
    /// and runs without a report for 24 hours. Returns the number of failed runs.
    pub async fn end_run_leases(&self) -> Result<usize> {
        const WHAT: &str = "ending leases of runs";
        let now = self.now();
        if !self.can_end_leases(now) {
            return Ok(0);
        }
        let cutoff = now - delta(self.timing.lease);
        let lease = humantime::format_duration(self.timing.lease);
        let reason = |run: &JobRunRow| {
            if run.state.cancel_requested_at.is_some_and(|asked| asked < cutoff) {
                format!("the agent did not confirm the cancel request within {lease}")
            } else {
                format!("the agent was offline for longer than {lease}")
            }
        };
        let list = |after| store::job_runs::overdue(&self.db, Overdue::Lease(cutoff), after, PAGE);
        let ended = self.work_through(WHAT, 1, list, |ids| self.end_lease(ids, &reason)).await?;
        let reason = |_: &JobRunRow| "no report about it arrived for 24h".to_owned();
        let list = |after| store::job_runs::overdue(&self.db, Overdue::Silence(now - SILENCE), after, PAGE);
        Ok(ended + self.work_through(WHAT, 1, list, |ids| self.end_lease(ids, &reason)).await?)
    }

    /// Fails runs without reports and sends their agents a directive to stop them, because a retry must not begin while
    /// the earlier attempt may be running.
    async fn end_lease(&self, ids: Vec<RunId>, reason: &(impl Fn(&JobRunRow) -> String + Sync)) -> Result<usize> {
        let mut ended = 0;
        for id in ids {
            let found = store::job_runs::find(&self.db, Scope::All, id).await?;
            if let Some(run) = found.filter(|run| !run.state.status.has_ended()) {
                let reason = reason(&run);
                ended += usize::from(self.end_by_lease(run, &reason).await?);
            }
        }
        Ok(ended)
    }

    async fn end_by_lease(&self, mut run: JobRunRow, reason: &str) -> Result<bool> {
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
        if self.is_agent_registered(&mut work, run.agent_id).await? {
            self.send_directive(&mut work, run.agent_id, DirectiveAction::CancelJobRun { run_id: run.id }).await?;
        }
        self.commit(work).await?;
        self.start_queued_slots_after_change(run.job_id).await;
        Ok(true)
    }

    /// Updates active runs from their transfers, and ends runs whose transfers have all ended. Returns the number of
    /// ended runs.
    pub async fn follow_transfers(&self) -> Result<usize> {
        let mut ended = 0;
        if !self.may_judge_silence() {
            return Ok(0);
        }
        for progress in store::job_runs::progress(&self.db).await? {
            let followed = attempt("following transfers", progress.run_id, self.follow(progress)).await?;
            ended += usize::from(followed.unwrap_or(false));
        }
        Ok(ended)
    }

    async fn follow(&self, progress: Progress) -> Result<bool> {
        let Some(mut run) = store::job_runs::find(&self.db, Scope::All, progress.run_id).await? else {
            return Ok(false);
        };
        if run.state.status.has_ended() {
            return Ok(false);
        }
        let now = self.now();
        let (seen, before) = (run.state.revision, run.state.clone());
        run.state.heard_at = progress.heard_at().map_or(before.heard_at, |reported| reported.max(before.heard_at));
        run.state.bytes_transferred = Some(progress.bytes);
        let outcome = progress.outcome().filter(|_| now - run.state.heard_at >= FOLLOWS_AFTER);
        if outcome.is_none() && run.state == before {
            return Ok(false);
        }
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
            None => {
                if run.state.bytes_transferred != before.bytes_transferred {
                    run.state.revision += 1;
                }
                Kind::JobRunProgressed
            }
        };
        if !self.save_run(&mut work, &run, seen, kind).await? {
            return Ok(false);
        }
        self.commit(work).await?;
        if outcome.is_some() {
            self.start_queued_slots_after_change(run.job_id).await;
        }
        Ok(outcome.is_some())
    }

    /// Sends the start directive of the next attempt for failed runs whose retry is due, if their agent is online and
    /// the earlier attempt is known to be stopped. Returns the number of sent directives.
    pub async fn retry_failed_runs(&self) -> Result<usize> {
        let now = self.now();
        let list = |after| store::job_runs::overdue(&self.db, Overdue::Retry(now), after, PAGE);
        let retry = |ids: Vec<RunId>| async move {
            let mut retried = 0;
            for id in ids {
                if let Some(run) = store::job_runs::find(&self.db, Scope::All, id).await? {
                    retried += usize::from(self.retry_failed_run(&run).await?);
                }
            }
            Ok(retried)
        };
        self.work_through("retrying failed runs", 1, list, retry).await
    }

    async fn retry_failed_run(&self, run: &JobRunRow) -> Result<bool> {
        let mut work = self.begin(&Actor::System).await?;
        store::schedules::lock_scheduler(&mut work.tx).await?;
        let job = store::jobs::find(&mut work.tx, Scope::All, run.job_id).await?.filter(|job| job.enabled);
        let agent = store::agents::find(&mut work.tx, Scope::All, run.agent_id).await?;
        let (has_open_directive, is_lost) = store::directives::about_job_run(&mut work.tx, run.id, work.now).await?;
        let (Some(job), Some(agent), false) = (job, agent, is_lost) else {
            // No agent can run it, or the agent never confirmed that the earlier attempt is stopped.
            store::job_runs::plan_retry(&mut work.tx, run.id, run.state.retry_at, None).await?;
            self.commit(work).await?;
            return Ok(false);
        };
        let ended_at = run.state.completed_at.unwrap_or(run.started_at);
        let is_reachable =
            agent.status.0 != AgentStatus::Offline && (!run.state.failed_by_lease || agent.last_heartbeat > ended_at);
        let progress = store::job_runs::progress_of(&mut work.tx, run.id).await?;
        let is_at_work = has_open_directive || progress.is_some_and(|progress| progress.open > 0);
        let is_free = job.settings.overlap == Overlap::Allow || !is_busy(&mut work, job.id).await?;
        if !is_reachable || is_at_work || !is_free {
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
    if count == 1 { "a transfer of the run failed".to_owned() } else { format!("{count} transfers of the run failed") }
}
