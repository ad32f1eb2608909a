//! Filters and inputs of jobs as GraphQL takes them.

use async_graphql::{InputObject, MaybeUndefined};
use serde::Serialize;

use super::filters::read;
use crate::{
    error::{Error, Result},
    ids::{AgentId, JobId},
    model::{
        FromFields, Instant,
        job::{JobRunFilter, JobSlotFilter, Outcome, RunStatus},
        period::Period,
        schedule::{CatchUp, Overlap},
        transfer::{Direction, Protocol},
    },
};

/// Which runs are meant. All conditions must hold.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "JobRunFilter")]
pub(super) struct JobRunFilterInput {
    /// Only those of this job.
    job_id: Option<JobId>,
    /// Only those with one of these.
    status: Option<Vec<RunStatus>>,
}

impl From<JobRunFilterInput> for JobRunFilter {
    fn from(filter: JobRunFilterInput) -> Self {
        Self { job_id: filter.job_id, status: each_once(filter.status, |status| status as u8) }
    }
}

/// Which slots are meant. All conditions must hold.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "JobSlotFilter")]
pub(super) struct JobSlotFilterInput {
    /// Only those at this instant or later.
    from: Option<Instant>,
    /// Only those before this instant.
    until: Option<Instant>,
    /// Only those with one of these.
    outcome: Option<Vec<Outcome>>,
}

impl From<JobSlotFilterInput> for JobSlotFilter {
    fn from(filter: JobSlotFilterInput) -> Self {
        Self {
            from: filter.from.map(|at| at.0),
            until: filter.until.map(|at| at.0),
            outcome: each_once(filter.outcome, |outcome| outcome as u8),
        }
    }
}

/// How something that failed is made again.
#[derive(Clone, Copy, Debug, InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RetryInput {
    /// How many attempts there are in all: 1 to 20.
    max_attempts: i32,
    /// How long after the first failure: at most 1d; 30s, if left out.
    initial_delay: Option<Period>,
    /// How many times longer each further delay is: 1 to 100; 2, if left out.
    factor: Option<f64>,
    /// The longest delay: at most 1d; 1h or `initialDelay`, if left out.
    max_delay: Option<Period>,
}

/// A new job.
#[derive(Clone, Debug, InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateJobInput {
    /// The agent that is to run it.
    agent_id: AgentId,
    /// Its name: 1 to 255 characters.
    name: String,
    /// Where it reads: a URL or a path, without a password.
    source: String,
    /// Where it writes: a URL or a path, without a password.
    destination: String,
    /// When it runs: five-field cron, or one of @hourly, @daily, @weekly, @monthly and @yearly.
    schedule: String,
    /// The time zone of the schedule, by its IANA name; UTC, if left out.
    timezone: Option<String>,
    /// By which protocol.
    protocol: Protocol,
    /// Which way.
    direction: Direction,
    /// Whether its schedule starts it; yes, if left out.
    enabled: Option<bool>,
    /// What happens to a slot while an earlier run is at work; `SKIP`, if left out.
    overlap: Option<Overlap>,
    /// What happens to slots that were missed; `LAST`, if left out.
    catch_up: Option<CatchUp>,
    /// How a failed run is made again; not at all, if left out.
    retry: Option<RetryInput>,
}

/// What changes about a job. What is left out stays.
#[derive(Clone, Debug, Default, InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UpdateJobInput {
    /// Its name.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    name: MaybeUndefined<String>,
    /// Where it reads.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    source: MaybeUndefined<String>,
    /// Where it writes.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    destination: MaybeUndefined<String>,
    /// When it runs.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    schedule: MaybeUndefined<String>,
    /// The time zone of the schedule.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    timezone: MaybeUndefined<String>,
    /// By which protocol.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    protocol: MaybeUndefined<Protocol>,
    /// Which way.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    direction: MaybeUndefined<Direction>,
    /// Whether its schedule starts it.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    enabled: MaybeUndefined<bool>,
    /// What happens to a slot while an earlier run is at work.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    overlap: MaybeUndefined<Overlap>,
    /// What happens to slots that were missed.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    catch_up: MaybeUndefined<CatchUp>,
    /// How a failed run is made again; null: not at all.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    retry: MaybeUndefined<RetryInput>,
}

/// Reads the input of a job as the body of the same call is read. REST knows two of its fields by other names.
///
/// # Errors
///
/// [`Error::Fields`] with all that is wrong.
pub(super) fn read_job<T: FromFields>(input: &impl Serialize) -> Result<T> {
    read(input).map_err(|error| match error {
        Error::Fields(fields) => {
            Error::Fields(fields.renamed("sourcePath", "source").renamed("destinationPath", "destination"))
        }
        other => other,
    })
}

fn each_once<T: Copy>(values: Option<Vec<T>>, number: impl Fn(T) -> u8) -> Vec<T> {
    let mut values = values.unwrap_or_default();
    values.sort_unstable_by_key(|value| number(*value));
    values.dedup_by_key(|value| number(*value));
    values
}
