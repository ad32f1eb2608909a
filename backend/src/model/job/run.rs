//! Job runs: the executions of jobs by their agents.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    error::{ConflictReason, Error, Result},
    ids::{DirectiveId, InstanceId, JobId, RunId},
    model::{
        Instant,
        enum_macro::server_enum,
        field_reader::{Change, id, integer, message, one_of},
        input_macro::input,
        reported_value_limits::MAX_BYTES,
    },
};

mftplus_protocol::contract_enum!(RunStatus, server_enum);

impl RunStatus {
    /// Whether the run has ended.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        !matches!(self, Self::Running)
    }

    /// Whether a user may cancel a run with this status.
    #[must_use]
    pub const fn can_be_cancelled(self) -> bool {
        matches!(self, Self::Running)
    }

    /// Whether a user may retry a run with this status. A retry is another run.
    #[must_use]
    pub const fn can_be_retried(self) -> bool {
        matches!(self, Self::Failed | Self::Cancelled)
    }
}

/// One execution of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[graphql(complex)]
#[serde(rename_all = "camelCase")]
pub struct JobRun {
    /// Id of the run.
    pub id: RunId,
    /// Job of the run.
    pub job_id: JobId,
    /// Status of the run.
    pub status: RunStatus,
    /// Start time.
    pub started_at: Instant,
    /// End time; null while the run is active.
    #[schema(required)]
    pub completed_at: Option<Instant>,
    /// Reason for the failure.
    #[schema(required)]
    pub error_message: Option<String>,
    /// Bytes copied so far: the sum over the run's transfers, or what the agent reported if there are none.
    #[schema(required, minimum = 0)]
    #[graphql(skip)]
    pub bytes_transferred: Option<i64>,
    /// Slot of the schedule that the run belongs to; null if a user started it.
    #[schema(required)]
    pub scheduled_for: Option<Instant>,
    /// Number of this attempt, counted from 1.
    #[schema(minimum = 1, example = 1)]
    pub attempt: i64,
    /// Failed run that this run retries.
    #[schema(required)]
    pub retry_of: Option<RunId>,
    /// Time at which a user requested the cancellation.
    #[schema(required)]
    pub cancel_requested_at: Option<Instant>,
    /// Increases with each accepted change. Of two states of one run, the one with the higher revision is newer.
    #[schema(minimum = 1, example = 1)]
    pub revision: i64,
}

input! {
    /// Input for starting a job run.
    #[derive(Clone, Copy, Debug, Default, PartialEq, ToSchema)]
    #[schema(rename_all = "camelCase", example = json!({ "directiveId": "0199c1f0-6c00-7000-8000-000000000001" }))]
    pub struct StartJobRun {
        /// Directive that requested the run. If omitted, the oldest waiting one.
        directive_id: Option<DirectiveId> = optional("directiveId", &[], id::<DirectiveId>),
        /// Process that starts the run: the `instanceId` that the agent process sends in its heartbeats.
        instance_id: Option<InstanceId> = optional("instanceId", &[], id::<InstanceId>),
    }
}

input! {
    /// Report of an agent about a job run. Omitted fields keep their values.
    #[derive(Clone, Debug, Default, PartialEq, ToSchema)]
    #[schema(rename_all = "camelCase", as = UpdateJobRun)]
    #[schema(example = json!({ "status": "completed", "bytesTransferred": 1_048_576 }))]
    pub struct ReportJobRun {
        /// Status of the run.
        #[schema(nullable = false)]
        status: Option<RunStatus> = update("status", &[], one_of),
        /// Bytes copied so far. Ignored if the run has transfers: their sum counts.
        #[schema(nullable = false, minimum = 0, maximum = 1_152_921_504_606_846_976_i64)]
        bytes_transferred: Option<i64> = update("bytesTransferred", &[], integer(0, MAX_BYTES)),
        /// Reason for the failure. Null removes it. Alias: `error`.
        #[schema(value_type = Option<String>)]
        error_message: Change<String> = clearable("errorMessage", &["error"], message(4096)),
    }
}

/// The part of a run that reports and timeouts change.
#[derive(Clone, Debug, PartialEq)]
pub struct RunState {
    /// The status of the run.
    pub status: RunStatus,
    /// The end time; `None` while the run is active.
    pub completed_at: Option<DateTime<Utc>>,
    /// The reason for the failure; `None` without one.
    pub error_message: Option<String>,
    /// The number of bytes copied so far; `None` if the agent has not reported it.
    pub bytes_transferred: Option<i64>,
    /// The time at which a user requested the cancellation; `None` if no user did.
    pub cancel_requested_at: Option<DateTime<Utc>>,
    /// The time of the last report about the run.
    pub heard_at: DateTime<Utc>,
    /// Whether the run failed because its lease ended.
    pub failed_by_lease: bool,
    /// The time at which the next attempt is due; `None` if there is no next attempt, or if it was already requested.
    pub retry_at: Option<DateTime<Utc>>,
    /// The revision of the run; increases with each accepted change.
    pub revision: i64,
}

