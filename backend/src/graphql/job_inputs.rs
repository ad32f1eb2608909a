//! The filters and inputs of jobs in GraphQL.

use async_graphql::{InputObject, MaybeUndefined};
use serde::Serialize;

use super::read_input::read;
use crate::{
    error::{Error, Result},
    ids::{AgentId, JobId},
    model::{
        FromFields, Instant,
        copy_rules::{OnExists, OnFileError, Preserve, SymlinkRule, Verify},
        duration::HumanDuration,
        job::{JobRunFilter, JobSlotFilter, Outcome, RunStatus},
        schedule::{CatchUp, Overlap},
        transfer::{Direction, Protocol},
    },
};

/// Selects job runs. All given conditions must hold.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "JobRunFilter")]
pub(super) struct JobRunFilterInput {
    /// Runs of this job.
    job_id: Option<JobId>,
    /// Runs with one of these statuses.
    status: Option<Vec<RunStatus>>,
}

impl From<JobRunFilterInput> for JobRunFilter {
    fn from(filter: JobRunFilterInput) -> Self {
        Self { job_id: filter.job_id, status: each_once(filter.status, |status| status as u8) }
    }
}

/// Selects slots. All given conditions must hold.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "JobSlotFilter")]
pub(super) struct JobSlotFilterInput {
    /// Slots at this time or later.
    from: Option<Instant>,
    /// Slots before this time.
    until: Option<Instant>,
    /// Slots with one of these outcomes.
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

/// Retry policy: when failed work is retried.
#[derive(Clone, Copy, Debug, InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RetryInput {
    /// Maximum number of attempts including the first, 1 to 20.
    max_attempts: i32,
    /// Delay after the first failure, at most 1d. Default: 30s.
    initial_delay: Option<HumanDuration>,
    /// Factor by which each further delay is longer than the one before, 1 to 100. Default: 2.
    factor: Option<f64>,
    /// Longest delay, at most 1d. Default: 1h, or `initialDelay` if that is longer.
    max_delay: Option<HumanDuration>,
}

/// Declares the inputs for creating and changing a job, with the rules of its copy.
macro_rules! inputs {
    ($(
        $(#[$text:meta])+
        $field:ident: $type:ident = $key:literal, $check:ident { $($schema:tt)+ } { $($bounds:tt)* }
    )+) => {
        /// Input for creating a job.
        #[derive(Clone, Debug, InputObject, Serialize)]
        #[serde(rename_all = "camelCase")]
        pub(super) struct CreateJobInput {
            /// Agent that runs the job.
            agent_id: AgentId,
            /// Name of the job, 1 to 255 characters.
            name: String,
            /// Source: a URL or a path, without a password.
            source: String,
            /// Destination: a URL or a path, without a password.
            destination: String,
            /// Schedule: a cron expression of five fields, or @hourly, @daily, @weekly, @monthly or @yearly.
            schedule: String,
            /// IANA name of the schedule's time zone, such as `Africa/Johannesburg`. Default: `UTC`.
            timezone: Option<String>,
            /// Protocol of the copy.
            protocol: Protocol,
            /// Direction of the copy.
            direction: Direction,
            /// Whether the schedule starts runs. Default: `true`.
            enabled: Option<bool>,
            /// What happens to a slot that is due while an earlier run is active. Default: `SKIP`.
            overlap: Option<Overlap>,
            /// What happens to slots that passed while no server was running. Default: `LAST`.
            catch_up: Option<CatchUp>,
            /// Retry policy of the runs. If omitted, failed runs are not retried.
            retry: Option<RetryInput>,
            $($(#[$text])+ $field: Option<$type>,)+
        }

        /// Changes to a job. Omitted fields keep their values.
        #[derive(Clone, Debug, Default, InputObject, Serialize)]
        #[serde(rename_all = "camelCase")]
        pub(super) struct UpdateJobInput {
            /// New name, 1 to 255 characters.
            #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
            name: MaybeUndefined<String>,
            /// New source: a URL or a path, without a password.
            #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
            source: MaybeUndefined<String>,
            /// New destination: a URL or a path, without a password.
            #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
            destination: MaybeUndefined<String>,
            /// New schedule: a cron expression of five fields, or @hourly, @daily, @weekly, @monthly or @yearly.
            #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
            schedule: MaybeUndefined<String>,
            /// New time zone of the schedule, as an IANA name.
            #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
            timezone: MaybeUndefined<String>,
            /// New protocol of the copy.
            #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
            protocol: MaybeUndefined<Protocol>,
            /// New direction of the copy.
            #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
            direction: MaybeUndefined<Direction>,
            /// Whether the schedule starts runs.
            #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
            enabled: MaybeUndefined<bool>,
            /// What happens to a slot that is due while an earlier run is active.
            #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
            overlap: MaybeUndefined<Overlap>,
            /// What happens to slots that passed while no server was running.
            #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
            catch_up: MaybeUndefined<CatchUp>,
            /// New retry policy of the runs. Null turns retries off.
            #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
            retry: MaybeUndefined<RetryInput>,
            $(
                $(#[$text])+
                #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
                $field: MaybeUndefined<$type>,
            )+
        }
    };
}

mftplus_protocol::copy_rules!(inputs);

/// Reads the input of a job like the body of the same REST call, where two of its fields have other names.
///
/// # Errors
///
/// [`Error::Fields`] with all errors.
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
