//! The edge where time comes in: calls the control plane again and again.

use std::{sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval};

use crate::service::{ControlPlane, guarded};

/// How often silence, stalls and leases are looked for.
const SWEEP: Duration = Duration::from_secs(5);
/// How many sweeps lie between two purges: an hour.
const SWEEPS_PER_PURGE: u32 = 720;

/// Sweeps until the server stops. Whatever fails, fails alone, and is tried again by the next sweep.
pub async fn run(cp: Arc<ControlPlane>) {
    let mut ticks = interval(SWEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sweeps = 0_u32;
    loop {
        tokio::select! {
            () = cp.stop().cancelled() => return,
            _ = ticks.tick() => {}
        }
        guarded("heeding the clock", cp.heed_clock()).await;
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
            guarded("setting times right", cp.set_times_right()).await;
            guarded("purging", cp.purge()).await;
        }
    }
}