impl RunState {
    /// Applies a report made at `now`, and returns whether the run changed. A run that has ended never changes.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] if the run has ended with another status than the report says, [`Error::ConflictBecause`] if
    /// it had ended because its lease ended.
    pub fn report(&mut self, report: &ReportJobRun, now: DateTime<Utc>) -> Result<bool> {
        if self.status.has_ended() {
            if self.failed_by_lease {
                let message = "the server ended the run because its lease ended: it stays failed".to_owned();
                return Err(Error::ConflictBecause { message, reason: ConflictReason::Lease });
            }
            if report.status.is_some_and(|status| status != self.status) {
                return Err(Error::conflict(format!("a run that is {} never changes", self.status)));
            }
            return Ok(false);
        }
        let before = self.clone();
        if let Some(bytes) = report.bytes_transferred {
            self.bytes_transferred = Some(self.bytes_transferred.map_or(bytes, |known| known.max(bytes)));
        }
        report.error_message.apply(&mut self.error_message);
        self.heard_at = now;
        match report.status {
            Some(status) if status.has_ended() => self.end(status, now),
            _ if *self == (Self { heard_at: now, ..before.clone() }) => return Ok(false),
            _ => self.revision += 1,
        }
        Ok(true)
    }

    /// Ends the run with this status.
    pub fn end(&mut self, status: RunStatus, now: DateTime<Utc>) {
        self.status = status;
        self.completed_at = Some(now);
        self.revision += 1;
        if status == RunStatus::Completed {
            self.error_message = None;
        }
    }

    /// Ends the run as failed, for this reason.
    pub fn fail(&mut self, reason: &str, now: DateTime<Utc>) {
        self.error_message = Some(reason.to_owned());
        self.end(RunStatus::Failed, now);
    }
}

/// Selects job runs. All given conditions must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobRunFilter {
    /// Runs of this job.
    pub job_id: Option<JobId>,
    /// Runs with one of these statuses; an empty list selects all.
    pub status: Vec<RunStatus>,
}

impl JobRunFilter {
    /// Whether the filter selects runs with this status.
    #[must_use]
    pub fn allows(&self, status: RunStatus) -> bool {
        self.status.is_empty() || self.status.contains(&status)
    }

    /// Whether the filter selects the run, apart from its status. The other conditions are about values that never
    /// change.
    #[must_use]
    pub fn matches_but_for_status(&self, run: &JobRun) -> bool {
        self.job_id.is_none_or(|job| job == run.job_id)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn running() -> RunState {
        RunState {
            status: RunStatus::Running,
            completed_at: None,
            error_message: None,
            bytes_transferred: None,
            cancel_requested_at: None,
            heard_at: DateTime::UNIX_EPOCH,
            failed_by_lease: false,
            retry_at: None,
            revision: 1,
        }
    }

    fn says(status: RunStatus) -> ReportJobRun {
        ReportJobRun { status: Some(status), ..ReportJobRun::default() }
    }

    #[rstest]
    #[case(RunStatus::Completed)]
    #[case(RunStatus::Failed)]
    #[case(RunStatus::Cancelled)]
    fn a_run_that_has_ended_never_changes(#[case] ended: RunStatus) {
        let mut run = running();
        let now = DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(1);
        assert!(run.report(&says(ended), now).expect("taken"));
        let before = run.clone();
        assert!(!run.report(&says(ended), now + chrono::TimeDelta::hours(1)).expect("the same again"));
        assert!(
            !run.report(&ReportJobRun { bytes_transferred: Some(9), ..ReportJobRun::default() }, now).expect("late")
        );
        assert!(run.report(&says(RunStatus::Running), now).is_err());
        assert_eq!(run, before);
    }

    #[test]
    fn a_run_that_was_ended_by_its_lease_says_so() {
        let mut run = running();
        run.fail("silence", DateTime::UNIX_EPOCH);
        run.failed_by_lease = true;
        let refused = run.report(&says(RunStatus::Completed), DateTime::UNIX_EPOCH).expect_err("too late");
        assert_eq!(refused.details(), Some(json!({ "reason": "lease" })));
    }

    #[test]
    fn bytes_never_go_backwards_and_reports_without_content_are_no_change() {
        let mut run = running();
        let now = DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(5);
        let bytes = |count| ReportJobRun { bytes_transferred: Some(count), ..ReportJobRun::default() };
        assert!(run.report(&bytes(10), now).expect("taken"));
        assert!(!run.report(&bytes(4), now).expect("late"));
        assert_eq!((run.bytes_transferred, run.revision, run.heard_at), (Some(10), 2, now));
    }
}
