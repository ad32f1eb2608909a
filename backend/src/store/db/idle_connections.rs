//! Idle connections that are kept outside of their pool, because the pool pings each connection that returns to it, and
//! cannot store the deadline of a connection's statements.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use sqlx::{Database, pool::PoolConnection};
use tokio::sync::OwnedSemaphorePermit;

/// The time from which the statements of a connection are interrupted. SQLite's progress handler, which checks it, has
/// a clone.
#[derive(Clone, Debug)]
pub(super) struct Deadline(Arc<Mutex<Instant>>);

impl Deadline {
    pub(super) fn new(end: Instant) -> Self {
        Self(Arc::new(Mutex::new(end)))
    }

    pub(super) fn set(&self, end: Instant) {
        *self.lock() = end;
    }

    pub(super) fn has_passed(&self) -> bool {
        *self.lock() <= Instant::now()
    }

    fn lock(&self) -> MutexGuard<'_, Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connections that are not in use, each with its deadline.
#[derive(Debug)]
pub(super) struct IdleConnections<DB: Database>(Mutex<State<DB>>);

#[derive(Debug)]
struct State<DB: Database> {
    connections: Vec<(PoolConnection<DB>, Deadline)>,
    /// Whether [`IdleConnections::close`] was called, so that connections return to their pool when they become idle.
    is_closed: bool,
}

impl<DB: Database> Default for IdleConnections<DB> {
    fn default() -> Self {
        Self(Mutex::new(State { connections: Vec::new(), is_closed: false }))
    }
}

impl<DB: Database> IdleConnections<DB> {
    /// Takes the idle connection that was used last, and sets its deadline to `end`; `None` if there is no idle
    /// connection.
    pub(super) fn take(&self, end: Instant) -> Option<(PoolConnection<DB>, Deadline)> {
        let (connection, deadline) = self.lock().connections.pop()?;
        deadline.set(end);
        Some((connection, deadline))
    }

    /// Returns the idle connections to their pool. Connections that become idle later return to the pool as well.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let connections = mem::take(&mut state.connections);
        drop(state);
        drop(connections);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().connections.len()
    }

    fn lock(&self) -> MutexGuard<'_, State<DB>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<DB: Database> Drop for IdleConnections<DB> {
    fn drop(&mut self) {
        let state = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        for (connection, _) in state.connections.drain(..) {
            // The pool would take it back in a task, and there may be no runtime any more.
            drop(connection.detach());
        }
    }
}

/// Stores the connection of a [`super::PooledConnection`] for the next caller when it becomes idle.
#[derive(Debug)]
pub(super) struct Keeper<DB: Database> {
    idle: Arc<IdleConnections<DB>>,
    deadline: Deadline,
    /// The permit for this connection. The next waiting caller gets it when the keeper is dropped.
    _permit: OwnedSemaphorePermit,
}

impl<DB: Database> Keeper<DB> {
    pub(super) const fn new(idle: Arc<IdleConnections<DB>>, deadline: Deadline, permit: OwnedSemaphorePermit) -> Self {
        Self { idle, deadline, _permit: permit }
    }

    /// Stores an idle connection. Returns the connection if [`IdleConnections::close`] was called.
    pub(super) fn keep(self, connection: PoolConnection<DB>) -> Option<PoolConnection<DB>> {
        let mut state = self.idle.lock();
        if state.is_closed {
            return Some(connection);
        }
        state.connections.push((connection, self.deadline.clone()));
        None
    }
}
