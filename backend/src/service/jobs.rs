//! Jobs: created and changed by administrators, read by users of their customer and by their agent.

use super::{ControlPlane, Work, optimistic_attempt_limit::OptimisticRetry};
use crate::{
    actor::{Actor, Permission, Scope},
    error::{Error, Result},
    events::Invalidation,
    ids::{AgentId, JobId},
    model::{
        Page, PageRequest,
        directive::DirectiveAction,
        event::{Kind, Object},
        field_reader::Change,
        job::{CreateJob, Job, JobFilter, Outcome, PreviewSchedule, RunStatus, SchedulePreview, UpdateJob},
        job_and_pipeline_order::ScheduledSort,
        schedule::{Schedule, ScheduleError},
    },
    store::{self, db::EnumText, idempotency::IdempotencyClaim, jobs::JobRow},
};

/// The reason of slots that are skipped because the job was disabled.
const DISABLED: &str = "the job was disabled";

impl ControlPlane {
    /// Creates a job. It belongs to the customer of its agent.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] unless the caller is an administrator, [`Error::Fields`] if the agent does not exist.
    pub async fn create_job(
        &self,
        actor: &Actor,
        mut input: CreateJob,
        claim: Option<&IdempotencyClaim>,
    ) -> Result<Job> {
        let scope = actor.require(Permission::CreateJob)?;
        let mut work = self.begin(actor).await?;
        let agent = store::agents::find(&mut work.tx, scope, input.agent_id).await?;
        let agent = agent.ok_or_else(|| Error::field("agentId", "there is no agent with this id"))?;
        let now = work.now;
        let (rules, retry, enabled) = (input.take_rules(), input.retry, input.enabled.unwrap_or(true));
        let mut settings = input.into_settings();
        let schedule = parse(&settings.schedule, &settings.timezone)?;
        schedule.timezone().clone_into(&mut settings.timezone);
        let mut row = JobRow {
            id: self.ids.next(now),
            customer_id: agent.customer_id,
            agent_id: agent.id,
            settings,
            enabled,
            retry: retry.map(store::db::json_column),
            copy_rules: None,
            last_run_at: None,
            revision: 1,
            created_at: now,
            next_run_at: if enabled { schedule.next_after(now) } else { None },
            version: 1,
            agent_name: agent.name,
            agent_hostname: agent.hostname,
        };
        row.set_rules(rules);
        store::jobs::insert(&mut work.tx, &row).await?;
        let job = row.view();
        work.note(Kind::JobCreated, Object::Job(job.clone()));
        work.invalidate(Invalidation::Schedules);
        work.complete(claim, &job).await?;
        self.commit(work).await?;
        Ok(job)
    }

    /// Returns a page of the jobs that the caller may see. An agent sees its own enabled jobs.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for an agent that asks for disabled jobs.
    pub async fn list_jobs(
        &self,
        actor: &Actor,
        filter: &JobFilter,
        sort: ScheduledSort,
        request: PageRequest,
    ) -> Result<Page<Job>> {
        let scope = actor.require(Permission::ListJobs)?;
        let mut filter = filter.clone();
        if matches!(scope, Scope::Agent(_)) {
            if filter.enabled == Some(false) {
                return Err(Error::Forbidden("an agent sees its enabled jobs only"));
            }
            filter.enabled = Some(true);
        }
        Ok(store::jobs::list(&self.db, scope, &filter, sort, request).await?.map(|row| row.view()))
    }

    /// Returns a job.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::NotFound`] if there is no such job within the caller's scope.
    pub async fn get_job(&self, actor: &Actor, id: JobId) -> Result<Job> {
        let scope = actor.require(Permission::ViewJobs)?;
        let row = store::jobs::find(&self.db, scope, id).await?;
        Ok(row.ok_or(Error::NotFound("job"))?.view())
    }

    /// Returns the jobs with these ids that the caller may see, in no particular order.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents.
    pub async fn find_jobs(&self, actor: &Actor, ids: &[JobId]) -> Result<Vec<Job>> {
        let scope = actor.require(Permission::ViewJobs)?;
        let rows = store::jobs::find_all(&self.db, scope, ids).await?;
        Ok(rows.iter().map(JobRow::view).collect())
    }

