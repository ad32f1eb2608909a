//! Agents.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::{
    db::{
        Conn, Db, MOST_VALUES, Sql, Tx, Word, sql,
        table::{table, values},
    },
    window,
};
use crate::{
    actor::Scope,
    error::Result,
    ids::{AgentId, CustomerId},
    model::{
        Page, Total, Window,
        agent::{Agent, AgentFilter, AgentRef, AgentStatus, Os},
    },
};

/// An agent as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentRow {
    /// Its id.
    pub id: AgentId,
    /// Whose it is.
    pub customer_id: CustomerId,
    /// Its name.
    pub name: Option<String>,
    /// Its host name.
    pub hostname: String,
    /// Its operating system.
    pub os: Word<Os>,
    /// Its version.
    pub version: Option<String>,
    /// Its status.
    pub status: Word<AgentStatus>,
    /// When it was last heard.
    pub last_heartbeat: DateTime<Utc>,
    /// Seconds between heartbeats, as it was last told.
    pub heartbeat_interval: i64,
    /// Since when it is offline.
    pub offline_since: Option<DateTime<Utc>>,
    /// Its address.
    pub ip_address: Option<String>,
    /// Its load.
    pub load: Option<f64>,
    /// Its memory in use.
    pub memory: Option<f64>,
    /// Its revision.
    pub revision: i64,
    /// When it registered.
    pub created_at: DateTime<Utc>,
}

table! {
    agents: AgentRow {
        id, customer_id, name, hostname, os: Word(os), version, status: Word(status), last_heartbeat,
        heartbeat_interval, offline_since, ip_address, load, memory, revision, created_at,
    }
    from "agents" prefix "";
    others { search, revoked_at }

    /// Written when the agent registers.
    const CREATED {
        id: Uuid,
        customer_id: Uuid,
        name: Text,
        hostname: Text,
        os: Word,
        version: Text,
        heartbeat_interval: Integer,
        created_at: Instant,
    }

    /// Written by every heartbeat.
    const HEARTBEAT {
        status: Word,
        last_heartbeat: Instant,
        offline_since: Instant,
        ip_address: Text,
        load: Float,
        memory: Float,
        revision: Integer,
    }
}

impl From<AgentRow> for Agent {
    fn from(row: AgentRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            hostname: row.hostname,
            os: row.os.0,
            version: row.version,
            status: row.status.0,
            last_heartbeat: row.last_heartbeat.into(),
            ip_address: row.ip_address,
            created_at: row.created_at.into(),
            customer_id: row.customer_id,
            load: row.load,
            memory: row.memory,
            revision: row.revision,
        }
    }
}

/// Stores a new agent.
pub async fn insert(tx: &mut Tx, agent: &AgentRow) -> Result<()> {
    let search = format!("{}\n{}", agent.name.as_deref().unwrap_or(""), agent.hostname).to_lowercase();
    let row = values(AgentRow::CREATED, agent).chain(values(AgentRow::HEARTBEAT, agent));
    AgentRow::TABLE.insert(row.chain([("search", search.into())])).execute(tx).await?;
    Ok(())
}

/// The agent, unless it is revoked or outside the scope.
pub async fn find(conn: impl Into<Conn<'_>>, scope: Scope, id: AgentId) -> Result<Option<AgentRow>> {
    scoped(AgentRow::TABLE.select().push_bind(" WHERE revoked_at IS NULL AND id = ", id), scope)
        .fetch_optional(conn)
        .await
}

/// Those of these agents that are not revoked and within the scope.
pub async fn find_all(db: &Db, scope: Scope, ids: &[AgentId]) -> Result<Vec<AgentRow>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(MOST_VALUES) {
        let statement = AgentRow::TABLE.select().push(" WHERE revoked_at IS NULL AND id IN ");
        let statement = statement.push_tuple(ids.iter().map(|id| (*id).into()));
        found.extend(scoped(statement, scope).fetch_readable::<AgentRow>(db).await?.into_iter().flatten());
    }
    Ok(found)
}

#[derive(FromRow)]
struct CalledRow {
    id: AgentId,
    name: Option<String>,
    hostname: String,
}

