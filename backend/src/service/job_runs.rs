//! Job runs: started and reported by agents, read and cancelled by administrators.

use super::{
    ControlPlane, Work, agent_instances::InstanceRole, jobs::require_enabled, optimistic_attempt_limit::OptimisticRetry,
};
use crate::{
    actor::{Actor, Permission, Scope},
    error::{Error, Result},
    events::Invalidation,
    ids::{DirectiveId, JobId, RunId},
    model::{
        Page, PageRequest,
        directive::{Directive, DirectiveAction},
        event::{Kind, Object},
        job::{JobRun, JobRunFilter, Outcome, ReportJobRun, RunState, RunStatus, StartJobRun},
    },
    store::{self, db::EnumText, idempotency::IdempotencyClaim, job_runs::JobRunRow, jobs::JobRow},
};

impl ControlPlane {
    /// Starts a run of a job of the calling agent, for the start directive in the input or else for the oldest open
    /// one. A repetition with the same directive returns the same run while the run is active.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the caller is an agent, [`Error::NotFound`] for the job or directive of another
    /// agent, [`Error::Invalid`] if the job is disabled, [`Error::Conflict`] if the directive is no longer open
    /// or its run has ended.
    pub async fn start_job_run(
        &self,
        actor: &Actor,
        job: JobId,
        input: StartJobRun,
        claim: Option<&IdempotencyClaim>,
    ) -> Result<JobRun> {
        let agent = actor.require_agent(Permission::StartJobRun)?;
        if self.require_own_state(actor, agent, input.instance_id).await? == InstanceRole::Replaced {
            return Err(Error::Unavailable("another process of this agent has just started: try again in a moment"));
        }
        let mut attempts = OptimisticRetry::default();
        loop {
            attempts.begin()?;
            let mut work = self.begin(actor).await?;
            let row = store::jobs::find(&mut work.tx, actor.scope(), job).await?.ok_or(Error::NotFound("job"))?;
            if let Some(id) = input.directive_id
                && let Some(run) = run_of_directive(&mut work, job, id).await?
            {
                let run = run.view();
                work.complete(claim, &run).await?;
                self.commit(work).await?;
                return Ok(run);
            }
            require_enabled(&row)?;
            // The job is locked before its runs, as everywhere, so that transactions cannot deadlock.
            if !store::jobs::note_start(&mut work.tx, job, work.now).await? {
                return Err(Error::NotFound("job"));
            }
            let start = if let Some(id) = input.directive_id {
                Some(named_start(&mut work, &row, id).await?)
            } else {
                self.end_unreported(&mut work, job).await?;
                oldest_start(&mut work, &row).await?
            };
            if let Some(start) = &start
                && !store::directives::claim(&mut work.tx, start.id, work.now).await?
            {
                // A concurrent call has claimed the directive: try again.
                continue;
            }
            let run = self.begin_run(&mut work, &row, start).await?;
            work.complete(claim, &run).await?;
            self.commit(work).await?;
            return Ok(run);
        }
    }

    /// Stores a job run, for a start directive or, without one, because the agent started it by itself.
    async fn begin_run(&self, work: &mut Work, job: &JobRow, start: Option<Directive>) -> Result<JobRun> {
        let now = work.now;
        let directive_id = start.as_ref().map(|start| start.id);
        let (scheduled_for, attempt, retry_of) = match start.map(|start| start.action) {
            Some(DirectiveAction::StartJob { scheduled_for, attempt, retry_of, .. }) => {
                (scheduled_for, attempt, retry_of)
            }
            _ => (None, 1, None),
        };
        let row = JobRunRow {
            id: self.ids.next(now),
            job_id: job.id,
            customer_id: job.customer_id,
            agent_id: job.agent_id,
            directive_id,
            scheduled_for: scheduled_for.map(|at| at.0),
            started_at: now,
            attempt,
            retry_of,
            state: RunState {
                status: RunStatus::Running,
                completed_at: None,
                error_message: None,
                bytes_transferred: None,
                cancel_requested_at: None,
                heard_at: now,
                failed_by_lease: false,
                retry_at: None,
                revision: 1,
            },
        };
        store::job_runs::insert(&mut work.tx, &row).await?;
        if let Some(at) = row.scheduled_for
            && let Some(mut slot) = store::slots::find(&mut work.tx, job.id.0, at).await?
        {
            let seen = slot.pending.take().map(|pending| pending.0);
            (slot.outcome, slot.run_id, slot.reason) = (EnumText(Outcome::Ran), Some(row.id), None);
            store::slots::save(&mut work.tx, &slot, seen).await?;
        }
        let run = row.view();
        work.note(Kind::JobRunStarted, Object::JobRun(run.clone()));
        self.note_job(work, Kind::JobMoved, job.id).await?;
        work.invalidate(Invalidation::Directives(job.agent_id));
        Ok(run)
    }

