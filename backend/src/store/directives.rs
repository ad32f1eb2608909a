//! Directives, stored until their agents acknowledge them or they expire.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sea_query::Value;

use super::db::{Conn, Db, JsonColumn, MOST_VALUES, Tx, json, row, sql, table::Table};
use crate::{
    error::{Error, Result},
    ids::{AgentId, DirectiveId, JobId, RunId, TransferId},
    model::directive::{Directive, DirectiveAction},
};

row! {
    struct DirectiveRow {
        id: DirectiveId,
        action: JsonColumn<serde_json::Value>,
        created_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    }
}

impl DirectiveRow {
    /// Reads the action of the directive. Returns `None` if only a newer version of the server knows its type; a server
    /// of that version handles it.
    fn read(self) -> Option<Directive> {
        let Self { id, action, created_at, expires_at } = self;
        match serde_json::from_value(action.0) {
            Ok(action) => Some(Directive { id, created_at: created_at.into(), expires_at: expires_at.into(), action }),
            Err(error) => {
                tracing::warn!(directive = %id, %error, "a directive cannot be read: it is left unchanged");
                None
            }
        }
    }
}

const TABLE: Table =
    Table { name: "directives", selected: &["id", "wish AS action", "created_at", "expires_at"], from: "directives" };

/// Stores a new directive.
pub async fn insert(tx: &mut Tx, agent: AgentId, directive: &Directive) -> Result<()> {
    insert_all(tx, std::slice::from_ref(&(agent, directive.clone()))).await
}

/// Stores new directives, each with the agent that receives it.
pub async fn insert_all(tx: &mut Tx, directives: &[(AgentId, Directive)]) -> Result<()> {
    for directives in directives.chunks(MOST_VALUES) {
        let rows = directives.iter().map(|(agent, directive)| columns(*agent, directive));
        TABLE.insert_all(rows.collect::<Result<Vec<_>>>()?).execute(tx).await?;
    }
    Ok(())
}