impl From<CalledRow> for AgentRef {
    fn from(row: CalledRow) -> Self {
        Self { id: row.id, name: row.name.unwrap_or_else(|| row.hostname.clone()), hostname: row.hostname }
    }
}

const CALLED: &str = "SELECT id, name, hostname FROM agents WHERE revoked_at IS NULL AND ";

/// The agents of a customer with one of these ids, names or host names, oldest first; without a customer, the agents of
/// anybody with one of these ids.
pub async fn called(db: &Db, customer: Option<CustomerId>, names: &[&str]) -> Result<Vec<AgentRef>> {
    let mut found: Vec<CalledRow> = Vec::new();
    for names in names.chunks(MOST_VALUES / 3) {
        let ids: Vec<AgentId> = names.iter().filter_map(|name| name.parse().ok()).collect();
        // No agent has the nil id: a list must not be empty.
        let ids = ids.into_iter().map(Into::into).chain([uuid::Uuid::nil().into()]);
        let by_id = |lead: &'static str| sql(CALLED).push(lead).push_tuple(ids);
        let statement = match customer {
            None => by_id("id IN "),
            Some(customer) => {
                let names = || names.iter().map(|name| (*name).into());
                by_id("(id IN ")
                    .push(" OR name IN ")
                    .push_tuple(names())
                    .push(" OR hostname IN ")
                    .push_tuple(names())
                    .push_bind(") AND customer_id = ", customer)
            }
        };
        found.extend(statement.push(" ORDER BY id").fetch_all::<CalledRow>(db).await?);
    }
    Ok(found.into_iter().map(AgentRef::from).collect())
}

/// Up to 1,000 of a customer's agents, oldest first.
pub async fn of_customer(db: &Db, customer: CustomerId) -> Result<Vec<AgentRef>> {
    let statement = sql(CALLED).push_bind("customer_id = ", customer).push(" ORDER BY id LIMIT 1000");
    Ok(statement.fetch_all::<CalledRow>(db).await?.into_iter().map(AgentRef::from).collect())
}

/// Whether an agent is there.
#[derive(Clone, Copy, Debug, FromRow)]
pub struct Presence {
    /// Its id.
    pub id: AgentId,
    /// Whether it was revoked.
    pub is_revoked: bool,
    /// Since when it is offline.
    pub offline_since: Option<DateTime<Utc>>,
}

/// Whether these agents are there, revoked ones too.
pub async fn presence(tx: &mut Tx, ids: &[AgentId]) -> Result<Vec<Presence>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(MOST_VALUES) {
        let statement = sql("SELECT id, revoked_at IS NOT NULL AS is_revoked, offline_since FROM agents WHERE id IN ")
            .push_tuple(ids.iter().map(|id| (*id).into()));
        found.extend(statement.fetch_all::<Presence>(&mut *tx).await?);
    }
    Ok(found)
}

fn scoped(statement: Sql, scope: Scope) -> Sql {
    match scope {
        Scope::All => statement,
        Scope::Customer(customer) => statement.push_bind(" AND customer_id = ", customer),
        Scope::Agent(agent) => statement.push_bind(" AND id = ", agent),
    }
}

/// A page of the agents in the scope, newest first.
pub async fn list(db: &Db, scope: Scope, filter: &AgentFilter, window: Window) -> Result<Page<AgentRow>> {
    let conditions = |statement: Sql| {
        let mut statement = scoped(statement.push(" WHERE revoked_at IS NULL"), scope);
        if let Some(status) = filter.status {
            statement = statement.push_bind(" AND status = ", status.to_string());
        }
        if let Some(search) = &filter.search {
            statement = statement.push_bind(" AND search LIKE ", contains(search)).push(r" ESCAPE '\'");
        }
        statement
    };
    let total = if filter.search.is_none() {
        let (total,): (i64,) = conditions(sql("SELECT COUNT(*) FROM agents")).fetch_one(db).await?;
        Total::Exactly(total.unsigned_abs())
    } else {
        let counted = conditions(sql("SELECT COUNT(*) FROM (SELECT 1 AS found FROM agents"));
        let bound = Total::COUNTING_STOPS_AT.cast_signed() + 1;
        let (found,): (i64,) = counted.push_bind(" LIMIT ", bound).push(") AS counted").fetch_one(db).await?;
        Total::counted(found.unsigned_abs())
    };
    let rows = window::cut(conditions(AgentRow::TABLE.select()), window).fetch_readable(db).await?;
    Ok(window::page_of_readable(rows, window, total))
}

