//! The figures of a fleet for those who watch them: taken again after a change, at most once a second.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until, timeout_at};

use super::{Hub, change::Change, group::Group};
use crate::{actor::Actor, model::fleet::Fleet};

/// The shortest time between two looks.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest time between two looks: speeds decay without a change, and agents of other servers come and go.
const LOOK: Duration = Duration::from_secs(5);

impl Hub {
    /// Takes the figures for a group until it ends, and tells it when they differ from those before.
    pub(super) async fn take_figures(&self, actor: &Actor, group: &Group) {
        let taking = async {
            let mut last: Option<Fleet> = None;
            let (mut has_changed, mut has_told) = (false, false);
            loop {
                let began = Instant::now();
                let number = self.next_taken();
                // While the store is away there is nothing to tell.
                if let Ok(fleet) = self.cp.get_fleet(actor).await {
                    let differs = last.is_some_and(|last| Fleet { at: fleet.at, ..last } != fleet);
                    // The first look may have seen a change already that a watcher's own query has not.
                    if differs || (has_changed && !has_told) {
                        has_told = true;
                        group.tell(&Change::Fleet(Arc::new(fleet), number));
                    }
                    last = Some(fleet);
                }
                // Whether something changed or not: a look is due at the latest then.
                has_changed = timeout_at(began + LOOK, group.figures_changed.notified()).await.is_ok();
                sleep_until(began + PAUSE).await;
            }
        };
        tokio::select! {
            () = group.end.cancelled() => {}
            () = taking => {}
        }
    }
}
