//! Classifies errors of the engines: whether the database is unavailable, and whether a connection may be used again.

use sqlx::error::DatabaseError;

use crate::error::Error;

/// SQLite's primary result codes for an unavailable file: out of memory (7), busy (5),
/// locked (6), read-only (8), interrupted (9), I/O error (10), damaged (11), full (13), cannot be opened (14), locking
/// protocol (15), no database (26).
const SQLITE: &[i64] = &[5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 26];

/// Prefixes of PostgreSQL's SQLSTATE codes for an unavailable server: connection lost (08), read-only (25006), too long in
/// a transaction (25P03, 25P04), sign-in refused (28), no such database (3D), transaction rolled back (40), permission
/// denied (42501), out of resources (53), closed to connections or locked (55), cancelled or shut down (57), I/O error
/// (58).
const POSTGRES: &[&str] = &["08", "25006", "25P03", "25P04", "28", "3D", "40", "42501", "53", "55", "57", "58"];

/// The cause of an [`Error::DatabaseUnavailable`] if the database did not answer in time.
#[derive(Debug, thiserror::Error)]
#[error("the database did not answer in time")]
pub(in crate::store) struct TimedOut;

/// Creates the error of a statement that the database did not answer in time.
pub(in crate::store) fn timed_out() -> Error {
    Error::database_unavailable(TimedOut)
}

/// Converts an error of an engine into an error of the control plane. This is the only place where that happens.
impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            // Callers check for conflicts that they can explain before they write. What remains is a race between two
            // requests. Both drivers report the kind.
            sqlx::Error::Database(cause) if cause.is_unique_violation() => Self::conflict(
                "this already exists, because another request created it at the same time: query it, then try again",
            ),
            _ if is_unavailable(&error) => Self::database_unavailable(error),
            _ => Self::internal(error),
        }
    }
}

/// Whether the database is unavailable for any statement.
fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(cause) => is_unavailable_code(cause.as_ref()),
        error => is_disconnected(error),
    }
}

fn is_unavailable_code(cause: &dyn DatabaseError) -> bool {
    let Some(code) = cause.code() else { return false };
    if is_sqlite(cause) {
        // An extended code holds the primary one in its lowest byte.
        return code.parse::<i64>().is_ok_and(|code| SQLITE.contains(&(code & 0xff)));
    }
    POSTGRES.iter().any(|class| code.starts_with(class))
}

fn is_sqlite(cause: &dyn DatabaseError) -> bool {
    cause.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some()
}

/// Whether there is no connection, or it was lost.
const fn is_disconnected(error: &sqlx::Error) -> bool {
    matches!(
        error,
        sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed
    )
}

/// Whether the state of the connection is unknown after this error, so that it must not be used again.
pub(super) fn is_connection_in_doubt(error: &sqlx::Error) -> bool {
    is_unavailable(error)
}

/// Whether a batch that failed with this error may succeed on a new connection.
pub(in crate::store) fn is_worth_another_connection(error: &Error) -> bool {
    let Error::DatabaseUnavailable(cause) = error else { return false };
    if cause.is::<TimedOut>() {
        return true;
    }
    match cause.downcast_ref::<sqlx::Error>() {
        Some(sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed) | None => false,
        // A full, read-only or locked file stays so on a new connection.
        Some(sqlx::Error::Database(cause)) => {
            !is_sqlite(cause.as_ref())
                && cause.code().is_some_and(|code| {
                    ["08", "25P03", "25P04", "40", "57P"].iter().any(|class| code.starts_with(class))
                })
        }
        Some(error) => is_disconnected(error),
    }
}
