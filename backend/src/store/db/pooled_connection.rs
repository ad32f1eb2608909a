//! A connection taken from its pool. A connection whose state is unknown ("in doubt") never returns to the pool: it is
//! closed, and the pool opens another. Connections of [`super::Readers`] do not return to their pool while they are
//! idle.

use std::time::Duration;

use sqlx::{Database, Pool, Postgres, Sqlite, pool::PoolConnection};
use tokio::{
    runtime::Handle,
    sync::OwnedMutexGuard,
    time::{error::Elapsed, timeout},
};

use super::{
    failure::{is_connection_in_doubt, timed_out},
    idle_connections::Keeper,
};
use crate::error::{Error, Result};

/// How long a connection may take to become idle again before it is dropped.
const SETTLE: Duration = Duration::from_secs(5);

/// The acquired write lock of the SQLite file. Dropping it releases the lock.
pub type WriteLock = OwnedMutexGuard<()>;

/// A database engine that the server supports: SQLite or PostgreSQL.
pub trait Engine: Database {
    /// Runs a statement that begins or ends a transaction.
    fn control(
        connection: &mut Self::Connection,
        statement: &'static str,
    ) -> impl Future<Output = sqlx::Result<()>> + Send;
}

impl Engine for Sqlite {
    async fn control(connection: &mut Self::Connection, statement: &'static str) -> sqlx::Result<()> {
        sqlx::query(statement).execute(connection).await.map(drop)
    }
}

impl Engine for Postgres {
    async fn control(connection: &mut Self::Connection, statement: &'static str) -> sqlx::Result<()> {
        sqlx::query(statement).execute(connection).await.map(drop)
    }
}

/// A connection taken from a pool, and what is known of its state.
#[derive(Debug)]
pub struct PooledConnection<DB: Engine> {
    /// The connection. `None` only while the pooled connection is being dropped.
    connection: Option<PoolConnection<DB>>,
    /// The timeout of one statement.
    limit: Duration,
    /// Whether a transaction is open.
    is_open: bool,
    /// Whether the state of the connection is not known: a statement timed out, the engine failed, or a `BEGIN` or
    /// `COMMIT` was not answered.
    is_in_doubt: bool,
    /// Whether the engine has fully answered each statement. After an error, or if the caller stopped waiting for an
    /// answer, the engine may still be executing a statement.
    is_answered: bool,
    /// The write lock. It is released after the commit or the rollback, so that the next transaction does not find the
    /// file locked.
    write_lock: Option<WriteLock>,
    /// Stores the connection when it becomes idle. With `None`, the connection returns to its pool.
    keeper: Option<Keeper<DB>>,
}

impl<DB: Engine> PooledConnection<DB> {
    /// Takes a connection from the pool.
    pub(in crate::store) async fn acquire(pool: &Pool<DB>, limit: Duration) -> Result<Self> {
        Ok(Self::of(pool.acquire().await?, limit))
    }

    /// Wraps an idle connection. `limit` is the timeout of one statement.
    pub(super) fn of(connection: PoolConnection<DB>, limit: Duration) -> Self {
        Self {
            connection: Some(connection),
            limit,
            is_open: false,
            is_in_doubt: false,
            is_answered: true,
            write_lock: None,
            keeper: None,
        }
    }

    /// Sets the keeper that stores the connection when it becomes idle again. The connection must be idle now.
    pub(super) fn keep_with(&mut self, keeper: Keeper<DB>) {
        self.is_answered = true;
        self.keeper = Some(keeper);
    }

    /// Stores the write lock. It is released when the transaction ends or the connection is dropped.
    pub(in crate::store) fn hold(&mut self, write_lock: WriteLock) {
        self.write_lock = Some(write_lock);
    }

    /// Returns the connection, to run one statement. The caller must pass the outcome to [`PooledConnection::finish`],
    /// unless it has called [`PooledConnection::replace_on_drop`] before.
    pub(in crate::store) fn connection(&mut self) -> Result<&mut DB::Connection> {
        self.is_answered = false;
        self.connection.as_deref_mut().ok_or_else(|| Error::internal("the connection was given back"))
    }

