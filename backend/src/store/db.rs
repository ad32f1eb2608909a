//! One interface to both database engines, SQLite and PostgreSQL. Only this module, `connect.rs`, `migrations.rs` and
//! `report_writer/` distinguish them.
//!
//! A statement is one text for both engines with `$n` placeholders, and a list of values that both drivers accept.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sea_query::{Value, Values};
use sea_query_sqlx::SqlxValues;
use sqlx::{AssertSqlSafe, FromRow, Pool, Postgres, Sqlite, postgres::PgRow, sqlite::SqliteRow};
use tokio::{sync::Mutex, time::timeout};

use crate::error::{Error, Result};

mod enum_and_json_columns;
mod failure;
mod id_columns;
mod idle_connections;
mod pooled_connection;
mod readers;
mod row_macro;
pub(super) mod table;
mod timeouts_and_wal_limits;
mod transfer_text_search;
mod wal;

use enum_and_json_columns::readable;
pub(super) use enum_and_json_columns::unreadable;
pub use enum_and_json_columns::{EnumText, JsonColumn, json, json_column};
pub(super) use failure::{is_worth_another_connection, timed_out};
pub use pooled_connection::{PooledConnection, WriteLock};
pub use readers::Readers;
pub(super) use row_macro::row;
pub use timeouts_and_wal_limits::DatabaseLimits;
pub(super) use transfer_text_search::TextSearch;
pub use wal::Wal;

/// The database, with its pools of connections.
#[derive(Clone, Debug)]
pub enum Db {
    /// A SQLite file. Readers have connections of their own. Writers share one, since SQLite allows one writer at a time.
    Sqlite {
        /// Connections that only read.
        readers: Readers,
        /// The one connection for all writes except those of the group-committing writer.
        writer: Pool<Sqlite>,
        /// The one connection of the group-committing writer.
        hot: Pool<Sqlite>,
        /// The one connection that copies the write-ahead log into the file.
        checkpointer: Pool<Sqlite>,
        /// The lock that a writing transaction needs. Waiting transactions get it in the order of their arrival.
        write_lock: Arc<Mutex<()>>,
        /// The write-ahead log beside the file.
        wal: Arc<Wal>,
        /// Timeouts and limits.
        limits: DatabaseLimits,
    },
    /// A PostgreSQL server.
    Postgres {
        /// Connections for everything but the group-committing writer.
        pool: Pool<Postgres>,
        /// The one connection of the group-committing writer.
        hot: Pool<Postgres>,
        /// Timeouts and limits.
        limits: DatabaseLimits,
    },
}

/// A transaction. It is rolled back if it is dropped without [`Tx::commit`].
#[derive(Debug)]
pub enum Tx {
    /// A transaction on the SQLite file. A writing transaction has the write lock.
    Sqlite(PooledConnection<Sqlite>),
    /// A transaction on a connection of the pool.
    Postgres(PooledConnection<Postgres>),
}

/// Where a statement runs: in a transaction, or outside of transactions.
#[derive(Debug)]
pub enum Conn<'a> {
    /// A connection of the pool, for this statement only.
    Db(&'a Db),
    /// A transaction.
    Tx(&'a mut Tx),
}

impl<'a> From<&'a Db> for Conn<'a> {
    fn from(db: &'a Db) -> Self {
        Self::Db(db)
    }
}

impl<'a> From<&'a mut Tx> for Conn<'a> {
    fn from(tx: &'a mut Tx) -> Self {
        Self::Tx(tx)
    }
}

impl Db {
    /// Begins a writing transaction.
    ///
    /// # Errors
    ///
    /// [`Error::DatabaseUnavailable`] if no connection becomes free within [`DatabaseLimits::acquire`], or the engine fails.
    pub async fn begin(&self) -> Result<Tx> {
        match self {
            Self::Sqlite { writer, .. } => self.begin_writing(writer).await,
            Self::Postgres { pool, limits, .. } => begin(pool, limits, "BEGIN").await.map(Tx::Postgres),
        }
    }

    /// Begins a transaction of the group-committing writer. If the transaction does not commit, its connection is
    /// closed and replaced by a new one.
    ///
    /// # Errors
    ///
    /// [`Error::DatabaseUnavailable`] if no connection becomes free within [`DatabaseLimits::acquire`], or the engine fails.
    pub(super) async fn begin_hot(&self) -> Result<Tx> {
        let mut tx = match self {
            Self::Sqlite { hot, .. } => self.begin_writing(hot).await?,
            Self::Postgres { hot, limits, .. } => Tx::Postgres(begin(hot, limits, "BEGIN").await?),
        };
        match &mut tx {
            Tx::Sqlite(pooled) => pooled.replace_on_drop(),
            Tx::Postgres(pooled) => pooled.replace_on_drop(),
        }
        Ok(tx)
    }

