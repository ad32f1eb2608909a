//! The engine task: advances pipeline runs when this server has changed one, and every second for changes that other
//! servers or the passing of time have caused.

use std::{sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval};

use crate::service::{ControlPlane, guarded};

/// How often due runs are searched for.
const SCAN_INTERVAL: Duration = Duration::from_secs(1);

/// Advances runs until the server stops. A run that fails to advance is tried again by the next scan.
pub async fn run(cp: Arc<ControlPlane>) {
    let mut ticks = interval(SCAN_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut clock_moves = cp.clock_moves();
    loop {
        tokio::select! {
            () = cp.stop().cancelled() => return,
            () = cp.runs_may_go_on() => {}
            _ = clock_moves.changed() => {}
            _ = ticks.tick() => {}
        }
        guarded("advancing runs of pipelines", cp.advance_pipeline_runs()).await;
    }
}
