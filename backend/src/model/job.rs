//! Jobs: transfers that an agent makes on a schedule.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Instant,
    agent::AgentRef,
    fields::{Change, Check, Fields, FromFields, boolean, id, location, one_of, parsed, text},
    input::input,
    page::Window,
    retry::{Retry, RetryInput},
    schedule::{CatchUp, DEFAULT_TIMEZONE, Overlap, Schedule, ScheduleError},
    source_url::without_password,
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

/// A scheduled transfer job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[graphql(complex)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The agent that runs it.
    pub agent_id: AgentId,
    /// Its name.
    #[schema(example = "Daily backup")]
    pub name: String,
    /// Where it reads.
    #[schema(example = "/remote/backup/")]
    pub source: String,
    /// Where it writes.
    #[schema(example = "/local/backups/")]
    pub destination: String,
    /// When it runs: five-field cron, as it was sent.
    #[schema(example = "0 2 * * *")]
    pub schedule: String,
    /// By which protocol.
    pub protocol: Protocol,
    /// Which way.
    pub direction: Direction,
    /// Whether its schedule starts it.
    pub enabled: bool,
    /// When a run of it last started.
    #[schema(required)]
    pub last_run_at: Option<Instant>,
    /// When it was made.
    pub created_at: Instant,
    /// The agent that runs it.
    #[graphql(skip)]
    pub agent: AgentRef,
    /// Whose it is.
    pub customer_id: CustomerId,
    /// The time zone of its schedule, by its IANA name.
    #[schema(example = "UTC")]
    pub timezone: String,
    /// What happens to a slot while an earlier run is at work.
    pub overlap: Overlap,
    /// What happens to slots that were missed because no server was there.
    pub catch_up: CatchUp,
    /// How a failed run is made again; null where it is not.
    #[schema(required)]
    pub retry: Option<Retry>,
    /// When its schedule starts it next; null while it is disabled.
    #[schema(required)]
    pub next_run_at: Option<Instant>,
    /// Counts the accepted changes; of two views the one with the higher figure is newer.
    #[schema(minimum = 1, example = 1)]
    pub revision: i64,
}

/// The longest location, in characters.
const MAX_LOCATION: usize = 4096;

input! {
    /// What is said to make a job.
    #[derive(Clone, Debug, PartialEq, ToSchema)]
    #[schema(rename_all = "camelCase")]
    #[schema(example = json!({
        "agentId": "0199c1f0-6c00-7000-8000-000000000001", "name": "Daily backup", "sourcePath": "/remote/backup/",
        "destinationPath": "/local/backups/", "schedule": "0 2 * * *", "protocol": "sftp", "direction": "pull", "enabled": true,
    }))]
    pub struct CreateJob {
        /// The agent that is to run it.
        agent_id: AgentId = required("agentId", &[], id::<AgentId>),
        /// Its name.
        #[schema(min_length = 1, max_length = 255)]
        name: String = required("name", &[], text(1, 255)),
        /// Where it reads: a URL or a path, without a password. Alias: `source`.
        #[schema(min_length = 1, max_length = 4096)]
        source_path: String = required("sourcePath", &["source"], public_location),
        /// Where it writes: a URL or a path, without a password. Alias: `destination`.
        #[schema(min_length = 1, max_length = 4096)]
        destination_path: String = required("destinationPath", &["destination"], public_location),
        /// When it runs: five-field cron, or one of @hourly, @daily, @weekly, @monthly and @yearly.
        #[schema(min_length = 1, max_length = 255)]
        schedule: String = required("schedule", &[], schedule_text),
        /// By which protocol.
        protocol: Protocol = required("protocol", &[], one_of),
        /// Which way.
        direction: Direction = required("direction", &[], one_of),
        /// Whether its schedule starts it; true unless said otherwise.
        #[schema(default = true)]
        enabled: Option<bool> = optional("enabled", &[], boolean),
        /// The time zone of the schedule, by its IANA name; UTC unless said otherwise.
        #[schema(min_length = 1, max_length = 64)]
        timezone: Option<String> = optional("timezone", &[], text(1, 64)),
        /// What happens to a slot while an earlier run is at work; `skip` unless said otherwise.
        overlap: Option<Overlap> = optional("overlap", &[], one_of),
        /// What happens to slots that were missed; `last` unless said otherwise.
        catch_up: Option<CatchUp> = optional("catchUp", &[], one_of),
        /// How a failed run is made again; not at all unless said.
        #[schema(value_type = Option<RetryInput>)]
        retry: Option<Retry> = optional("retry", &[], Retry::read),
    }
    check(fields) {
        if let (Some(schedule), Some(timezone)) = (&schedule, &timezone) {
            check_schedule(fields, schedule, timezone.as_deref().unwrap_or(DEFAULT_TIMEZONE));
        }
    }
}