    async fn begin_writing(&self, pool: &Pool<Sqlite>) -> Result<Tx> {
        let Self::Sqlite { limits, .. } = self else { return Err(Error::internal("no SQLite file")) };
        let write_lock = self.write_lock().await?;
        let mut pooled = PooledConnection::acquire(pool, limits.statement).await?;
        pooled.hold(write_lock);
        pooled.begin("BEGIN IMMEDIATE").await?;
        Ok(Tx::Sqlite(pooled))
    }

    /// Waits for the write lock of the SQLite file.
    pub(super) async fn write_lock(&self) -> Result<WriteLock> {
        let Self::Sqlite { write_lock, limits, .. } = self else { return Err(Error::internal("no SQLite file")) };
        let begun = Instant::now();
        let locked = timeout(limits.acquire, Arc::clone(write_lock).lock_owned()).await;
        metrics::histogram!("mftplus_write_lock_duration_seconds").record(begun.elapsed());
        locked.map_err(|_| timed_out())
    }

    /// Begins a read-only transaction in which all statements see the same state of the database.
    ///
    /// # Errors
    ///
    /// [`Error::DatabaseUnavailable`] if no connection becomes free within [`DatabaseLimits::acquire`], or the engine fails.
    pub async fn snapshot(&self) -> Result<Tx> {
        match self {
            Self::Sqlite { readers, limits, .. } => {
                let mut pooled = readers.acquire(limits).await?;
                pooled.begin("BEGIN").await?;
                Ok(Tx::Sqlite(pooled))
            }
            Self::Postgres { pool, limits, .. } => {
                begin(pool, limits, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await.map(Tx::Postgres)
            }
        }
    }

    /// The maximum duration of one batch of the group-committing writer. After it, the connection is replaced. It is
    /// longer on SQLite, where a slow disk is not faster on a new connection.
    pub(super) const fn batch_limit(&self) -> Duration {
        match self {
            Self::Sqlite { limits, .. } => limits.statement,
            Self::Postgres { limits, .. } => limits.batch,
        }
    }

    /// Closes every connection once its statements have ended.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { readers, writer, hot, checkpointer, .. } => {
                readers.close().await;
                for pool in [checkpointer, writer, hot] {
                    pool.close().await;
                }
            }
            Self::Postgres { pool, hot, .. } => {
                pool.close().await;
                hot.close().await;
            }
        }
    }
}

impl Tx {
    /// Commits the transaction.
    ///
    /// # Errors
    ///
    /// [`Error::DatabaseUnavailable`] if the engine fails or does not answer in time; the transaction may have been
    /// committed all the same.
    pub async fn commit(mut self) -> Result<()> {
        match &mut self {
            Self::Sqlite(pooled) => pooled.commit().await,
            Self::Postgres(pooled) => pooled.commit().await,
        }
    }

    /// Rolls the transaction back. Its locks are released when this returns; those of a dropped transaction are
    /// released a little later.
    ///
    /// # Errors
    ///
    /// [`Error::DatabaseUnavailable`] if the engine does not answer; the transaction is rolled back all the same.
    pub async fn roll_back(mut self) -> Result<()> {
        match &mut self {
            Self::Sqlite(pooled) => pooled.roll_back().await,
            Self::Postgres(pooled) => pooled.roll_back().await,
        }
    }
}

async fn begin<DB: pooled_connection::Engine>(
    pool: &Pool<DB>,
    limits: &DatabaseLimits,
    statement: &'static str,
) -> Result<PooledConnection<DB>> {
    let mut pooled = PooledConnection::acquire(pool, limits.statement).await?;
    pooled.begin(statement).await?;
    Ok(pooled)
}

/// A type that can be read from a row of both engines.
pub trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin> Row for T {}

/// A statement with its values. Its text consists of literals of the program only, so no input can become SQL.
#[derive(Clone, Debug)]
pub struct Sql {
    text: std::borrow::Cow<'static, str>,
    values: Vec<Value>,
}

/// The maximum number of values in a list within a statement. Both engines accept many times more.
pub(super) const MOST_VALUES: usize = 500;

/// Creates a statement with this text, to which further text and values can be added.
#[must_use]
pub const fn sql(text: &'static str) -> Sql {
    Sql { text: std::borrow::Cow::Borrowed(text), values: Vec::new() }
}

/// Runs a query on a pooled connection, within its timeout.
macro_rules! run {
    ($pooled:expr, $query:expr, $how:ident) => {{
        let pooled: &mut PooledConnection<_> = $pooled;
        let limit = pooled.limit();
        let outcome = timeout(limit, $query.$how(pooled.connection()?)).await;
        pooled.finish(outcome)
    }};
}

impl Sql {
    /// Binds a value to the next placeholder.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Appends a text to the statement.
    #[must_use]
    pub fn push(mut self, text: &'static str) -> Self {
        self.text.to_mut().push_str(text);
        self
    }

    /// Appends `($n, $n, …)` with a new placeholder for each value: a list, or a row to insert.
    #[must_use]
    pub fn push_tuple(mut self, values: impl IntoIterator<Item = Value>) -> Self {
        let mut lead = "(";
        for value in values {
            self = self.push_bind(lead, value);
            lead = ", ";
        }
        self.push(")")
    }

