//! The two engines behind one door. Here, in `connect.rs` and in `writer/` is the only code that knows there are two.
//!
//! A statement is one text for both engines with `$n` placeholders, and a bag of values both drivers accept.

use std::{fmt::Display, sync::Arc};

use sea_query::{Value, Values};
use sea_query_sqlx::SqlxValues;
use sqlx::{
    AssertSqlSafe, FromRow, Pool, Postgres, Sqlite, Transaction, postgres::PgRow, sqlite::SqliteRow, types::Json,
};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::error::{Error, Result};

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
    },
    /// A server.
    Postgres {
        /// Connections for everything but the hot writes.
        pool: Pool<Postgres>,
        /// The one connection of the group-committing writer.
        hot: Pool<Postgres>,
    },
}

/// A writing transaction; dropped without [`Tx::commit`], it never was.
#[derive(Debug)]
pub enum Tx {
    /// On one of the writing connections, for as long as it is its turn; reading takes none.
    Sqlite(Transaction<'static, Sqlite>, Option<Turn>),
    /// On a connection of the pool.
    Postgres(Transaction<'static, Postgres>),
}

/// The right to write to the file, for as long as it is held.
pub type Turn = OwnedMutexGuard<()>;

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
    /// [`Error::Unavailable`] if no connection comes free.
    pub async fn begin(&self) -> Result<Tx> {
        Ok(match self {
            Self::Sqlite { writer, turn, .. } => {
                let turn = Arc::clone(turn).lock_owned().await;
                Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?, Some(turn))
            }
            Self::Postgres { pool, .. } => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Begins a transaction of the group-committing writer.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if no connection comes free.
    pub(super) async fn begin_hot(&self) -> Result<Tx> {
        match self {
            Self::Sqlite { hot, turn, .. } => {
                let turn = Arc::clone(turn).lock_owned().await;
                Ok(Tx::Sqlite(hot.begin_with("BEGIN IMMEDIATE").await?, Some(turn)))
            }
            Self::Postgres { hot, .. } => Ok(Tx::Postgres(hot.begin().await?)),
        }
    }

    /// Begins a reading transaction, all of whose answers are of one moment.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if no connection comes free.
    pub async fn snapshot(&self) -> Result<Tx> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Tx::Sqlite(readers.begin().await?, None),
            Self::Postgres { pool, .. } => {
                Tx::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
            }
        })
    }

    /// Closes every connection, after what runs on it.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { readers, writer, hot, .. } => {
                readers.close().await;
                writer.close().await;
                hot.close().await;
            }
            Self::Postgres { pool, hot } => {
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
    /// Whatever the engine says; then nothing was written.
    pub async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(tx, _) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
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

/// Begins a statement.
#[must_use]
pub const fn sql(text: &'static str) -> Sql {
    Sql { text: std::borrow::Cow::Borrowed(text), values: Vec::new() }
}

impl Sql {
    /// Gives the next placeholder its value.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Gives the next placeholder the text of a word (an enum).
    #[must_use]
    pub fn bind_text(self, word: impl Display) -> Self {
        self.bind(word.to_string())
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

    /// All rows.
    ///
    /// # Errors
    ///
    /// Whatever the engine says.
    pub async fn fetch_all<T: Row>(self, conn: impl Into<Conn<'_>>) -> Result<Vec<T>> {
        let (text, values) = self.parts();
        Ok(match conn.into() {
            Conn::Db(Db::Sqlite { readers, .. }) => sqlx::query_as_with(text, values).fetch_all(readers).await,
            Conn::Db(Db::Postgres { pool, .. }) => sqlx::query_as_with(text, values).fetch_all(pool).await,
            Conn::Tx(Tx::Sqlite(tx, _)) => sqlx::query_as_with(text, values).fetch_all(&mut **tx).await,
            Conn::Tx(Tx::Postgres(tx)) => sqlx::query_as_with(text, values).fetch_all(&mut **tx).await,
        }?)
    }

    /// The row, if there is one.
    ///
    /// # Errors
    ///
    /// Whatever the engine says.
    pub async fn fetch_optional<T: Row>(self, conn: impl Into<Conn<'_>>) -> Result<Option<T>> {
        let (text, values) = self.parts();
        Ok(match conn.into() {
            Conn::Db(Db::Sqlite { readers, .. }) => sqlx::query_as_with(text, values).fetch_optional(readers).await,
            Conn::Db(Db::Postgres { pool, .. }) => sqlx::query_as_with(text, values).fetch_optional(pool).await,
            Conn::Tx(Tx::Sqlite(tx, _)) => sqlx::query_as_with(text, values).fetch_optional(&mut **tx).await,
            Conn::Tx(Tx::Postgres(tx)) => sqlx::query_as_with(text, values).fetch_optional(&mut **tx).await,
        }?)
    }

    /// The row that must be there.
    ///
    /// # Errors
    ///
    /// Whatever the engine says; no row is a fault of ours.
    pub async fn fetch_one<T: Row>(self, conn: impl Into<Conn<'_>>) -> Result<T> {
        self.fetch_optional(conn).await?.ok_or_else(|| Error::internal("a row that must exist does not"))
    }

    /// How many rows were written.
    ///
    /// # Errors
    ///
    /// Whatever the engine says.
    pub async fn execute(self, tx: &mut Tx) -> Result<u64> {
        let (text, values) = self.parts();
        Ok(match tx {
            Tx::Sqlite(tx, _) => sqlx::query_with(text, values).execute(&mut **tx).await?.rows_affected(),
            Tx::Postgres(tx) => sqlx::query_with(text, values).execute(&mut **tx).await?.rows_affected(),
        })
    }

    fn parts(self) -> (AssertSqlSafe<std::borrow::Cow<'static, str>>, SqlxValues) {
        (AssertSqlSafe(self.text), SqlxValues(Values(self.values)))
    }
}

/// A word in a text column, read as the enum it is.
#[derive(Clone, Copy, Debug)]
pub struct Word<T>(pub T);

impl<DB: sqlx::Database, T> sqlx::Type<DB> for Word<T>
where
    String: sqlx::Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        <String as sqlx::Type<DB>>::type_info()
    }

    fn compatible(ty: &DB::TypeInfo) -> bool {
        <String as sqlx::Type<DB>>::compatible(ty)
    }
}

impl<'r, DB: sqlx::Database, T> sqlx::Decode<'r, DB> for Word<T>
where
    &'r str: sqlx::Decode<'r, DB>,
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
        Ok(Self(<&str as sqlx::Decode<DB>>::decode(value)?.parse()?))
    }
}

/// A JSON column, written.
pub fn json(value: &impl serde::Serialize) -> Result<Value> {
    let value = serde_json::to_value(value).map_err(Error::internal)?;
    Ok(Value::Json(Some(Box::new(value))))
}

/// A JSON column, read.
pub type JsonColumn<T> = Json<T>;

/// What a JSON column holds.
pub const fn json_column<T>(value: T) -> JsonColumn<T> {
    Json(value)
}

/// The only place where the engines' errors become ours.
impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
                Self::Unavailable("the database is busy: try again in a moment")
            }
            // A unique violation that a caller can mend is found before by whoever knows what to say of it; the
            // kind is portable across the drivers.
            sqlx::Error::Database(cause) if cause.is_unique_violation() => Self::conflict("this already exists"),
            _ => Self::internal(error),
        }
    }
}
