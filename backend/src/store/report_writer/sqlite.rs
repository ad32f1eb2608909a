//! The batch statements in SQLite's dialect. One statement binds the values of all rows. Its text is built for numbers
//! of rows that are powers of two, and cached; missing rows are bound with the id NULL, which matches nothing.

use std::{collections::HashMap, sync::Arc};

use sqlx::{AssertSqlSafe, FromRow, Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments};

use super::{Dirty, Loaded, batch::Guarded};
use crate::{
    error::Result,
    ids::{AgentId, TransferId},
    store::{
        agents::AgentRow,
        db::table::{Column, Getter, Table},
        transfers::TransferRow,
    },
};

/// The texts built so far, by statement and number of rows.
#[derive(Debug, Default)]
pub(super) struct Texts(HashMap<(Kind, usize), Arc<str>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    LoadAgents,
    LoadTransfers,
    SaveAgents,
    SaveTransfers(Dirty),
}

type Statement = Query<'static, Sqlite, SqliteArguments>;

impl Texts {
    pub(super) async fn load_agents(&mut self, tx: &mut SqliteConnection, ids: &[AgentId]) -> Result<Vec<AgentRow>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut statement = self.statement(Kind::LoadAgents, ids.len());
        for index in 0..padded(ids.len()) {
            statement = statement.bind(ids.get(index).copied());
        }
        let rows = statement.fetch_all(&mut *tx).await?;
        Ok(rows.iter().map(AgentRow::from_row).collect::<sqlx::Result<_>>()?)
    }

    pub(super) async fn load_transfers(
        &mut self,
        connection: &mut SqliteConnection,
        ids: &[TransferId],
    ) -> Result<Vec<TransferRow>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut statement = self.statement(Kind::LoadTransfers, ids.len());
        for index in 0..padded(ids.len()) {
            statement = statement.bind(ids.get(index).copied());
        }
        let rows = statement.fetch_all(connection).await?;
        Ok(rows.iter().map(TransferRow::from_row).collect::<sqlx::Result<_>>()?)
    }

    pub(super) async fn save_agents(&mut self, tx: &mut SqliteConnection, rows: &[&AgentRow]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut statement = self.statement(Kind::SaveAgents, rows.len());
        for row in rows {
            statement = bind(statement.bind(row.id), AgentRow::HEARTBEAT, row);
        }
        self.execute(tx, statement, rows.len(), AgentRow::HEARTBEAT.len() + 1).await
    }

    /// Writes the progress columns of the rows and, if one row needs more columns, these columns of all rows. If the
    /// stored revision of a row is not `seen`, the statement violates `NOT NULL` and nothing is written.
    pub(super) async fn save_progress(
        &mut self,
        connection: &mut SqliteConnection,
        rows: &[Guarded<'_>],
    ) -> sqlx::Result<()> {
        let Some(dirty) = rows.iter().map(|guarded| guarded.dirty).max() else { return Ok(()) };
        let mut statement = self.statement(Kind::SaveTransfers(dirty), rows.len());
        for guarded in rows {
            statement = bind_all(statement.bind(guarded.row.id), dirty.columns(), guarded.row).bind(guarded.seen);
        }
        let missing = (padded(rows.len()) - rows.len()) * (count(dirty.columns()) + 2);
        for _ in 0..missing {
            statement = statement.bind(None::<i64>);
        }
        statement.execute(connection).await?;
        Ok(())
    }

    pub(super) async fn save_whole(&mut self, tx: &mut SqliteConnection, rows: &[&Loaded]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let columns = Dirty::Whole.columns();
        let mut statement = self.statement(Kind::SaveTransfers(Dirty::Whole), rows.len());
        for loaded in rows {
            statement = bind_all(statement.bind(loaded.row.id), columns, &loaded.row);
        }
        self.execute(tx, statement, rows.len(), count(columns) + 1).await
    }

    async fn execute(
        &self,
        tx: &mut SqliteConnection,
        mut statement: Statement,
        rows: usize,
        columns: usize,
    ) -> Result<()> {
        for _ in rows * columns..padded(rows) * columns {
            statement = statement.bind(None::<i64>);
        }
        statement.execute(&mut *tx).await?;
        Ok(())
    }

    fn statement(&mut self, kind: Kind, rows: usize) -> Statement {
        let size = padded(rows);
        let text = self.0.entry((kind, size)).or_insert_with(|| kind.text(size).into());
        sqlx::query(AssertSqlSafe(Arc::clone(text)))
    }
}

