//! The table of agents.

use chrono::{DateTime, Utc};

use super::{
    db::{
        Conn, Db, EnumText, MOST_VALUES, Sql, Tx, row, sql,
        table::{table, values},
    },
    pagination,
};
use crate::{
    actor::Scope,
    error::Result,
    ids::{AgentId, CustomerId},
    model::{
        Page, PageRequest, Total,
        agent::{Agent, AgentFilter, AgentRef, AgentStatus, Os},
    },
};

/// An agent as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentRow {
    /// The id of the agent, chosen when it registers.
    pub id: AgentId,
    /// The customer that the agent belongs to.
    pub customer_id: CustomerId,
    /// The name of the agent; `None` if its host name is used as its name.
    pub name: Option<String>,
    /// The host name that the agent registered with.
    pub hostname: String,
    /// The operating system that the agent registered with.
    pub os: EnumText<Os>,
    /// The version of the agent program; `None` if the agent did not send it.
    pub version: Option<String>,
    /// The status according to the last heartbeat, or `offline`.
    pub status: EnumText<AgentStatus>,
    /// Why the agent has this status, if its heartbeats say so.
    pub status_reason: Option<String>,
    /// The time since which the agent has this status; `None` if it was written by an earlier version.
    pub status_since: Option<DateTime<Utc>>,
    /// The time at which the server received the last heartbeat.
    pub last_heartbeat: DateTime<Utc>,
    /// Seconds between heartbeats, as the agent last acknowledged them.
    pub heartbeat_interval: i64,
    /// The time since which the agent is offline; `None` while it is not.
    pub offline_since: Option<DateTime<Utc>>,
    /// The address that the last heartbeat came from.
    pub ip_address: Option<String>,
    /// The load that the agent last reported.
    pub load: Option<f64>,
    /// The memory in use that the agent last reported.
    pub memory: Option<f64>,
    /// The revision of the agent; increases with each change.
    pub revision: i64,
    /// The time at which the agent registered.
    pub created_at: DateTime<Utc>,
}

