//! Heartbeats: the agent's status with the load and memory of its host.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::host::host_metrics;
use crate::server::api::Api;
use crate::server::context::ServerContext;
use crate::server::wire::{AgentStatus, Heartbeat};

/// Sends heartbeats until the agent shuts down. `current_status` may block; it returns `None` while another process sends
/// the heartbeats.
pub(crate) async fn run(
    server: Arc<ServerContext>,
    mut interval: watch::Receiver<Duration>,
    current_status: impl Fn() -> Option<AgentStatus> + Clone + Send + 'static,
) {
    let mut failures = 0_u32;
    loop {
        let status = server.blocking(current_status.clone()).await;
        if let Some(status) = status.ok().flatten() {
            match server.api.heartbeat(&now(status)).await {
                Ok(directives) => {
                    failures = 0;
                    server.deliver(directives);
                }
                Err(error) if error.is_fatal() => return server.halt(&error),
                Err(error) => {
                    failures += 1;
                    if failures == 1 {
                        tracing::warn!("the heartbeat was not sent: {error}");
                    }
                }
            }
        }
        let gap = *interval.borrow_and_update();
        // After a failure, before the server counts the agent as offline.
        let gap = if failures == 0 { gap } else { gap.min(Duration::from_secs(10)) };
        tokio::select! {
            () = server.halted() => return,
            () = sleep(gap) => {}
            _ = interval.changed() => {}
        }
    }
}

/// Reports the agent as offline.
pub(crate) async fn send_offline(api: &Api) {
    let offline = Heartbeat { status: AgentStatus::Offline, load: None, memory: None };
    match timeout(Duration::from_secs(3), api.heartbeat(&offline)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::debug!("not reported as offline: {error}"),
        Err(_) => tracing::debug!("not reported as offline: the server did not answer in time"),
    }
}

fn now(status: AgentStatus) -> Heartbeat {
    let metrics = host_metrics();
    Heartbeat { status, load: metrics.load, memory: metrics.memory }
}