    /// Changes a job. A change of the schedule, the time zone or `enabled` takes effect at once. The outcomes of slots
    /// that are already due are decided first, with the previous values.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] outside the caller's scope, [`Error::Forbidden`] unless the caller is an administrator,
    /// [`Error::Fields`] if `patch` names another agent, [`Error::Conflict`] if the job cannot be enabled because its
    /// agent was revoked.
    pub async fn update_job(&self, actor: &Actor, id: JobId, patch: UpdateJob) -> Result<Job> {
        let mut attempts = OptimisticRetry::default();
        loop {
            attempts.begin()?;
            let mut work = self.begin(actor).await?;
            let before = permitted(&mut work, actor, Permission::UpdateJob, id).await?;
            if patch.agent_id.is_some_and(|agent| agent != before.agent_id) {
                return Err(Error::field("agentId", "cannot be changed: create another job for that agent"));
            }
            let mut row = before.clone();
            apply(&mut row, &patch);
            if row.view() == before.view() {
                return Ok(before.view());
            }
            if before.next_run_at.is_some_and(|due| due <= work.now) {
                drop(work);
                self.decide_due_jobs(vec![id.0]).await?;
                continue;
            }
            if row.enabled && !before.enabled && !self.is_agent_registered(&mut work, row.agent_id).await? {
                return Err(Error::conflict("the agent of the job was revoked: no agent could run it"));
            }
            let schedule = parse(&row.settings.schedule, &row.settings.timezone)?;
            schedule.timezone().clone_into(&mut row.settings.timezone);
            let is_same_schedule = row.settings.schedule == before.settings.schedule
                && row.settings.timezone == before.settings.timezone
                && row.enabled == before.enabled;
            if !is_same_schedule {
                row.next_run_at = if row.enabled { schedule.next_after(work.now) } else { None };
            }
            if !store::jobs::save(&mut work.tx, &row).await? {
                // A concurrent change was committed first, or a slot was decided: try again.
                continue;
            }
            let job = self.note_job(&mut work, Kind::JobUpdated, id).await?;
            if job.enabled {
                refresh_pending_starts(&mut work, &job).await?;
            } else {
                cancel_pending_starts(&mut work, &job, DISABLED).await?;
            }
            work.invalidate(Invalidation::Schedules);
            self.commit(work).await?;
            return Ok(job);
        }
    }

    /// Enables a job, so that its schedule starts runs.
    ///
    /// # Errors
    ///
    /// The errors of [`Self::update_job`].
    pub async fn enable_job(&self, actor: &Actor, id: JobId) -> Result<Job> {
        self.update_job(actor, id, UpdateJob { enabled: Some(true), ..UpdateJob::default() }).await
    }

    /// Disables a job: its schedule starts no runs, and pending starts are cancelled. An active run continues.
    ///
    /// # Errors
    ///
    /// The errors of [`Self::update_job`].
    pub async fn disable_job(&self, actor: &Actor, id: JobId) -> Result<Job> {
        self.update_job(actor, id, UpdateJob { enabled: Some(false), ..UpdateJob::default() }).await
    }

    /// Deletes a job with its runs and its slot history. Active runs are cancelled first; transfers remain.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] outside the caller's scope, [`Error::Forbidden`] unless the caller is an administrator.
    pub async fn delete_job(&self, actor: &Actor, id: JobId) -> Result<()> {
        let mut work = self.begin(actor).await?;
        let job = permitted(&mut work, actor, Permission::DeleteJob, id).await?.view();
        if !store::schedules::delete(&mut work.tx, id.0).await? {
            return Err(Error::NotFound("job"));
        }
        // Locks the job: a concurrent start of a run commits before, or finds no job.
        store::jobs::touch(&mut work.tx, &[id]).await?;
        let is_registered = self.is_agent_registered(&mut work, job.agent_id).await?;
        for mut run in store::job_runs::running_of_job(&mut work.tx, id).await? {
            run.state.end(RunStatus::Cancelled, work.now);
            run.state.error_message = Some("the job was deleted".to_owned());
            work.note(Kind::JobRunStatusChanged, Object::JobRun(run.view()));
            if is_registered {
                self.send_directive(&mut work, job.agent_id, DirectiveAction::CancelJobRun { run_id: run.id }).await?;
            }
        }
        for start in store::directives::starts(&mut work.tx, id).await? {
            store::directives::claim(&mut work.tx, start.id, work.now).await?;
        }
        store::slots::delete(&mut work.tx, id.0).await?;
        store::job_runs::delete(&mut work.tx, id).await?;
        store::jobs::delete(&mut work.tx, id).await?;
        work.invalidate(Invalidation::Directives(job.agent_id));
        work.note(Kind::JobDeleted, Object::Job(Job { revision: job.revision + 1, next_run_at: None, ..job }));
        self.commit(work).await
    }