table! {
    agents: AgentRow {
        id, customer_id, name, hostname, os: EnumText(os), version, status: EnumText(status), status_reason,
        status_since, last_heartbeat, heartbeat_interval, offline_since, ip_address, load, memory, revision, created_at,
    }
    from "agents" prefix "";
    others { search, revoked_at }

    /// Written when the agent registers.
    const CREATED {
        id: Uuid,
        customer_id: Uuid,
        name: Text,
        hostname: Text,
        os: EnumText,
        version: Text,
        heartbeat_interval: Integer,
        created_at: Instant,
    }

    /// Written by every heartbeat.
    const HEARTBEAT {
        status: EnumText,
        status_reason: Text,
        status_since: Instant,
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
            status_reason: row.status_reason,
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

/// Reads an agent; `None` if it does not exist, is revoked or is outside the scope.
pub async fn find(conn: impl Into<Conn<'_>>, scope: Scope, id: AgentId) -> Result<Option<AgentRow>> {
    scoped(AgentRow::TABLE.select().push_bind(" WHERE revoked_at IS NULL AND id = ", id), scope)
        .fetch_optional(conn)
        .await
}

/// Reads the agents with these ids that are not revoked and within the scope, in no particular order.
pub async fn find_all(db: &Db, scope: Scope, ids: &[AgentId]) -> Result<Vec<AgentRow>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(MOST_VALUES) {
        let statement = AgentRow::TABLE.select().push(" WHERE revoked_at IS NULL AND id IN ");
        let statement = statement.push_tuple(ids.iter().map(|id| (*id).into()));
        found.extend(scoped(statement, scope).fetch_readable::<AgentRow>(db).await?.into_iter().flatten());
    }
    Ok(found)
}

row! {
    struct NameRow {
        id: AgentId,
        name: Option<String>,
        hostname: String,
    }
}

impl From<NameRow> for AgentRef {
    fn from(row: NameRow) -> Self {
        Self { id: row.id, name: row.name.unwrap_or_else(|| row.hostname.clone()), hostname: row.hostname }
    }
}

const SELECT_NAMES: &str = "SELECT id, name, hostname FROM agents WHERE revoked_at IS NULL AND ";

/// Reads the agents of a customer whose id, name or host name is one of `names`. Without a customer, reads the agents
/// of all customers whose id is one of `names`. An agent that several names match may occur more than once.
pub async fn find_by_name(db: &Db, customer: Option<CustomerId>, names: &[&str]) -> Result<Vec<AgentRef>> {
    let mut found: Vec<NameRow> = Vec::new();
    for names in names.chunks(MOST_VALUES / 3) {
        let ids: Vec<AgentId> = names.iter().filter_map(|name| name.parse().ok()).collect();
        // The nil id, which no agent has, keeps the list of ids from being empty.
        let ids = ids.into_iter().map(Into::into).chain([uuid::Uuid::nil().into()]);
        let by_id = |lead: &'static str| sql(SELECT_NAMES).push(lead).push_tuple(ids);
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
        found.extend(statement.push(" ORDER BY id").fetch_all::<NameRow>(db).await?);
    }
    Ok(found.into_iter().map(AgentRef::from).collect())
}

/// Reads the agents of a customer, oldest first; at most 1,000.
pub async fn of_customer(db: &Db, customer: CustomerId) -> Result<Vec<AgentRef>> {
    let statement = sql(SELECT_NAMES).push_bind("customer_id = ", customer).push(" ORDER BY id LIMIT 1000");
    Ok(statement.fetch_all::<NameRow>(db).await?.into_iter().map(AgentRef::from).collect())
}

row! {
    /// Whether an agent is revoked or offline.
    #[derive(Clone, Copy, Debug)]
    pub struct AgentState {
        /// The agent.
        pub id: AgentId,
        /// Whether the agent was revoked.
        pub is_revoked: bool,
        /// The time since which the agent is offline; `None` while it is not.
        pub offline_since: Option<DateTime<Utc>>,
    }
}

/// Reads the states of these agents, including revoked ones, in no particular order.
pub async fn states(tx: &mut Tx, ids: &[AgentId]) -> Result<Vec<AgentState>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(MOST_VALUES) {
        let statement = sql("SELECT id, revoked_at IS NOT NULL AS is_revoked, offline_since FROM agents WHERE id IN ")
            .push_tuple(ids.iter().map(|id| (*id).into()));
        found.extend(statement.fetch_all::<AgentState>(&mut *tx).await?);
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

/// Reads a page of the agents in the scope, newest first.
pub async fn list(db: &Db, scope: Scope, filter: &AgentFilter, request: PageRequest) -> Result<Page<AgentRow>> {
    let conditions = |statement: Sql| {
        let mut statement = scoped(statement.push(" WHERE revoked_at IS NULL"), scope);
        if let Some(status) = filter.status {
            statement = statement.push_bind(" AND status = ", status.to_string());
        }
        if let Some(customer) = filter.customer_id {
            statement = statement.push_bind(" AND customer_id = ", customer);
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
    let rows = pagination::cut(conditions(AgentRow::TABLE.select()), request).fetch_readable(db).await?;
    Ok(pagination::page_of_readable(rows, request, total))
}

/// Returns a LIKE pattern for texts in lower case. It matches those that contain `search`, regardless of the case of
/// `search`.
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

/// Reads the distinct heartbeat intervals that agents have acknowledged, in seconds.
pub async fn heartbeat_intervals(db: &Db) -> Result<Vec<i64>> {
    let statement = sql("SELECT DISTINCT heartbeat_interval FROM agents WHERE revoked_at IS NULL");
    let rows: Vec<(i64,)> = statement.fetch_all(db).await?;
    Ok(rows.into_iter().map(|(seconds,)| seconds).collect())
}

/// Selects agents with one heartbeat interval that are not marked offline although their last heartbeat was before
/// `cutoff`.
#[derive(Clone, Copy, Debug)]
pub struct SilentAgents {
    /// The heartbeat interval that the agents have acknowledged, in seconds.
    pub interval: i64,
    /// The instant before which the agents have sent their last heartbeat.
    pub cutoff: DateTime<Utc>,
}

impl SilentAgents {
    fn among(self, statement: Sql) -> Sql {
        statement
            .push_bind(" WHERE revoked_at IS NULL AND status <> 'offline' AND heartbeat_interval = ", self.interval)
            .push_bind(" AND last_heartbeat < ", self.cutoff)
    }
}

/// Reads the ids of silent agents, in ascending order and greater than `after`; at most `limit`.
pub async fn silent(db: &Db, silent: SilentAgents, after: Option<AgentId>, limit: i64) -> Result<Vec<AgentId>> {
    let mut statement = silent.among(sql("SELECT id FROM agents"));
    if let Some(after) = after {
        statement = statement.push_bind(" AND id > ", after);
    }
    let rows: Vec<(AgentId,)> = statement.push_bind(" ORDER BY id LIMIT ", limit).fetch_all(db).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Marks the agents among `ids` that are still silent as offline, and returns their changed rows. Skips agents whose
/// heartbeats are being written at the same time. Accepts at most 500 ids.
pub async fn mark_offline(
    tx: &mut Tx,
    ids: &[AgentId],
    silent: SilentAgents,
    now: DateTime<Utc>,
) -> Result<Vec<AgentRow>> {
    let statement =
        silent.among(AgentRow::TABLE.select()).push(" AND id IN ").push_tuple(ids.iter().map(|id| (*id).into()));
    let statement = statement.push(" ORDER BY id").lock_free_rows(tx, "agents");
    let mut rows: Vec<AgentRow> = statement.fetch_all(&mut *tx).await?;
    if rows.is_empty() {
        return Ok(rows);
    }
    sql("UPDATE agents SET status = 'offline', status_reason = NULL, status_since = $1, offline_since = $1, \
         revision = revision + 1 WHERE id IN ")
    .bind(now)
    .push_tuple(rows.iter().map(|row| row.id.into()))
    .execute(tx)
    .await?;
    for row in &mut rows {
        (row.status, row.status_reason) = (EnumText(AgentStatus::Offline), None);
        (row.status_since, row.offline_since) = (Some(now), Some(now));
        row.revision += 1;
    }
    Ok(rows)
}

/// Revokes an agent. From then on, no function of this module but [`states`] returns it. Its transfers remain. Returns
/// false if the agent does not exist or is already revoked.
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

/// Stores the heartbeat interval that an agent has acknowledged.
pub async fn set_heartbeat_interval(tx: &mut Tx, id: AgentId, seconds: i64) -> Result<()> {
    sql("UPDATE agents SET heartbeat_interval = $1 WHERE id = $2").bind(seconds).bind(id).execute(tx).await?;
    Ok(())
}

/// Counts the agents that are not revoked by status.
pub async fn count_by_status(db: &Db) -> Result<Vec<(String, i64)>> {
    sql("SELECT status, COUNT(*) FROM agents WHERE revoked_at IS NULL GROUP BY status ORDER BY status")
        .fetch_all(db)
        .await
}

/// Counts the agents of each customer that are not offline. The result has no entry for a customer without such agents.
pub async fn online_by_customer(db: &Db) -> Result<Vec<(CustomerId, i64)>> {
    sql("SELECT customer_id, COUNT(*) FROM agents WHERE revoked_at IS NULL AND status <> 'offline' \
         GROUP BY customer_id ORDER BY customer_id")
    .fetch_all(db)
    .await
}
