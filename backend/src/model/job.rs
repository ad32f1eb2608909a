//! Jobs: copies that an agent makes on a schedule.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Instant,
    agent::AgentRef,
    copy_rules::{
        CopyRules, OnExists, OnFileError, Preserve, PreservedAttribute, SymlinkRule, Verify, after_success,
        config_name, preserve,
    },
    fields::{Change, Check, Fields, FromFields, boolean, id, location, one_of, parsed, text},
    input_macro::input,
    page::PageRequest,
    redaction::without_password,
    retry::{Retry, RetryInput},
    schedule::{CatchUp, DEFAULT_TIMEZONE, Overlap, Schedule, ScheduleError},
    transfer::{Direction, Protocol},
};
use crate::ids::{AgentId, CustomerId, JobId};

mod due;
mod preview;
mod run;
mod slot;

pub use due::{Decision, Due, MAX_CAUGHT_UP, Verdict, decide};
pub use preview::{PreviewSchedule, SchedulePreview, ScheduledTime};
pub use run::{JobRun, JobRunFilter, ReportJobRun, RunState, RunStatus, StartJobRun};
pub use slot::{Backfill, BackfillPreview, BackfillSlot, JobSlot, JobSlotFilter, Outcome};

/// Declares the view of a job, with the rules of its copy.
macro_rules! job {
    ($(
        $(#[$text:meta])+
        $field:ident: $type:ident = $key:literal, $check:ident { $($schema:tt)+ } { $($bounds:tt)* }
    )+) => {
        /// A job: a copy that an agent makes on a schedule.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
        #[graphql(complex)]
        #[serde(rename_all = "camelCase")]
        pub struct Job {
            /// Id of the job.
            pub id: JobId,
            /// Agent that runs the job.
            pub agent_id: AgentId,
            /// Name of the job.
            #[schema(example = "Daily backup")]
            pub name: String,
            /// Source: a URL or a path.
            #[schema(example = "/remote/backup/")]
            pub source: String,
            /// Destination: a URL or a path.
            #[schema(example = "/local/backups/")]
            pub destination: String,
            /// Schedule as it was sent: a cron expression of five fields, or a keyword such as @daily.
            #[schema(example = "0 2 * * *")]
            pub schedule: String,
            /// Protocol of the copy.
            pub protocol: Protocol,
            /// Direction of the copy.
            pub direction: Direction,
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
            /// IANA name of the schedule's time zone.
            #[schema(example = "UTC")]
            pub timezone: String,
            /// What happens to a slot that is due while an earlier run is active.
            pub overlap: Overlap,
            /// What happens to slots that passed while no server was running.
            pub catch_up: CatchUp,
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
    };
}

mftplus_protocol::copy_rules!(job);

/// The longest location, in characters.
const MAX_LOCATION: usize = 4096;

/// Declares the input for creating a job, with the rules of its copy.
macro_rules! create_job {
    ($(
        $(#[$text:meta])+
        $field:ident: $type:ident = $key:literal, $check:ident { $($schema:tt)+ } { $($bounds:tt)* }
    )+) => {
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
                /// Name of the job.
                #[schema(min_length = 1, max_length = 255)]
                name: String = required("name", &[], text(1, 255)),
                /// Source: a URL or a path, without a password. Alias: `source`.
                #[schema(min_length = 1, max_length = 4096)]
                source_path: String = required("sourcePath", &["source"], public_location),
                /// Destination: a URL or a path, without a password. Alias: `destination`.
                #[schema(min_length = 1, max_length = 4096)]
                destination_path: String = required("destinationPath", &["destination"], public_location),
                /// Schedule: a cron expression of five fields, or @hourly, @daily, @weekly, @monthly or @yearly.
                #[schema(min_length = 1, max_length = 255)]
                schedule: String = required("schedule", &[], schedule_text),
                /// Protocol of the copy.
                protocol: Protocol = required("protocol", &[], one_of),
                /// Direction of the copy.
                direction: Direction = required("direction", &[], one_of),
                /// Whether the schedule starts runs. Default: `true`.
                #[schema(default = true)]
                enabled: Option<bool> = optional("enabled", &[], boolean),
                /// IANA name of the schedule's time zone. Default: `UTC`.
                #[schema(min_length = 1, max_length = 64)]
                timezone: Option<String> = optional("timezone", &[], text(1, 64)),
                /// What happens to a slot that is due while an earlier run is active. Default: `skip`.
                overlap: Option<Overlap> = optional("overlap", &[], one_of),
                /// What happens to slots that passed while no server was running. Default: `last`.
                catch_up: Option<CatchUp> = optional("catchUp", &[], one_of),
                /// Retry policy of the runs. If omitted, failed runs are not retried.
                #[schema(value_type = Option<RetryInput>)]
                retry: Option<Retry> = optional("retry", &[], Retry::read),
                $(
                    $(#[$text])+
                    #[schema($($schema)+, $($bounds)*)]
                    $field: Option<$type> = optional($key, &[], $check),
                )+
            }
            check(fields) {
                if let (Some(schedule), Some(timezone)) = (&schedule, &timezone) {
                    check_schedule(fields, schedule, timezone.as_deref().unwrap_or(DEFAULT_TIMEZONE));
                }
            }
        }

        impl CreateJob {
            /// Takes the rules of the copy out of the input.
            pub fn take_rules(&mut self) -> CopyRules {
                CopyRules { $($field: self.$field.take(),)+ }
            }
        }
    };
}

mftplus_protocol::copy_rules!(create_job);

impl CreateJob {
    /// The time zone, or the default one.
    #[must_use]
    pub fn timezone(&self) -> &str {
        self.timezone.as_deref().unwrap_or(DEFAULT_TIMEZONE)
    }
}

/// Declares the changes to a job, with the rules of its copy.
macro_rules! update_job {
    ($(
        $(#[$text:meta])+
        $field:ident: $type:ident = $key:literal, $check:ident { $($schema:tt)+ } { $($bounds:tt)* }
    )+) => {
        input! {
            /// Changes to a job. Omitted fields keep their values.
            #[derive(Clone, Debug, Default, PartialEq, ToSchema)]
            #[schema(rename_all = "camelCase")]
            #[schema(example = json!({ "schedule": "30 3 * * 1-5", "timezone": "Africa/Johannesburg" }))]
            pub struct UpdateJob {
                /// Agent of the job. It cannot be changed: only the current agent is accepted.
                #[schema(nullable = false)]
                agent_id: Option<AgentId> = update("agentId", &[], id::<AgentId>),
                /// New name.
                #[schema(nullable = false, min_length = 1, max_length = 255)]
                name: Option<String> = update("name", &[], text(1, 255)),
                /// New source: a URL or a path, without a password. Alias: `source`.
                #[schema(nullable = false, min_length = 1, max_length = 4096)]
                source_path: Option<String> = update("sourcePath", &["source"], public_location),
                /// New destination: a URL or a path, without a password. Alias: `destination`.
                #[schema(nullable = false, min_length = 1, max_length = 4096)]
                destination_path: Option<String> = update("destinationPath", &["destination"], public_location),
                /// New schedule: a cron expression of five fields, or @hourly, @daily, @weekly, @monthly or @yearly.
                #[schema(nullable = false, min_length = 1, max_length = 255)]
                schedule: Option<String> = update("schedule", &[], schedule_text),
                /// New protocol of the copy.
                #[schema(nullable = false)]
                protocol: Option<Protocol> = update("protocol", &[], one_of),
                /// New direction of the copy.
                #[schema(nullable = false)]
                direction: Option<Direction> = update("direction", &[], one_of),
                /// Whether the schedule starts runs.
                #[schema(nullable = false)]
                enabled: Option<bool> = update("enabled", &[], boolean),
                /// New time zone of the schedule, as an IANA name.
                #[schema(nullable = false, min_length = 1, max_length = 64)]
                timezone: Option<String> = update("timezone", &[], text(1, 64)),
                /// What happens to a slot that is due while an earlier run is active.
                #[schema(nullable = false)]
                overlap: Option<Overlap> = update("overlap", &[], one_of),
                /// What happens to slots that passed while no server was running.
                #[schema(nullable = false)]
                catch_up: Option<CatchUp> = update("catchUp", &[], one_of),
                /// New retry policy of the runs. Null turns retries off.
                #[schema(value_type = Option<RetryInput>)]
                retry: Change<Retry> = clearable("retry", &[], Retry::read),
                $(
                    $(#[$text])+
                    #[schema($($schema)+, $($bounds)*)]
                    $field: Change<$type> = clearable($key, &[], $check),
                )+
            }
            check(fields) {
                if let (Some(schedule), Some(timezone)) = (&schedule, &timezone) {
                    // What stays as it is was good before; either alone is checked beside something good.
                    let timezone = timezone.as_deref().unwrap_or(DEFAULT_TIMEZONE);
                    check_schedule(fields, schedule.as_deref().unwrap_or("@daily"), timezone);
                }
            }
        }

        impl UpdateJob {
            /// Changes the rules of the copy.
            pub fn change_rules(&self, rules: &mut CopyRules) {
                $(self.$field.apply(&mut rules.$field);)+
            }
        }
    };
}

mftplus_protocol::copy_rules!(update_job);

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

/// The page request of a list of jobs.
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
