//! The two engines behind one door. Here, in `connect.rs` and in `writer/` is the only code that knows there are two.
//!
//! A statement is one text for both engines with `$n` placeholders, and a bag of values both drivers accept.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sea_query::{Value, Values};
use sea_query_sqlx::SqlxValues;
use sqlx::{AssertSqlSafe, FromRow, Pool, Postgres, Sqlite, postgres::PgRow, sqlite::SqliteRow};
use tokio::{sync::Mutex, time::timeout};

use crate::error::{Error, Result};

mod bounds;
mod columns;
mod failure;
mod ids;
mod lease;
pub(super) mod table;
mod wal;

pub use bounds::Bounds;
use columns::readable;
pub(super) use columns::unreadable;
pub use columns::{JsonColumn, Word, json, json_column};
pub(super) use failure::{is_worth_another_connection, timed_out};
pub use lease::{Lease, Turn};
pub use wal::Wal;

/// The database.
#[derive(Clone, Debug)]
pub enum Db {
    /// One file. Readers have connections of their own; writing goes through one, since SQLite lets one write at a time.
    Sqlite {
        /// Connections that only read.
        readers: Pool<Sqlite>,
        /// The one connection that writes, but for the hot writes.
        writer: Pool<Sqlite>,
        /// The one connection of the group-committing writer.
        hot: Pool<Sqlite>,
        /// Whose turn it is to write: first come, first served.
        turn: Arc<Mutex<()>>,
        /// The write-ahead log beside the file.
        wal: Arc<Wal>,
        /// How long things may take.
        bounds: Bounds,
    },
    /// A server.
    Postgres {
        /// Connections for everything but the hot writes.
        pool: Pool<Postgres>,
        /// The one connection of the group-committing writer.
        hot: Pool<Postgres>,
        /// How long things may take.
        bounds: Bounds,
    },
}

/// A transaction; dropped without [`Tx::commit`], it never was.
#[derive(Debug)]
pub enum Tx {
    /// On a connection to the file; a writing one has the turn.
    Sqlite(Lease<Sqlite>),
    /// On a connection of the pool.
    Postgres(Lease<Postgres>),
}

/// What a statement runs on: outside of any transaction, or inside one.
#[derive(Debug)]
pub enum Conn<'a> {
    /// On a reading connection.
    Db(&'a Db),
    /// In a transaction.
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
    /// [`Error::DatabaseUnavailable`] if no connection comes free.
    pub async fn begin(&self) -> Result<Tx> {
        match self {
            Self::Sqlite { writer, .. } => self.begin_writing(writer).await,
            Self::Postgres { pool, bounds, .. } => begin(pool, bounds, "BEGIN").await.map(Tx::Postgres),
        }
    }

    /// Begins a transaction of the group-committing writer; unless it is committed, its connection is replaced.
    ///
    /// # Errors
    ///
    /// [`Error::DatabaseUnavailable`] if no connection comes free.
    pub(super) async fn begin_hot(&self) -> Result<Tx> {
        let mut tx = match self {
            Self::Sqlite { hot, .. } => self.begin_writing(hot).await?,
            Self::Postgres { hot, bounds, .. } => Tx::Postgres(begin(hot, bounds, "BEGIN").await?),
        };
        match &mut tx {
            Tx::Sqlite(lease) => lease.distrust(),
            Tx::Postgres(lease) => lease.distrust(),
        }
        Ok(tx)
    }

    async fn begin_writing(&self, pool: &Pool<Sqlite>) -> Result<Tx> {
        let Self::Sqlite { bounds, .. } = self else { return Err(Error::internal("no SQLite file")) };
        let turn = self.turn().await?;
        let mut lease = Lease::acquire(pool, bounds.statement).await?;
        lease.hold(turn);
        lease.begin("BEGIN IMMEDIATE").await?;
        Ok(Tx::Sqlite(lease))
    }

    /// Waits for the right to write to the file.
    pub(super) async fn turn(&self) -> Result<Turn> {
        let Self::Sqlite { turn, bounds, .. } = self else { return Err(Error::internal("no SQLite file")) };
        timeout(bounds.acquire, Arc::clone(turn).lock_owned()).await.map_err(|_| timed_out())
    }

    /// Begins a reading transaction, all of whose answers are of one moment.
    ///
    /// # Errors
    ///
    /// [`Error::DatabaseUnavailable`] if no connection comes free.
    pub async fn snapshot(&self) -> Result<Tx> {
        match self {
            Self::Sqlite { readers, bounds, .. } => {
                let mut lease = reader(readers, bounds).await?;
                lease.begin("BEGIN").await?;
                Ok(Tx::Sqlite(lease))
            }
            Self::Postgres { pool, bounds, .. } => {
                begin(pool, bounds, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await.map(Tx::Postgres)
            }
        }
    }

    /// How long one batch of the group-committing writer may take. A file is not worth giving up as soon as a network
    /// connection: a slow disk is slow on a new connection, too.
    pub(super) const fn batch_limit(&self) -> Duration {
        match self {
            Self::Sqlite { bounds, .. } => bounds.statement,
            Self::Postgres { bounds, .. } => bounds.batch,
        }
    }

    /// Closes every connection, after what runs on it.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { readers, writer, hot, .. } => {
                readers.close().await;
                writer.close().await;
                hot.close().await;
            }
            Self::Postgres { pool, hot, .. } => {
                pool.close().await;
                hot.close().await;
            }
        }
    }
}

