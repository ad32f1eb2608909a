//! The table of the sessions of users.

use chrono::{DateTime, Utc};

use super::db::{
    Conn, Tx, sql,
    table::{table, values},
};
use crate::{
    error::Result,
    ids::{SessionId, UserId},
};

/// A session as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// The id of the session, which access tokens contain.
    pub id: SessionId,
    /// The user who signed in.
    pub user_id: UserId,
    /// The number of the current refresh token, counted from 0; increases with each renewal.
    pub generation: i64,
    /// The time at which the current refresh token was issued.
    pub rotated_at: DateTime<Utc>,
    /// The time at which the user signed in.
    pub created_at: DateTime<Utc>,
    /// The expiry time of the current refresh token.
    pub expires_at: DateTime<Utc>,
    /// The time at which the session was ended; `None` if it was not ended.
    pub ended_at: Option<DateTime<Utc>>,
}

table! {
    sessions: SessionRow { id, user_id, generation, rotated_at, created_at, expires_at, ended_at }
    from "sessions" prefix "";

    /// Written when the session begins.
    const CREATED {
        id: Uuid,
        user_id: Uuid,
        generation: Integer,
        rotated_at: Instant,
        created_at: Instant,
        expires_at: Instant,
        ended_at: Instant,
    }
}

/// Stores a new session.
pub async fn insert(tx: &mut Tx, session: &SessionRow) -> Result<()> {
    SessionRow::TABLE.insert(values(SessionRow::CREATED, session)).execute(tx).await?;
    Ok(())
}

/// Reads the session with this id; `None` if it does not exist.
pub async fn find(conn: impl Into<Conn<'_>>, id: SessionId) -> Result<Option<SessionRow>> {
    SessionRow::TABLE.select().push_bind(" WHERE id = ", id).fetch_optional(conn).await
}

/// Increases the generation of a session, and sets its expiry time. If the session has ended or its stored generation
/// is not that of `seen`, writes nothing and returns false.
pub async fn rotate(tx: &mut Tx, seen: &SessionRow, now: DateTime<Utc>, expires_at: DateTime<Utc>) -> Result<bool> {
    let rows = sql("UPDATE sessions SET generation = generation + 1, rotated_at = $1, expires_at = $2 \
         WHERE id = $3 AND generation = $4 AND ended_at IS NULL")
    .bind(now)
    .bind(expires_at)
    .bind(seen.id)
    .bind(seen.generation)
    .execute(tx)
    .await?;
    Ok(rows == 1)
}

/// Ends a session. Returns false if it had ended before.
pub async fn end(tx: &mut Tx, id: SessionId, now: DateTime<Utc>) -> Result<bool> {
    let statement = sql("UPDATE sessions SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL").bind(now).bind(id);
    Ok(statement.execute(tx).await? == 1)
}

/// Ends all sessions of a user, and returns the ids of those that had not ended before.
pub async fn end_all(tx: &mut Tx, user: UserId, now: DateTime<Utc>) -> Result<Vec<SessionId>> {
    let statement = sql("UPDATE sessions SET ended_at = $1 WHERE user_id = $2 AND ended_at IS NULL RETURNING id");
    let rows: Vec<(SessionId,)> = statement.bind(now).bind(user).fetch_all(tx).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
