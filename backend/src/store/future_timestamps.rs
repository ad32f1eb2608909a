//! Corrects stored timestamps that lie in the future because they were written while a clock was wrong. Otherwise
//! timeouts, retries and other work that depends on a timestamp would wait until that time.

use chrono::{DateTime, TimeDelta, Utc};
use sea_query::Value;
use strum::{Display, EnumIter};

use super::db::{Db, sql};
use crate::error::Result;

/// How far ahead of this server's clock a timestamp is accepted, since the clocks of servers on one database differ.
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// A kind of stored timestamp that is corrected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumIter)]
#[strum(serialize_all = "kebab-case")]
pub enum FutureTimestamps {
    /// The times of the last heartbeats of agents. Uncorrected, the agents would count as online until then.
    Heartbeats,
    /// The times since which agents are offline. Uncorrected, the leases of their work would not end.
    Absences,
    /// The times of the last progress of running transfers. Uncorrected, the transfers would not count as stalled.
    Progress,
    /// The times of cancel requests for running transfers.
    TransferCancels,
    /// The times of the last reports about running job runs.
    JobRuns,
    /// The times of cancel requests for running job runs.
    JobRunCancels,
    /// Due times of the next attempts of failed job runs.
    Retries,
    /// The times at which pipeline runs are due to be continued.
    PipelineRuns,
    /// Start times of pipeline runs, from which their timeouts are counted.
    PipelineStarts,
    /// The times of cancel requests for pipeline runs.
    PipelineCancels,
    /// The times at which steps were sent to their agents, from which their timeouts are counted.
    Sent,
    /// The times of the last reports about steps.
    Reported,
    /// The earliest start times of steps.
    Ready,
    /// Expiry times of directives.
    Directives,
    /// The times until which claims of idempotency keys are valid.
    Claims,
    /// Expiry times of stored answers to requests with an idempotency key.
    Answers,
    /// Creation and renewal times of sessions. Such sessions are ended, because their tokens would be valid for too
    /// long.
    Sessions,
    /// Expiry times of replaced API keys.
    Keys,
    /// Expiry times of client certificates.
    Certificates,
    /// Slots in the future that were decided without a run. They are deleted, so that they are decided again when they
    /// are due.
    Slots,
}

impl FutureTimestamps {
    /// The statement, whose first value is the corrected timestamp and whose second is the latest valid one; and how
    /// far ahead of `now` a valid timestamp may be.
    fn statement(self) -> (&'static str, TimeDelta) {
        let day = TimeDelta::hours(24);
        match self {
            Self::Heartbeats => (
                "UPDATE agents SET last_heartbeat = $1, revision = revision + 1 WHERE last_heartbeat > $2",
                TimeDelta::zero(),
            ),
            Self::Absences => ("UPDATE agents SET offline_since = $1 WHERE offline_since > $2", TimeDelta::zero()),
            Self::Progress => (
                "UPDATE transfers SET progressed_at = $1, revision = revision + 1 \
                 WHERE status = 'running' AND progressed_at > $2",
                TimeDelta::zero(),
            ),
            Self::TransferCancels => (
                "UPDATE transfers SET cancel_requested_at = $1, revision = revision + 1 \
                 WHERE status = 'running' AND cancel_requested_at > $2",
                TimeDelta::zero(),
            ),
            Self::JobRuns => {
                ("UPDATE job_runs SET heard_at = $1 WHERE status = 'running' AND heard_at > $2", TimeDelta::zero())
            }
            Self::JobRunCancels => (
                "UPDATE job_runs SET cancel_requested_at = $1 WHERE status = 'running' AND cancel_requested_at > $2",
                TimeDelta::zero(),
            ),
            Self::Retries => ("UPDATE job_runs SET retry_at = $1 WHERE retry_at > $2", day),
            Self::PipelineRuns => ("UPDATE pipeline_runs SET due_at = $1 WHERE due_at > $2", day),
            Self::PipelineStarts => (
                "UPDATE pipeline_runs SET started_at = $1 WHERE due_at IS NOT NULL AND started_at > $2",
                TimeDelta::zero(),
            ),
            Self::PipelineCancels => (
                "UPDATE pipeline_runs SET cancel_requested_at = $1 WHERE due_at IS NOT NULL AND cancel_requested_at > $2",
                TimeDelta::zero(),
            ),
            Self::Sent => (
                "UPDATE pipeline_steps SET sent_at = $1 WHERE run_id IN (SELECT id FROM pipeline_runs WHERE due_at IS NOT NULL) \
                 AND completed_at IS NULL AND sent_at > $2",
                TimeDelta::zero(),
            ),
            Self::Reported => (
                "UPDATE pipeline_steps SET heard_at = $1 WHERE run_id IN (SELECT id FROM pipeline_runs WHERE due_at IS NOT NULL) \
                 AND completed_at IS NULL AND heard_at > $2",
                TimeDelta::zero(),
            ),
            Self::Ready => (
                "UPDATE pipeline_steps SET ready_at = $1 WHERE run_id IN (SELECT id FROM pipeline_runs WHERE due_at IS NOT NULL) \
                 AND completed_at IS NULL AND ready_at > $2",
                day,
            ),
            Self::Directives => {
                ("UPDATE directives SET expires_at = $1 WHERE acknowledged_at IS NULL AND expires_at > $2", day)
            }
            Self::Claims => ("UPDATE idempotency SET claimed_until = $1 WHERE claimed_until > $2", TimeDelta::zero()),
            Self::Answers => ("UPDATE idempotency SET expires_at = $1 WHERE expires_at > $2", day),
            Self::Sessions => (
                "UPDATE sessions SET ended_at = $1 WHERE ended_at IS NULL AND (created_at > $2 OR rotated_at > $2)",
                TimeDelta::zero(),
            ),
            // The longest overlap of an old and a new key.
            Self::Keys => ("UPDATE agent_keys SET expires_at = $1 WHERE expires_at > $2", TimeDelta::days(30)),
            // The validity of a certificate.
            Self::Certificates => {
                ("UPDATE agent_certificates SET expires_at = $1 WHERE expires_at > $2", TimeDelta::days(90))
            }
            Self::Slots => (
                "DELETE FROM slots WHERE scheduled_for > $2 AND decided_at > $1 AND pending IS NULL AND run_id IS NULL",
                TimeDelta::zero(),
            ),
        }
    }
}

/// Corrects timestamps of one kind that are further ahead of `now` than is valid. Returns the number of changed rows.
pub async fn correct(db: &Db, what: FutureTimestamps, now: DateTime<Utc>) -> Result<u64> {
    let (text, may_lie_ahead) = what.statement();
    // Expiry times are set to their full term from now on, all others to now.
    let corrected = match what {
        FutureTimestamps::Directives
        | FutureTimestamps::Answers
        | FutureTimestamps::Keys
        | FutureTimestamps::Certificates => now + may_lie_ahead,
        _ => now,
    };
    let (corrected, bound): (Value, Value) = (corrected.into(), (now + may_lie_ahead + TOLERANCE).into());
    let mut tx = db.begin().await?;
    let rows = sql(text).bind(corrected).bind(bound).execute(&mut tx).await?;
    tx.commit().await?;
    Ok(rows)
}
