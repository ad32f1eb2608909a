//! What the tasks of one agent process share.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::exit::Exit;
use crate::identity::Registration;
use crate::server::api::Api;
use crate::server::http::{ApiError, HttpClient};
use crate::server::reporter::Reporter;
use crate::server::wire::Directive;
use crate::storage::allowed_roots::{AllowedRoots, FileAccess};
use crate::transfer::control::ControlRegistry;
use crate::transfer::store::TransferStore;
use crate::work::journal::Journal;
use crate::work::queue::WorkQueue;

/// Intervals and delays.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// The least time between two progress reports.
    pub(crate) report: Duration,
    /// The time between two heartbeats, unless the server sets another.
    pub(crate) heartbeat: Duration,
    /// The delay after the first failure.
    pub(crate) backoff: Duration,
    /// The most time between two polls while the server repeats the same directives.
    pub(crate) poll: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            report: Duration::from_secs(1),
            heartbeat: Duration::from_secs(30),
            backoff: Duration::from_millis(500),
            poll: Duration::from_secs(5),
        }
    }
}

/// The settings of every subcommand.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The address of the server, if `--server` gives one.
    pub(crate) server: Option<String>,
    /// The state folder.
    pub(crate) state_dir: PathBuf,
    pub(crate) timing: Timing,
    /// Cancelled by a signal.
    pub(crate) stop: CancellationToken,
}

/// The limits of one process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WorkLimits {
    /// Jobs, steps and copies that run at the same time.
    pub(crate) max_parallel: usize,
    /// Bytes per second of each copy of a job or step.
    pub(crate) max_rate: Option<u64>,
}

/// Directives of one response, on their way to the dispatcher.
#[derive(Debug)]
pub(crate) struct DirectiveBatch {
    pub(crate) directives: Vec<Directive>,
    /// Notified when all are handled.
    pub(crate) handled: Option<oneshot::Sender<()>>,
}

/// One process of a registered agent.
pub(crate) struct Session {
    pub(crate) api: Api,
    pub(crate) store: TransferStore,
    pub(crate) state_dir: PathBuf,
    pub(crate) controls: ControlRegistry,
    pub(crate) reporter: Reporter,
    pub(crate) timing: Timing,
    /// The current heartbeat interval.
    pub(crate) heartbeat: watch::Sender<Duration>,
    pub(crate) limits: WorkLimits,
    pub(crate) allowed_roots: AllowedRoots,
    pub(crate) queue: Arc<WorkQueue>,
    pub(crate) journal: Journal,
    /// Held during requests of work items, so that many items do not use up the rate limit at once.
    pub(crate) request_lock: Mutex<()>,
    /// Work items, transfers and background tasks.
    pub(crate) tasks: TaskTracker,
    /// Ends the background tasks.
    closing: CancellationToken,
    inbox: mpsc::UnboundedSender<DirectiveBatch>,
    stop: CancellationToken,
    halted: CancellationToken,
    why_halted: OnceLock<(Exit, String)>,
}

impl Session {
    /// A session of the registered agent, and the receiver of its directives; `instance` is the id of a daemon process.
    pub(crate) fn new(
        settings: &Settings,
        registration: &Registration,
        limits: WorkLimits,
        allowed_roots: AllowedRoots,
        instance: Option<Uuid>,
    ) -> anyhow::Result<(Arc<Self>, mpsc::UnboundedReceiver<DirectiveBatch>)> {
        let server = settings.server.as_deref().unwrap_or(&registration.server);
        let state_dir = settings.state_dir.clone();
        let store = TransferStore::open(&state_dir)
            .with_context(|| format!("cannot use the state folder {}", state_dir.display()))?;
        let interval = registration.heartbeat_seconds.map_or(settings.timing.heartbeat, Duration::from_secs);
        let journal = Journal::new(&state_dir);
        let (inbox, batches) = mpsc::unbounded_channel();
        let session = Self {
            api: Api::new(HttpClient::new(server)?, registration, &state_dir, instance),
            store,
            state_dir,
            controls: ControlRegistry::default(),
            reporter: Reporter::default(),
            timing: settings.timing,
            heartbeat: watch::Sender::new(interval),
            queue: WorkQueue::new(limits.max_parallel),
            limits,
            allowed_roots,
            journal,
            request_lock: Mutex::default(),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            inbox,
            stop: settings.stop.clone(),
            halted: CancellationToken::new(),
            why_halted: OnceLock::new(),
        };
        Ok((Arc::new(session), batches))
    }

    /// Spawns a task that ends when the session closes.
    pub(crate) fn background<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<Option<T>> {
        self.tasks.spawn(self.closing.clone().run_until_cancelled_owned(work))
    }

    /// Ends the background tasks, and waits for all tasks.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Passes directives to the dispatcher.
    pub(crate) fn deliver(&self, directives: Vec<Directive>) {
        if !directives.is_empty() {
            // The dispatcher ends before the process does.
            let _ = self.inbox.send(DirectiveBatch { directives, handled: None });
        }
    }

    /// Passes directives to the dispatcher and waits until all are handled.
    pub(crate) async fn deliver_and_wait(&self, directives: Vec<Directive>) {
        let (handled, done) = oneshot::channel();
        if self.inbox.send(DirectiveBatch { directives, handled: Some(handled) }).is_ok() {
            let _ = done.await;
        }
    }

    /// The paths that a copy may access; what the server asked for is confined to the allowed roots.
    pub(crate) fn file_access(&self, is_confined: bool) -> FileAccess {
        if is_confined && self.allowed_roots.is_configured() {
            FileAccess::Confined(self.allowed_roots.clone())
        } else {
            FileAccess::Unrestricted
        }
    }

    /// Stops all work after a fatal error of the server.
    pub(crate) fn halt(&self, error: &ApiError) {
        let exit = if matches!(error, ApiError::Duplicate { .. }) { Exit::Duplicate } else { Exit::Failed };
        let _ = self.why_halted.set((exit, error.to_string()));
        self.halted.cancel();
        self.controls.pause_all();
    }

    /// Completes when no new work may start.
    pub(crate) async fn stopping(&self) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = self.halted.cancelled() => {}
        }
    }

    /// Completes when the session closes.
    pub(crate) async fn closed(&self) {
        self.closing.cancelled().await;
    }

    /// Completes at a signal.
    pub(crate) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Whether no new work may start.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.is_cancelled() || self.halted.is_cancelled()
    }

    /// Completes after a fatal error of the server.
    pub(crate) async fn halted(&self) {
        self.halted.cancelled().await;
    }

    /// The fatal error, if there was one.
    pub(crate) fn why_halted(&self) -> Option<&str> {
        self.why_halted.get().map(|(_, why)| why.as_str())
    }

    /// The exit code after it.
    pub(crate) fn exit(&self) -> Exit {
        self.why_halted.get().map_or(Exit::Done, |(exit, _)| *exit)
    }
}

/// The lock file that the daemon of a state folder holds.
pub(crate) fn daemon_lock(state_dir: &Path) -> PathBuf {
    state_dir.join("daemon.lock")
}
