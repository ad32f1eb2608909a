//! The batch statements in PostgreSQL's dialect: each column of the batch is one bound array. Rows are locked in the order of
//! their ids, so that batches of several servers cannot deadlock. `FOR NO KEY UPDATE` does not conflict with the locks of
//! foreign keys, which other transactions take in another order.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, FromRow, PgConnection, Postgres, postgres::PgArguments, query::Query};
use uuid::Uuid;

use super::{
    Dirty, Loaded,
    batch::{Guarded, guarded},
};
use crate::{
    error::Result,
    ids::{AgentId, TransferId},
    store::{
        agents::AgentRow,
        db::table::{Column, Getter, Table},
        transfers::TransferRow,
    },
};

/// The texts of the statements.
#[derive(Debug)]
pub(super) struct Texts {
    load_agents: Arc<str>,
    load_transfers: Arc<str>,
    read_transfers: Arc<str>,
    save_agents: Arc<str>,
    save_progress: Arc<str>,
    save_network: Arc<str>,
    save_details: Arc<str>,
    save_lifecycle: Arc<str>,
}

impl Default for Texts {
    fn default() -> Self {
        let agents = AgentRow::TABLE.select_text();
        let transfers = TransferRow::TABLE.select_text();
        let save = |dirty: Dirty| -> Arc<str> { update(&TransferRow::TABLE, dirty.columns(), Some("revision")).into() };
        Self {
            load_agents: format!("{agents} WHERE revoked_at IS NULL AND id = ANY($1) ORDER BY id FOR NO KEY UPDATE")
                .into(),
            load_transfers: format!("{transfers} WHERE t.id = ANY($1) ORDER BY t.id FOR NO KEY UPDATE OF t").into(),
            read_transfers: format!("{transfers} WHERE t.id = ANY($1)").into(),
            save_agents: update(&AgentRow::TABLE, &[AgentRow::HEARTBEAT], None).into(),
            save_progress: save(Dirty::Progress),
            save_network: save(Dirty::Network),
            save_details: save(Dirty::Details),
            save_lifecycle: update(&TransferRow::TABLE, &[TransferRow::LIFECYCLE], None).into(),
        }
    }
}

type Statement = Query<'static, Postgres, PgArguments>;

impl Texts {
    pub(super) async fn load_agents(&self, tx: &mut PgConnection, ids: &[AgentId]) -> Result<Vec<AgentRow>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let rows = statement(&self.load_agents).bind(ids).fetch_all(&mut *tx).await?;
        Ok(rows.iter().map(AgentRow::from_row).collect::<sqlx::Result<_>>()?)
    }

    pub(super) async fn load_transfers(
        &self,
        connection: &mut PgConnection,
        ids: &[TransferId],
    ) -> Result<Vec<TransferRow>> {
        fetch_transfers(&self.load_transfers, connection, ids).await
    }

    /// Reads the rows without locking them, because a lock outside of a transaction is a commit, which waits for the
    /// disk.
    pub(super) async fn read_transfers(
        &self,
        connection: &mut PgConnection,
        ids: &[TransferId],
    ) -> Result<Vec<TransferRow>> {
        fetch_transfers(&self.read_transfers, connection, ids).await
    }

    pub(super) async fn save_agents(&self, tx: &mut PgConnection, rows: &[&AgentRow]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let statement = statement(&self.save_agents).bind(array(rows, |row| row.id.0));
        bind(statement, AgentRow::HEARTBEAT, rows, |row| row).execute(&mut *tx).await?;
        Ok(())
    }

    /// Writes the progress columns of the rows and, if one row needs more columns, these columns of all rows. If the
    /// stored revision of a row is not `seen`, the statement violates `NOT NULL` and nothing is written.
    pub(super) async fn save_progress(&self, connection: &mut PgConnection, rows: &[Guarded<'_>]) -> sqlx::Result<()> {
        let Some(dirty) = rows.iter().map(|guarded| guarded.dirty).max() else { return Ok(()) };
        let text = match dirty {
            Dirty::Progress => &self.save_progress,
            Dirty::Network => &self.save_network,
            Dirty::Details | Dirty::Whole => &self.save_details,
        };
        let mut statement = statement(text).bind(array(rows, |guarded| guarded.row.id.0));
        for columns in dirty.min(Dirty::Details).columns() {
            statement = bind(statement, columns, rows, |guarded| guarded.row);
        }
        statement.bind(array(rows, |guarded| guarded.seen)).execute(connection).await?;
        Ok(())
    }

    /// Writes all columns of transfers whose status changed: progress and details with the statement for them, and then
    /// the rest. The statement for progress stays small this way, and changes of status are rare.
    pub(super) async fn save_whole(&self, tx: &mut PgConnection, rows: &[&Loaded]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        self.save_progress(tx, &guarded(rows)).await?;
        let statement = statement(&self.save_lifecycle).bind(array(rows, |loaded| loaded.row.id.0));
        bind(statement, TransferRow::LIFECYCLE, rows, |loaded| &loaded.row).execute(&mut *tx).await?;
        Ok(())
    }
}