    /// Returns the timeout of one statement.
    pub(super) const fn limit(&self) -> Duration {
        self.limit
    }

    /// Records the outcome of a statement and returns its result. After a timeout or a failure of the engine, the
    /// connection is in doubt.
    pub(super) fn finish<T>(&mut self, outcome: Result<sqlx::Result<T>, Elapsed>) -> Result<T> {
        match outcome {
            Ok(Ok(found)) => {
                self.is_answered = true;
                Ok(found)
            }
            Ok(Err(error)) => {
                self.is_in_doubt |= is_connection_in_doubt(&error);
                Err(error.into())
            }
            Err(_) => {
                self.is_in_doubt = true;
                Err(timed_out())
            }
        }
    }

    /// Begins a transaction with this statement.
    pub(in crate::store) async fn begin(&mut self, statement: &'static str) -> Result<()> {
        self.control(statement).await?;
        self.is_open = true;
        Ok(())
    }

    /// Commits the transaction.
    pub(in crate::store) async fn commit(&mut self) -> Result<()> {
        self.control("COMMIT").await?;
        self.is_open = false;
        self.write_lock = None;
        Ok(())
    }

    /// Rolls the transaction back.
    pub(super) async fn roll_back(&mut self) -> Result<()> {
        self.control("ROLLBACK").await?;
        self.is_open = false;
        self.write_lock = None;
        Ok(())
    }

    /// Marks the connection as in doubt, so that it is closed when dropped, until [`PooledConnection::keep_on_drop`] or
    /// a commit. For callers with a timeout of their own, which may drop the connection in the middle of a statement.
    pub(in crate::store) const fn replace_on_drop(&mut self) {
        self.is_in_doubt = true;
    }

    /// Clears the mark of [`PooledConnection::replace_on_drop`]. Call it only when every statement was answered.
    pub(in crate::store) const fn keep_on_drop(&mut self) {
        self.is_in_doubt = false;
    }

    /// Runs a statement that begins or ends a transaction. The connection is in doubt until it succeeds.
    async fn control(&mut self, statement: &'static str) -> Result<()> {
        self.is_in_doubt = true;
        let limit = self.limit;
        let connection = self.connection()?;
        let executed = timeout(limit, DB::control(connection, statement)).await;
        self.finish(executed)?;
        self.is_in_doubt = false;
        Ok(())
    }
}

impl<DB: Engine> Drop for PooledConnection<DB> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let write_lock = self.write_lock.take();
        let is_idle = self.is_answered && !self.is_open && !self.is_in_doubt;
        let (connection, keeper) = match self.keeper.take() {
            Some(keeper) if is_idle => match keeper.keep(connection) {
                Some(connection) => (connection, None),
                None => return,
            },
            keeper => (connection, keeper),
        };
        match Handle::try_current() {
            Ok(runtime) if !self.is_in_doubt => {
                runtime.spawn(settle(connection, self.is_open, write_lock, keeper));
            }
            // Closed without a message to the engine, which would have to be waited for.
            _ => drop(connection.detach()),
        }
    }
}

/// Rolls back an open transaction and returns the connection to the pool, if it answers within [`SETTLE`]. The keeper's
/// permit is not released before: a caller that got it earlier would wait in the pool for this connection, even while
/// other connections become idle.
async fn settle<DB: Engine>(
    mut connection: PoolConnection<DB>,
    is_open: bool,
    write_lock: Option<WriteLock>,
    keeper: Option<Keeper<DB>>,
) {
    if is_open {
        let rolled_back = timeout(SETTLE, DB::control(&mut connection, "ROLLBACK")).await;
        if !matches!(rolled_back, Ok(Ok(()))) {
            drop(connection.detach());
            return;
        }
    }
    drop(write_lock);
    // sqlx pings the engine first, without a timeout of its own.
    if timeout(SETTLE, connection.return_to_pool()).await.is_err() {
        tracing::warn!("a database connection did not become idle: it is replaced");
    }
    drop(keeper);
}
