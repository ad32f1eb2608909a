//! The stored state of the processes of each agent, which reveals two processes with a copied state folder.

use super::db::{Conn, JsonColumn, Tx, json, sql};
use crate::{error::Result, ids::AgentId, model::agent_instances::AgentInstances};

/// Reads the processes of an agent; `None` if no process of it has sent an `instanceId`.
pub async fn find(conn: impl Into<Conn<'_>>, agent: AgentId) -> Result<Option<AgentInstances>> {
    let statement = sql("SELECT state FROM agent_instances WHERE agent_id = $1").bind(agent);
    let row: Option<(JsonColumn<AgentInstances>,)> = statement.fetch_optional(conn).await?;
    Ok(row.map(|(state,)| state.0))
}

/// Locks and returns the stored processes of an agent. If there are none, stores and returns `first`.
pub async fn lock(tx: &mut Tx, agent: AgentId, first: &AgentInstances) -> Result<AgentInstances> {
    sql("INSERT INTO agent_instances (agent_id, state) VALUES ($1, $2) \
         ON CONFLICT (agent_id) DO UPDATE SET agent_id = excluded.agent_id")
    .bind(agent)
    .bind(json(first)?)
    .execute(&mut *tx)
    .await?;
    Ok(find(tx, agent).await?.unwrap_or_else(|| first.clone()))
}

/// Stores the processes of an agent.
pub async fn save(tx: &mut Tx, agent: AgentId, instances: &AgentInstances) -> Result<()> {
    sql("UPDATE agent_instances SET state = $1 WHERE agent_id = $2")
        .bind(json(instances)?)
        .bind(agent)
        .execute(tx)
        .await?;
    Ok(())
}