async fn fetch_transfers(
    text: &Arc<str>,
    connection: &mut PgConnection,
    ids: &[TransferId],
) -> Result<Vec<TransferRow>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = statement(text).bind(ids).fetch_all(connection).await?;
    Ok(rows.iter().map(TransferRow::from_row).collect::<sqlx::Result<_>>()?)
}

fn statement(text: &Arc<str>) -> Statement {
    sqlx::query(AssertSqlSafe(Arc::clone(text)))
}

/// One value of each row.
fn array<T, V>(rows: &[T], value: impl Fn(&T) -> V) -> Vec<V> {
    rows.iter().map(value).collect()
}

/// Binds an array for each of these columns.
fn bind<R, T>(statement: Statement, columns: &[Column<R>], rows: &[T], row: impl Fn(&T) -> &R) -> Statement {
    columns.iter().fold(statement, |statement, column| match column.getter {
        Getter::Uuid(get) => statement.bind(array(rows, |item| get(row(item)))),
        Getter::Text(get) => statement.bind(array(rows, |item| get(row(item)))),
        Getter::Bytes(get) => statement.bind(array(rows, |item| get(row(item)))),
        Getter::Integer(get) => statement.bind(array(rows, |item| get(row(item)))),
        Getter::Float(get) => statement.bind(array(rows, |item| get(row(item)))),
        Getter::Boolean(get) => statement.bind(array(rows, |item| get(row(item)))),
        Getter::Instant(get) => statement.bind(array(rows, |item| get(row(item)))),
    })
}

/// Builds the statement `UPDATE … FROM UNNEST(…)` with one array for the ids and one for each column. With a guard, the
/// last array contains the values that the guarded column must have; in a row where it has another value, it is set to
/// NULL.
fn update<R>(table: &Table, columns: &[&[Column<R>]], guard: Option<&str>) -> String {
    let table = table.name;
    let columns = || columns.iter().copied().flatten();
    let set = |column: &Column<R>| {
        let name = column.name;
        if guard == Some(name) {
            format!("{name} = CASE WHEN {table}.{name} = v.seen THEN v.{name} END")
        } else {
            format!("{name} = v.{name}")
        }
    };
    let sets: Vec<String> = columns().map(set).collect();
    let mut names = vec!["id"];
    let mut types = vec!["uuid"];
    for column in columns() {
        names.push(column.name);
        types.push(type_of(column));
    }
    if guard.is_some() {
        names.push("seen");
        types.push("bigint");
    }
    let arrays: Vec<String> = types.iter().zip(1..).map(|(name, number)| format!("${number}::{name}[]")).collect();
    let (sets, arrays, names) = (sets.join(", "), arrays.join(", "), names.join(", "));
    format!("UPDATE {table} SET {sets} FROM UNNEST({arrays}) AS v ({names}) WHERE {table}.id = v.id")
}

const fn type_of<R>(column: &Column<R>) -> &'static str {
    match column.getter {
        Getter::Uuid(_) => "uuid",
        Getter::Text(_) => "text",
        Getter::Bytes(_) => "bytea",
        Getter::Integer(_) => "bigint",
        Getter::Float(_) => "float8",
        Getter::Boolean(_) => "boolean",
        Getter::Instant(_) => "timestamptz",
    }
}
