//! The sweeper task: calls the background work of the control plane every 5 seconds.

use std::{sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval};

use crate::service::{ControlPlane, guarded};

/// The interval between two sweeps.
const SWEEP: Duration = Duration::from_secs(5);
/// The number of sweeps from one purge to the next: one hour.
const SWEEPS_PER_PURGE: u32 = 720;

/// Sweeps until the server stops. A task that fails does not affect the others, and is tried again by the next sweep.
pub async fn run(cp: Arc<ControlPlane>) {
    let mut ticks = interval(SWEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sweeps = 0_u32;
    let mut clock_moves = cp.clock_moves();
    loop {
        tokio::select! {
            () = cp.stop().cancelled() => return,
            _ = clock_moves.changed() => {}
            _ = ticks.tick() => {}
        }
        guarded("handling clock jumps", cp.handle_clock_jumps()).await;
        guarded("marking silent agents offline", cp.mark_silent_agents_offline()).await;
        guarded("marking stalled transfers", cp.mark_stalled_transfers()).await;
        guarded("ending leases", cp.end_leases()).await;
        guarded("ending leases of runs", cp.end_run_leases()).await;
        guarded("following transfers", cp.follow_transfers()).await;
        guarded("giving up starts", cp.give_up_starts()).await;
        guarded("starting queued slots", cp.start_queued_slots()).await;
        guarded("retrying failed runs", cp.retry_failed_runs()).await;
        guarded("counting the fleet", cp.record_metrics()).await;
        guarded("shortening the write-ahead log", cp.shorten_log()).await;
        sweeps = sweeps.wrapping_add(1);
        // Not at the start: the clock of a machine that starts may be set right only then.
        if sweeps.is_multiple_of(SWEEPS_PER_PURGE) {
            guarded("setting times right", cp.correct_future_times()).await;
            guarded("purging", cp.purge()).await;
        }
    }
}
