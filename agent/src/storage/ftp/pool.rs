//! Pools of idle control connections, one pool for each endpoint.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use crate::config::resolved_endpoint::FtpSettings;
use crate::storage::ftp::connection::Connection;
use crate::storage::ftp::endpoint::{Endpoint, Key, Security};
use crate::storage::ftp::failure::Failure;
use crate::storage::ftp::idle_timeout_and_stop::Limits;

/// The maximum number of idle connections of an endpoint.
const MAX_IDLE: usize = 4;

/// The maximum time that a connection stays idle.
const MAX_WAIT: Duration = Duration::from_mins(1);

/// A connection whose last reply is older than this is tested before it is used.
const TRUSTED: Duration = Duration::from_secs(2);

/// The time between two checks of the idle connections.
const LOOK: Duration = Duration::from_secs(5);

/// The pools of all endpoints that are in use or have idle connections.
#[derive(Default)]
pub(crate) struct Pools(Mutex<HashMap<Key, Weak<Pool>>>);

/// The idle connections of one endpoint.
pub(super) struct Pool {
    pub(super) endpoint: Endpoint,
    runtime: Handle,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    /// The most recently used connection is at the end.
    connections: Vec<Waiting>,
    /// Whether the task [`Pool::tend`] runs.
    is_tended: bool,
}

struct Waiting {
    connection: Connection,
    since: Instant,
    /// The time of the last reply of the server.
    last_reply: Instant,
}

/// A connection in use. It is closed when this value is dropped; [`Self::give_back`] returns it to the pool.
pub(super) struct Lease {
    connection: Connection,
    pool: Arc<Pool>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pools {
    /// The pool of connections with these settings, which all transfers share.
    pub(super) fn of(&self, settings: &FtpSettings, runtime: &Handle) -> Result<Arc<Pool>, Failure> {
        let ca_file = Endpoint::ca_file(settings)?;
        let key = Endpoint::key(settings, ca_file.as_deref(), &runtime.id().to_string());
        let mut pools = lock(&self.0);
        pools.retain(|_, pool| pool.strong_count() > 0);
        if let Some(pool) = pools.get(&key).and_then(Weak::upgrade) {
            return Ok(pool);
        }
        let endpoint = Endpoint::new(settings, ca_file.as_deref())?;
        let pool = Arc::new(Pool { endpoint, runtime: runtime.clone(), idle: Mutex::default() });
        pools.insert(key, Arc::downgrade(&pool));
        Ok(pool)
    }
}

impl Pool {
    /// Returns an idle connection on which the server still answers, or opens a new one.
    pub(super) async fn lease(self: &Arc<Self>, limits: &Limits) -> Result<Lease, Failure> {
        while let Some(Waiting { mut connection, last_reply, .. }) = self.take() {
            if last_reply.elapsed() < TRUSTED || connection.is_alive().await {
                connection.limits = limits.clone();
                return Ok(Lease { connection, pool: Arc::clone(self) });
            }
        }
        let connection = Connection::open(&self.endpoint, limits).await?;
        Ok(Lease { connection, pool: Arc::clone(self) })
    }

    fn take(&self) -> Option<Waiting> {
        lock(&self.idle).connections.pop()
    }

    fn put(self: &Arc<Self>, connection: Connection) {
        let now = Instant::now();
        let mut idle = lock(&self.idle);
        idle.connections.push(Waiting { connection, since: now, last_reply: now });
        if idle.connections.len() > MAX_IDLE {
            idle.connections.remove(0);
        }
        if !idle.is_tended {
            idle.is_tended = true;
            self.runtime.spawn(Arc::clone(self).tend());
        }
    }

    /// Keeps idle connections alive, and closes each after [`MAX_WAIT`]. Ends when no connection is idle.
    async fn tend(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK).await;
            let waiting = {
                let mut idle = lock(&self.idle);
                if idle.connections.is_empty() {
                    idle.is_tended = false;
                    return;
                }
                let keep_alive = self.endpoint.keep_alive;
                let is_due = |waiting: &mut Waiting| {
                    waiting.since.elapsed() >= MAX_WAIT || waiting.last_reply.elapsed() >= keep_alive
                };
                idle.connections.extract_if(.., is_due).collect::<Vec<Waiting>>()
            };
            for Waiting { mut connection, since, .. } in waiting {
                if since.elapsed() >= MAX_WAIT {
                    connection.quit().await;
                } else if connection.is_alive().await {
                    // At the front, as the least recently used connection.
                    lock(&self.idle).connections.insert(0, Waiting { connection, since, last_reply: Instant::now() });
                }
            }
        }
    }
}

impl Lease {
    /// Whether the data connections are encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        !matches!(self.pool.endpoint.security, Security::Plain)
    }

    /// Returns the connection to the pool. Call this only if `is_usable_after` of the last operation is true.
    pub(super) fn give_back(self) {
        self.pool.put(self.connection);
    }
}

impl Deref for Lease {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}
