//! The connection of the writer. It is kept between batches, because a return to its pool costs a round trip. It is
//! replaced if it is dropped while a statement runs, or before its transaction was committed.

use sqlx::{Postgres, Sqlite};

use super::WriterTask;
use crate::{
    error::Result,
    store::db::{Db, PooledConnection, Tx},
};

/// The connection of the writer, outside of a transaction.
#[derive(Debug)]
pub(super) enum WriterConnection {
    /// A connection to the SQLite file.
    Sqlite(PooledConnection<Sqlite>),
    /// A connection to the PostgreSQL server.
    Postgres(PooledConnection<Postgres>),
}

impl WriterConnection {
    async fn acquire(db: &Db) -> Result<Self> {
        match db {
            Db::Sqlite { hot, limits, .. } => Ok(Self::Sqlite(PooledConnection::acquire(hot, limits.statement).await?)),
            Db::Postgres { hot, limits, .. } => {
                Ok(Self::Postgres(PooledConnection::acquire(hot, limits.statement).await?))
            }
        }
    }

    /// Begins a transaction. If it is not committed with [`Self::commit`], the connection is closed and replaced.
    pub(super) async fn begin(mut self, db: &Db) -> Result<Tx> {
        match &mut self {
            Self::Sqlite(pooled) => {
                let write_lock = db.write_lock().await?;
                pooled.hold(write_lock);
                pooled.begin("BEGIN IMMEDIATE").await?;
            }
            Self::Postgres(pooled) => pooled.begin("BEGIN").await?,
        }
        // The answer to the statement has cleared the mark.
        self.replace_on_drop();
        Ok(match self {
            Self::Sqlite(pooled) => Tx::Sqlite(pooled),
            Self::Postgres(pooled) => Tx::Postgres(pooled),
        })
    }

    /// Commits a transaction of [`Self::begin`], and returns its connection.
    pub(super) async fn commit(tx: Tx) -> Result<Self> {
        let mut connection = match tx {
            Tx::Sqlite(pooled) => Self::Sqlite(pooled),
            Tx::Postgres(pooled) => Self::Postgres(pooled),
        };
        match &mut connection {
            Self::Sqlite(pooled) => pooled.commit().await?,
            Self::Postgres(pooled) => pooled.commit().await?,
        }
        Ok(connection)
    }

    /// Marks the connection to be replaced when it is dropped, before a statement that a timeout may interrupt.
    const fn replace_on_drop(&mut self) {
        match self {
            Self::Sqlite(pooled) => pooled.replace_on_drop(),
            Self::Postgres(pooled) => pooled.replace_on_drop(),
        }
    }

    const fn keep_on_drop(&mut self) {
        match self {
            Self::Sqlite(pooled) => pooled.keep_on_drop(),
            Self::Postgres(pooled) => pooled.keep_on_drop(),
        }
    }
}

impl WriterTask {
    /// Takes the connection for a batch, or opens one, and marks it as in doubt: unless [`Self::keep_connection`] is
    /// called, dropping it closes it.
    pub(super) async fn take_connection(&mut self) -> Result<WriterConnection> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => WriterConnection::acquire(&self.db).await?,
        };
        connection.replace_on_drop();
        Ok(connection)
    }

    /// Stores the connection of [`Self::take_connection`] for the next batch. Call it only when all its statements were
    /// answered.
    pub(super) fn keep_connection(&mut self, mut connection: WriterConnection) {
        connection.keep_on_drop();
        self.connection = Some(connection);
    }
}
