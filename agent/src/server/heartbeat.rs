//! Says that the agent is alive, and how its machine fares.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::machine::vitals;
use crate::server::wire::{AgentStatus, Heartbeat};
use crate::session::{Session, daemon_lock};
use crate::transfer::store::lock;

/// Who sends heartbeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The process that is always there.
    Daemon,
    /// A single copy, which stands in when there is no daemon, lest the server think the agent gone.
    Copy,
}

/// Sends heartbeats until the session closes.
pub(crate) async fn beat(session: Arc<Session>, role: Role) {
    let mut interval = session.heartbeat.subscribe();
    let mut failures = 0_u32;
    loop {
        if role == Role::Daemon || !daemon_runs(&session) {
            match session.api.heartbeat(&now(status(&session))).await {
                Ok(directives) => {
                    failures = 0;
                    session.deliver(directives);
                }
                Err(error) if error.is_the_end() => return session.halt(&error),
                Err(error) => {
                    failures += 1;
                    if failures == 1 {
                        tracing::warn!("no heartbeat: {error}");
                    }
                }
            }
        }
        let gap = *interval.borrow_and_update();
        // After a failure sooner than the server would miss us.
        let gap = if failures == 0 { gap } else { gap.min(Duration::from_secs(10)) };
        tokio::select! {
            () = session.halted() => return,
            () = sleep(gap) => {}
            _ = interval.changed() => {}
        }
    }
}

/// Says goodbye, unless another process of this agent goes on.
pub(crate) async fn say_goodbye(session: &Session, role: Role) {
    if role == Role::Copy && (daemon_runs(session) || session.store.is_at_work().unwrap_or(false)) {
        return;
    }
    let goodbye = Heartbeat { status: AgentStatus::Offline, load: None, memory: None };
    match timeout(Duration::from_secs(3), session.api.heartbeat(&goodbye)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::debug!("no goodbye: {error}"),
        Err(_) => tracing::debug!("no goodbye: the server did not answer in time"),
    }
}

fn status(session: &Session) -> AgentStatus {
    let is_at_work = session.turns.is_busy() || session.store.is_at_work().unwrap_or(false);
    if is_at_work { AgentStatus::Busy } else { AgentStatus::Online }
}

fn now(status: AgentStatus) -> Heartbeat {
    let vitals = vitals();
    Heartbeat { status, load: vitals.load, memory: vitals.memory }
}

fn daemon_runs(session: &Session) -> bool {
    matches!(lock(&daemon_lock(&session.state_dir)), Ok(None))
}