    /// Disables all jobs of an agent, because it is being revoked.
    pub(super) async fn disable_jobs_of(&self, work: &mut Work, agent: AgentId) -> Result<()> {
        let mut attempts = OptimisticRetry::default();
        loop {
            let jobs = store::jobs::enabled_of_agent(&mut work.tx, agent).await?;
            let Some(mut row) = jobs.into_iter().next() else { return Ok(()) };
            (row.enabled, row.next_run_at) = (false, None);
            if store::jobs::save(&mut work.tx, &row).await? {
                let job = self.note_job(work, Kind::JobUpdated, row.id).await?;
                cancel_pending_starts(work, &job, "the job's agent was revoked").await?;
            } else {
                attempts.begin()?;
            }
        }
    }

    /// Records an event with the current state of a job, and returns the job.
    pub(super) async fn note_job(&self, work: &mut Work, kind: Kind, id: JobId) -> Result<Job> {
        let row = store::jobs::find(&mut work.tx, Scope::All, id).await?;
        let job = row.ok_or(Error::NotFound("job"))?.view();
        work.note(kind, Object::Job(job.clone()));
        Ok(job)
    }

    /// Returns the description of a schedule, and its next slots.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::Fields`] if the schedule is not valid.
    pub fn preview_schedule(&self, actor: &Actor, wanted: &PreviewSchedule) -> Result<SchedulePreview> {
        actor.require(Permission::PreviewSchedules)?;
        let schedule = parse(&wanted.schedule, &wanted.timezone)?;
        Ok(SchedulePreview::of(&schedule, self.now(), wanted.first))
    }
}

/// Returns a job, if the caller has this permission. For a job outside the caller's scope, the error is always
/// [`Error::NotFound`].
pub(super) async fn permitted(work: &mut Work, actor: &Actor, permission: Permission, id: JobId) -> Result<JobRow> {
    let row = store::jobs::find(&mut work.tx, actor.scope(), id).await?.ok_or(Error::NotFound("job"))?;
    actor.require(permission)?;
    Ok(row)
}

/// Returns [`Error::Invalid`] if the job is disabled.
pub(super) fn require_enabled(job: &JobRow) -> Result<()> {
    if job.enabled { Ok(()) } else { Err(Error::Invalid("the job is disabled: enable it first".to_owned())) }
}

/// Cancels the starts and retries of a job that have not begun. Their slots become `skipped`, with this reason.
async fn cancel_pending_starts(work: &mut Work, job: &Job, reason: &str) -> Result<()> {
    store::job_runs::cancel_retries(&mut work.tx, job.id).await?;
    for start in store::directives::starts(&mut work.tx, job.id).await? {
        store::directives::claim(&mut work.tx, start.id, work.now).await?;
    }
    for mut slot in store::slots::pending(&mut work.tx, job.id.0).await? {
        let seen = slot.pending.take().map(|pending| pending.0);
        slot.outcome = EnumText(Outcome::Skipped);
        slot.reason = Some(reason.to_owned());
        if store::slots::save(&mut work.tx, &slot, seen).await? {
            work.note(Kind::JobSlotDecided, Object::JobSlot(slot.view()));
        }
    }
    work.invalidate(Invalidation::Directives(job.agent_id));
    Ok(())
}

/// Updates the job in its start directives that the agent has not acknowledged.
async fn refresh_pending_starts(work: &mut Work, job: &Job) -> Result<()> {
    for start in store::directives::starts(&mut work.tx, job.id).await? {
        if let DirectiveAction::StartJob { scheduled_for, attempt, retry_of, .. } = start.action {
            let action = DirectiveAction::StartJob { job: Box::new(job.clone()), scheduled_for, attempt, retry_of };
            store::directives::update_action(&mut work.tx, start.id, &action).await?;
            work.invalidate(Invalidation::Directives(job.agent_id));
        }
    }
    Ok(())
}

fn apply(row: &mut JobRow, patch: &UpdateJob) {
    patch.change_settings(&mut row.settings);
    row.enabled = patch.enabled.unwrap_or(row.enabled);
    match patch.retry {
        Change::Keep => {}
        Change::Clear => row.retry = None,
        Change::Set(retry) => row.retry = Some(store::db::json_column(retry)),
    }
    let mut rules = row.rules();
    patch.change_rules(&mut rules);
    row.set_rules(rules);
}

/// Parses a schedule in a time zone. An error names the field of the input that is not valid.
pub(super) fn parse(text: &str, timezone: &str) -> Result<Schedule> {
    Schedule::parse(text, timezone).map_err(|ScheduleError { field, message }| Error::field(field, message))
}
