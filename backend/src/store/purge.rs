//! Throwing away what nobody will ask for again.

use chrono::{DateTime, Utc};

use super::db::{Db, sql};
use crate::error::Result;

/// Removes events from before `events_before`, and answers, directives and sessions that ended before `now` has come so
/// far that nothing refers to them. Deletes at most a few thousand rows of each a call, so that writers do not wait.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn run(db: &Db, now: DateTime<Utc>, events_before: DateTime<Utc>) -> Result<u64> {
    let mut removed = 0;
    let statements = [
        sql("DELETE FROM events WHERE number IN (SELECT number FROM events WHERE at < $1 ORDER BY at LIMIT 5000)")
            .bind(events_before),
        sql("DELETE FROM idempotency WHERE expires_at < $1").bind(now),
        sql("DELETE FROM directives WHERE expires_at < $1").bind(events_before),
        sql("DELETE FROM sessions WHERE expires_at < $1").bind(events_before),
        sql("DELETE FROM agent_keys WHERE expires_at < $1").bind(events_before),
    ];
    for statement in statements {
        let mut tx = db.begin().await?;
        removed += statement.execute(&mut tx).await?;
        tx.commit().await?;
    }
    Ok(removed)
}
