//! Directives that wait for their agents.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, types::Json};

use super::db::{Conn, Tx, json, sql};
use crate::{
    error::Result,
    ids::{AgentId, DirectiveId, TransferId},
    model::directive::{Directive, Wish},
};

#[derive(FromRow)]
struct DirectiveRow {
    id: DirectiveId,
    wish: Json<Wish>,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

impl From<DirectiveRow> for Directive {
    fn from(row: DirectiveRow) -> Self {
        Self { id: row.id, created_at: row.created_at.into(), expires_at: row.expires_at.into(), wish: row.wish.0 }
    }
}

const COLUMNS: &str = "SELECT id, wish, created_at, expires_at FROM directives";

/// Stores a new directive.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn insert(tx: &mut Tx, agent: AgentId, directive: &Directive) -> Result<()> {
    sql("INSERT INTO directives (id, agent_id, type, wish, transfer_id, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)")
    .bind(directive.id)
    .bind(agent)
    .bind(directive.wish.name())
    .bind(json(&directive.wish)?)
    .bind(directive.wish.transfer())
    .bind(directive.created_at.0)
    .bind(directive.expires_at.0)
    .execute(tx)
    .await?;
    Ok(())
}

/// What still waits for an agent, oldest first.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn open(conn: impl Into<Conn<'_>>, agent: AgentId, now: DateTime<Utc>) -> Result<Vec<Directive>> {
    let rows: Vec<DirectiveRow> = sql(COLUMNS)
        .push_bind(" WHERE acknowledged_at IS NULL AND agent_id = ", agent)
        .push_bind(" AND expires_at > ", now)
        .push(" ORDER BY id LIMIT 100")
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(Directive::from).collect())
}

/// The agent's directive with this id, whether it waits or not.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn find(conn: impl Into<Conn<'_>>, agent: AgentId, id: DirectiveId) -> Result<Option<Directive>> {
    let statement = sql(COLUMNS).push_bind(" WHERE id = ", id).push_bind(" AND agent_id = ", agent);
    let row: Option<DirectiveRow> = statement.fetch_optional(conn).await?;
    Ok(row.map(Directive::from))
}

/// Acknowledges one directive.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn acknowledge(tx: &mut Tx, id: DirectiveId, now: DateTime<Utc>) -> Result<()> {
    sql("UPDATE directives SET acknowledged_at = $1 WHERE id = $2 AND acknowledged_at IS NULL")
        .bind(now)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// Acknowledges every directive of one type that waits for an agent.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn acknowledge_all(tx: &mut Tx, agent: AgentId, name: &'static str, now: DateTime<Utc>) -> Result<()> {
    sql("UPDATE directives SET acknowledged_at = $1 WHERE agent_id = $2 AND acknowledged_at IS NULL AND type = $3")
        .bind(now)
        .bind(agent)
        .bind(name)
        .execute(tx)
        .await?;
    Ok(())
}

/// Acknowledges every directive about a transfer of the agent: it has acted, or there is nothing to do any more.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn settle_transfer(tx: &mut Tx, agent: AgentId, transfer: TransferId, now: DateTime<Utc>) -> Result<()> {
    sql("UPDATE directives SET acknowledged_at = $1 \
         WHERE agent_id = $2 AND acknowledged_at IS NULL AND transfer_id = $3")
    .bind(now)
    .bind(agent)
    .bind(transfer)
    .execute(tx)
    .await?;
    Ok(())
}