/// A LIKE pattern for text that holds `search`, whatever its case.
pub(super) fn contains(search: &str) -> String {
    let mut pattern = String::from("%");
    for c in search.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// The heartbeat intervals, in seconds, that agents were told.
pub async fn told_intervals(db: &Db) -> Result<Vec<i64>> {
    let statement = sql("SELECT DISTINCT heartbeat_interval FROM agents WHERE revoked_at IS NULL");
    let rows: Vec<(i64,)> = statement.fetch_all(db).await?;
    Ok(rows.into_iter().map(|(seconds,)| seconds).collect())
}

/// Whoever was told this interval, was not heard since `cutoff`, and still counts as there.
#[derive(Clone, Copy, Debug)]
pub struct Silent {
    /// The interval, in seconds.
    pub told: i64,
    /// When they were heard last is before this.
    pub cutoff: DateTime<Utc>,
}

impl Silent {
    fn among(self, statement: Sql) -> Sql {
        statement
            .push_bind(" WHERE revoked_at IS NULL AND status <> 'offline' AND heartbeat_interval = ", self.told)
            .push_bind(" AND last_heartbeat < ", self.cutoff)
    }
}

/// Silent agents in the order of their ids, from after this one on, up to `limit`.
pub async fn silent(db: &Db, silent: Silent, after: Option<AgentId>, limit: i64) -> Result<Vec<AgentId>> {
    let mut statement = silent.among(sql("SELECT id FROM agents"));
    if let Some(after) = after {
        statement = statement.push_bind(" AND id > ", after);
    }
    let rows: Vec<(AgentId,)> = statement.push_bind(" ORDER BY id LIMIT ", limit).fetch_all(db).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Marks those of these agents offline that are silent, as far as nothing is heard of them at this moment; as they are now.
/// At most 500.
pub async fn mark_offline(tx: &mut Tx, ids: &[AgentId], silent: Silent, now: DateTime<Utc>) -> Result<Vec<AgentRow>> {
    let statement =
        silent.among(AgentRow::TABLE.select()).push(" AND id IN ").push_tuple(ids.iter().map(|id| (*id).into()));
    let statement = statement.push(" ORDER BY id").lock_free_rows(tx, "agents");
    let mut rows: Vec<AgentRow> = statement.fetch_all(&mut *tx).await?;
    if rows.is_empty() {
        return Ok(rows);
    }
    sql("UPDATE agents SET status = 'offline', offline_since = $1, revision = revision + 1 WHERE id IN ")
        .bind(now)
        .push_tuple(rows.iter().map(|row| row.id.into()))
        .execute(tx)
        .await?;
    for row in &mut rows {
        (row.status, row.offline_since) = (Word(AgentStatus::Offline), Some(now));
        row.revision += 1;
    }
    Ok(rows)
}

/// Revokes an agent: it is gone for everybody, its transfers stay. Whether there was one to revoke.
pub async fn revoke(tx: &mut Tx, id: AgentId, now: DateTime<Utc>) -> Result<bool> {
    let rows = sql("UPDATE agents SET revoked_at = $1, status = 'offline', \
         offline_since = COALESCE(offline_since, $1), revision = revision + 1 \
         WHERE id = $2 AND revoked_at IS NULL")
    .bind(now)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(rows == 1)
}

/// Notes the heartbeat interval that an agent has acknowledged.
pub async fn set_heartbeat_interval(tx: &mut Tx, id: AgentId, seconds: i64) -> Result<()> {
    sql("UPDATE agents SET heartbeat_interval = $1 WHERE id = $2").bind(seconds).bind(id).execute(tx).await?;
    Ok(())
}

/// How many agents there are by status.
pub async fn count_by_status(db: &Db) -> Result<Vec<(String, i64)>> {
    sql("SELECT status, COUNT(*) FROM agents WHERE revoked_at IS NULL GROUP BY status ORDER BY status")
        .fetch_all(db)
        .await
}
