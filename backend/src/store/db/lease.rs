//! A connection on loan from its pool. One that is in doubt never goes back: it is dropped, and the pool opens another.

use std::time::Duration;

use sqlx::{Database, Pool, Postgres, Sqlite, pool::PoolConnection};
use tokio::{
    runtime::Handle,
    sync::OwnedMutexGuard,
    time::{error::Elapsed, timeout},
};

use super::failure::{is_connection_in_doubt, timed_out};
use crate::error::{Error, Result};

/// How long a connection may take to become idle again before it is dropped.
const SETTLE: Duration = Duration::from_secs(5);

/// The right to write to the SQLite file, for as long as it is held.
pub type Turn = OwnedMutexGuard<()>;

/// What both engines can do.
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

/// A pooled connection, with what is known of its state.
#[derive(Debug)]
pub struct Lease<DB: Engine> {
    /// Absent only while the lease is being dropped.
    connection: Option<PoolConnection<DB>>,
    /// How long one statement may take.
    limit: Duration,
    /// A transaction is open.
    is_open: bool,
    /// Its state is not known: a statement timed out, the engine failed, or a `BEGIN` or `COMMIT` was not answered.
    is_in_doubt: bool,
    /// Released after the commit or the rollback, so that the next transaction does not find the file locked.
    turn: Option<Turn>,
}

impl<DB: Engine> Lease<DB> {
    /// Takes a connection from the pool.
    pub(in crate::store) async fn acquire(pool: &Pool<DB>, limit: Duration) -> Result<Self> {
        let connection = Some(pool.acquire().await?);
        Ok(Self { connection, limit, is_open: false, is_in_doubt: false, turn: None })
    }

    /// Holds the right to write for as long as the connection is in use.
    pub(super) fn hold(&mut self, turn: Turn) {
        self.turn = Some(turn);
    }

    /// The connection, for a statement whose outcome is then given to [`Lease::finish`], or while the lease is distrusted.
    pub(in crate::store) fn connection(&mut self) -> Result<&mut DB::Connection> {
        self.connection.as_deref_mut().ok_or_else(|| Error::internal("the connection was given back"))
    }

    /// How long one statement may take.
    pub(super) const fn limit(&self) -> Duration {
        self.limit
    }

    /// Notes what became of a statement.
    pub(super) fn finish<T>(&mut self, outcome: Result<sqlx::Result<T>, Elapsed>) -> Result<T> {
        match outcome {
            Ok(Ok(found)) => Ok(found),
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

    /// Begins a transaction.
    pub(super) async fn begin(&mut self, statement: &'static str) -> Result<()> {
        self.control(statement).await?;
        self.is_open = true;
        Ok(())
    }

    /// Commits the transaction.
    pub(super) async fn commit(&mut self) -> Result<()> {
        self.control("COMMIT").await?;
        self.is_open = false;
        self.turn = None;
        Ok(())
    }

    /// Undoes the transaction.
    pub(super) async fn roll_back(&mut self) -> Result<()> {
        self.control("ROLLBACK").await?;
        self.is_open = false;
        self.turn = None;
        Ok(())
    }

    /// From here to [`Lease::trust`] or a commit, dropping the lease replaces the connection: a timeout of the caller
    /// may come in the middle of any statement.
    pub(in crate::store) const fn distrust(&mut self) {
        self.is_in_doubt = true;
    }

    /// Every statement was answered.
    pub(in crate::store) const fn trust(&mut self) {
        self.is_in_doubt = false;
    }

    /// A statement that changes whether a transaction is open; only its success leaves the connection out of doubt.
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

impl<DB: Engine> Drop for Lease<DB> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let turn = self.turn.take();
        match Handle::try_current() {
            Ok(runtime) if !self.is_in_doubt => {
                runtime.spawn(settle(connection, self.is_open, turn));
            }
            // Not closed politely: that would wait for the engine.
            _ => drop(connection.detach()),
        }
    }
}

/// Ends what is open on the connection and gives it back to the pool, if it answers in time.
async fn settle<DB: Engine>(mut connection: PoolConnection<DB>, is_open: bool, turn: Option<Turn>) {
    if is_open {
        let rolled_back = timeout(SETTLE, DB::control(&mut connection, "ROLLBACK")).await;
        if !matches!(rolled_back, Ok(Ok(()))) {
            drop(connection.detach());
            return;
        }
    }
    drop(turn);
    // sqlx asks the engine for a sign of life first, without a limit of its own.
    if timeout(SETTLE, connection.return_to_pool()).await.is_err() {
        tracing::warn!("a database connection did not become idle: it is replaced");
    }
}
