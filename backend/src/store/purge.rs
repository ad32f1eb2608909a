//! Deletes rows whose retention has ended.

use chrono::{DateTime, TimeDelta, Utc};

use sea_query::Value;

use super::{
    db::{Db, Sql, sql},
    events,
    transfers::first_id,
};
use crate::{error::Result, model::series};

/// The maximum number of rows that one transaction deletes, so that writers do not wait long.
const AT_A_TIME: u64 = 5_000;

/// A kind of rows that are purged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::EnumIter)]
#[strum(serialize_all = "lowercase")]
pub enum Kind {
    /// Events of the log.
    Events,
    /// Stored answers to requests with an idempotency key.
    Answers,
    /// Directives that expired before [`Before::events`].
    Directives,
    /// The slot history.
    Slots,
    /// Sessions that expired before [`Before::events`].
    Sessions,
    /// API keys that expired before [`Before::events`].
    Keys,
    /// Client certificates that expired before [`Before::events`].
    Certificates,
    /// Snoozes of attention items that have ended.
    Snoozes,
    /// Rows of writers that have committed nothing since [`Before::events`].
    Receipts,
    /// The totals of minutes.
    Minutes,
    /// The totals of hours.
    Hours,
    /// The samples of transfers.
    Samples,
    /// The minutes of the history of agents. Their hours are kept.
    HistoryMinutes,
    /// The hours of the history of agents.
    HistoryHours,
}

/// How long the totals of minutes are kept.
const MINUTES_KEPT: TimeDelta = TimeDelta::days(8);
/// How long the samples of a transfer are kept after the last one.
const SAMPLES_KEPT: TimeDelta = TimeDelta::days(30);
/// How long the minutes of an hour of an agent's history are kept after its start: a day after its end.
const HISTORY_MINUTES_KEPT: TimeDelta = TimeDelta::hours(25);
/// How long the hours of an agent's history are kept.
const HISTORY_HOURS_KEPT: TimeDelta = TimeDelta::days(30);

/// The times before which rows are purged.
#[derive(Clone, Copy, Debug)]
pub struct Before {
    /// The current time, for answers, which have their own expiry times.
    pub now: DateTime<Utc>,
    /// The start of the retention of events, and of objects that events refer to.
    pub events: DateTime<Utc>,
    /// The start of the retention of the slot history.
    pub slots: DateTime<Utc>,
}

/// Deletes the rows of one kind whose retention has ended, or the part that is not kept any longer, in transactions of at
/// most 5,000 rows, and returns how many.
pub async fn run(db: &Db, kind: Kind, before: Before) -> Result<u64> {
    let (text, bounds): (_, Vec<Value>) = match kind {
        Kind::Events => (
            "DELETE FROM events WHERE number IN (SELECT number FROM events WHERE number <= $1 ORDER BY number LIMIT 5000)",
            vec![events::note_purge(db, before.events).await?.into()],
        ),
        Kind::Answers => (
            "DELETE FROM idempotency WHERE (caller, operation, key) IN \
             (SELECT caller, operation, key FROM idempotency WHERE expires_at < $1 LIMIT 5000)",
            vec![before.now.into()],
        ),
        Kind::Directives => (
            "DELETE FROM directives WHERE id IN (SELECT id FROM directives WHERE expires_at < $1 LIMIT 5000)",
            vec![before.events.into()],
        ),
        Kind::Slots => (
            "DELETE FROM slots WHERE id IN \
             (SELECT id FROM slots WHERE scheduled_for < $1 AND pending IS NULL LIMIT 5000)",
            vec![before.slots.into()],
        ),
        Kind::Snoozes => (
            "DELETE FROM attention_snoozes WHERE item_id IN \
             (SELECT item_id FROM attention_snoozes WHERE until <= $1 LIMIT 5000)",
            vec![before.now.into()],
        ),
        Kind::Receipts => (
            "DELETE FROM writer_batches WHERE writer_id IN \
             (SELECT writer_id FROM writer_batches WHERE committed_at < $1 LIMIT 5000)",
            vec![before.events.into()],
        ),
        Kind::Sessions => (
            "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < $1 LIMIT 5000)",
            vec![before.events.into()],
        ),
        Kind::Certificates => (
            "DELETE FROM agent_certificates WHERE digest IN \
             (SELECT digest FROM agent_certificates WHERE expires_at < $1 LIMIT 5000)",
            vec![before.events.into()],
        ),
        Kind::Keys => (
            "DELETE FROM agent_keys WHERE digest IN (SELECT digest FROM agent_keys WHERE expires_at < $1 LIMIT 5000)",
            vec![before.events.into()],
        ),
        Kind::Minutes => (
            "DELETE FROM series_minutes WHERE (scope_id, at) IN \
             (SELECT scope_id, at FROM series_minutes WHERE at < $1 LIMIT 5000)",
            vec![(before.now - MINUTES_KEPT).timestamp().into()],
        ),
        Kind::Hours => (
            "DELETE FROM series_hours WHERE (scope_id, at) IN \
             (SELECT scope_id, at FROM series_hours WHERE at < $1 LIMIT 5000)",
            vec![series::kept_since(before.now).into()],
        ),
        Kind::Samples => (
            "DELETE FROM transfer_samples WHERE transfer_id IN \
             (SELECT transfer_id FROM transfer_samples WHERE transfer_id < $1 AND sampled_at < $2 \
              AND transfer_id NOT IN (SELECT id FROM transfers WHERE status = 'running') LIMIT 5000)",
            vec![
                // A sample is newer than its transfer, whose id begins with its milliseconds.
                first_id((before.now - SAMPLES_KEPT).timestamp_millis()).into(),
                (before.now - SAMPLES_KEPT).timestamp().into(),
            ],
        ),
        Kind::HistoryMinutes => (
            "UPDATE agent_history SET minutes = NULL WHERE (agent_id, hour) IN \
             (SELECT agent_id, hour FROM agent_history WHERE hour < $1 AND minutes IS NOT NULL LIMIT 5000)",
            vec![(before.now - HISTORY_MINUTES_KEPT).timestamp().into()],
        ),
        Kind::HistoryHours => (
            "DELETE FROM agent_history WHERE (agent_id, hour) IN \
             (SELECT agent_id, hour FROM agent_history WHERE hour < $1 LIMIT 5000)",
            vec![(before.now - HISTORY_HOURS_KEPT).timestamp().into()],
        ),
    };
    let mut removed = 0;
    loop {
        let mut tx = db.begin().await?;
        let statement = bounds.iter().cloned().fold(sql(text), Sql::bind);
        let rows = statement.execute(&mut tx).await?;
        tx.commit().await?;
        removed += rows;
        if rows < AT_A_TIME {
            return Ok(removed);
        }
    }
}
