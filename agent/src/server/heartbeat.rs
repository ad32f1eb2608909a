//! Heartbeats: they report the agent's status with its reason, and the load and memory of its machine.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::host::host_metrics;
use crate::server::api::Api;
use crate::server::context::ServerContext;
use crate::server::wire::{AgentStatus, Heartbeat};

/// The agent's status in a heartbeat, with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) status: AgentStatus,
    /// Why the agent has this status, as a text for users without secrets; `None` if there is nothing to say.
    pub(crate) reason: Option<String>,
}

/// Sends a heartbeat after each `interval`, and at once whenever `interval` receives a value. Ends after a fatal error.
/// `condition` may block; it returns `None` while another process of this agent sends the heartbeats.
pub(crate) async fn run(
    server: Arc<ServerContext>,
    mut interval: watch::Receiver<Duration>,
    condition: impl Fn() -> Option<Condition> + Clone + Send + 'static,
) {
    let mut failures = 0_u32;
    loop {
        // Before the condition is read: a change of the condition after that is sent at once.
        interval.mark_unchanged();
        let current = server.blocking(condition.clone()).await;
        if let Some(current) = current.ok().flatten() {
            match server.api.heartbeat(&now(current)).await {
                Ok(directives) => {
                    failures = 0;
                    server.deliver(directives);
                }
                Err(error) if error.is_fatal() => return server.halt(&error),
                Err(error) => {
                    failures += 1;
                    if failures == 1 {
                        tracing::warn!("the heartbeat could not be sent: {error}");
                    }
                }
            }
        }
        let gap = *interval.borrow();
        // After a failure, the next heartbeat is sent before the server counts the agent as offline.
        let gap = if failures == 0 { gap } else { gap.min(Duration::from_secs(10)) };
        tokio::select! {
            () = server.halted() => return,
            () = sleep(gap) => {}
            _ = interval.changed() => {}
        }
    }
}

/// Reports the agent as offline, within 3 seconds at most. A failure is only logged.
pub(crate) async fn send_offline(api: &Api) {
    let offline = Heartbeat { status: AgentStatus::Offline, status_reason: None, load: None, memory: None };
    match timeout(Duration::from_secs(3), api.heartbeat(&offline)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::debug!("the agent could not be reported as offline: {error}"),
        Err(_) => tracing::debug!("the agent could not be reported as offline: the server did not answer in time"),
    }
}

fn now(Condition { status, reason }: Condition) -> Heartbeat {
    let metrics = host_metrics();
    Heartbeat { status, status_reason: reason, load: metrics.load, memory: metrics.memory }
}