    /// Fails active runs of the job that have no running transfer. Agents that know only the published reference cannot
    /// report the end of a run.
    async fn end_unreported(&self, work: &mut Work, job: JobId) -> Result<()> {
        for mut run in store::job_runs::running_of_job(&mut work.tx, job).await? {
            let progress = store::job_runs::progress_of(&mut work.tx, run.id).await?;
            if progress.is_some_and(|progress| progress.running > 0) {
                continue;
            }
            let seen = run.state.revision;
            run.state.bytes_transferred = progress.map(|progress| progress.bytes).or(run.state.bytes_transferred);
            run.state.fail("never reported", work.now);
            self.save_run(work, &run, seen, Kind::JobRunStatusChanged).await?;
        }
        Ok(())
    }

    /// Applies an agent's report on one of its runs.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the caller is an agent, [`Error::NotFound`] for the run of another agent,
    /// [`Error::Conflict`] if the run has ended with another status, [`Error::ConflictBecause`] if the server has
    /// failed the run because its lease ended.
    pub async fn update_job_run(&self, actor: &Actor, job: JobId, id: RunId, report: ReportJobRun) -> Result<JobRun> {
        let scope = actor.require(Permission::ReportJobRun)?;
        let mut attempts = OptimisticRetry::default();
        loop {
            attempts.begin()?;
            let mut work = self.begin(actor).await?;
            let found = store::job_runs::find(&mut work.tx, scope, id).await?;
            let mut run = found.filter(|run| run.job_id == job).ok_or(Error::NotFound("run"))?;
            let seen = run.state.revision;
            let now = work.now;
            let heard_before = run.state.heard_at;
            let is_changed = match run.state.report(&report, now) {
                Ok(is_changed) => is_changed,
                Err(refused) => {
                    // A repetition of the report is not recorded again.
                    let is_first = run.state.completed_at.is_some_and(|ended| run.state.heard_at < ended);
                    if run.state.failed_by_lease && report.status.is_some_and(RunStatus::has_ended) && is_first {
                        run.state.heard_at = now;
                        if !store::job_runs::save(&mut work.tx, &run, seen).await? {
                            continue;
                        }
                        self.keep_late_report(work, &run, &report).await?;
                    }
                    return Err(refused);
                }
            };
            if !is_changed && run.state.heard_at == heard_before {
                return Ok(run.view());
            }
            if let Some(progress) = store::job_runs::progress_of(&mut work.tx, id).await? {
                run.state.bytes_transferred = Some(progress.bytes);
            }
            let kind = if run.state.status.has_ended() {
                self.plan_retry(&mut work, &mut run).await?;
                Kind::JobRunStatusChanged
            } else {
                Kind::JobRunProgressed
            };
            if !self.save_run(&mut work, &run, seen, kind).await? {
                continue;
            }
            self.commit(work).await?;
            if run.state.status.has_ended() {
                self.start_queued_slots_after_change(job).await;
            }
            return Ok(run.view());
        }
    }

    /// Records as an event a final report that arrived after the server had failed the run. Acknowledges the run's
    /// directives.
    async fn keep_late_report(&self, mut work: Work, run: &JobRunRow, report: &ReportJobRun) -> Result<()> {
        let mut reported = run.view();
        reported.status = report.status.unwrap_or(reported.status);
        reported.bytes_transferred = report.bytes_transferred.or(reported.bytes_transferred);
        if let crate::model::field_reader::Change::Set(message) = &report.error_message {
            reported.error_message = Some(message.clone());
        }
        work.note(Kind::JobRunReportedLate, Object::JobRun(reported));
        store::directives::settle_job_run(&mut work.tx, run.id, work.now).await?;
        work.invalidate(Invalidation::Directives(run.agent_id));
        self.commit(work).await
    }

