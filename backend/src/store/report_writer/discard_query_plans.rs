//! Renews the plans of the writer's statements on PostgreSQL.
//!
//! The connection of the writer plans a statement once and keeps the plan (`store/connect.rs`). A plan that was made while
//! a table was nearly empty reads the whole table, and PostgreSQL makes it again only after it has analysed the table. So
//! the writer discards its plans from time to time, and the next ones are made for the tables as they are then.

use std::time::Duration;

use sqlx::Executor;
use tokio::time::timeout;

use super::{WriterTask, connection::WriterConnection};
use crate::{
    error::Result,
    store::db::{Db, timed_out},
};

/// How long plans are kept, at least; without reports longer. Within it, a table grows by little.
pub(super) const LIFETIME: Duration = Duration::from_secs(10);
/// How long discarding them may take. It is short, because reports wait meanwhile.
const TIMEOUT: Duration = Duration::from_secs(1);

impl WriterTask {
    /// Discards the plans. A connection on which that fails is replaced, and a new connection has none.
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