    /// Appends a text, then a new placeholder bound to a value.
    #[must_use]
    pub fn push_bind(mut self, text: &'static str, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        let number = self.values.len().to_string();
        let whole = self.text.to_mut();
        whole.push_str(text);
        whole.push('$');
        whole.push_str(&number);
        self
    }

    /// Makes the statement lock the rows of `table` that it reads, until the end of the transaction, and skip rows that
    /// another transaction has locked, so that it never waits. Must be the last part of a statement. Does nothing on
    /// SQLite, which runs one writing transaction at a time.
    #[must_use]
    pub fn lock_free_rows(self, tx: &Tx, table: &'static str) -> Self {
        match tx {
            Tx::Sqlite(..) => self,
            Tx::Postgres(_) => self.push(" FOR NO KEY UPDATE OF ").push(table).push(" SKIP LOCKED"),
        }
    }

    /// Runs the statement and returns all rows.
    pub async fn fetch_all<T: Row>(self, conn: impl Into<Conn<'_>>) -> Result<Vec<T>> {
        let (text, values) = self.parts();
        match conn.into() {
            Conn::Db(Db::Sqlite { readers, limits, .. }) => {
                let mut pooled = readers.acquire(limits).await?;
                run!(&mut pooled, sqlx::query_as_with(text, values), fetch_all)
            }
            Conn::Db(Db::Postgres { pool, limits, .. }) => {
                let mut pooled = PooledConnection::acquire(pool, limits.statement).await?;
                run!(&mut pooled, sqlx::query_as_with(text, values), fetch_all)
            }
            Conn::Tx(Tx::Sqlite(pooled)) => run!(pooled, sqlx::query_as_with(text, values), fetch_all),
            Conn::Tx(Tx::Postgres(pooled)) => run!(pooled, sqlx::query_as_with(text, values), fetch_all),
        }
    }

    /// Runs the statement and returns all rows, with `None` for each row that cannot be read, so that the other rows
    /// can still be shown. Each unreadable row is logged and counted.
    pub async fn fetch_readable<T: Row>(self, conn: impl Into<Conn<'_>>) -> Result<Vec<Option<T>>> {
        let (text, values) = self.parts();
        match conn.into() {
            Conn::Db(Db::Sqlite { readers, limits, .. }) => {
                let mut pooled = readers.acquire(limits).await?;
                readable(&run!(&mut pooled, sqlx::query_with(text, values), fetch_all)?)
            }
            Conn::Db(Db::Postgres { pool, limits, .. }) => {
                let mut pooled = PooledConnection::acquire(pool, limits.statement).await?;
                readable(&run!(&mut pooled, sqlx::query_with(text, values), fetch_all)?)
            }
            Conn::Tx(Tx::Sqlite(pooled)) => readable(&run!(pooled, sqlx::query_with(text, values), fetch_all)?),
            Conn::Tx(Tx::Postgres(pooled)) => readable(&run!(pooled, sqlx::query_with(text, values), fetch_all)?),
        }
    }

    /// Runs the statement and returns the first row; `None` if there is no row.
    pub async fn fetch_optional<T: Row>(self, conn: impl Into<Conn<'_>>) -> Result<Option<T>> {
        let (text, values) = self.parts();
        match conn.into() {
            Conn::Db(Db::Sqlite { readers, limits, .. }) => {
                let mut pooled = readers.acquire(limits).await?;
                run!(&mut pooled, sqlx::query_as_with(text, values), fetch_optional)
            }
            Conn::Db(Db::Postgres { pool, limits, .. }) => {
                let mut pooled = PooledConnection::acquire(pool, limits.statement).await?;
                run!(&mut pooled, sqlx::query_as_with(text, values), fetch_optional)
            }
            Conn::Tx(Tx::Sqlite(pooled)) => run!(pooled, sqlx::query_as_with(text, values), fetch_optional),
            Conn::Tx(Tx::Postgres(pooled)) => run!(pooled, sqlx::query_as_with(text, values), fetch_optional),
        }
    }

    /// Runs the statement and returns the first row, which must exist.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if there is no row.
    pub async fn fetch_one<T: Row>(self, conn: impl Into<Conn<'_>>) -> Result<T> {
        self.fetch_optional(conn).await?.ok_or_else(|| Error::internal("a row that must exist does not"))
    }

    /// Runs the statement and returns the number of rows that it changed.
    pub async fn execute(self, tx: &mut Tx) -> Result<u64> {
        let (text, values) = self.parts();
        match tx {
            Tx::Sqlite(pooled) => Ok(run!(pooled, sqlx::query_with(text, values), execute)?.rows_affected()),
            Tx::Postgres(pooled) => Ok(run!(pooled, sqlx::query_with(text, values), execute)?.rows_affected()),
        }
    }

    fn parts(self) -> (AssertSqlSafe<std::borrow::Cow<'static, str>>, SqlxValues) {
        (AssertSqlSafe(self.text), SqlxValues(Values(self.values)))
    }
}