    /// Saves a run, and acknowledges its directives if it has ended. False if the stored revision is not `seen`.
    pub(super) async fn save_run(&self, work: &mut Work, run: &JobRunRow, seen: i64, kind: Kind) -> Result<bool> {
        if !store::job_runs::save(&mut work.tx, run, seen).await? {
            return Ok(false);
        }
        if run.state.revision != seen {
            work.note(kind, Object::JobRun(run.view()));
        }
        if run.state.status.has_ended() {
            store::directives::settle_job_run(&mut work.tx, run.id, work.now).await?;
            work.invalidate(Invalidation::Directives(run.agent_id));
        }
        Ok(true)
    }

    /// Sets `retry_at` of a run that has failed, if the retry policy of its job allows another attempt.
    pub(super) async fn plan_retry(&self, work: &mut Work, run: &mut JobRunRow) -> Result<()> {
        if run.state.status != RunStatus::Failed {
            return Ok(());
        }
        let job = store::jobs::find(&mut work.tx, Scope::All, run.job_id).await?;
        let retry = job.filter(|job| job.enabled).and_then(|job| job.retry);
        let delay = retry.and_then(|retry| retry.0.delay_after(run.attempt));
        run.state.retry_at = delay.map(|delay| work.now + delay);
        Ok(())
    }

    /// Returns a page of runs, newest first.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if a job outside the caller's scope is named, [`Error::Forbidden`] unless the caller is
    /// an administrator.
    pub async fn list_job_runs(
        &self,
        actor: &Actor,
        filter: &JobRunFilter,
        request: PageRequest,
    ) -> Result<Page<JobRun>> {
        if let Some(job) = filter.job_id {
            self.get_job(actor, job).await?;
        }
        actor.require(Permission::ViewJobRuns)?;
        Ok(store::job_runs::list(&self.db, filter, request).await?.map(|row| row.view()))
    }

    /// Returns the newest runs of each job, in the order of `of`: for each id, at most the number that follows.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the caller is an administrator.
    pub async fn newest_job_runs(&self, actor: &Actor, of: &[(JobId, u64)]) -> Result<Vec<Vec<JobRun>>> {
        actor.require(Permission::ViewJobRuns)?;
        let rows = store::job_runs::newest(&self.db, of).await?;
        let newest = of.iter().map(|(job, count)| {
            let own = rows.iter().filter(|row| row.job_id == *job).map(JobRunRow::view);
            own.take(usize::try_from(*count).unwrap_or(usize::MAX)).collect()
        });
        Ok(newest.collect())
    }

    /// Returns the existing runs with these ids, in no particular order.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the caller is an administrator.
    pub async fn find_job_runs(&self, actor: &Actor, ids: &[RunId]) -> Result<Vec<JobRun>> {
        actor.require(Permission::ViewJobRuns)?;
        let rows = store::job_runs::find_all(&self.db, ids).await?;
        Ok(rows.iter().map(JobRunRow::view).collect())
    }

    /// Returns a job run.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] outside the caller's scope, [`Error::Forbidden`] unless the caller is an administrator.
    pub async fn get_job_run(&self, actor: &Actor, id: RunId) -> Result<JobRun> {
        let row = store::job_runs::find(&self.db, actor.scope(), id).await?.ok_or(Error::NotFound("run"))?;
        actor.require(Permission::ViewJobRuns)?;
        Ok(row.view())
    }

