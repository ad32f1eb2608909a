//! Renews PostgreSQL's query plans of the writer's statements.
//!
//! The connection of the writer plans a statement once and keeps the plan (`store/connect.rs`). A plan that was created
//! while a table was nearly empty reads the whole table, and PostgreSQL replaces it only after it has analysed the
//! table. So the writer discards its plans from time to time, and PostgreSQL creates new ones for the current tables.

use std::time::Duration;

use sqlx::Executor;
use tokio::time::timeout;

use super::{WriterTask, connection::WriterConnection};
use crate::{
    error::Result,
    store::db::{Db, timed_out},
};

/// The minimum time for which plans are kept; without reports they are kept longer. A table grows only a little within
/// it.
pub(super) const LIFETIME: Duration = Duration::from_secs(10);
/// The timeout of discarding the plans. It is short, because reports wait meanwhile.
const TIMEOUT: Duration = Duration::from_secs(1);

impl WriterTask {
    /// Discards the plans; does nothing on SQLite. If this fails, the connection is replaced by a new one, which has no
    /// plans.
    pub(super) async fn discard_plans(&mut self) {
        if matches!(self.db, Db::Sqlite { .. }) {
            return;
        }
        let discarded = timeout(TIMEOUT, self.try_discard_plans()).await.unwrap_or_else(|_| Err(timed_out()));
        if let Err(error) = discarded {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the plans of the writer's statements could not be discarded"
            );
        }
    }

    async fn try_discard_plans(&mut self) -> Result<()> {
        let mut connection = self.take_connection().await?;
        if let WriterConnection::Postgres(pooled) = &mut connection {
            pooled.connection()?.execute("DISCARD PLANS").await?;
        }
        self.keep_connection(connection);
        Ok(())
    }
}
