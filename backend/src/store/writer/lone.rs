//! A report that came alone: with nobody to share a transaction with, one read and one guarded update are enough.

use sqlx::{AssertSqlSafe, FromRow, Postgres, Sqlite, pool::PoolConnection};

use super::{Committed, Op, WriterTask, batch};
use crate::{
    error::{Error, Result},
    ids::{AgentId, TransferId},
    model::{
        event::{Event, Kind},
        transfer::{Advance, Transfer, UpdateTransfer},
    },
    store::{
        db::Db,
        transfers::{COLUMNS, TransferRow},
    },
};

const FIGURES: &str = "UPDATE transfers SET progress = $1, bytes_total = $2, bytes_transferred = $3, speed = $4, \
    error_message = $5, checksum_sha256 = $6, revision = $7, progressed_at = $8, throughput_mbps = $9, latency_ms = $10, \
    packet_loss_percent = $11 WHERE id = $12 AND revision = $13";

enum Line {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

impl WriterTask {
    /// Carries out a lone report of figures; gives back whatever needs a transaction.
    pub(super) async fn lone(&self, op: Op) -> Option<Op> {
        let Op::Transfer { agent, id, patch, now, reply } = op else { return Some(op) };
        match self.figures(agent, id, &patch, now).await {
            Ok(Some((transfer, event))) => {
                if let Some(event) = event {
                    (self.after_commit)(Committed { events: vec![event], directives: Vec::new() });
                }
                // Whoever is gone by now is not waiting for an answer.
                drop(reply.send(Ok(transfer)));
                None
            }
            // The batch says the same of a refusal, and repeats what a broken connection spoiled.
            Ok(None) | Err(_) => Some(Op::Transfer { agent, id, patch, now, reply }),
        }
    }

    async fn figures(
        &self,
        agent: AgentId,
        id: TransferId,
        patch: &UpdateTransfer,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<Option<(Transfer, Option<Event>)>> {
        let mut line = match &self.db {
            Db::Sqlite { writer, .. } => Line::Sqlite(writer.acquire().await?),
            Db::Postgres { hot, .. } => Line::Postgres(hot.acquire().await?),
        };
        let Some(mut row) = line.find(id).await?.filter(|row| row.agent_id == agent) else { return Ok(None) };
        let seen = row.state.revision;
        match row.state.advance(patch, now) {
            Ok(Advance::Progressed) => {}
            Ok(Advance::Unchanged) => return Ok(Some((row.view(), None))),
            Ok(Advance::Lifecycle) | Err(_) => return Ok(None),
        }
        if !line.save(&row, seen).await? {
            return Ok(None);
        }
        let view = row.view();
        let event = Event::new(batch::change(Kind::TransferProgressed, agent, &view, now), None);
        Ok(Some((view, Some(event))))
    }
}

impl Line {
    async fn find(&mut self, id: TransferId) -> Result<Option<TransferRow>> {
        // The same text as everywhere else, so that it is prepared once.
        let text = AssertSqlSafe(const_format_find());
        Ok(match self {
            Self::Sqlite(connection) => {
                let row = sqlx::query(text).bind(id).fetch_optional(&mut **connection).await?;
                row.as_ref().map(TransferRow::from_row).transpose()?
            }
            Self::Postgres(connection) => {
                let row = sqlx::query(text).bind(id).fetch_optional(&mut **connection).await?;
                row.as_ref().map(TransferRow::from_row).transpose()?
            }
        })
    }

    async fn save(&mut self, row: &TransferRow, seen: i64) -> Result<bool> {
        let state = &row.state;
        let figures = &state.progress;
        macro_rules! save_on {
            ($connection:expr) => {
                sqlx::query(FIGURES)
                    .bind(figures.percent)
                    .bind(figures.bytes_total)
                    .bind(figures.bytes_transferred)
                    .bind(figures.speed)
                    .bind(state.error_message.as_deref())
                    .bind(state.checksum_sha256.as_deref())
                    .bind(state.revision)
                    .bind(state.progressed_at)
                    .bind(figures.network.throughput_mbps)
                    .bind(figures.network.latency_ms)
                    .bind(figures.network.packet_loss_percent)
                    .bind(row.id)
                    .bind(seen)
                    .execute(&mut **$connection)
                    .await
                    .map_err(Error::from)?
                    .rows_affected()
            };
        }
        let rows = match self {
            Self::Sqlite(connection) => save_on!(connection),
            Self::Postgres(connection) => save_on!(connection),
        };
        Ok(rows == 1)
    }
}

fn const_format_find() -> String {
    format!("{COLUMNS} WHERE t.id = $1")
}