impl Tx {
    /// Makes it durable.
    ///
    /// # Errors
    ///
    /// [`Error::DatabaseUnavailable`] also when the engine did not answer in time: then it is not known whether it committed.
    pub async fn commit(mut self) -> Result<()> {
        match &mut self {
            Self::Sqlite(lease) => lease.commit().await,
            Self::Postgres(lease) => lease.commit().await,
        }
    }

    /// Undoes what was done, and gives up its locks before this returns. A transaction that is dropped does so a little later.
    ///
    /// # Errors
    ///
    /// [`Error::DatabaseUnavailable`] if the engine does not answer; the transaction is undone all the same.
    pub async fn roll_back(mut self) -> Result<()> {
        match &mut self {
            Self::Sqlite(lease) => lease.roll_back().await,
            Self::Postgres(lease) => lease.roll_back().await,
        }
    }
}

async fn begin<DB: lease::Engine>(pool: &Pool<DB>, bounds: &Bounds, statement: &'static str) -> Result<Lease<DB>> {
    let mut lease = Lease::acquire(pool, bounds.statement).await?;
    lease.begin(statement).await?;
    Ok(lease)
}

/// A connection that only reads. Whatever runs on it is interrupted when its time is over, so that no reader of ours
/// keeps the write-ahead log from being reused.
async fn reader(readers: &Pool<Sqlite>, bounds: &Bounds) -> Result<Lease<Sqlite>> {
    let mut lease = Lease::acquire(readers, bounds.statement).await?;
    let deadline = Instant::now() + bounds.statement;
    let mut handle = lease.connection()?.lock_handle().await?;
    handle.set_progress_handler(STEPS, move || Instant::now() < deadline);
    drop(handle);
    Ok(lease)
}

/// A row that both engines can give.
pub trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin> Row for T {}

/// A statement with its values. Text is only ever joined from literals, so no input can become SQL.
#[derive(Clone, Debug)]
pub struct Sql {
    text: std::borrow::Cow<'static, str>,
    values: Vec<Value>,
}

/// How many values a list within a statement holds at most; both engines take many times more.
pub(super) const MOST_VALUES: usize = 500;

/// How many of its steps SQLite does between two looks at the clock: some milliseconds.
const STEPS: i32 = 100_000;

/// Begins a statement.
#[must_use]
pub const fn sql(text: &'static str) -> Sql {
    Sql { text: std::borrow::Cow::Borrowed(text), values: Vec::new() }
}

/// Runs a query on a lease, within its limit.
macro_rules! run {
    ($lease:expr, $query:expr, $how:ident) => {{
        let lease: &mut Lease<_> = $lease;
        let limit = lease.limit();
        let outcome = timeout(limit, $query.$how(lease.connection()?)).await;
        lease.finish(outcome)
    }};
}

impl Sql {
    /// Gives the next placeholder its value.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Appends a literal.
    #[must_use]
    pub fn push(mut self, text: &'static str) -> Self {
        self.text.to_mut().push_str(text);
        self
    }

    /// Appends `($n, $n, …)` with a new placeholder for each value; the values of a list or of a row to insert.
    #[must_use]
    pub fn push_tuple(mut self, values: impl IntoIterator<Item = Value>) -> Self {
        let mut lead = "(";
        for value in values {
            self = self.push_bind(lead, value);
            lead = ", ";
        }
        self.push(")")
    }

    /// Appends a literal and a new placeholder with its value.
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

