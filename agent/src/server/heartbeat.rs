//! Heartbeats: the agent's status with the load and memory of its host.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::host::host_metrics;
use crate::server::wire::{AgentStatus, Heartbeat};
use crate::session::{Session, daemon_lock};
use crate::transfer::store::lock;

/// The kind of process that sends heartbeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// `run`.
    Daemon,
    /// `copy`, which sends heartbeats only while no daemon runs.
    Copy,
}

/// Sends heartbeats until the session closes.
pub(crate) async fn run(session: Arc<Session>, role: Role) {
    let mut interval = session.heartbeat.subscribe();
    let mut failures = 0_u32;
    loop {
        if role == Role::Daemon || !daemon_runs(&session) {
            match session.api.heartbeat(&now(status(&session))).await {
                Ok(directives) => {
                    failures = 0;
                    session.deliver(directives);
                }
                Err(error) if error.is_fatal() => return session.halt(&error),
                Err(error) => {
                    failures += 1;
                    if failures == 1 {
                        tracing::warn!("no heartbeat: {error}");
                    }
                }
            }
        }
        let gap = *interval.borrow_and_update();
        // After a failure, before the server counts the agent as offline.
        let gap = if failures == 0 { gap } else { gap.min(Duration::from_secs(10)) };
        tokio::select! {
            () = session.halted() => return,
            () = sleep(gap) => {}
            _ = interval.changed() => {}
        }
    }
}

/// Reports the agent as offline, unless another process of it goes on.
pub(crate) async fn send_offline(session: &Session, role: Role) {
    if role == Role::Copy && (daemon_runs(session) || session.store.is_at_work().unwrap_or(false)) {
        return;
    }
    let offline = Heartbeat { status: AgentStatus::Offline, load: None, memory: None };
    match timeout(Duration::from_secs(3), session.api.heartbeat(&offline)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::debug!("not reported as offline: {error}"),
        Err(_) => tracing::debug!("not reported as offline: the server did not answer in time"),
    }
}

fn status(session: &Session) -> AgentStatus {
    let is_at_work = session.queue.is_busy() || session.store.is_at_work().unwrap_or(false);
    if is_at_work { AgentStatus::Busy } else { AgentStatus::Online }
}

fn now(status: AgentStatus) -> Heartbeat {
    let metrics = host_metrics();
    Heartbeat { status, load: metrics.load, memory: metrics.memory }
}

fn daemon_runs(session: &Session) -> bool {
    matches!(lock(&daemon_lock(&session.state_dir)), Ok(None))
}
