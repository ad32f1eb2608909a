//! The collector task: every 10 seconds it collects series and samples, and writes the history of agents.

use std::{sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval};

use crate::service::{ControlPlane, guarded};

/// The interval between two rounds.
const ROUND: Duration = Duration::from_secs(10);

/// Collects until the server stops. If a round fails, the next round, on this or another server, also collects what the
/// failed one has not.
pub async fn run(cp: Arc<ControlPlane>) {
    let mut ticks = interval(ROUND);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut clock_moves = cp.clock_moves();
    loop {
        tokio::select! {
            () = cp.stop().cancelled() => break,
            _ = clock_moves.changed() => {}
            _ = ticks.tick() => {}
        }
        guarded("collecting series", cp.collect_series()).await;
        guarded("writing the history of agents", cp.write_agent_history()).await;
    }
    guarded("writing the history of agents", cp.write_rest_of_agent_history()).await;
}
