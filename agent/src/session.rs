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
use crate::work::journal::Errands;
use crate::work::queue::Turns;

/// How long things take when nobody says otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// Between two progress reports, at least.
    pub(crate) report: Duration,
    /// Between two heartbeats.
    pub(crate) heartbeat: Duration,
    /// The first wait after a failure.
    pub(crate) backoff: Duration,
    /// Between two polls when the server goes on repeating itself, at most.
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

/// What every subcommand is given.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The server's address, when one was given.
    pub(crate) server: Option<String>,
    /// Where the agent keeps its state.
    pub(crate) state_dir: PathBuf,
    /// Intervals.
    pub(crate) timing: Timing,
    /// Cancelled when the process is asked to end.
    pub(crate) stop: CancellationToken,
}

/// How much one process may do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Jobs, steps and copies that run at the same time.
    pub(crate) at_once: usize,
    /// Bytes per second for each copy of a job.
    pub(crate) max_rate: Option<u64>,
}

/// Directives on their way to whoever acts on them.
#[derive(Debug)]
pub(crate) struct Mail {
    /// As they came.
    pub(crate) directives: Vec<Directive>,
    /// Told when each was looked at.
    pub(crate) read: Option<oneshot::Sender<()>>,
}

/// One process of a registered agent.
pub(crate) struct Session {
    pub(crate) api: Api,
    pub(crate) store: TransferStore,
    pub(crate) state_dir: PathBuf,
    pub(crate) controls: ControlRegistry,
    pub(crate) reporter: Reporter,
    pub(crate) timing: Timing,
    /// The heartbeat interval now in force.
    pub(crate) heartbeat: watch::Sender<Duration>,
    /// How much it may do.
    pub(crate) bounds: Bounds,
    pub(crate) allowed_roots: AllowedRoots,
    /// Whose turn it is to copy.
    pub(crate) turns: Arc<Turns>,
    /// What the server gave this agent to do.
    pub(crate) errands: Errands,
    /// Held while the server is asked about an errand, so that many do not use up the window at once.
    pub(crate) line: Mutex<()>,
    /// Everything that runs beside the subcommand itself.
    pub(crate) tasks: TaskTracker,
    /// Cancelled when the background shall end.
    closing: CancellationToken,
    inbox: mpsc::UnboundedSender<Mail>,
    stop: CancellationToken,
    halted: CancellationToken,
    why_halted: OnceLock<(Exit, String)>,
}

impl Session {
    /// A session of the agent that `registration` describes, within `bounds` and `allowed_roots`, and its mail; `instance` is the
    /// name of a process that does the agent's work.
    pub(crate) fn new(
        settings: &Settings,
        registration: &Registration,
        bounds: Bounds,
        allowed_roots: AllowedRoots,
        instance: Option<Uuid>,
    ) -> anyhow::Result<(Arc<Self>, mpsc::UnboundedReceiver<Mail>)> {
        let server = settings.server.as_deref().unwrap_or(&registration.server);
        let state_dir = settings.state_dir.clone();
        let store = TransferStore::open(&state_dir)
            .with_context(|| format!("cannot use the state folder {}", state_dir.display()))?;
        let interval = registration.heartbeat_seconds.map_or(settings.timing.heartbeat, Duration::from_secs);
        let errands = Errands::new(&state_dir);
        let (inbox, mail) = mpsc::unbounded_channel();
        let session = Self {
            api: Api::new(HttpClient::new(server)?, registration, &state_dir, instance),
            store,
            state_dir,
            controls: ControlRegistry::default(),
            reporter: Reporter::default(),
            timing: settings.timing,
            heartbeat: watch::Sender::new(interval),
            turns: Turns::new(bounds.at_once),
            bounds,
            allowed_roots,
            errands,
            line: Mutex::default(),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            inbox,
            stop: settings.stop.clone(),
            halted: CancellationToken::new(),
            why_halted: OnceLock::new(),
        };
        Ok((Arc::new(session), mail))
    }

    /// Runs something beside the subcommand, until the session closes.
    pub(crate) fn background<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<Option<T>> {
        self.tasks.spawn(self.closing.clone().run_until_cancelled_owned(work))
    }

    /// Ends what runs in the background, and waits for the transfers to have stopped.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Hands directives on, to be acted upon when there is time.
    pub(crate) fn deliver(&self, directives: Vec<Directive>) {
        if !directives.is_empty() {
            // Nobody reads any more once the process ends.
            let _ = self.inbox.send(Mail { directives, read: None });
        }
    }

    /// Hands directives on and waits until each was looked at.
    pub(crate) async fn deliver_and_wait(&self, directives: Vec<Directive>) {
        let (read, looked_at) = oneshot::channel();
        if self.inbox.send(Mail { directives, read: Some(read) }).is_ok() {
            let _ = looked_at.await;
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

    /// Ends all work: the server will not hear this agent again.
    pub(crate) fn halt(&self, error: &ApiError) {
        let exit = if matches!(error, ApiError::Duplicate { .. }) { Exit::Duplicate } else { Exit::Failed };
        let _ = self.why_halted.set((exit, error.to_string()));
        self.halted.cancel();
        self.controls.pause_all();
    }

    /// Ends when nothing new shall begin any more.
    pub(crate) async fn stopping(&self) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = self.halted.cancelled() => {}
        }
    }

    /// Ends when the background ends.
    pub(crate) async fn closed(&self) {
        self.closing.cancelled().await;
    }

    /// Ends when the process is asked to end.
    pub(crate) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Whether no transfer shall begin any more.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.is_cancelled() || self.halted.is_cancelled()
    }

    /// Ends when the server will not hear this agent again.
    pub(crate) async fn halted(&self) {
        self.halted.cancelled().await;
    }

    /// Why it will not, once that is so.
    pub(crate) fn why_halted(&self) -> Option<&str> {
        self.why_halted.get().map(|(_, why)| why.as_str())
    }

    /// How the process ends then.
    pub(crate) fn exit(&self) -> Exit {
        self.why_halted.get().map_or(Exit::Done, |(exit, _)| *exit)
    }
}

/// The lock that the daemon of a state folder holds.
pub(crate) fn daemon_lock(state_dir: &Path) -> PathBuf {
    state_dir.join("daemon.lock")
}