    /// Locks the rows it reads of `table` until the end of the transaction, and leaves out those that another one holds, so
    /// that nobody waits for anybody. The last part of a statement. SQLite writes one transaction after the other as it is.
    #[must_use]
    pub fn lock_free_rows(self, tx: &Tx, table: &'static str) -> Self {
        match tx {
            Tx::Sqlite(..) => self,
            Tx::Postgres(_) => self.push(" FOR NO KEY UPDATE OF ").push(table).push(" SKIP LOCKED"),
        }
    }

    /// All rows.
    pub async fn fetch_all<T: Row>(self, conn: impl Into<Conn<'_>>) -> Result<Vec<T>> {
        let (text, values) = self.parts();
        match conn.into() {
            Conn::Db(Db::Sqlite { readers, bounds, .. }) => {
                let mut lease = reader(readers, bounds).await?;
                run!(&mut lease, sqlx::query_as_with(text, values), fetch_all)
            }
            Conn::Db(Db::Postgres { pool, bounds, .. }) => {
                let mut lease = Lease::acquire(pool, bounds.statement).await?;
                run!(&mut lease, sqlx::query_as_with(text, values), fetch_all)
            }
            Conn::Tx(Tx::Sqlite(lease)) => run!(lease, sqlx::query_as_with(text, values), fetch_all),
            Conn::Tx(Tx::Postgres(lease)) => run!(lease, sqlx::query_as_with(text, values), fetch_all),
        }
    }

    /// All rows, with nothing in the place of those that cannot be read: one of them must not keep the others from being
    /// shown. That there is one is logged and counted.
    pub async fn fetch_readable<T: Row>(self, conn: impl Into<Conn<'_>>) -> Result<Vec<Option<T>>> {
        let (text, values) = self.parts();
        match conn.into() {
            Conn::Db(Db::Sqlite { readers, bounds, .. }) => {
                let mut lease = reader(readers, bounds).await?;
                readable(&run!(&mut lease, sqlx::query_with(text, values), fetch_all)?)
            }
            Conn::Db(Db::Postgres { pool, bounds, .. }) => {
                let mut lease = Lease::acquire(pool, bounds.statement).await?;
                readable(&run!(&mut lease, sqlx::query_with(text, values), fetch_all)?)
            }
            Conn::Tx(Tx::Sqlite(lease)) => readable(&run!(lease, sqlx::query_with(text, values), fetch_all)?),
            Conn::Tx(Tx::Postgres(lease)) => readable(&run!(lease, sqlx::query_with(text, values), fetch_all)?),
        }
    }

    /// The row, if there is one.
    pub async fn fetch_optional<T: Row>(self, conn: impl Into<Conn<'_>>) -> Result<Option<T>> {
        let (text, values) = self.parts();
        match conn.into() {
            Conn::Db(Db::Sqlite { readers, bounds, .. }) => {
                let mut lease = reader(readers, bounds).await?;
                run!(&mut lease, sqlx::query_as_with(text, values), fetch_optional)
            }
            Conn::Db(Db::Postgres { pool, bounds, .. }) => {
                let mut lease = Lease::acquire(pool, bounds.statement).await?;
                run!(&mut lease, sqlx::query_as_with(text, values), fetch_optional)
            }
            Conn::Tx(Tx::Sqlite(lease)) => run!(lease, sqlx::query_as_with(text, values), fetch_optional),
            Conn::Tx(Tx::Postgres(lease)) => run!(lease, sqlx::query_as_with(text, values), fetch_optional),
        }
    }

    /// The row that must be there.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if there is no row.
    pub async fn fetch_one<T: Row>(self, conn: impl Into<Conn<'_>>) -> Result<T> {
        self.fetch_optional(conn).await?.ok_or_else(|| Error::internal("a row that must exist does not"))
    }

    /// How many rows were written.
    pub async fn execute(self, tx: &mut Tx) -> Result<u64> {
        let (text, values) = self.parts();
        match tx {
            Tx::Sqlite(lease) => Ok(run!(lease, sqlx::query_with(text, values), execute)?.rows_affected()),
            Tx::Postgres(lease) => Ok(run!(lease, sqlx::query_with(text, values), execute)?.rows_affected()),
        }
    }

    fn parts(self) -> (AssertSqlSafe<std::borrow::Cow<'static, str>>, SqlxValues) {
        (AssertSqlSafe(self.text), SqlxValues(Values(self.values)))
    }
}
