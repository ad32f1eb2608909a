//! The scheduler task: sleeps until a slot is due, and then lets the control plane decide its outcome.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use crate::service::{ControlPlane, guarded};

/// The delay after a failure.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Decides the outcomes of slots as they become due, until the server stops. A change of a schedule on any server ends
/// the sleep early.
pub async fn run(cp: Arc<ControlPlane>) {
    let mut clock_moves = cp.clock_moves();
    loop {
        let decided = guarded("deciding due slots", cp.decide_due_slots()).await;
        let sleeps = match decided {
            Some(count) => {
                let until = guarded("looking for the next slot", cp.until_next_slot()).await;
                // A due slot that was not decided cannot be decided at the moment: wait before the next attempt.
                until.filter(|until| count > 0 || !until.is_zero())
            }
            None => None,
        };
        let sleeps = sleeps.unwrap_or(RETRY_DELAY);
        tokio::select! {
            () = cp.stop().cancelled() => return,
            () = cp.schedules_changed() => {}
            _ = clock_moves.changed() => {}
            () = sleep(sleeps) => {}
        }
    }
}
