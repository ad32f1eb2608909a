//! Bringing the schema up to date, unless the database is one that this version may not read.

use sqlx::{
    Connection, PgConnection,
    migrate::{MigrateError, Migrator},
};

use super::db::{Db, sql};
use crate::error::{Error, Result};

/// What this program reads. A migration that an older one cannot work beside sets `compatibility.min_reader_version` to one
/// more, and this becomes the same.
const READS: i64 = 1;

/// Migrations that are not ours were made by a newer version. They only expand the schema, so they are none of our business
/// unless the database says otherwise.
fn beside_newer_ones(migrator: Migrator) -> Migrator {
    Migrator { ignore_missing: true, ..migrator }
}

impl Db {
    /// Brings the schema up to date. Safe when several servers do so at once: the migrations take a lock.
    ///
    /// # Errors
    ///
    /// If a migration fails or was changed after its release, or if this version may not read the database.
    pub async fn migrate(&self) -> Result<()> {
        self.require_readable().await?;
        match self {
            Self::Sqlite { writer, .. } => beside_newer_ones(sqlx::migrate!("../migrations/sqlite")).run(writer).await,
            Self::Postgres { pool, .. } => {
                // On a connection of its own: a migration may take as long as it takes.
                let options = pool.connect_options();
                let mut connection = PgConnection::connect_with(&options).await?;
                let outcome = beside_newer_ones(sqlx::migrate!("../migrations/postgres")).run(&mut connection).await;
                connection.close().await?;
                outcome
            }
        }
        .map_err(explained)?;
        // A newer server may have been faster.
        self.require_readable().await
    }

    /// Stops whoever would misread the database.
    async fn require_readable(&self) -> Result<()> {
        // A database from before this table has none but old migrations.
        let says_so = match self {
            Self::Sqlite { .. } => {
                sql("SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'compatibility'")
            }
            Self::Postgres { .. } => sql("SELECT COUNT(to_regclass('compatibility'))"),
        };
        let (tables,): (i64,) = says_so.fetch_one(self).await?;
        if tables == 0 {
            return Ok(());
        }
        let statement = sql("SELECT min_reader_version, min_reader_release FROM compatibility");
        let least: Option<(i64, String)> = statement.fetch_optional(self).await?;
        match least {
            Some((version, release)) if version > READS => Err(Error::internal(format!(
                "the database is of a newer version: MFTPlus {release} or later is needed to open it, and this is {}",
                env!("CARGO_PKG_VERSION")
            ))),
            _ => Ok(()),
        }
    }
}

/// What there is to say to whoever starts the server.
fn explained(error: MigrateError) -> Error {
    match error {
        MigrateError::VersionMismatch(version) => Error::internal(format!(
            "migration {version} is not the one that this database was made with: it was changed after its release, so \
             nothing was done; start a build whose migrations are unchanged"
        )),
        MigrateError::Dirty(version) => Error::internal(format!(
            "migration {version} was begun and did not end: restore the database from before it, and start again"
        )),
        other => Error::internal(other),
    }
}
