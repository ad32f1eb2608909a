//! The connections for reading the SQLite file.
//!
//! A connection is a thread, and each message to it wakes the thread and then the task that waits for the answer. So a
//! connection that becomes idle is stored without a message to it, and a read needs only one message, the statement.

use std::{sync::Arc, time::Instant};

use sqlx::{Pool, Sqlite};
use tokio::{sync::Semaphore, time::timeout};

use super::{
    DatabaseLimits, PooledConnection,
    failure::timed_out,
    idle_connections::{Deadline, IdleConnections, Keeper},
};
use crate::error::{Error, Result};

/// The number of virtual machine instructions between two calls of SQLite's progress handler, which compares the time
/// with the deadline. They take some milliseconds.
const STEPS: i32 = 100_000;

/// The connections that read the SQLite file. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Readers {
    pool: Pool<Sqlite>,
    /// A permit for each connection of the pool. Callers that wait get them in the order of their arrival.
    permits: Arc<Semaphore>,
    idle: Arc<IdleConnections<Sqlite>>,
}

impl Readers {
    /// Wraps a pool. The pool must not be used in any other way.
    pub(in crate::store) fn new(pool: Pool<Sqlite>) -> Self {
        let connections = usize::try_from(pool.options().get_max_connections()).unwrap_or(1);
        Self { pool, permits: Arc::new(Semaphore::new(connections)), idle: Arc::default() }
    }

    /// Returns the pool that opens and closes the connections.
    #[must_use]
    pub const fn pool(&self) -> &Pool<Sqlite> {
        &self.pool
    }

    /// Waits for a connection. Its statements are interrupted [`DatabaseLimits::statement`] from now, so that no reader
    /// of this server prevents the reuse of the write-ahead log for longer.
    pub(super) async fn acquire(&self, limits: &DatabaseLimits) -> Result<PooledConnection<Sqlite>> {
        let permit = timeout(limits.acquire, Arc::clone(&self.permits).acquire_owned()).await;
        let permit = permit.map_err(|_| timed_out())?.map_err(Error::internal)?;
        let end = Instant::now() + limits.statement;
        let (mut pooled, deadline) = match self.idle.take(end) {
            Some((connection, deadline)) => (PooledConnection::of(connection, limits.statement), deadline),
            None => self.open(end, limits).await?,
        };
        pooled.keep_with(Keeper::new(Arc::clone(&self.idle), deadline, permit));
        Ok(pooled)
    }

    /// Takes a connection from the pool and makes SQLite interrupt its statements from `end` on.
    async fn open(&self, end: Instant, limits: &DatabaseLimits) -> Result<(PooledConnection<Sqlite>, Deadline)> {
        let mut pooled = PooledConnection::acquire(&self.pool, limits.statement).await?;
        let deadline = Deadline::new(end);
        let compared = deadline.clone();
        let mut handle = pooled.connection()?.lock_handle().await?;
        handle.set_progress_handler(STEPS, move || !compared.has_passed());
        drop(handle);
        Ok((pooled, deadline))
    }

    /// Closes every connection once its statements have ended.
    pub(super) async fn close(&self) {
        self.idle.close();
        self.pool.close().await;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use tempfile::TempDir;

    use super::*;
    use crate::store::db::{Db, sql};

    /// A statement of more instructions than [`STEPS`].
    const LONG: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) \
        SELECT COUNT(*) FROM n";

    async fn opened() -> (TempDir, Db, Readers) {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open_sqlite(&folder.path().join("mftplus.db")).await.unwrap();
        let Db::Sqlite { readers, .. } = &db else { panic!("SQLite") };
        let readers = readers.clone();
        (folder, db, readers)
    }

    #[tokio::test]
    async fn an_idle_connection_is_taken_again_with_a_new_deadline() {
        let (_folder, db, readers) = opened().await;
        let limits = DatabaseLimits::default();
        drop(readers.acquire(&limits).await.unwrap());
        let (connection, deadline) = readers.idle.take(Instant::now()).expect("it is kept");
        assert!(deadline.has_passed());
        let permit = Arc::clone(&readers.permits).acquire_owned().await.unwrap();
        assert!(Keeper::new(Arc::clone(&readers.idle), deadline.clone(), permit).keep(connection).is_none());

        let counted: (i64,) = sql(LONG).fetch_one(&db).await.unwrap();
        assert_eq!(counted, (100_000,));
        assert_eq!(readers.idle.len(), 1, "it is the same connection");

        let mut reader = readers.acquire(&limits).await.unwrap();
        deadline.set(Instant::now());
        let interrupted = sqlx::query(LONG).fetch_one(reader.connection().unwrap()).await;
        assert!(interrupted.is_err_and(|error| error.to_string().contains("interrupted")));
    }

    #[tokio::test]
    async fn a_connection_is_kept_only_if_its_statements_were_answered() {
        let (_folder, db, readers) = opened().await;
        let refused: Result<Vec<(i64,)>> = sql("SELECT nothing FROM nowhere").fetch_all(&db).await;
        assert!(refused.is_err());
        assert_eq!(readers.idle.len(), 0, "a statement failed");
        let mut reader = readers.acquire(&DatabaseLimits::default()).await.unwrap();
        assert!(reader.connection().is_ok());
        drop(reader);
        assert_eq!(readers.idle.len(), 0, "nobody waited for the answer");
        drop(db.snapshot().await.unwrap());
        assert_eq!(readers.idle.len(), 0, "a transaction is open");
        db.snapshot().await.unwrap().commit().await.unwrap();
        assert_eq!(readers.idle.len(), 1);
    }

    #[tokio::test]
    async fn a_permit_is_given_on_once_its_connection_can_be_used_again() {
        let (_folder, _db, readers) = opened().await;
        let limits = DatabaseLimits::default();
        let permits = readers.permits.available_permits();
        let mut reader = readers.acquire(&limits).await.unwrap();
        assert!(reader.connection().is_ok());
        drop(reader);
        assert_eq!(readers.permits.available_permits(), permits - 1, "its statement may still run");
        let all = readers.permits.acquire_many(u32::try_from(permits).unwrap());
        drop(timeout(limits.acquire, all).await.unwrap().unwrap());
        assert_eq!(readers.pool.num_idle(), 1);
    }

    #[tokio::test]
    async fn more_readers_than_connections_take_turns() {
        let (_folder, db, readers) = opened().await;
        let found = join_all((0..40).map(|_| sql("SELECT 1").fetch_one::<(i64,)>(&db))).await;
        assert_eq!(found.into_iter().map(|row| row.unwrap().0).sum::<i64>(), 40);
        assert!((1..=4).contains(&readers.idle.len()));
    }

    #[tokio::test]
    async fn closing_waits_for_a_connection_in_use() {
        let (_folder, db, readers) = opened().await;
        let limits = DatabaseLimits::default();
        let (idle, used) = (readers.acquire(&limits).await.unwrap(), readers.acquire(&limits).await.unwrap());
        drop(idle);
        tokio::join!(db.close(), async { drop(used) });
        assert_eq!(readers.idle.len(), 0);
        assert!(readers.acquire(&limits).await.is_err());
    }
}
