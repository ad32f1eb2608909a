//! Client certificates of agents. Only their SHA-256 digests are stored.

use chrono::{DateTime, Utc};

use super::{
    api_keys::KeyRow,
    db::{Conn, Tx, sql},
};
use crate::{error::Result, ids::AgentId};

/// Stores a new certificate.
pub async fn insert(
    tx: &mut Tx,
    agent: AgentId,
    digest: &[u8],
    serial_number: &str,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    sql("INSERT INTO agent_certificates (digest, agent_id, serial_number, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5)")
    .bind(digest.to_vec())
    .bind(agent)
    .bind(serial_number)
    .bind(now)
    .bind(expires_at)
    .execute(tx)
    .await?;
    Ok(())
}

/// Reads the certificate with this digest; `None` if it is unknown or its agent is revoked. The certificate may have
/// expired.
pub async fn find(conn: impl Into<Conn<'_>>, digest: &[u8]) -> Result<Option<KeyRow>> {
    sql("SELECT c.agent_id, a.customer_id, c.expires_at, 1 = 0 AS awaits_first_use, EXISTS (\
            SELECT 1 FROM directives d WHERE d.agent_id = c.agent_id AND d.acknowledged_at IS NULL\
         ) AS may_have_directives \
         FROM agent_certificates c JOIN agents a ON a.id = c.agent_id WHERE c.digest = $1 AND a.revoked_at IS NULL")
    .bind(digest.to_vec())
    .fetch_optional(conn)
    .await
}

/// Reads the stored certificates of an agent, newest first: the time of issue and the expiry time of each.
pub async fn list(conn: impl Into<Conn<'_>>, agent: AgentId) -> Result<Vec<(DateTime<Utc>, DateTime<Utc>)>> {
    sql("SELECT created_at, expires_at FROM agent_certificates WHERE agent_id = $1 ORDER BY created_at DESC, digest")
        .bind(agent)
        .fetch_all(conn)
        .await
}

/// Deletes the expired certificates of an agent, and those that are not among its newest three.
pub async fn keep_newest(tx: &mut Tx, agent: AgentId, now: DateTime<Utc>) -> Result<()> {
    sql("DELETE FROM agent_certificates WHERE agent_id = $1 AND (expires_at <= $2 OR digest NOT IN (\
            SELECT digest FROM agent_certificates WHERE agent_id = $1 ORDER BY created_at DESC, digest LIMIT 3))")
    .bind(agent)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}
