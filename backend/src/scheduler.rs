//! The edge where the hour comes in: wakes when a slot is due, and has the control plane decide it.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use crate::service::{ControlPlane, guarded};

/// How long after a failure it is tried again.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Has slots decided as they come due, until the server stops. Sleeps until the next one; a change of any schedule, here
/// or on another server, wakes it.
pub async fn run(cp: Arc<ControlPlane>) {
    loop {
        let dispatched = guarded("deciding due slots", cp.dispatch_due_slots()).await;
        let sleeps = match dispatched {
            Some(count) => {
                let until = guarded("looking for the next slot", cp.until_next_slot()).await;
                // What is due and was not decided cannot be at the moment.
                until.filter(|until| count > 0 || !until.is_zero())
            }
            None => None,
        };
        let sleeps = sleeps.unwrap_or(AFTER_FAILURE);
        tokio::select! {
            () = cp.stop().cancelled() => return,
            () = cp.schedules_changed() => {}
            () = sleep(sleeps) => {}
        }
    }
}
