//! The threads that serve the sockets of GraphQL. They have a lower priority than the threads that answer requests.

use anyhow::{Context, Result};
use tokio::runtime::{Builder, Runtime};

use crate::graphql::Deliveries;

/// The niceness of the threads. Where both want a processor, those of requests get about three quarters of it.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 5;

/// The runtime with the threads that serve sockets. Dropping it does not wait for its tasks.
pub(super) struct DeliveryRuntime(Option<Runtime>);

impl DeliveryRuntime {
    /// Starts the threads, one for each processor.
    ///
    /// # Errors
    ///
    /// A message for the operator, if the machine has no threads left.
    pub(super) fn start() -> Result<Self> {
        let mut builder = Builder::new_multi_thread();
        builder.thread_name("deliveries").on_thread_start(lower_priority).enable_all();
        Ok(Self(Some(builder.build().context("the threads for deliveries cannot be started")?)))
    }

    pub(super) fn deliveries(&self) -> Deliveries {
        self.0.as_ref().map_or_else(Deliveries::default, |runtime| Deliveries::on(runtime.handle().clone()))
    }
}

impl Drop for DeliveryRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Lowers the priority of the current thread. On Linux each thread has its own.
#[cfg(target_os = "linux")]
fn lower_priority() {
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(error = &error as &dyn std::error::Error, "the delivery threads keep the normal priority");
    }
}

/// Elsewhere a priority belongs to the whole process.
#[cfg(not(target_os = "linux"))]
fn lower_priority() {}
