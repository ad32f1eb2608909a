//! The table of jobs.

use chrono::{DateTime, Utc};
use sea_query::Value;
use uuid::Uuid;

use super::{
    db::{
        Conn, Db, EnumText, JsonColumn, MOST_VALUES, Sql, Tx, json, json_column, sql,
        table::{table, values},
    },
    pagination,
    schedules::{self, ScheduleRow, ScheduledKind},
    sorted_jobs_and_pipelines::ScheduledList,
};
use crate::{
    actor::Scope,
    error::Result,
    ids::{AgentId, CustomerId, JobId},
    model::{
        Page, PageRequest, Total,
        agent::AgentRef,
        copy_rules::CopyRules,
        job::{Job, JobFilter, JobSettings},
        job_and_pipeline_order::ScheduledSort,
        retry::Retry,
    },
};

/// A job as it is stored, with its schedule and the names of its agent.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRow {
    /// The id of the job, chosen when it is created.
    pub id: JobId,
    /// The customer of the job's agent.
    pub customer_id: CustomerId,
    /// The agent that runs the job.
    pub agent_id: AgentId,
    /// The settings that every job has, such as its source and its schedule.
    pub settings: JobSettings,
    /// Whether the schedule starts runs.
    pub enabled: bool,
    /// The retry policy of runs; `None` if failed runs are not retried.
    pub retry: Option<JsonColumn<Retry>>,
    /// The copy rules; `None` if all of them have their defaults.
    pub copy_rules: Option<JsonColumn<CopyRules>>,
    /// The start time of the last run; `None` if the job has not run yet.
    pub last_run_at: Option<DateTime<Utc>>,
    /// The revision of the job; increases with each change.
    pub revision: i64,
    /// The time at which the job was created.
    pub created_at: DateTime<Utc>,
    /// The first slot whose outcome is not decided; `None` if the schedule has no next slot or the job is disabled.
    pub next_run_at: Option<DateTime<Utc>>,
    /// The version of the schedule's row; increases with each change and each claim of the schedule.
    pub version: i64,
    /// The name of the agent, if it has one.
    pub agent_name: Option<String>,
    /// The host name of the agent.
    pub agent_hostname: String,
}

table! {
    jobs: JobRow {
        id, customer_id, agent_id,
        settings: JobSettings {
            name, source, destination, schedule, protocol, direction, timezone, overlap, catch_up,
        },
        enabled, retry, copy_rules, last_run_at, revision, created_at, next_run_at, version, agent_name, agent_hostname,
    }
    from "jobs j JOIN schedules s ON s.owner_id = j.id JOIN agents a ON a.id = j.agent_id" prefix "j.";
    read {
        retry = "j.retry",
        copy_rules = "j.copy_rules",
        schedule = "s.schedule",
        timezone = "s.timezone",
        overlap: EnumText = "s.overlap",
        catch_up: EnumText = "s.catch_up",
        next_run_at = "s.next_run_at",
        version = "s.version",
        agent_name = "a.name",
        agent_hostname = "a.hostname",
    }
    // JSON, which `changed` adds.
    others { retry, copy_rules }

    /// Written when the job is created. A start writes `last_run_at`, and every change increases the revision.
    const CREATED {
        id: Uuid,
        customer_id: Uuid,
        agent_id: Uuid,
        last_run_at: Instant,
        revision: Integer,
        created_at: Instant,
    }

    /// Written by every change.
    const CHANGED {
        name: Text,
        source: Text,
        destination: Text,
        protocol: EnumText,
        direction: EnumText,
        enabled: Boolean,
    }
}

