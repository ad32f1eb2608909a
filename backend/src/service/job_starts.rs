//! Start directives: they tell an agent to start a run of a job. This module also handles those that lead to no run.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    ControlPlane, Work,
    busy_jobs_and_queued_slots::is_busy,
    failure_isolation::{PAGE, attempt},
    job_runs::permitted_run,
    jobs::{permitted, require_enabled},
};
use crate::{
    actor::{Actor, Permission, Scope},
    error::{Error, Result},
    events::Invalidation,
    ids::{AgentId, DirectiveId, IdGenerator, JobId, RunId},
    model::{
        directive::{Directive, DirectiveAction},
        event::{Kind, Object},
        job::{Job, JobRun, Outcome},
        schedule::Overlap,
    },
    store::{
        self, db::EnumText, idempotency::IdempotencyClaim, job_runs::JobRunRow, jobs::JobRow, schedules::ScheduledKind,
        slots::Pending,
    },
};

/// The reason of a slot whose start was sent to the agent.
pub(super) const WAITS_FOR_AGENT: &str = "waits for the agent to start it";
/// How long a start directive is valid.
const LIFETIME: TimeDelta = TimeDelta::hours(24);
/// How a failed start of queued slots is named in logs and metrics.
const STARTING: &str = "starting queued slots";
/// The reason of a slot whose start the agent did not fetch.
const NOT_FETCHED: &str = "not fetched: the agent did not start it within 24h";
/// The reason of a slot whose start the agent acknowledged without a run.
const DECLINED: &str = "the agent acknowledged the directive without starting a run";

