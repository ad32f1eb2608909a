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
    /// Whether an older key still works beside it, and this one has never been used.
    pub awaits_first_use: bool,
}

/// Where a key stands among its agent's.
#[derive(Clone, Copy, Debug, FromRow)]
pub struct Standing {
    /// Whether a newer key has taken over, so that this one only works for a while.
    pub is_replaced: bool,
    /// Whether a newer key has been used.
    pub is_newer_used: bool,
}

/// Whether `n` is newer than `k`: one that ends was made before one that does not.
const IS_NEWER: &str = "n.agent_id = k.agent_id AND n.digest <> k.digest \
    AND (n.generation > k.generation OR (n.expires_at IS NULL AND k.expires_at IS NOT NULL))";

/// Stores a new key by its digest.
pub async fn insert_key(tx: &mut Tx, agent: AgentId, digest: &[u8], prefix: &str, now: DateTime<Utc>) -> Result<()> {
    sql("INSERT INTO agent_keys (digest, agent_id, prefix, created_at, generation) VALUES ($1, $2, $3, $4, \
         (SELECT COALESCE(MAX(generation), 0) + 1 FROM agent_keys WHERE agent_id = $2))")
    .bind(digest.to_vec())
    .bind(agent)
    .bind(prefix)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// What the key with this digest stands for, if its agent is not revoked.
pub async fn find_key(conn: impl Into<Conn<'_>>, digest: &[u8], now: DateTime<Utc>) -> Result<Option<KeyRow>> {
    sql("SELECT k.agent_id, a.customer_id, k.expires_at, CASE WHEN k.first_used_at IS NULL AND EXISTS (\
            SELECT 1 FROM agent_keys o WHERE o.agent_id = k.agent_id AND o.digest <> k.digest AND o.expires_at > $2\
         ) THEN 1 = 1 ELSE 1 = 0 END AS awaits_first_use \
         FROM agent_keys k JOIN agents a ON a.id = k.agent_id WHERE k.digest = $1 AND a.revoked_at IS NULL")
    .bind(digest.to_vec())
    .bind(now)
    .fetch_optional(conn)
    .await
}

/// Records the first use of a key that works.
pub async fn note_first_use(tx: &mut Tx, digest: &[u8], now: DateTime<Utc>) -> Result<()> {
    sql("UPDATE agent_keys SET first_used_at = $1 \
         WHERE digest = $2 AND first_used_at IS NULL AND (expires_at IS NULL OR expires_at > $1)")
    .bind(now)
    .bind(digest.to_vec())
    .execute(tx)
    .await?;
    Ok(())
}

/// Makes whoever else would change or first use a key of this agent wait until this transaction has ended.
pub async fn hold_keys(tx: &mut Tx, agent: AgentId) -> Result<()> {
    sql("UPDATE agent_keys SET generation = generation WHERE agent_id = $1").bind(agent).execute(tx).await?;
    Ok(())
}

/// Where a key that works stands among its agent's.
pub async fn standing(tx: &mut Tx, digest: &[u8], now: DateTime<Utc>) -> Result<Option<Standing>> {
    sql("SELECT CASE WHEN k.expires_at IS NOT NULL THEN 1 = 1 ELSE 1 = 0 END AS is_replaced, \
         CASE WHEN EXISTS (SELECT 1 FROM agent_keys n WHERE n.first_used_at IS NOT NULL AND ")
    .push(IS_NEWER)
    .push(") THEN 1 = 1 ELSE 1 = 0 END AS is_newer_used FROM agent_keys k")
    .push_bind(" WHERE k.digest = ", digest.to_vec())
    .push_bind(" AND (k.expires_at IS NULL OR k.expires_at > ", now)
    .push(")")
    .fetch_optional(tx)
    .await
}

/// Ends the agent's keys that are newer than this one, now.
pub async fn end_newer_keys(tx: &mut Tx, agent: AgentId, digest: &[u8], now: DateTime<Utc>) -> Result<()> {
    sql("UPDATE agent_keys SET expires_at = $1 WHERE agent_id = $2 AND (expires_at IS NULL OR expires_at > $1) \
         AND EXISTS (SELECT 1 FROM agent_keys k WHERE k.digest = $3 AND agent_keys.digest <> k.digest \
         AND (agent_keys.generation > k.generation OR (agent_keys.expires_at IS NULL AND k.expires_at IS NOT NULL)))")
    .bind(now)
    .bind(agent)
    .bind(digest.to_vec())
    .execute(tx)
    .await?;
    Ok(())
}

/// Lets the agent's present keys end at `end`, unless they end sooner.
pub async fn expire_keys(tx: &mut Tx, agent: AgentId, end: DateTime<Utc>) -> Result<()> {
    sql("UPDATE agent_keys SET expires_at = $1 WHERE agent_id = $2 AND (expires_at IS NULL OR expires_at > $1)")
        .bind(end)
        .bind(agent)
        .execute(tx)
        .await?;
    Ok(())
}
