//! Instants that a clock which was wrong has left behind: ahead of the present, where nothing would happen for long.

use chrono::{DateTime, TimeDelta, Utc};
use sea_query::Value;
use strum::{Display, EnumIter};

use super::db::{Db, sql};
use crate::error::Result;

/// What may be ahead of the present by so much: servers on one database have clocks of their own.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// What is set right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumIter)]
#[strum(serialize_all = "kebab-case")]
pub enum Ahead {
    /// When agents were heard: they would count as there until that day.
    Heartbeats,
    /// Since when agents are offline: no lease would end.
    Absences,
    /// When transfers made progress.
    Progress,
    /// When somebody asked for the end of transfers.
    TransferCancels,
    /// When runs of jobs were heard of.
    JobRuns,
    /// When somebody asked for the end of runs of jobs.
    JobRunCancels,
    /// When another attempt of a run of a job is due.
    Retries,
    /// When runs of pipelines are looked at.
    PipelineRuns,
    /// When runs of pipelines began, by which their timeout is reckoned.
    PipelineStarts,
    /// When somebody asked for the end of runs of pipelines.
    PipelineCancels,
    /// When steps were sent, by which their timeout is reckoned.
    Sent,
    /// When steps were heard of.
    Heard,
    /// From when on steps may begin.
    Ready,
    /// Until when directives wait.
    Directives,
    /// Until when the first holder of an idempotency key is believed to be at work.
    Claims,
    /// Until when answers to creating requests are kept.
    Answers,
    /// Sessions that began or were renewed then: their tokens would be valid until that day.
    Sessions,
    /// Until when replaced keys work.
    Keys,
    /// Slots that have not come yet, of which nothing came.
    Slots,
}

/// Sets right what is ahead of `now`; how many rows were.
pub async fn set_right(db: &Db, what: Ahead, now: DateTime<Utc>) -> Result<u64> {
    let day = TimeDelta::hours(24);
    // The text binds the new value and the bound; what may lie ahead by so much is not wrong.
    let (text, may_lie_ahead): (&'static str, TimeDelta) = match what {
        Ahead::Heartbeats => (
            "UPDATE agents SET last_heartbeat = $1, revision = revision + 1 WHERE last_heartbeat > $2",
            TimeDelta::zero(),
        ),
        Ahead::Absences => ("UPDATE agents SET offline_since = $1 WHERE offline_since > $2", TimeDelta::zero()),
        Ahead::Progress => (
            "UPDATE transfers SET progressed_at = $1, revision = revision + 1 \
             WHERE status = 'running' AND progressed_at > $2",
            TimeDelta::zero(),
        ),
        Ahead::TransferCancels => (
            "UPDATE transfers SET cancel_requested_at = $1, revision = revision + 1 \
             WHERE status = 'running' AND cancel_requested_at > $2",
            TimeDelta::zero(),
        ),
        Ahead::JobRuns => {
            ("UPDATE job_runs SET heard_at = $1 WHERE status = 'running' AND heard_at > $2", TimeDelta::zero())
        }
        Ahead::JobRunCancels => (
            "UPDATE job_runs SET cancel_requested_at = $1 WHERE status = 'running' AND cancel_requested_at > $2",
            TimeDelta::zero(),
        ),
        Ahead::Retries => ("UPDATE job_runs SET retry_at = $1 WHERE retry_at > $2", day),
        Ahead::PipelineRuns => ("UPDATE pipeline_runs SET due_at = $1 WHERE due_at > $2", day),
        Ahead::PipelineStarts => {
            ("UPDATE pipeline_runs SET started_at = $1 WHERE due_at IS NOT NULL AND started_at > $2", TimeDelta::zero())
        }
        Ahead::PipelineCancels => (
            "UPDATE pipeline_runs SET cancel_requested_at = $1 WHERE due_at IS NOT NULL AND cancel_requested_at > $2",
            TimeDelta::zero(),
        ),
        Ahead::Sent => (
            "UPDATE pipeline_steps SET sent_at = $1 WHERE run_id IN (SELECT id FROM pipeline_runs WHERE due_at IS NOT NULL) \
             AND completed_at IS NULL AND sent_at > $2",
            TimeDelta::zero(),
        ),
        Ahead::Heard => (
            "UPDATE pipeline_steps SET heard_at = $1 WHERE run_id IN (SELECT id FROM pipeline_runs WHERE due_at IS NOT NULL) \
             AND completed_at IS NULL AND heard_at > $2",
            TimeDelta::zero(),
        ),
        Ahead::Ready => (
            "UPDATE pipeline_steps SET ready_at = $1 WHERE run_id IN (SELECT id FROM pipeline_runs WHERE due_at IS NOT NULL) \
             AND completed_at IS NULL AND ready_at > $2",
            day,
        ),
        Ahead::Directives => {
            ("UPDATE directives SET expires_at = $1 WHERE acknowledged_at IS NULL AND expires_at > $2", day)
        }
        Ahead::Claims => ("UPDATE idempotency SET claimed_until = $1 WHERE claimed_until > $2", TimeDelta::zero()),
        Ahead::Answers => ("UPDATE idempotency SET expires_at = $1 WHERE expires_at > $2", day),
        Ahead::Sessions => (
            "UPDATE sessions SET ended_at = $1 WHERE ended_at IS NULL AND (created_at > $2 OR rotated_at > $2)",
            TimeDelta::zero(),
        ),
        // The longest overlap that may be asked for.
        Ahead::Keys => ("UPDATE agent_keys SET expires_at = $1 WHERE expires_at > $2", TimeDelta::days(30)),
        Ahead::Slots => (
            "DELETE FROM slots WHERE scheduled_for > $2 AND decided_at > $1 AND pending IS NULL AND run_id IS NULL",
            TimeDelta::zero(),
        ),
    };
    // What waits for a term gets the whole of it from now on; the rest is as if it had happened now.
    let anew = match what {
        Ahead::Directives | Ahead::Answers | Ahead::Keys => now + may_lie_ahead,
        _ => now,
    };
    let (anew, bound): (Value, Value) = (anew.into(), (now + may_lie_ahead + AHEAD).into());
    let mut tx = db.begin().await?;
    let rows = sql(text).bind(anew).bind(bound).execute(&mut tx).await?;
    tx.commit().await?;
    Ok(rows)
}