/// Builds the directive that starts a job for a slot. Returns the agent that receives it, and the directive.
pub(super) fn starts(
    ids: &IdGenerator,
    job: &Job,
    scheduled_for: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> (AgentId, Directive) {
    start(ids, job, RunAttempt::first(scheduled_for), now)
}

/// The attempt that a start directive starts.
#[derive(Clone, Copy)]
struct RunAttempt {
    /// The slot; `None` if a user started the run.
    scheduled_for: Option<DateTime<Utc>>,
    /// The number of the attempt, counted from 1.
    number: i64,
    /// The run of the previous attempt.
    retry_of: Option<RunId>,
}

impl RunAttempt {
    const fn first(scheduled_for: Option<DateTime<Utc>>) -> Self {
        Self { scheduled_for, number: 1, retry_of: None }
    }
}

fn start(ids: &IdGenerator, job: &Job, attempt: RunAttempt, now: DateTime<Utc>) -> (AgentId, Directive) {
    let RunAttempt { scheduled_for, number, retry_of } = attempt;
    let action = DirectiveAction::StartJob {
        job: Box::new(job.clone()),
        scheduled_for: scheduled_for.map(Into::into),
        attempt: number,
        retry_of,
    };
    (job.agent_id, Directive { id: ids.next(now), created_at: now.into(), expires_at: (now + LIFETIME).into(), action })
}

impl ControlPlane {
    /// Starts a job now, independently of its schedule. With a `claim`, the answer is stored for the idempotency key.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] outside the caller's scope, [`Error::Forbidden`] unless the caller is an administrator,
    /// [`Error::Invalid`] if the job is disabled, [`Error::Conflict`] if a run is active or about to start and the
    /// overlap policy of the job is not `allow`.
    pub async fn run_job(&self, actor: &Actor, id: JobId, claim: Option<&IdempotencyClaim>) -> Result<Job> {
        let mut work = self.begin(actor).await?;
        store::schedules::lock_scheduler(&mut work.tx).await?;
        let row = permitted(&mut work, actor, Permission::RunJob, id).await?;
        require_enabled(&row)?;
        require_free(&mut work, &row).await?;
        let job = row.view();
        let (agent, start) = start(&self.ids, &job, RunAttempt::first(None), work.now);
        send(&mut work, agent, &start).await?;
        work.note(Kind::JobRunRequested, Object::Job(job.clone()));
        work.complete(claim, &job).await?;
        self.commit(work).await?;
        Ok(job)
    }

    /// Retries a run that failed or was cancelled, as its next attempt.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] outside the caller's scope, [`Error::Forbidden`] unless the caller is an administrator,
    /// [`Error::Invalid`] if the job is disabled, [`Error::Conflict`] if the run neither failed nor was cancelled, if
    /// it was retried already, or if another run is active and the overlap policy of the job is not `allow`.
    pub async fn retry_job_run(&self, actor: &Actor, id: RunId) -> Result<JobRun> {
        let mut work = self.begin(actor).await?;
        store::schedules::lock_scheduler(&mut work.tx).await?;
        let run = permitted_run(&mut work, actor, Permission::RetryJobRun, id).await?;
        if !run.state.status.can_be_retried() {
            let message =
                format!("a run that is {} cannot be retried: only a failed or cancelled one can", run.state.status);
            return Err(Error::conflict(message));
        }
        let job = store::jobs::find(&mut work.tx, Scope::All, run.job_id).await?.ok_or(Error::NotFound("job"))?;
        require_enabled(&job)?;
        let repeats = |action: &DirectiveAction| matches!(action, DirectiveAction::StartJob { retry_of, .. } if *retry_of == Some(id));
        let is_asked_for =
            store::directives::starts(&mut work.tx, job.id).await?.iter().any(|open| repeats(&open.action));
        if is_asked_for || store::job_runs::retry_of(&mut work.tx, job.id, id).await?.is_some() {
            return Err(Error::conflict("this run has already been retried: retry its latest attempt if that failed"));
        }
        require_free(&mut work, &job).await?;
        if run.state.retry_at.is_some() {
            store::job_runs::plan_retry(&mut work.tx, id, run.state.retry_at, None).await?;
        }
        self.send_again(&mut work, &job, &run).await?;
        self.commit(work).await?;
        Ok(run.view())
    }

    /// Sends the agent the start directive of the next attempt of a run.
    pub(super) async fn send_again(&self, work: &mut Work, job: &JobRow, run: &JobRunRow) -> Result<()> {
        let job = job.view();
        let attempt = RunAttempt { scheduled_for: run.scheduled_for, number: run.attempt + 1, retry_of: Some(run.id) };
        let (agent, start) = start(&self.ids, &job, attempt, work.now);
        send(work, agent, &start).await?;
        work.note(Kind::JobRunRequested, Object::Job(job));
        Ok(())
    }

    /// Sends start directives for the queued slots of a job, as far as its overlap policy allows. Returns the number of
    /// slots for which one was sent.
    pub(super) async fn start_queued_slots_of(&self, id: JobId) -> Result<usize> {
        let mut started = 0;
        while self.start_queued_slot(id).await? {
            started += 1;
        }
        Ok(started)
    }

    /// Calls [`Self::start_queued_slots_of`] after a committed change. An error is logged, and the next sweep tries
    /// again.
    pub(super) async fn start_queued_slots_after_change(&self, id: JobId) {
        let starting = attempt(STARTING, id, self.start_queued_slots_of(id)).await;
        if let Err(error) = starting {
            tracing::warn!(error = &error as &dyn std::error::Error, job.id = %id, "queued slots wait for the next sweep");
        }
    }

    async fn start_queued_slot(&self, id: JobId) -> Result<bool> {
        let mut work = self.begin(&Actor::System).await?;
        store::schedules::lock_scheduler(&mut work.tx).await?;
        let Some(job) = store::jobs::find(&mut work.tx, Scope::All, id).await? else { return Ok(false) };
        let Some(mut slot) = store::slots::first_queued(&mut work.tx, id.0).await? else { return Ok(false) };
        if !job.enabled || job.settings.overlap != Overlap::Allow && is_busy(&mut work, id).await? {
            return Ok(false);
        }
        slot.pending = Some(EnumText(Pending::Sent));
        slot.reason = Some(WAITS_FOR_AGENT.to_owned());
        if !store::slots::save(&mut work.tx, &slot, Some(Pending::Queued)).await? {
            return Ok(false);
        }
        let (agent, start) = starts(&self.ids, &job.view(), Some(slot.scheduled_for), work.now);
        send(&mut work, agent, &start).await?;
        self.commit(work).await?;
        Ok(true)
    }

    /// Sends start directives for all queued slots that may start. Returns the number of slots for which one was sent.
    pub async fn start_queued_slots(&self) -> Result<usize> {
        let mut started = 0;
        for job in store::slots::with_queued_slots(&self.db, ScheduledKind::Job).await? {
            started += attempt(STARTING, job, self.start_queued_slots_of(JobId(job))).await?.unwrap_or(0);
        }
        Ok(started)
    }

    /// Marks expired start directives as acknowledged, and their slots as missed. Returns the number of these
    /// directives.
    pub async fn give_up_starts(&self) -> Result<usize> {
        let now = self.now();
        let list = |after| store::directives::lapsed_starts(&self.db, now, after, PAGE);
        let give_up = |ids: Vec<DirectiveId>| async move {
            let mut given_up = 0;
            for id in ids {
                given_up += usize::from(self.give_up_start(id).await?);
            }
            Ok(given_up)
        };
        self.work_through("giving up starts", 1, list, give_up).await
    }

    async fn give_up_start(&self, id: DirectiveId) -> Result<bool> {
        let Some((agent, directive)) = store::directives::by_id(&self.db, id).await? else { return Ok(false) };
        let mut work = self.begin(&Actor::System).await?;
        if !store::directives::claim(&mut work.tx, id, work.now).await? {
            return Ok(false);
        }
        drop_slot(&mut work, &directive, Outcome::Missed, NOT_FETCHED).await?;
        work.invalidate(Invalidation::Directives(agent));
        self.commit(work).await?;
        if let Some(job) = directive.action.job() {
            self.start_queued_slots_after_change(job).await;
        }
        Ok(true)
    }
}

async fn send(work: &mut Work, agent: AgentId, directive: &Directive) -> Result<()> {
    store::directives::insert(&mut work.tx, agent, directive).await?;
    work.invalidate(Invalidation::Directives(agent));
    Ok(())
}

/// Records that an agent has acknowledged a start directive without starting a run: its slot becomes `skipped`.
pub(super) async fn decline(work: &mut Work, directive: &Directive) -> Result<()> {
    drop_slot(work, directive, Outcome::Skipped, DECLINED).await
}

/// Records that the slot of a start directive did not run, unless it already has a run.
async fn drop_slot(work: &mut Work, directive: &Directive, outcome: Outcome, reason: &str) -> Result<()> {
    let DirectiveAction::StartJob { job, scheduled_for: Some(at), .. } = &directive.action else { return Ok(()) };
    let Some(mut slot) = store::slots::find(&mut work.tx, job.id.0, at.0).await? else { return Ok(()) };
    if slot.pending.is_none_or(|pending| pending.0 != Pending::Sent) {
        return Ok(());
    }
    slot.pending = None;
    slot.outcome = EnumText(outcome);
    slot.reason = Some(reason.to_owned());
    if store::slots::save(&mut work.tx, &slot, Some(Pending::Sent)).await? {
        work.note(Kind::JobSlotDecided, Object::JobSlot(slot.view()));
    }
    Ok(())
}

/// An error if a run of the job is active or about to start, unless the job may overlap itself.
async fn require_free(work: &mut Work, job: &JobRow) -> Result<()> {
    if job.settings.overlap != Overlap::Allow && is_busy(work, job.id).await? {
        return Err(Error::conflict(
            "a run of this job is active or about to start, and the job may not overlap itself: wait for its end, or \
             cancel it",
        ));
    }
    Ok(())
}
