//! The running agent: the state that all tasks of one process share.

pub(crate) mod problems;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::problems::{Problems, Subject};
use crate::config::bandwidth_limits::RateLimits;
use crate::config::reloadable_config::LiveConfig;
use crate::identity::Registration;
use crate::server::api::Api;
use crate::server::connection_settings::ConnectionSettings;
use crate::server::context::{DirectiveBatch, ServerContext, Timing};
use crate::server::heartbeat::{self, Condition};
use crate::server::plain_or_mtls_client::Route;
use crate::server::request_pacer::RequestPacer;
use crate::server::wire::AgentStatus;
use crate::storage::allowed_roots::AllowedRoots;
use crate::storage::open::ConfiguredServers;
use crate::transfer::claimed_state_files::{TransferStore, lock};
use crate::transfer::context::TransferContext;
use crate::work::journal::Journal;
use crate::work::queue::WorkQueue;

/// The settings that apply to all subcommands.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The address of the server, from `--server` or the configuration file; `None` means the registered address.
    pub(crate) server: Option<String>,
    /// The state folder.
    pub(crate) state_dir: PathBuf,
    /// How to connect to the server.
    pub(crate) connection: ConnectionSettings,
    pub(crate) config: Arc<LiveConfig>,
    pub(crate) timing: Timing,
    /// The token that SIGINT or SIGTERM cancels.
    pub(crate) stop: CancellationToken,
}

/// The limits of the work of one process.
#[derive(Clone, Debug)]
pub(crate) struct WorkLimits {
    /// The maximum number of jobs, steps and copies that run at the same time.
    pub(crate) max_parallel: usize,
    pub(crate) rates: RateLimits,
}

/// One process of a registered agent.
pub(crate) struct Agent {
    pub(crate) server: Arc<ServerContext>,
    pub(crate) transfers: Arc<TransferContext>,
    pub(crate) state_dir: PathBuf,
    /// The current heartbeat interval.
    pub(crate) heartbeat: watch::Sender<Duration>,
    pub(crate) queue: Arc<WorkQueue>,
    pub(crate) journal: Journal,
    problems: Problems,
    /// Spaces out the requests of work items.
    pub(crate) requests: RequestPacer,
}

/// The kind of a process of the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The process of `run`.
    Daemon,
    /// The process of `copy`. It sends heartbeats only while no daemon runs.
    Copy,
}

impl Agent {
    /// Creates the agent, and the receiver of its directives. `instance` is the id of this process; `None` unless it is
    /// the daemon.
    pub(crate) async fn new(
        settings: &Settings,
        registration: &Registration,
        limits: WorkLimits,
        allowed_roots: AllowedRoots,
        instance: Option<Uuid>,
    ) -> anyhow::Result<(Arc<Self>, mpsc::Receiver<DirectiveBatch>)> {
        let server = settings.server.as_deref().unwrap_or(&registration.server);
        let state_dir = settings.state_dir.clone();
        let folder = state_dir.clone();
        let store = tokio::task::spawn_blocking(move || TransferStore::open(&folder))
            .await?
            .with_context(|| format!("cannot use the state folder {}", state_dir.display()))?;
        let interval = registration.heartbeat_seconds.map_or(settings.timing.heartbeat, Duration::from_secs);
        let route = Route::new(server, &settings.connection)?;
        route.load_certificate(&state_dir, registration.agent_id)?;
        let api = Api::new(route, registration, &state_dir, instance);
        let (server, inbox) = ServerContext::new(api, settings.timing, settings.stop.clone());
        let journal = Journal::new(&state_dir);
        let server = Arc::new(server);
        let servers = ConfiguredServers::new(settings.config.clone(), &state_dir, Handle::current());
        let transfers = Arc::new(TransferContext::new(server.clone(), store, allowed_roots, Arc::new(servers)));
        transfers.bandwidth.set(limits.rates);
        let agent = Self {
            server,
            transfers,
            state_dir,
            heartbeat: watch::Sender::new(interval),
            queue: WorkQueue::new(limits.max_parallel),
            journal,
            problems: Problems::default(),
            requests: RequestPacer::new(),
        };
        let transfers = agent.transfers.clone();
        agent.server.background(async move {
            transfers.server.halted().await;
            transfers.controls.pause_all();
        });
        Ok((Arc::new(agent), inbox))
    }

    /// Starts a task that sends heartbeats until the agent shuts down.
    pub(crate) fn start_heartbeats(self: &Arc<Self>, role: Role) {
        let agent = self.clone();
        let condition = move || agent.condition(role);
        self.server.background(heartbeat::run(self.server.clone(), self.heartbeat.subscribe(), condition));
    }

    /// Sets the current problem of a subject; `None` clears it. A change is sent to the server at once.
    pub(crate) fn set_problem(&self, subject: Subject, problem: Option<String>) {
        if self.problems.set(subject, problem) {
            // The interval does not change, but the task that sends heartbeats is woken.
            self.heartbeat.send_modify(|_| {});
        }
    }

    /// Reports the agent as offline, unless another process of this agent is still running.
    pub(crate) async fn send_offline(self: &Arc<Self>, role: Role) {
        let agent = self.clone();
        let is_last = move || role == Role::Daemon || !(agent.daemon_runs() || agent.is_copying());
        if self.server.blocking(is_last).await.unwrap_or(true) {
            heartbeat::send_offline(&self.server.api).await;
        }
    }

    /// The status for the next heartbeat; `None` if a daemon sends the heartbeats instead of this process. The status
    /// is `error` as long as there is a problem, even if the agent is working. Blocking.
    pub(crate) fn condition(&self, role: Role) -> Option<Condition> {
        if role == Role::Copy && self.daemon_runs() {
            return None;
        }
        let reason = self.problems.reason(self.journal.write_problem());
        let status = if reason.is_some() {
            AgentStatus::Error
        } else if self.queue.is_busy() || self.is_copying() {
            AgentStatus::Busy
        } else {
            AgentStatus::Online
        };
        Some(Condition { status, reason })
    }

    /// Whether any process with this state folder is copying. Blocking.
    fn is_copying(&self) -> bool {
        self.transfers.store.is_at_work().unwrap_or(false)
    }

    /// Whether a daemon with this state folder is running. Blocking.
    fn daemon_runs(&self) -> bool {
        matches!(lock(&daemon_lock(&self.state_dir)), Ok(None))
    }
}

/// The path of the file that the daemon of a state folder locks while it runs.
pub(crate) fn daemon_lock(state_dir: &Path) -> PathBuf {
    state_dir.join("daemon.lock")
}