/// Declares the view of a job, with its settings and the rules of its copy.
macro_rules! view {
    (
        {
            required { $($(#[$required_text:meta])+ $required:ident: $required_type:ident $required_rest:tt)+ }
            defaulted { $($(#[$defaulted_text:meta])+ $defaulted:ident: $defaulted_type:ident $defaulted_rest:tt)+ }
        }
        $(
            $(#[$text:meta])+
            $field:ident: $type:ident = $key:literal, $check:ident { $($schema:tt)+ } { $($bounds:tt)* }
        )+
    ) => {
        impl JobRow {
            /// Converts the row to the job as clients see it.
            #[must_use]
            pub fn view(&self) -> Job {
                let JobSettings { $($required,)+ $($defaulted,)+ } = self.settings.clone();
                let CopyRules { $($field),+ } = self.rules();
                Job {
                    id: self.id,
                    agent_id: self.agent_id,
                    $($required,)+
                    enabled: self.enabled,
                    last_run_at: self.last_run_at.map(Into::into),
                    created_at: self.created_at.into(),
                    agent: AgentRef {
                        id: self.agent_id,
                        name: self.agent_name.as_ref().unwrap_or(&self.agent_hostname).clone(),
                        hostname: self.agent_hostname.clone(),
                    },
                    customer_id: self.customer_id,
                    $($defaulted,)+
                    retry: self.retry.as_ref().map(|retry| retry.0),
                    next_run_at: self.next_run_at.map(Into::into),
                    $($field,)+
                    revision: self.revision,
                }
            }
        }
    };
}

mftplus_protocol::job_settings!(view);

impl JobRow {
    /// Returns the copy rules.
    #[must_use]
    pub fn rules(&self) -> CopyRules {
        self.copy_rules.as_ref().map(|rules| rules.0.clone()).unwrap_or_default()
    }

    /// Sets the copy rules.
    pub fn set_rules(&mut self, rules: CopyRules) {
        self.copy_rules = if rules.is_empty() { None } else { Some(json_column(rules)) };
    }

    fn rule(&self) -> ScheduleRow {
        ScheduleRow {
            owner_id: self.id.0,
            schedule: self.settings.schedule.clone(),
            timezone: self.settings.timezone.clone(),
            overlap: EnumText(self.settings.overlap),
            catch_up: EnumText(self.settings.catch_up),
            next_run_at: self.next_run_at,
            version: self.version,
        }
    }
}

/// Stores a new job with its schedule.
pub async fn insert(tx: &mut Tx, job: &JobRow) -> Result<()> {
    schedules::insert(tx, ScheduledKind::Job, &job.rule()).await?;
    JobRow::TABLE.insert(values(JobRow::CREATED, job).chain(changed(job)?)).execute(tx).await?;
    Ok(())
}

/// The columns that every change writes.
fn changed(job: &JobRow) -> Result<impl Iterator<Item = (&'static str, Value)>> {
    let retry = job.retry.as_ref().map_or(Ok(Value::Json(None)), |retry| json(&retry.0))?;
    let copy_rules = job.copy_rules.as_ref().map_or(Ok(Value::Json(None)), |rules| json(&rules.0))?;
    Ok(values(JobRow::CHANGED, job).chain([("retry", retry), ("copy_rules", copy_rules)]))
}

/// Writes the columns of a job that change after its creation. If the job was changed or one of its slots was claimed
/// since the job was read, writes nothing and returns false. The schedule is written first, because all transactions
/// lock the rows in this order.
pub async fn save(tx: &mut Tx, job: &JobRow) -> Result<bool> {
    if !schedules::save(tx, &job.rule()).await? {
        return Ok(false);
    }
    let statement = JobRow::TABLE.update(changed(job)?).push(", revision = revision + 1");
    statement.push_bind(" WHERE id = ", job.id).execute(tx).await?;
    Ok(true)
}

/// Increases the revisions of these jobs.
pub async fn touch(tx: &mut Tx, jobs: &[JobId]) -> Result<()> {
    for jobs in jobs.chunks(MOST_VALUES) {
        sql("UPDATE jobs SET revision = revision + 1 WHERE id IN ")
            .push_tuple(jobs.iter().map(|job| (*job).into()))
            .execute(tx)
            .await?;
    }
    Ok(())
}

/// Stores the time at which a run of the job starts, and locks the job. Returns false if the job does not exist.
pub async fn note_start(tx: &mut Tx, job: JobId, now: DateTime<Utc>) -> Result<bool> {
    let statement = sql("UPDATE jobs SET last_run_at = $1, revision = revision + 1 WHERE id = $2");
    Ok(statement.bind(now).bind(job).execute(tx).await? == 1)
}

/// Deletes a job. Its schedule and its runs must be deleted before.
pub async fn delete(tx: &mut Tx, job: JobId) -> Result<()> {
    sql("DELETE FROM jobs WHERE id = $1").bind(job).execute(tx).await?;
    Ok(())
}

/// Reads a job; `None` if it does not exist or is outside the scope.
pub async fn find(conn: impl Into<Conn<'_>>, scope: Scope, id: JobId) -> Result<Option<JobRow>> {
    let statement = JobRow::TABLE.select().push_bind(" WHERE j.id = ", id);
    scoped(statement, scope, "j.").fetch_optional(conn).await
}

/// Reads the jobs with these ids that are within the scope, newest first.
pub async fn find_all(db: &Db, scope: Scope, ids: &[JobId]) -> Result<Vec<JobRow>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(MOST_VALUES) {
        found.extend(some(scope, ids).fetch_readable::<JobRow>(db).await?.into_iter().flatten());
    }
    Ok(found)
}

/// Reads the jobs with these ids, in any scope, within a transaction.
pub async fn find_within(tx: &mut Tx, ids: &[JobId]) -> Result<Vec<JobRow>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(MOST_VALUES) {
        found.extend(some(Scope::All, ids).fetch_all::<JobRow>(&mut *tx).await?);
    }
    Ok(found)
}

fn some(scope: Scope, ids: &[JobId]) -> Sql {
    let statement = JobRow::TABLE.select().push(" WHERE j.id IN ").push_tuple(ids.iter().map(|id| (*id).into()));
    scoped(statement, scope, "j.").push(" ORDER BY j.id DESC")
}

fn scoped(statement: Sql, scope: Scope, table: &'static str) -> Sql {
    match scope {
        Scope::All => statement,
        Scope::Customer(customer) => statement.push(" AND ").push(table).push_bind("customer_id = ", customer),
        Scope::Agent(agent) => statement.push(" AND ").push(table).push_bind("agent_id = ", agent),
    }
}

/// Reads a page of the jobs in the scope.
pub async fn list(
    db: &Db,
    scope: Scope,
    filter: &JobFilter,
    sort: ScheduledSort,
    request: PageRequest,
) -> Result<Page<JobRow>> {
    let conditions = |statement: Sql| {
        let mut statement = scoped(statement, scope, "");
        if let Some(agent) = filter.agent_id {
            statement = statement.push_bind(" AND agent_id = ", agent);
        }
        if let Some(enabled) = filter.enabled {
            statement = statement.push_bind(" AND enabled = ", enabled);
        }
        statement
    };
    let total = if request.is_counted {
        let (total,): (i64,) = conditions(sql("SELECT COUNT(*) FROM jobs WHERE 1 = 1")).fetch_one(db).await?;
        Total::Exactly(total.unsigned_abs())
    } else {
        Total::AtLeast(0)
    };
    let ids: Vec<(Uuid,)> = if sort == ScheduledSort::default() {
        pagination::cut(conditions(sql("SELECT id FROM jobs WHERE 1 = 1")), request).fetch_all(db).await?
    } else {
        let list = ScheduledList { kind: ScheduledKind::Job, conditions: &conditions };
        list.page(&mut db.snapshot().await?, sort, request).await?
    };
    let page = pagination::page(ids, request, total);
    let ids: Vec<JobId> = page.items.iter().map(|(id,)| JobId(*id)).collect();
    let mut items = find_all(db, scope, &ids).await?;
    items.sort_by_cached_key(|job| ids.iter().position(|id| *id == job.id));
    Ok(Page { items, request, total: page.total, has_more: page.has_more })
}

/// Reads the enabled jobs of an agent, oldest first.
pub async fn enabled_of_agent(tx: &mut Tx, agent: AgentId) -> Result<Vec<JobRow>> {
    JobRow::TABLE
        .select()
        .push_bind(" WHERE j.agent_id = ", agent)
        .push_bind(" AND j.enabled = ", true)
        .push(" ORDER BY j.id")
        .fetch_all(tx)
        .await
}
