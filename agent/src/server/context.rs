//! The connection to the control plane that all tasks of a process share: the REST API, the inbox for directives, and
//! the signals that end tasks.

mod stop_and_fatal_error;

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use mftplus_protocol::backoff::Backoff;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::exit::Exit;
use crate::server::api::Api;
use crate::server::wire::Directive;

/// Intervals and delays of requests to the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// The minimum time between two progress reports.
    pub(crate) report: Duration,
    /// The time between two heartbeats, unless the server sets another interval.
    pub(crate) heartbeat: Duration,
    /// The delays between attempts after failures.
    pub(crate) backoff: Backoff,
    /// The maximum time between two polls while the server repeats the same directives.
    pub(crate) poll: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            report: Duration::from_secs(1),
            heartbeat: Duration::from_secs(30),
            backoff: Backoff::doubling(Duration::from_millis(500), Duration::from_secs(30)),
            poll: Duration::from_secs(5),
        }
    }
}

/// The maximum number of batches of directives that wait for the dispatcher.
const INBOX: usize = 64;

/// The directives of one response, in the inbox of the dispatcher.
#[derive(Debug)]
pub(crate) struct DirectiveBatch {
    pub(crate) directives: Vec<Directive>,
    /// Notified when all directives are handled; `None` if no task waits for that.
    pub(crate) handled: Option<oneshot::Sender<()>>,
}

/// The connection to the control plane, shared by the tasks of one process.
pub(crate) struct ServerContext {
    pub(crate) api: Api,
    pub(crate) timing: Timing,
    /// The tasks of this process: work items, transfers, background tasks and blocking work.
    pub(crate) tasks: TaskTracker,
    inbox: mpsc::Sender<DirectiveBatch>,
    /// The token that ends the background tasks.
    closing: CancellationToken,
    stop: CancellationToken,
    halted: CancellationToken,
    why_halted: OnceLock<(Exit, String)>,
}

impl ServerContext {
    /// Creates the context, and the receiver of the directives that are delivered to it. `stop` is cancelled by SIGINT
    /// or SIGTERM.
    pub(crate) fn new(api: Api, timing: Timing, stop: CancellationToken) -> (Self, mpsc::Receiver<DirectiveBatch>) {
        let (inbox, batches) = mpsc::channel(INBOX);
        let context = Self {
            api,
            timing,
            tasks: TaskTracker::new(),
            inbox,
            closing: CancellationToken::new(),
            stop,
            halted: CancellationToken::new(),
            why_halted: OnceLock::new(),
        };
        (context, batches)
    }

    /// Spawns a task that is cancelled when the agent shuts down; it then returns `None`.
    pub(crate) fn background<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<Option<T>> {
        self.tasks.spawn(self.closing.clone().run_until_cancelled_owned(work))
    }

    /// Runs `work` on a thread that may block, such as a write that is synced. The work is completed even if the
    /// returned future is dropped, and [`Self::close`] waits for it. A panic of the work is returned as an error.
    pub(crate) async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        self.tasks.spawn_blocking(work).await.map_err(io::Error::other)
    }

    /// Ends the background tasks, and waits for all tasks and writes.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Passes directives to the dispatcher without waiting. Drops them if its inbox is full, because the server
    /// delivers them again until they are acknowledged.
    pub(crate) fn deliver(&self, directives: Vec<Directive>) {
        if directives.is_empty() {
            return;
        }
        // The dispatcher ends before the process does, so the inbox may be closed.
        if self.inbox.try_send(DirectiveBatch { directives, handled: None }).is_err() {
            tracing::debug!("too many directives are waiting; these will be delivered again");
        }
    }

    /// Passes directives to the dispatcher and waits until all are handled.
    pub(crate) async fn deliver_and_wait(&self, directives: Vec<Directive>) {
        let (handled, done) = oneshot::channel();
        if self.inbox.send(DirectiveBatch { directives, handled: Some(handled) }).await.is_ok() {
            let _ = done.await;
        }
    }
}
