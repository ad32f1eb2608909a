//! API keys of agents. Only their SHA-256 digests are stored.

use chrono::{DateTime, Utc};

use super::db::{Conn, Tx, row, sql};
use crate::{
    error::Result,
    ids::{AgentId, CustomerId},
};

row! {
    /// An API key of an agent that is not revoked.
    #[derive(Clone, Debug)]
    pub struct KeyRow {
        /// The agent that the API key belongs to.
        pub agent_id: AgentId,
        /// The customer of the agent.
        pub customer_id: CustomerId,
        /// The time at which the API key expires, if it was replaced by a newer one.
        pub expires_at: Option<DateTime<Utc>>,
        /// Whether the API key replaced another one and has not been used yet.
        pub awaits_first_use: bool,
        /// Whether the agent has directives that it has not acknowledged; they may have expired.
        pub may_have_directives: bool,
    }
}

row! {
    /// How an API key relates to the newer keys of its agent.
    #[derive(Clone, Copy, Debug)]
    pub struct KeyState {
        /// Whether the API key was replaced by a newer one, so that it works for a limited time only.
        pub is_replaced: bool,
        /// Whether a newer API key has been used.
        pub is_newer_used: bool,
    }
}

/// The SQL condition that API key `n` is newer than API key `k`. A key with an expiry time was created before one
/// without.
const IS_NEWER: &str = "n.agent_id = k.agent_id AND n.digest <> k.digest \
    AND (n.generation > k.generation OR (n.expires_at IS NULL AND k.expires_at IS NOT NULL))";

/// Stores a new API key by its digest.
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

/// Reads the API key with this digest; `None` if it is unknown or its agent is revoked. The key may have expired.
pub async fn find_key(conn: impl Into<Conn<'_>>, digest: &[u8], now: DateTime<Utc>) -> Result<Option<KeyRow>> {
    // An earlier version of the server gives its keys no generation.
    sql("SELECT k.agent_id, a.customer_id, k.expires_at, CASE WHEN k.first_used_at IS NULL AND (\
            k.generation > 1 OR EXISTS (\
               SELECT 1 FROM agent_keys o WHERE o.agent_id = k.agent_id AND o.digest <> k.digest AND o.expires_at > $2\
            )\
         ) THEN 1 = 1 ELSE 1 = 0 END AS awaits_first_use, EXISTS (\
            SELECT 1 FROM directives d WHERE d.agent_id = k.agent_id AND d.acknowledged_at IS NULL\
         ) AS may_have_directives \
         FROM agent_keys k JOIN agents a ON a.id = k.agent_id WHERE k.digest = $1 AND a.revoked_at IS NULL")
    .bind(digest.to_vec())
    .bind(now)
    .fetch_optional(conn)
    .await
}

/// Records the first use of an API key, unless it has expired.
pub async fn note_first_use(tx: &mut Tx, digest: &[u8], now: DateTime<Utc>) -> Result<()> {
    sql("UPDATE agent_keys SET first_used_at = $1 \
         WHERE digest = $2 AND first_used_at IS NULL AND (expires_at IS NULL OR expires_at > $1)")
    .bind(now)
    .bind(digest.to_vec())
    .execute(tx)
    .await?;
    Ok(())
}

/// Locks the API keys of an agent until the end of the transaction. Until then, no other transaction can change them or
/// record their first use.
pub async fn lock_keys(tx: &mut Tx, agent: AgentId) -> Result<()> {
    sql("UPDATE agent_keys SET generation = generation WHERE agent_id = $1").bind(agent).execute(tx).await?;
    Ok(())
}

/// Reads the state of an API key; `None` if the key does not exist or has expired.
pub async fn key_state(tx: &mut Tx, digest: &[u8], now: DateTime<Utc>) -> Result<Option<KeyState>> {
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

/// Sets the expiry time of the agent's API keys that are newer than the key with this digest to `now`.
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

/// Sets the expiry time of all API keys of an agent to `end`, except of those that expire earlier.
pub async fn expire_keys(tx: &mut Tx, agent: AgentId, end: DateTime<Utc>) -> Result<()> {
    sql("UPDATE agent_keys SET expires_at = $1 WHERE agent_id = $2 AND (expires_at IS NULL OR expires_at > $1)")
        .bind(end)
        .bind(agent)
        .execute(tx)
        .await?;
    Ok(())
}
