//! Jobs: copies that an agent makes on a schedule.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Instant,
    agent::AgentRef,
    copy_rules::{
        AfterSuccess, CopyRules, OnExists, OnFileError, Preserve, PreservedAttribute, SymlinkRule, Verify,
        after_success, config_name, preserve,
    },
    field_reader::{Change, Check, Fields, FromFields, boolean, id, location, one_of, parsed, text},
    input_macro::input,
    page::PageRequest,
    redaction::without_password,
    retry::{Retry, RetryInput},
    schedule::{CatchUp, DEFAULT_TIMEZONE, Overlap, Schedule, ScheduleError},
    transfer::{Direction, Protocol},
};
use crate::ids::{AgentId, CustomerId, JobId};

mod due_slot_decisions;
mod run;
mod schedule_preview;
mod slot;

pub use due_slot_decisions::{Decision, Due, MAX_CAUGHT_UP, Verdict, decide};
pub use run::{JobRun, JobRunFilter, ReportJobRun, RunState, RunStatus, StartJobRun};
pub use schedule_preview::{PreviewSchedule, SchedulePreview, ScheduledTime};
pub use slot::{Backfill, BackfillPreview, BackfillSlot, JobSlot, JobSlotFilter, Outcome};

/// Declares the view of a job and its settings, with the rules of its copy.
macro_rules! job {
    (
        {
            required { $(
                $(#[$required_text:meta])+
                $required:ident: $required_type:ident {
                    shown($($required_shown:tt)*)
                    $($required_sent:tt)*
                }
            )+ }
            defaulted { $(
                $(#[$defaulted_text:meta])+
                $defaulted:ident: $defaulted_type:ident {
                    shown($($defaulted_shown:tt)*)
                    $($defaulted_sent:tt)*
                }
            )+ }
        }
        $(
            $(#[$text:meta])+
            $field:ident: $type:ident = $key:literal, $check:ident { $($schema:tt)+ } { $($bounds:tt)* }
        )+
    ) => {
        /// A job: a copy that an agent makes on a schedule.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
        #[graphql(complex)]
        #[serde(rename_all = "camelCase")]
        pub struct Job {
            /// Id of the job.
            pub id: JobId,
            /// Agent that runs the job.
            pub agent_id: AgentId,
            $($(#[$required_text])+ #[schema($($required_shown)*)] pub $required: $required_type,)+
            /// Whether the schedule starts runs.
            pub enabled: bool,
            /// Start time of the latest run.
            #[schema(required)]
            pub last_run_at: Option<Instant>,
            /// Time at which the job was created.
            pub created_at: Instant,
            /// Agent that runs the job.
            #[graphql(skip)]
            pub agent: AgentRef,
            /// Customer that owns the job.
            pub customer_id: CustomerId,
            $($(#[$defaulted_text])+ #[schema($($defaulted_shown)*)] pub $defaulted: $defaulted_type,)+
            /// Retry policy of the runs; null if failed runs are not retried.
            #[schema(required)]
            pub retry: Option<Retry>,
            /// Time of the next slot; null while the job is disabled.
            #[schema(required)]
            pub next_run_at: Option<Instant>,
            $($(#[$text])+ #[schema(required, $($schema)+, $($bounds)*)] pub $field: Option<$type>,)+
            /// Increases with each accepted change. Of two states of one job, the one with the higher revision is newer.
            #[schema(minimum = 1, example = 1)]
            pub revision: i64,
        }

        /// The settings of a job, except whether it is enabled, its retry policy and the rules of its copy.
        #[derive(Clone, Debug, PartialEq)]
        pub struct JobSettings {
            $($(#[$required_text])+ pub $required: $required_type,)+
            $($(#[$defaulted_text])+ pub $defaulted: $defaulted_type,)+
        }
    };
}

mftplus_protocol::job_settings!(job);

/// The longest location, in characters.
const MAX_LOCATION: usize = 4096;

/// Declares the inputs for creating and changing a job, with the rules of its copy.
macro_rules! inputs {
    (
        {
            required { $(
                $(#[$required_text:meta])+
                $required:ident: $required_type:ident {
                    shown $required_shown:tt
                    $(#[$alias_text:meta])*
                    sent($($required_sent:tt)*) = $required_key:literal $(or $alias:literal)?, $required_check:expr;
                }
            )+ }
            defaulted { $(
                $(#[$defaulted_text:meta])+
                $defaulted:ident: $defaulted_type:ident {
                    shown $defaulted_shown:tt
                    sent($($defaulted_sent:tt)*) = $defaulted_key:literal, $defaulted_check:expr;
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
        input! {
            /// Input for creating a job.
            #[derive(Clone, Debug, PartialEq, ToSchema)]
            #[schema(rename_all = "camelCase")]
            #[schema(example = json!({
                "agentId": "0199c1f0-6c00-7000-8000-000000000001", "name": "Daily backup",
                "sourcePath": "/remote/backup/", "destinationPath": "/local/backups/", "schedule": "0 2 * * *",
                "protocol": "sftp", "direction": "pull", "enabled": true,
            }))]
            pub struct CreateJob {
                /// Agent that runs the job.
                agent_id: AgentId = required("agentId", &[], id::<AgentId>),
                $(
                    $(#[$required_text])+
                    $(#[$alias_text])*
                    #[schema($($required_sent)*)]
                    $required: $required_type = required($required_key, &[$($alias)?], $required_check),
                )+
                /// Whether the schedule starts runs. Default: `true`.
                #[schema(default = true)]
                enabled: Option<bool> = optional("enabled", &[], boolean),
                $(
                    $(#[$defaulted_text])+
                    $(#[$default_text])+
                    #[schema($($defaulted_sent)*)]
                    $defaulted: Option<$defaulted_type> = optional($defaulted_key, &[], $defaulted_check),
                )+
                /// Retry policy of the runs. If omitted, failed runs are not retried.
                #[schema(value_type = Option<RetryInput>)]
                retry: Option<Retry> = optional("retry", &[], Retry::read),
                $(
                    $(#[$text])+
                    #[schema($($schema)+, $($bounds)*)]
                    $field: Option<$type> = optional($key, &[], $check),
                )+
            }
            check(fields, read) {
                if let (Some(schedule), Some(timezone)) = (&read.schedule, &read.timezone) {
                    check_schedule(fields, schedule, timezone.as_deref().unwrap_or(DEFAULT_TIMEZONE));
                }
            }
        }

        impl CreateJob {
            /// Takes the rules of the copy out of the input, which has none afterwards.
            pub fn take_rules(&mut self) -> CopyRules {
                CopyRules { $($field: self.$field.take(),)+ }
            }

            /// Converts the input into the settings of the job. Settings that were not sent have their defaults.
            #[must_use]
            pub fn into_settings(self) -> JobSettings {
                JobSettings {
                    $($required: self.$required,)+
                    $($defaulted: self.$defaulted.unwrap_or_else(|| $default),)+
                }
            }
        }

        input! {
            /// Changes to a job. Omitted fields keep their values.
            #[derive(Clone, Debug, Default, PartialEq, ToSchema)]
            #[schema(rename_all = "camelCase")]
            #[schema(example = json!({ "schedule": "30 3 * * 1-5", "timezone": "Africa/Johannesburg" }))]
            pub struct UpdateJob {
                /// Agent of the job. It cannot be changed: only the current agent is accepted.
                #[schema(nullable = false)]
                agent_id: Option<AgentId> = update("agentId", &[], id::<AgentId>),
                $(
                    $(#[$required_text])+
                    $(#[$alias_text])*
                    #[schema(nullable = false, $($required_sent)*)]
                    $required: Option<$required_type> = update($required_key, &[$($alias)?], $required_check),
                )+
                /// Whether the schedule starts runs.
                #[schema(nullable = false)]
                enabled: Option<bool> = update("enabled", &[], boolean),
                $(
                    $(#[$defaulted_text])+
                    #[schema(nullable = false, $($defaulted_sent)*)]
                    $defaulted: Option<$defaulted_type> = update($defaulted_key, &[], $defaulted_check),
                )+
                /// New retry policy of the runs. Null turns retries off.
                #[schema(value_type = Option<RetryInput>)]
                retry: Change<Retry> = clearable("retry", &[], Retry::read),
                $(
                    $(#[$text])+
                    #[schema($($schema)+, $($bounds)*)]
                    $field: Change<$type> = clearable($key, &[], $check),
                )+
            }
            check(fields, read) {
                if let (Some(schedule), Some(timezone)) = (&read.schedule, &read.timezone) {
                    // What stays as it is was good before; either alone is checked beside something good.
                    let timezone = timezone.as_deref().unwrap_or(DEFAULT_TIMEZONE);
                    check_schedule(fields, schedule.as_deref().unwrap_or("@daily"), timezone);
                }
            }
        }

        impl UpdateJob {
            /// Applies the changes of this input to the rules of the copy.
            pub fn change_rules(&self, rules: &mut CopyRules) {
                $(self.$field.apply(&mut rules.$field);)+
            }

            /// Applies the changes of this input to the settings of the job.
            pub fn change_settings(&self, settings: &mut JobSettings) {
                $(if let Some(new) = &self.$required {
                    settings.$required.clone_from(new);
                })+
                $(if let Some(new) = &self.$defaulted {
                    settings.$defaulted.clone_from(new);
                })+
            }
        }
    };
}

mftplus_protocol::job_settings!(inputs);

/// Selects jobs. All given conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, IntoParams, async_graphql::InputObject)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct JobFilter {
    /// Jobs of this agent.
    pub agent_id: Option<AgentId>,
    /// `true` selects enabled jobs, `false` disabled ones.
    pub enabled: Option<bool>,
}

impl FromFields for JobFilter {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let agent_id = fields.optional("agentId", &[], id::<AgentId>);
        let enabled = fields.optional("enabled", &[], parsed(boolean));
        Some(Self { agent_id: agent_id?, enabled: enabled? })
    }
}

impl JobFilter {
    /// Whether the filter selects the job.
    #[must_use]
    pub fn matches(&self, job: &Job) -> bool {
        self.agent_id.is_none_or(|agent| agent == job.agent_id)
            && self.enabled.is_none_or(|enabled| enabled == job.enabled)
    }
}

/// The number of jobs that a list returns if the request has neither `page` nor `limit`. Clients of the published API
/// do not know these two parameters.
const JOBS_AT_ONCE: u64 = 1000;

/// The page request of a list of jobs. Without `page` and `limit` it asks for the first 1,000 jobs.
#[derive(Clone, Copy, Debug)]
pub struct JobPageRequest(pub PageRequest);

impl FromFields for JobPageRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let is_plain = !fields.holds("page") && !fields.holds("limit");
        let request = PageRequest::from_fields(fields)?;
        Some(Self(if is_plain { PageRequest::page(1, JOBS_AT_ONCE) } else { request }))
    }
}

/// A location without a password. Passwords belong into a set of credentials of the agent.
fn public_location(value: serde_json::Value) -> Check<String> {
    let location = location(MAX_LOCATION)(value)?;
    if without_password(&location) == location {
        Ok(location)
    } else {
        Err("must not contain a password: name a `credentials` set of the agent instead".to_owned())
    }
}

/// The text of a schedule, kept as it was sent.
fn schedule_text(value: serde_json::Value) -> Check<String> {
    match value {
        serde_json::Value::String(text) if text.chars().count() <= 255 => Ok(text),
        serde_json::Value::String(_) => Err("must be at most 255 characters long".to_owned()),
        _ => Err("must be a string".to_owned()),
    }
}

/// Checks the schedule and the time zone separately, so that errors of both are reported.
fn check_schedule(fields: &mut Fields, schedule: &str, timezone: &str) {
    for (schedule, timezone) in [(schedule, DEFAULT_TIMEZONE), ("* * * * *", timezone)] {
        if let Err(ScheduleError { field, message }) = Schedule::parse(schedule, timezone) {
            fields.problem(field, message);
        }
    }
}
