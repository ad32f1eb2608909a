//! The runtime of deliveries, and work that is carried out on another runtime.

use std::panic::resume_unwind;

use tokio::{runtime::Handle, task::JoinError};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tracing::Instrument;

use crate::{
    error::{Error, Result},
    transport::RequestId,
};

/// The tokio runtime that serves sockets and delivers to them. By default it is the runtime that answers requests.
///
/// A connection to the database belongs to the runtime that opened it, and must not wait for deliveries. So the runtime
/// of requests checks tokens, executes operations and loads, and reads snapshots and the event log. Only lists within
/// the responses of a subscription are read on the runtime of deliveries.
#[derive(Clone, Debug, Default)]
pub struct Deliveries(Option<Handle>);

impl Deliveries {
    /// Deliveries on this runtime.
    #[must_use]
    pub const fn on(runtime: Handle) -> Self {
        Self(Some(runtime))
    }

    /// The runtime of deliveries. Must be called on the runtime of requests, which is the default.
    pub(super) fn runtime(&self) -> Handle {
        self.0.clone().unwrap_or_else(Handle::current)
    }
}

/// A runtime on which work is done for tasks of another one.
#[derive(Clone, Debug)]
pub(super) struct OtherRuntime {
    tasks: TaskTracker,
    runtime: Handle,
}

impl OtherRuntime {
    pub(super) fn new(tasks: &TaskTracker, runtime: Handle) -> Self {
        Self { tasks: tasks.clone(), runtime }
    }

    /// Starts work as a part of the current request. Dropping the handle ends it.
    pub(super) fn start<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> AbortOnDropHandle<T> {
        let work = RequestId::scope(RequestId::current(), work).in_current_span();
        AbortOnDropHandle::new(self.tasks.spawn_on(work, &self.runtime))
    }

    /// Carries out work as a part of the current request, and waits for it. If the work panics, the caller panics.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the server stops.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Result<T> {
        outcome(self.start(work)).await
    }
}

/// Waits for work that was started. If the work panics, the caller panics.
///
/// # Errors
///
/// [`Error::Unavailable`] if the server stops.
pub(super) async fn outcome<T>(work: AbortOnDropHandle<T>) -> Result<T> {
    match work.await.map_err(JoinError::try_into_panic) {
        Ok(outcome) => Ok(outcome),
        Err(Ok(panic)) => resume_unwind(panic),
        Err(Err(_)) => Err(Error::Unavailable("the server is shutting down")),
    }
}
