//! The batch statements in SQLite's dialect. Rows travel as bound values of one statement; its text is made once for each
//! power of two, and rows that are missing to the next one have no id and match nothing.

use std::{collections::HashMap, sync::Arc};

use sqlx::{AssertSqlSafe, FromRow, Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments};

use super::{Loaded, figures::Guarded};
use crate::{
    error::Result,
    ids::{AgentId, TransferId},
    store::{
        agents::{self, AgentRow},
        transfers::{self, TransferRow},
    },
};

/// The texts made so far.
#[derive(Debug, Default)]
pub(super) struct Texts(HashMap<(Kind, usize), Arc<str>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    LoadAgents,
    LoadTransfers,
    SaveAgents,
    SaveFigures,
    SaveWhole,
}

/// The columns after the id, in the order in which they are bound.
const AGENT: &[&str] = &["status", "last_heartbeat", "offline_since", "ip_address", "load", "memory", "revision"];
const FIGURES: &[&str] = &[
    "progress",
    "bytes_total",
    "bytes_transferred",
    "speed",
    "error_message",
    "checksum_sha256",
    "revision",
    "progressed_at",
    "throughput_mbps",
    "latency_ms",
    "packet_loss_percent",
];
const LIFECYCLE: &[&str] =
    &["status", "started_at", "completed_at", "attempt", "stalled", "cancel_requested_at", "failed_by_lease"];

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
        line: &mut SqliteConnection,
        ids: &[TransferId],
    ) -> Result<Vec<TransferRow>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut statement = self.statement(Kind::LoadTransfers, ids.len());
        for index in 0..padded(ids.len()) {
            statement = statement.bind(ids.get(index).copied());
        }
        let rows = statement.fetch_all(line).await?;
        Ok(rows.iter().map(TransferRow::from_row).collect::<sqlx::Result<_>>()?)
    }

    pub(super) async fn save_agents(&mut self, tx: &mut SqliteConnection, rows: &[&AgentRow]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut statement = self.statement(Kind::SaveAgents, rows.len());
        for row in rows {
            statement = statement
                .bind(row.id)
                .bind(row.status.0.to_string())
                .bind(row.last_heartbeat)
                .bind(row.offline_since)
                .bind(row.ip_address.clone())
                .bind(row.load)
                .bind(row.memory)
                .bind(row.revision);
        }
        self.execute(tx, statement, rows.len(), AGENT.len() + 1).await
    }

    /// Writes the figures of the rows. A row without the revision it was seen with violates `NOT NULL`: then nothing is
    /// written.
    pub(super) async fn save_figures(&mut self, line: &mut SqliteConnection, rows: &[Guarded<'_>]) -> sqlx::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut statement = self.statement(Kind::SaveFigures, rows.len());
        for guarded in rows {
            statement = bind_figures(statement, guarded.row).bind(guarded.seen);
        }
        let missing = (padded(rows.len()) - rows.len()) * (FIGURES.len() + 2);
        for _ in 0..missing {
            statement = statement.bind(None::<i64>);
        }
        statement.execute(line).await?;
        Ok(())
    }

    pub(super) async fn save_whole(&mut self, tx: &mut SqliteConnection, rows: &[&Loaded]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut statement = self.statement(Kind::SaveWhole, rows.len());
        for loaded in rows {
            let state = &loaded.row.state;
            statement = bind_figures(statement, &loaded.row)
                .bind(state.status.to_string())
                .bind(state.started_at)
                .bind(state.completed_at)
                .bind(state.attempt)
                .bind(state.stalled)
                .bind(state.cancel_requested_at)
                .bind(state.failed_by_lease);
        }
        self.execute(tx, statement, rows.len(), FIGURES.len() + LIFECYCLE.len() + 1).await
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

fn bind_figures(statement: Statement, row: &TransferRow) -> Statement {
    let state = &row.state;
    let figures = &state.progress;
    statement
        .bind(row.id)
        .bind(figures.percent)
        .bind(figures.bytes_total)
        .bind(figures.bytes_transferred)
        .bind(figures.speed)
        .bind(state.error_message.clone())
        .bind(state.checksum_sha256.clone())
        .bind(state.revision)
        .bind(state.progressed_at)
        .bind(figures.network.throughput_mbps)
        .bind(figures.network.latency_ms)
        .bind(figures.network.packet_loss_percent)
}

const fn padded(rows: usize) -> usize {
    rows.next_power_of_two()
}

impl Kind {
    fn text(self, size: usize) -> String {
        match self {
            Self::LoadAgents => format!("{} WHERE revoked_at IS NULL AND id IN {}", agents::COLUMNS, tuple(size)),
            Self::LoadTransfers => format!("{} WHERE t.id IN {}", transfers::COLUMNS, tuple(size)),
            Self::SaveAgents => update("agents", &[AGENT], None, size),
            Self::SaveFigures => update("transfers", &[FIGURES], Some("revision"), size),
            Self::SaveWhole => update("transfers", &[FIGURES, LIFECYCLE], None, size),
        }
    }
}

/// `(?, ?, …)`.
fn tuple(size: usize) -> String {
    format!("({})", vec!["?"; size].join(", "))
}

/// `UPDATE … FROM (VALUES …)` whose first column is the id and whose last, if there is a guard, what the guarded column
/// must still hold; otherwise it is set to nothing. A single row needs no join.
fn update(table: &str, columns: &[&[&str]], guard: Option<&str>, size: usize) -> String {
    let columns = columns.concat();
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
