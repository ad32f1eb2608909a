//! Throwing away what nobody will ask for again.

use chrono::{DateTime, Utc};

use sea_query::Value;

use super::{
    db::{Db, sql},
    events,
};
use crate::error::Result;

/// How many rows one transaction removes, so that writers do not wait long.
const AT_A_TIME: u64 = 5_000;

/// What is thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::EnumIter)]
#[strum(serialize_all = "lowercase")]
pub enum Kind {
    /// Events of the log.
    Events,
    /// Answers to creating requests.
    Answers,
    /// Directives that were void long ago.
    Directives,
    /// What became of slots.
    Slots,
    /// Sessions that ended long ago.
    Sessions,
    /// Keys that ended long ago.
    Keys,
    /// What writers that are gone have left.
    Receipts,
}

/// From before when on things are thrown away.
#[derive(Clone, Copy, Debug)]
pub struct Before {
    /// The present: answers have an end of their own.
    pub now: DateTime<Utc>,
    /// Events, and what may be mentioned by them.
    pub events: DateTime<Utc>,
    /// What became of slots.
    pub slots: DateTime<Utc>,
}

/// Throws away what is old of one kind; how many rows. Each transaction removes a few thousand; there are as many as it
/// takes.
pub async fn run(db: &Db, kind: Kind, before: Before) -> Result<u64> {
    let (text, bound): (_, Value) = match kind {
        Kind::Events => (
            "DELETE FROM events WHERE number IN (SELECT number FROM events WHERE number <= $1 ORDER BY number LIMIT 5000)",
            events::note_purge(db, before.events).await?.into(),
        ),
        Kind::Answers => (
            "DELETE FROM idempotency WHERE (caller, operation, key) IN \
             (SELECT caller, operation, key FROM idempotency WHERE expires_at < $1 LIMIT 5000)",
            before.now.into(),
        ),
        Kind::Directives => (
            "DELETE FROM directives WHERE id IN (SELECT id FROM directives WHERE expires_at < $1 LIMIT 5000)",
            before.events.into(),
        ),
        Kind::Slots => (
            "DELETE FROM slots WHERE id IN \
             (SELECT id FROM slots WHERE scheduled_for < $1 AND pending IS NULL LIMIT 5000)",
            before.slots.into(),
        ),
        Kind::Receipts => (
            "DELETE FROM writer_batches WHERE writer_id IN \
             (SELECT writer_id FROM writer_batches WHERE committed_at < $1 LIMIT 5000)",
            before.events.into(),
        ),
        Kind::Sessions => (
            "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < $1 LIMIT 5000)",
            before.events.into(),
        ),
        Kind::Keys => (
            "DELETE FROM agent_keys WHERE digest IN (SELECT digest FROM agent_keys WHERE expires_at < $1 LIMIT 5000)",
            before.events.into(),
        ),
    };
    let mut removed = 0;
    loop {
        let mut tx = db.begin().await?;
        let rows = sql(text).bind(bound.clone()).execute(&mut tx).await?;
        tx.commit().await?;
        removed += rows;
        if rows < AT_A_TIME {
            return Ok(removed);
        }
    }
}
