//! The edge where runs of pipelines go on by themselves: woken by whatever happens here, and by the passing of time for
//! what other servers left behind.

use std::{sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval};

use crate::service::{ControlPlane, guarded};

/// How often runs are looked for that are due.
const LOOK: Duration = Duration::from_secs(1);

/// Lets runs go on until the server stops. Whatever fails is tried again by the next look.
pub async fn run(cp: Arc<ControlPlane>) {
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = cp.stop().cancelled() => return,
            () = cp.runs_may_go_on() => {}
            _ = ticks.tick() => {}
        }
        guarded("advancing runs of pipelines", cp.advance_pipeline_runs()).await;
    }
}
