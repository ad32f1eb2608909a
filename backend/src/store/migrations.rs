//! Migrates the schema of the database, unless a newer, incompatible version of the program has migrated it before.

use sqlx::{
    Connection, PgConnection, SqlSafeStr,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use super::db::{Db, sql};
use crate::error::{Error, Result};

/// The version of the schema that this program can read. A migration that is incompatible with older programs increases
/// `compatibility.min_reader_version` and this constant by one.
const READER_VERSION: i64 = 1;

/// A migration: its version, its description and its SQL.
type Listed = (i64, &'static str, &'static str);

// The lists `SQLITE` and `POSTGRES`, from the folder `migrations`. The macro of sqlx would do that too, at the price that
// `row_macro.rs` names.
include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// Applies these migrations. It ignores those that this program does not know, which a newer version has applied: they only
/// expand the schema, unless they increase `compatibility.min_reader_version`.
fn migrator(listed: &[Listed]) -> Migrator {
    let migration = |(version, description, sql): &Listed| {
        Migration::new(*version, (*description).into(), MigrationType::Simple, (*sql).into_sql_str(), false)
    };
    let mut migrator = Migrator::with_migrations(listed.iter().map(migration).collect());
    migrator.set_ignore_missing(true);
    migrator
}

impl Db {
    /// Applies the missing migrations. Several servers may do so at the same time, since migrations take a lock.
    ///
    /// # Errors
    ///
    /// An error if a migration fails or was changed after its release, or if the database needs a newer version of the
    /// program.
    pub async fn migrate(&self) -> Result<()> {
        self.require_readable().await?;
        match self {
            Self::Sqlite { writer, .. } => migrator(SQLITE).run(writer).await,
            Self::Postgres { pool, .. } => {
                // On a connection without the timeouts of the pool, since a migration may take long.
                let options = pool.connect_options();
                let mut connection = PgConnection::connect_with(&options).await?;
                let outcome = migrator(POSTGRES).run(&mut connection).await;
                connection.close().await?;
                outcome
            }
        }
        .map_err(explained)?;
        // A newer server may have migrated the database meanwhile.
        self.require_readable().await
    }

    /// Whether the first migration has created its tables. If not, nothing is stored: a first start was interrupted, or
    /// the write-ahead log was lost.
    ///
    /// # Errors
    ///
    /// An error if the database cannot be read.
    pub async fn has_schema(&self) -> Result<bool> {
        Ok(self.has_table("_sqlx_migrations").await? && self.has_table("users").await?)
    }

    async fn has_table(&self, name: &str) -> Result<bool> {
        let found = match self {
            Self::Sqlite { .. } => sql("SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = $1"),
            Self::Postgres { .. } => sql("SELECT COUNT(to_regclass($1))"),
        };
        let (tables,): (i64,) = found.bind(name).fetch_one(self).await?;
        Ok(tables > 0)
    }

    /// Returns an error if the database needs a newer version of the program.
    async fn require_readable(&self) -> Result<()> {
        // A database without this table has only migrations that every version can read.
        if !self.has_table("compatibility").await? {
            return Ok(());
        }
        let statement = sql("SELECT min_reader_version, min_reader_release FROM compatibility");
        let least: Option<(i64, String)> = statement.fetch_optional(self).await?;
        match least {
            Some((version, release)) if version > READER_VERSION => Err(Error::internal(format!(
                "the database is of a newer version: MFTPlus {release} or later is needed to open it, and this is {}",
                env!("CARGO_PKG_VERSION")
            ))),
            _ => Ok(()),
        }
    }
}

/// The error for a failed migration, with instructions for the operator.
fn explained(error: MigrateError) -> Error {
    match error {
        MigrateError::VersionMismatch(version) => Error::internal(format!(
            "migration {version} is not the one that this database was made with: it was changed after its release, so \
             nothing was done; start a build whose migrations are unchanged"
        )),
        MigrateError::Dirty(version) => Error::internal(format!(
            "migration {version} was started and did not finish: restore the database from before it, and start again"
        )),
        other => Error::internal(other),
    }
}
