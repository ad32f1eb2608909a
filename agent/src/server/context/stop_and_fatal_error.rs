//! The signals that end the tasks of a process: a requested stop (SIGINT or SIGTERM), a fatal error with its exit code,
//! and the shutdown.

use crate::exit::Exit;
use crate::server::context::ServerContext;
use crate::server::http::ApiError;

impl ServerContext {
    /// Stops all work because of `error`, after which the server refuses all further requests. Only the first call has
    /// an effect.
    pub(crate) fn halt(&self, error: &ApiError) {
        let exit = if matches!(error, ApiError::Duplicate { .. }) { Exit::Duplicate } else { Exit::Failed };
        let _ = self.why_halted.set((exit, error.to_string()));
        self.halted.cancel();
    }

    /// Completes when no new work may start: after SIGINT or SIGTERM, or after a fatal error of the server.
    pub(crate) async fn stopping(&self) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = self.halted.cancelled() => {}
        }
    }

    /// Completes when the agent shuts down, which follows a stop or a fatal error.
    pub(crate) async fn closed(&self) {
        self.closing.cancelled().await;
    }

    /// Completes after SIGINT or SIGTERM.
    pub(crate) async fn stop_requested(&self) {
        self.stop.cancelled().await;
    }

    /// Whether no new work may start, after SIGINT or SIGTERM or a fatal error of the server.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.is_cancelled() || self.halted.is_cancelled()
    }

    /// Completes after a fatal error of the server.
    pub(crate) async fn halted(&self) {
        self.halted.cancelled().await;
    }

    /// The message of the fatal error; `None` if there was none.
    pub(crate) fn why_halted(&self) -> Option<&str> {
        self.why_halted.get().map(|(_, why)| why.as_str())
    }

    /// The exit code for the fatal error; [`Exit::Done`] if there was none.
    pub(crate) fn exit(&self) -> Exit {
        self.why_halted.get().map_or(Exit::Done, |(exit, _)| *exit)
    }
}