    /// Requests the cancellation of a job run. The run ends when its agent confirms the request or its lease ends. A
    /// repetition has no effect.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] outside the caller's scope, [`Error::Forbidden`] unless the caller is an administrator,
    /// [`Error::Conflict`] if the run has ended.
    pub async fn cancel_job_run(&self, actor: &Actor, id: RunId) -> Result<JobRun> {
        let mut attempts = OptimisticRetry::default();
        loop {
            attempts.begin()?;
            let mut work = self.begin(actor).await?;
            let mut run = permitted_run(&mut work, actor, Permission::CancelJobRun, id).await?;
            if !run.state.status.can_be_cancelled() {
                return Err(Error::conflict(format!("a run that is {} cannot be cancelled", run.state.status)));
            }
            if run.state.cancel_requested_at.is_some() {
                return Ok(run.view());
            }
            let seen = run.state.revision;
            run.state.cancel_requested_at = Some(work.now);
            run.state.revision += 1;
            if !self.save_run(&mut work, &run, seen, Kind::JobRunCancelRequested).await? {
                continue;
            }
            if self.is_agent_registered(&mut work, run.agent_id).await? {
                self.send_directive(&mut work, run.agent_id, DirectiveAction::CancelJobRun { run_id: id }).await?;
            }
            self.commit(work).await?;
            return Ok(run.view());
        }
    }

    /// Handles the acknowledgement of a directive to stop a run: a run with a cancel request becomes `cancelled`.
    /// Returns false after a concurrent change; the caller then tries again.
    pub(super) async fn report_stopped_job_run(&self, work: &mut Work, id: RunId) -> Result<bool> {
        let Some(mut run) = store::job_runs::find(&mut work.tx, Scope::All, id).await? else { return Ok(true) };
        if run.state.status.has_ended() || run.state.cancel_requested_at.is_none() {
            return Ok(true);
        }
        let seen = run.state.revision;
        run.state.end(RunStatus::Cancelled, work.now);
        self.save_run(work, &run, seen, Kind::JobRunStatusChanged).await
    }

    /// Checks that the caller may subscribe to job runs. The right to list them is sufficient.
    ///
    /// # Errors
    ///
    /// The errors of [`Self::list_job_runs`].
    pub async fn watch_job_runs(&self, actor: &Actor, filter: &JobRunFilter) -> Result<()> {
        if let Some(job) = filter.job_id {
            self.get_job(actor, job).await?;
        }
        actor.require(Permission::ViewJobRuns)?;
        Ok(())
    }
}

/// Returns a run, if the caller has this permission; always [`Error::NotFound`] for a run outside the caller's scope.
pub(super) async fn permitted_run(
    work: &mut Work,
    actor: &Actor,
    permission: Permission,
    id: RunId,
) -> Result<JobRunRow> {
    let run = store::job_runs::find(&mut work.tx, actor.scope(), id).await?.ok_or(Error::NotFound("run"))?;
    actor.require(permission)?;
    Ok(run)
}

/// The active run of a directive, if there is one.
async fn run_of_directive(work: &mut Work, job: JobId, id: DirectiveId) -> Result<Option<JobRunRow>> {
    let Some(run) = store::job_runs::by_directive(&mut work.tx, id).await? else { return Ok(None) };
    if run.job_id != job {
        return Err(Error::NotFound("directive"));
    }
    if run.state.status.has_ended() {
        let message = format!("the run of this directive is {}: a directive starts one run", run.state.status);
        return Err(Error::conflict(message));
    }
    Ok(Some(run))
}

/// The start directive that the agent names, if it is open.
async fn named_start(work: &mut Work, job: &JobRow, id: DirectiveId) -> Result<Directive> {
    let directive = store::directives::find(&mut work.tx, job.agent_id, id).await?;
    let directive = directive.filter(|directive| directive.action.job() == Some(job.id));
    let directive = directive.ok_or(Error::NotFound("directive"))?;
    if directive.expires_at.0 <= work.now {
        return Err(Error::conflict("this directive has expired"));
    }
    if !store::directives::starts(&mut work.tx, job.id).await?.iter().any(|open| open.id == id) {
        // It is acknowledged: by a run, which the caller's next attempt finds, or because it was cancelled or declined.
        return match store::job_runs::by_directive(&mut work.tx, id).await? {
            Some(_) => Ok(directive),
            None => Err(Error::conflict("this directive was cancelled, or acknowledged without a run")),
        };
    }
    Ok(directive)
}

/// The oldest start directive that is open and not expired.
async fn oldest_start(work: &mut Work, job: &JobRow) -> Result<Option<Directive>> {
    let starts = store::directives::starts(&mut work.tx, job.id).await?;
    Ok(starts.into_iter().find(|start| start.expires_at.0 > work.now))
}
