//! The edge where the hour comes in: wakes when a slot is due, and has the control plane decide it.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use crate::service::ControlPlane;

/// How long after a failure it is tried again.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Has slots decided as they come due, until the server stops. Sleeps until the next one; a change of any schedule, here
/// or on another server, wakes it.
pub async fn run(cp: Arc<ControlPlane>) {
    loop {
        let sleeps = match cp.dispatch_due_slots().await {
            Ok(_) => cp.until_next_slot().await,
            Err(error) => Err(error),
        };
        let sleeps = sleeps.unwrap_or_else(|error| {
            tracing::warn!(error = &error as &dyn std::error::Error, "due slots could not be decided");
            AFTER_FAILURE
        });
        tokio::select! {
            () = cp.stop().cancelled() => return,
            () = cp.schedules_changed() => {}
            () = sleep(sleeps) => {}
        }
    }
}
