//! The edge where time comes in: calls the control plane again and again.

use std::{sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval};

use crate::{error::Result, service::ControlPlane};

/// How often silence, stalls and leases are looked for.
const SWEEP: Duration = Duration::from_secs(5);
/// How many sweeps lie between two purges: an hour.
const SWEEPS_PER_PURGE: u32 = 720;

/// Sweeps until the server stops. Whatever fails is tried again by the next sweep.
pub async fn run(cp: Arc<ControlPlane>) {
    let mut ticks = interval(SWEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sweeps = 0_u32;
    loop {
        tokio::select! {
            () = cp.stop().cancelled() => return,
            _ = ticks.tick() => {}
        }
        note("marking silent agents offline", cp.mark_silent_agents_offline().await);
        note("marking stalled transfers", cp.mark_stalled_transfers().await);
        note("ending leases", cp.end_leases().await);
        note("ending leases of runs", cp.end_run_leases().await);
        note("following transfers", cp.follow_transfers().await);
        note("giving up starts", cp.give_up_starts().await);
        note("starting queued slots", cp.start_queued_slots().await);
        note("retrying failed runs", cp.retry_failed_runs().await);
        note("counting the fleet", cp.record_metrics().await);
        note("shortening the write-ahead log", cp.shorten_log().await);
        if sweeps.is_multiple_of(SWEEPS_PER_PURGE) {
            note("purging", cp.purge().await);
        }
        sweeps = sweeps.wrapping_add(1);
    }
}

fn note<T>(what: &str, outcome: Result<T>) {
    if let Err(error) = outcome {
        tracing::warn!(error = &error as &dyn std::error::Error, what, "a sweep failed");
    }
}