/// The columns of a new directive. The ids of the objects that the directive is about have columns of their own.
fn columns(agent: AgentId, directive: &Directive) -> Result<[(&'static str, Value); 11]> {
    let action = &directive.action;
    let (run, step) = action.step().unzip();
    Ok([
        ("id", directive.id.into()),
        ("agent_id", agent.into()),
        ("type", action.name().into()),
        ("wish", json(action)?),
        ("transfer_id", action.transfer().into()),
        ("job_id", action.job().into()),
        ("job_run_id", action.job_run().into()),
        ("pipeline_run_id", run.into()),
        ("step_id", step.cloned().into()),
        ("created_at", directive.created_at.0.into()),
        ("expires_at", directive.expires_at.0.into()),
    ])
}

/// Reads the open directives of an agent, oldest first: at most 100. If there are more, directives to stop something
/// are omitted first, so that an agent that ignores those still receives the others.
pub async fn open(conn: impl Into<Conn<'_>>, agent: AgentId, now: DateTime<Utc>) -> Result<Vec<Directive>> {
    let mut rows: Vec<DirectiveRow> = TABLE
        .select()
        .push_bind(" WHERE acknowledged_at IS NULL AND agent_id = ", agent)
        .push_bind(" AND expires_at > ", now)
        .push(" ORDER BY CASE WHEN type IN ")
        .push_tuple(DirectiveAction::STOPS.map(Into::into))
        .push(" THEN 1 ELSE 0 END, id LIMIT 100")
        .fetch_all(conn)
        .await?;
    rows.sort_unstable_by_key(|row| row.id);
    Ok(rows.into_iter().filter_map(DirectiveRow::read).collect())
}

/// Reads a directive of an agent, acknowledged or not; `None` if the agent has no directive with this id.
///
/// # Errors
///
/// [`Error::Unavailable`] for a directive of a type that only a newer version of the server knows.
pub async fn find(conn: impl Into<Conn<'_>>, agent: AgentId, id: DirectiveId) -> Result<Option<Directive>> {
    let Some(row) = find_row(conn, agent, id).await? else { return Ok(None) };
    match row.read() {
        Some(directive) => Ok(Some(directive)),
        None => Err(Error::Unavailable(
            "this directive was written by a newer version of the server: try again in a moment",
        )),
    }
}

async fn find_row(conn: impl Into<Conn<'_>>, agent: AgentId, id: DirectiveId) -> Result<Option<DirectiveRow>> {
    let statement = TABLE.select().push_bind(" WHERE id = ", id).push_bind(" AND agent_id = ", agent);
    statement.fetch_optional(conn).await
}

/// Whether a directive exists and was not acknowledged; it may have expired.
pub async fn is_open(conn: impl Into<Conn<'_>>, id: DirectiveId) -> Result<bool> {
    let statement = sql("SELECT id FROM directives WHERE acknowledged_at IS NULL AND id = $1").bind(id);
    let row: Option<(DirectiveId,)> = statement.fetch_optional(conn).await?;
    Ok(row.is_some())
}

/// Whether an agent has an open directive of the type `name`.
pub async fn has_open(tx: &mut Tx, agent: AgentId, name: &'static str, now: DateTime<Utc>) -> Result<bool> {
    let statement = sql("SELECT id FROM directives \
         WHERE acknowledged_at IS NULL AND agent_id = $1 AND type = $2 AND expires_at > $3 LIMIT 1");
    let row: Option<(DirectiveId,)> = statement.bind(agent).bind(name).bind(now).fetch_optional(tx).await?;
    Ok(row.is_some())
}

/// Marks every open directive of an agent of the type `name` as acknowledged.
pub async fn acknowledge_all(tx: &mut Tx, agent: AgentId, name: &'static str, now: DateTime<Utc>) -> Result<()> {
    sql("UPDATE directives SET acknowledged_at = $1 WHERE agent_id = $2 AND acknowledged_at IS NULL AND type = $3")
        .bind(now)
        .bind(agent)
        .bind(name)
        .execute(tx)
        .await?;
    Ok(())
}

/// Marks every open directive to replace the agent's API key as acknowledged that was sent before the key with this
/// digest was created. Returns whether there was such a directive.
pub async fn settle_key_rotation(tx: &mut Tx, agent: AgentId, digest: &[u8], now: DateTime<Utc>) -> Result<bool> {
    let statement = sql("UPDATE directives SET acknowledged_at = $1 \
         WHERE agent_id = $2 AND acknowledged_at IS NULL AND type = $3 \
         AND created_at <= (SELECT k.created_at FROM agent_keys k WHERE k.digest = $4)");
    let statement = statement.bind(now).bind(agent).bind(DirectiveAction::RotateKey {}.name()).bind(digest.to_vec());
    Ok(statement.execute(tx).await? > 0)
}

/// Marks every directive about a transfer of the agent as acknowledged, because the agent has acted or there is nothing
/// left to do.
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

/// Returns the jobs among `jobs` that have an open `startJob` directive.
pub async fn jobs_about_to_start(tx: &mut Tx, jobs: &[JobId], now: DateTime<Utc>) -> Result<HashSet<JobId>> {
    let mut found = HashSet::new();
    for jobs in jobs.chunks(MOST_VALUES) {
        let rows: Vec<(JobId,)> =
            sql("SELECT DISTINCT job_id FROM directives WHERE acknowledged_at IS NULL AND job_id IN ")
                .push_tuple(jobs.iter().map(|job| (*job).into()))
                .push_bind(" AND expires_at > ", now)
                .fetch_all(&mut *tx)
                .await?;
        found.extend(rows.into_iter().map(|(job,)| job));
    }
    Ok(found)
}

/// Reads the `startJob` directives of a job that were not acknowledged, oldest first; they may have expired.
pub async fn starts(tx: &mut Tx, job: JobId) -> Result<Vec<Directive>> {
    let statement = TABLE.select().push_bind(" WHERE acknowledged_at IS NULL AND job_id = ", job).push(" ORDER BY id");
    let rows: Vec<DirectiveRow> = statement.fetch_all(tx).await?;
    Ok(rows.into_iter().filter_map(DirectiveRow::read).collect())
}

/// Reads the ids of start directives that expired without being acknowledged, in ascending order and greater than
/// `after`; at most `limit`.
pub async fn lapsed_starts(
    db: &Db,
    now: DateTime<Utc>,
    after: Option<DirectiveId>,
    limit: i64,
) -> Result<Vec<DirectiveId>> {
    let mut statement = sql("SELECT id FROM directives")
        .push_bind(" WHERE acknowledged_at IS NULL AND job_id IS NOT NULL AND expires_at <= ", now);
    if let Some(after) = after {
        statement = statement.push_bind(" AND id > ", after);
    }
    let rows: Vec<(DirectiveId,)> = statement.push_bind(" ORDER BY id LIMIT ", limit).fetch_all(db).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Reads a directive and the agent that receives it. Returns `None` if it does not exist, or if only a newer version of
/// the server knows its type.
pub async fn by_id(db: &Db, id: DirectiveId) -> Result<Option<(AgentId, Directive)>> {
    let statement = sql("SELECT agent_id FROM directives WHERE id = $1").bind(id);
    let Some((agent,)) = statement.fetch_optional::<(AgentId,)>(db).await? else { return Ok(None) };
    // A directive that only a newer version can read is handled by the servers of that version.
    let row = find_row(db, agent, id).await?;
    Ok(row.and_then(DirectiveRow::read).map(|directive| (agent, directive)))
}

/// Marks a directive as acknowledged. Returns false if it already was.
pub async fn claim(tx: &mut Tx, id: DirectiveId, now: DateTime<Utc>) -> Result<bool> {
    let statement = sql("UPDATE directives SET acknowledged_at = $1 WHERE id = $2 AND acknowledged_at IS NULL");
    Ok(statement.bind(now).bind(id).execute(tx).await? == 1)
}

/// Replaces the action of a directive, unless the directive was acknowledged.
pub async fn update_action(tx: &mut Tx, id: DirectiveId, action: &DirectiveAction) -> Result<()> {
    sql("UPDATE directives SET wish = $1 WHERE id = $2 AND acknowledged_at IS NULL")
        .bind(json(action)?)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// Marks every directive about a job run as acknowledged.
pub async fn settle_job_run(tx: &mut Tx, run: RunId, now: DateTime<Utc>) -> Result<()> {
    sql("UPDATE directives SET acknowledged_at = $1 WHERE acknowledged_at IS NULL AND job_run_id = $2")
        .bind(now)
        .bind(run)
        .execute(tx)
        .await?;
    Ok(())
}

/// Returns whether a directive about a run is still open, and whether one has expired without being acknowledged.
pub async fn about_job_run(conn: impl Into<Conn<'_>>, run: RunId, now: DateTime<Utc>) -> Result<(bool, bool)> {
    let statement =
        sql("SELECT expires_at FROM directives WHERE acknowledged_at IS NULL AND job_run_id = $1").bind(run);
    let rows: Vec<(DateTime<Utc>,)> = statement.fetch_all(conn).await?;
    Ok((rows.iter().any(|(expires_at,)| *expires_at > now), rows.iter().any(|(expires_at,)| *expires_at <= now)))
}

/// Marks every directive about a step as acknowledged or, with `name`, only those of this type.
pub async fn settle_step(
    tx: &mut Tx,
    run: RunId,
    step: &str,
    name: Option<&'static str>,
    now: DateTime<Utc>,
) -> Result<()> {
    let mut statement = sql("UPDATE directives SET acknowledged_at = $1 \
         WHERE acknowledged_at IS NULL AND pipeline_run_id = $2 AND step_id = $3")
    .bind(now)
    .bind(run)
    .bind(step.to_owned());
    if let Some(name) = name {
        statement = statement.push_bind(" AND type = ", name);
    }
    statement.execute(tx).await?;
    Ok(())
}

/// Reads the ids of the steps of a run whose agents have not acknowledged a directive to stop the step.
pub async fn stopping_steps(conn: impl Into<Conn<'_>>, run: RunId) -> Result<Vec<String>> {
    let statement = sql("SELECT DISTINCT step_id FROM directives \
         WHERE acknowledged_at IS NULL AND pipeline_run_id = $1 AND type = $2");
    let rows: Vec<(String,)> = statement.bind(run).bind(DirectiveAction::CANCEL_STEP).fetch_all(conn).await?;
    Ok(rows.into_iter().map(|(step,)| step).collect())
}