impl CreateJob {
    /// The time zone it says or means.
    #[must_use]
    pub fn timezone(&self) -> &str {
        self.timezone.as_deref().unwrap_or(DEFAULT_TIMEZONE)
    }
}

input! {
    /// What is to change about a job. A field that is left out stays as it is.
    #[derive(Clone, Debug, Default, PartialEq, ToSchema)]
    #[schema(rename_all = "camelCase")]
    #[schema(example = json!({ "schedule": "30 3 * * 1-5", "timezone": "Africa/Johannesburg" }))]
    pub struct UpdateJob {
        /// The agent; only the job's own may be named.
        #[schema(nullable = false)]
        agent_id: Option<AgentId> = update("agentId", &[], id::<AgentId>),
        /// Its name.
        #[schema(nullable = false, min_length = 1, max_length = 255)]
        name: Option<String> = update("name", &[], text(1, 255)),
        /// Where it reads. Alias: `source`.
        #[schema(nullable = false, min_length = 1, max_length = 4096)]
        source_path: Option<String> = update("sourcePath", &["source"], public_location),
        /// Where it writes. Alias: `destination`.
        #[schema(nullable = false, min_length = 1, max_length = 4096)]
        destination_path: Option<String> = update("destinationPath", &["destination"], public_location),
        /// When it runs.
        #[schema(nullable = false, min_length = 1, max_length = 255)]
        schedule: Option<String> = update("schedule", &[], schedule_text),
        /// By which protocol.
        #[schema(nullable = false)]
        protocol: Option<Protocol> = update("protocol", &[], one_of),
        /// Which way.
        #[schema(nullable = false)]
        direction: Option<Direction> = update("direction", &[], one_of),
        /// Whether its schedule starts it.
        #[schema(nullable = false)]
        enabled: Option<bool> = update("enabled", &[], boolean),
        /// The time zone of the schedule.
        #[schema(nullable = false, min_length = 1, max_length = 64)]
        timezone: Option<String> = update("timezone", &[], text(1, 64)),
        /// What happens to a slot while an earlier run is at work.
        #[schema(nullable = false)]
        overlap: Option<Overlap> = update("overlap", &[], one_of),
        /// What happens to slots that were missed.
        #[schema(nullable = false)]
        catch_up: Option<CatchUp> = update("catchUp", &[], one_of),
        /// How a failed run is made again; null: not at all.
        #[schema(value_type = Option<RetryInput>)]
        retry: Change<Retry> = clearable("retry", &[], Retry::read),
    }
    check(fields) {
        if let (Some(schedule), Some(timezone)) = (&schedule, &timezone) {
            // What stays as it is was good before; either alone is checked beside something good.
            let timezone = timezone.as_deref().unwrap_or(DEFAULT_TIMEZONE);
            check_schedule(fields, schedule.as_deref().unwrap_or("@daily"), timezone);
        }
    }
}

/// Which jobs are meant. All conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, IntoParams, async_graphql::InputObject)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct JobFilter {
    /// Only those of this agent.
    pub agent_id: Option<AgentId>,
    /// Only those that are enabled, or are not.
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
    /// Whether a list with this filter would hold the job.
    #[must_use]
    pub fn matches(&self, job: &Job) -> bool {
        self.agent_id.is_none_or(|agent| agent == job.agent_id)
            && self.enabled.is_none_or(|enabled| enabled == job.enabled)
    }
}

/// How many jobs a list holds where neither a page nor a limit is asked for: clients that know the published page only
/// ask for neither.
const JOBS_AT_ONCE: u64 = 1000;

/// Which part of the list of jobs is asked for.
#[derive(Clone, Copy, Debug)]
pub struct JobWindow(pub Window);

impl FromFields for JobWindow {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let is_plain = !fields.holds("page") && !fields.holds("limit");
        let window = Window::from_fields(fields)?;
        Some(Self(if is_plain { Window::page(1, JOBS_AT_ONCE) } else { window }))
    }
}

/// A location without a password: that belongs to a set of credentials of the agent.
fn public_location(value: serde_json::Value) -> Check<String> {
    let location = location(MAX_LOCATION)(value)?;
    if without_password(&location) == location {
        Ok(location)
    } else {
        Err("must not hold a password: name a `credentials` set of the agent instead".to_owned())
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

/// Each beside what cannot be wrong, so that both are named where both are.
fn check_schedule(fields: &mut Fields, schedule: &str, timezone: &str) {
    for (schedule, timezone) in [(schedule, DEFAULT_TIMEZONE), ("* * * * *", timezone)] {
        if let Err(ScheduleError { field, message }) = Schedule::parse(schedule, timezone) {
            fields.problem(field, message);
        }
    }
}
