//! API keys of agents: only their digests, so that the store never knows a key.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::db::{Conn, Tx, sql};
use crate::{
    error::Result,
    ids::{AgentId, CustomerId},
};

/// What a key stands for.
#[derive(Clone, Debug, FromRow)]
pub struct KeyRow {
    /// Whose key it is.
    pub agent_id: AgentId,
    /// Whose agent that is.
    pub customer_id: CustomerId,
    /// When it stops working, if a newer one has taken over.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Stores a new key by its digest.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn insert_key(tx: &mut Tx, agent: AgentId, digest: &[u8], prefix: &str, now: DateTime<Utc>) -> Result<()> {
    sql("INSERT INTO agent_keys (digest, agent_id, prefix, created_at) VALUES ($1, $2, $3, $4)")
        .bind(digest.to_vec())
        .bind(agent)
        .bind(prefix)
        .bind(now)
        .execute(tx)
        .await?;
    Ok(())
}

/// What the key with this digest stands for, if its agent is not revoked.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn find_key(conn: impl Into<Conn<'_>>, digest: &[u8]) -> Result<Option<KeyRow>> {
    sql("SELECT k.agent_id, a.customer_id, k.expires_at FROM agent_keys k JOIN agents a ON a.id = k.agent_id \
         WHERE k.digest = $1 AND a.revoked_at IS NULL")
    .bind(digest.to_vec())
    .fetch_optional(conn)
    .await
}

/// Lets the agent's present keys end at `end`, unless they end sooner.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn expire_keys(tx: &mut Tx, agent: AgentId, end: DateTime<Utc>) -> Result<()> {
    sql("UPDATE agent_keys SET expires_at = $1 WHERE agent_id = $2 AND (expires_at IS NULL OR expires_at > $1)")
        .bind(end)
        .bind(agent)
        .execute(tx)
        .await?;
    Ok(())
}
