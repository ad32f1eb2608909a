//! The filters and inputs of jobs in GraphQL.

use async_graphql::{InputObject, MaybeUndefined};
use serde::Serialize;

use super::read_input::read;
use crate::{
    error::{Error, Result},
    ids::{AgentId, JobId},
    model::{
        FromFields, Instant,
        copy_rules::{AfterSuccess, OnExists, OnFileError, Preserve, SymlinkRule, Verify},
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
    (
        {
            required { $(
                $(#[$required_text:meta])+
                $required:ident: $required_type:ident $required_rest:tt
            )+ }
            defaulted { $(
                $(#[$defaulted_text:meta])+
                $defaulted:ident: $defaulted_type:ident {
                    shown $defaulted_shown:tt
                    sent $defaulted_sent:tt = $defaulted_key:literal, $defaulted_check:expr;
                    $(#[$default_text:meta])+
                    default $default:expr;
                }
            )+ }
        }
        $(
            $(#[$text:meta])+
            $field:ident: $type:ident = $key:literal, $check:ident { $($schema:tt)+ } { $($bounds:tt)* }
        )+
    ) => {
        /// Input for creating a job.
        #[derive(Clone, Debug, InputObject, Serialize)]
        #[serde(rename_all = "camelCase")]
        pub(super) struct CreateJobInput {
            /// Agent that runs the job.
            agent_id: AgentId,
            $($(#[$required_text])+ $required: $required_type,)+
            /// Whether the schedule starts runs. Default: `true`.
            enabled: Option<bool>,
            $($(#[$defaulted_text])+ $(#[$default_text])+ $defaulted: Option<$defaulted_type>,)+
            /// Retry policy of the runs. If omitted, failed runs are not retried.
            retry: Option<RetryInput>,
            $($(#[$text])+ $field: Option<$type>,)+
        }

        /// Changes to a job. Omitted fields keep their values.
        #[derive(Clone, Debug, Default, InputObject, Serialize)]
        #[serde(rename_all = "camelCase")]
        pub(super) struct UpdateJobInput {
            $(
                $(#[$required_text])+
                #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
                $required: MaybeUndefined<$required_type>,
            )+
            /// Whether the schedule starts runs.
            #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
            enabled: MaybeUndefined<bool>,
            $(
                $(#[$defaulted_text])+
                #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
                $defaulted: MaybeUndefined<$defaulted_type>,
            )+
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

mftplus_protocol::job_settings!(inputs);

/// Reads the input of a job like the body of the corresponding REST call. Errors of `sourcePath` and `destinationPath`
/// get the names that these fields have in GraphQL: `source` and `destination`.
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
