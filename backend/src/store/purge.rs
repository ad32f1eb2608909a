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

/// Removes events from before `events_before`, what became of slots before `slots_before`, and answers, directives, sessions and keys that ended so long ago that
/// nothing refers to them. Likewise what writers that are gone have left. Each transaction removes a few thousand rows; there are as many as it takes.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn run(
    db: &Db,
    now: DateTime<Utc>,
    events_before: DateTime<Utc>,
    slots_before: DateTime<Utc>,
) -> Result<u64> {
    let mut removed = 0;
    let last_event = events::note_purge(db, events_before).await?;
    let (now, before): (Value, Value) = (now.into(), events_before.into());
    let statements = [
        (
            "DELETE FROM events WHERE number IN (SELECT number FROM events WHERE number <= $1 ORDER BY number LIMIT 5000)",
            last_event.into(),
        ),
        (
            "DELETE FROM idempotency WHERE (caller, operation, key) IN \
             (SELECT caller, operation, key FROM idempotency WHERE expires_at < $1 LIMIT 5000)",
            now,
        ),
        (
            "DELETE FROM directives WHERE id IN (SELECT id FROM directives WHERE expires_at < $1 LIMIT 5000)",
            before.clone(),
        ),
        (
            "DELETE FROM slots WHERE id IN \
             (SELECT id FROM slots WHERE scheduled_for < $1 AND pending IS NULL LIMIT 5000)",
            slots_before.into(),
        ),
        ("DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < $1 LIMIT 5000)", before.clone()),
        (
            "DELETE FROM writer_batches WHERE writer_id IN \
             (SELECT writer_id FROM writer_batches WHERE committed_at < $1 LIMIT 5000)",
            before.clone(),
        ),
        (
            "DELETE FROM agent_keys WHERE digest IN (SELECT digest FROM agent_keys WHERE expires_at < $1 LIMIT 5000)",
            before.clone(),
        ),
    ];
    for (text, bound) in statements {
        loop {
            let mut tx = db.begin().await?;
            let rows = sql(text).bind(bound.clone()).execute(&mut tx).await?;
            tx.commit().await?;
            removed += rows;
            if rows < AT_A_TIME {
                break;
            }
        }
    }
    Ok(removed)
}
