//! The totals of the fleet for `fleetUpdated`: read again after a change, at most once a second.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until, timeout_at};

use super::{Hub, change::Change, shared_subscription::SharedSubscription};
use crate::{actor::Actor, model::fleet::Fleet};

/// The shortest time between two reads.
const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// The longest time between two reads. Speeds decay without a change, and the status of agents of other servers
/// changes.
const MAX_INTERVAL: Duration = Duration::from_secs(5);

impl Hub {
    /// Reads the totals for a subscription until it ends, and notifies it if they have changed.
    pub(super) async fn follow_fleet_totals(&self, actor: &Actor, subscription: &SharedSubscription) {
        let following = async {
            let mut last: Option<Fleet> = None;
            let (mut has_changed, mut has_notified) = (false, false);
            loop {
                let began = Instant::now();
                let number = self.next_totals_number();
                // While the store is not available there is nothing to send.
                if let Ok(fleet) = self.cp.get_fleet(actor).await {
                    let differs = last.is_some_and(|last| Fleet { at: fleet.at, ..last } != fleet);
                    // The first read may hold a change already that the client's own query has not seen.
                    if differs || (has_changed && !has_notified) {
                        has_notified = true;
                        subscription.notify(&Change::Fleet(Arc::new(fleet), number));
                    }
                    last = Some(fleet);
                }
                // The next read happens at the latest then, even without a change.
                has_changed = timeout_at(began + MAX_INTERVAL, subscription.totals_changed.notified()).await.is_ok();
                sleep_until(began + MIN_INTERVAL).await;
            }
        };
        tokio::select! {
            () = subscription.end.cancelled() => {}
            () = following => {}
        }
    }
}