/// Binds the values of a row in these columns.
fn bind<R>(statement: Statement, columns: &[Column<R>], row: &R) -> Statement {
    columns.iter().fold(statement, |statement, column| match column.getter {
        Getter::Uuid(get) => statement.bind(get(row)),
        Getter::Text(get) => statement.bind(get(row)),
        Getter::Bytes(get) => statement.bind(get(row)),
        Getter::Integer(get) => statement.bind(get(row)),
        Getter::Float(get) => statement.bind(get(row)),
        Getter::Boolean(get) => statement.bind(get(row)),
        Getter::Instant(get) => statement.bind(get(row)),
    })
}

/// Binds the values of a row in these groups of columns.
fn bind_all<R>(statement: Statement, columns: &[&[Column<R>]], row: &R) -> Statement {
    columns.iter().fold(statement, |statement, columns| bind(statement, columns, row))
}

/// The number of columns in these groups.
fn count<R>(columns: &[&[Column<R>]]) -> usize {
    columns.iter().map(|columns| columns.len()).sum()
}

const fn padded(rows: usize) -> usize {
    rows.next_power_of_two()
}

impl Kind {
    fn text(self, size: usize) -> String {
        match self {
            Self::LoadAgents => {
                format!("{} WHERE revoked_at IS NULL AND id IN {}", AgentRow::TABLE.select_text(), tuple(size))
            }
            Self::LoadTransfers => format!("{} WHERE t.id IN {}", TransferRow::TABLE.select_text(), tuple(size)),
            Self::SaveAgents => update(&AgentRow::TABLE, &[AgentRow::HEARTBEAT], None, size),
            Self::SaveTransfers(dirty) => {
                let guard = (dirty < Dirty::Whole).then_some("revision");
                update(&TransferRow::TABLE, dirty.columns(), guard, size)
            }
        }
    }
}

/// Writes `(?, ?, …)`.
fn tuple(size: usize) -> String {
    format!("({})", vec!["?"; size].join(", "))
}

/// Builds the statement `UPDATE … FROM (VALUES …)`. The first value of each row is the id. With a guard, the last value
/// is the one that the guarded column must have; if it has another value, it is set to NULL. A single row needs no
/// join.
fn update<R>(table: &Table, columns: &[&[Column<R>]], guard: Option<&str>, size: usize) -> String {
    let table = table.name;
    let columns: Vec<&str> = columns.iter().copied().flatten().map(|column| column.name).collect();
    let bound = columns.len() + 1 + usize::from(guard.is_some());
    let value = |number: usize| if size == 1 { format!("?{number}") } else { format!("v.column{number}") };
    let set = |(index, column): (usize, &&str)| {
        let new = value(index + 2);
        if guard == Some(*column) {
            format!("{column} = CASE WHEN {table}.{column} = {} THEN {new} END", value(bound))
        } else {
            format!("{column} = {new}")
        }
    };
    let sets: Vec<String> = columns.iter().enumerate().map(set).collect();
    let sets = sets.join(", ");
    if size == 1 {
        return format!("UPDATE {table} SET {sets} WHERE id = ?1");
    }
    let values = vec![tuple(bound); size].join(", ");
    format!("UPDATE {table} SET {sets} FROM (VALUES {values}) AS v WHERE {table}.id = v.column1")
}
