//! The heartbeat history of agents: one row for each agent and hour in which heartbeats arrived.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    collector_position,
    db::{Db, Tx, row, sql, unreadable},
};
use crate::{
    error::{Error, Result},
    ids::AgentId,
    model::heartbeat_history::{HeartbeatHour, HeartbeatSummary},
};

/// Heartbeats by agent and hour. An hour is named by its start in Unix seconds.
pub type Heartbeats = BTreeMap<(AgentId, i64), HeartbeatHour>;

row! {
    struct MinutesRow {
        agent_id: AgentId,
        hour: i64,
        minutes: Vec<u8>,
    }
}

/// Adds heartbeats to the stored history. Accepts at most 500 entries. Locks the row of `collector`, so that servers
/// with heartbeats of the same agent write one after the other.
pub async fn add(tx: &mut Tx, mut heartbeats: Heartbeats) -> Result<()> {
    if heartbeats.is_empty() {
        return Ok(());
    }
    collector_position::lock(tx).await?;
    let agents = heartbeats.keys().map(|(agent, _)| (*agent).into());
    let hours: BTreeSet<i64> = heartbeats.keys().map(|(_, hour)| *hour).collect();
    let stored: Vec<MinutesRow> =
        sql("SELECT agent_id, hour, minutes FROM agent_history WHERE minutes IS NOT NULL AND agent_id IN ")
            .push_tuple(agents)
            .push(" AND hour IN ")
            .push_tuple(hours.into_iter().map(Into::into))
            .fetch_all(&mut *tx)
            .await?;
    for row in stored {
        if let Some(hour) = heartbeats.get_mut(&(row.agent_id, row.hour)) {
            hour.add(&read(row.agent_id, HeartbeatHour::from_bytes(&row.minutes)));
        }
    }
    let mut statement = sql("INSERT INTO agent_history (agent_id, hour, summary, minutes) VALUES ");
    for (index, ((agent, hour), heartbeats)) in heartbeats.iter().enumerate() {
        statement = statement.push(if index == 0 { "" } else { ", " }).push_tuple([
            (*agent).into(),
            (*hour).into(),
            heartbeats.summary().to_bytes().into(),
            heartbeats.to_bytes().into(),
        ]);
    }
    statement
        .push(" ON CONFLICT (agent_id, hour) DO UPDATE SET summary = excluded.summary, minutes = excluded.minutes")
        .execute(tx)
        .await?;
    Ok(())
}

/// Returns a stored value. If it could not be read, the failure is logged and the default is returned.
fn read<T: Default>(agent: AgentId, stored: Option<T>) -> T {
    stored.unwrap_or_else(|| {
        unreadable(&Error::internal(format!("the history of agent {agent} is damaged or has another form")));
        T::default()
    })
}

/// Reads the heartbeats of an agent by minute, for each hour from `from` on, which is the start of an hour in Unix
/// seconds. Details by minute are stored for a day.
pub async fn hours(db: &Db, agent: AgentId, from: i64) -> Result<BTreeMap<i64, HeartbeatHour>> {
    let statement = sql("SELECT hour, minutes FROM agent_history WHERE minutes IS NOT NULL");
    let statement = statement.push_bind(" AND agent_id = ", agent).push_bind(" AND hour >= ", from);
    let rows: Vec<(i64, Vec<u8>)> = statement.fetch_all(db).await?;
    let read = |(hour, minutes): (i64, Vec<u8>)| (hour, read(agent, HeartbeatHour::from_bytes(&minutes)));
    Ok(rows.into_iter().map(read).collect())
}

/// Reads the summaries of the hours of an agent from `from` on, which is the start of an hour in Unix seconds.
pub async fn summaries(db: &Db, agent: AgentId, from: i64) -> Result<BTreeMap<i64, HeartbeatSummary>> {
    let statement = sql("SELECT hour, summary FROM agent_history").push_bind(" WHERE agent_id = ", agent);
    let rows: Vec<(i64, Vec<u8>)> = statement.push_bind(" AND hour >= ", from).fetch_all(db).await?;
    let read = |(hour, summary): (i64, Vec<u8>)| (hour, read(agent, HeartbeatSummary::from_bytes(&summary)));
    Ok(rows.into_iter().map(read).collect())
}
