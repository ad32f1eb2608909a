//! The journal of work items, `journal.log`. It ensures that after a crash no item is lost and none is executed twice.
//!
//! Each change of an item is appended to the file as a line and synced before the agent acts on it. A single thread
//! writes: it receives the changes from a bounded channel, writes all waiting changes together, syncs once, and then
//! answers the callers. Only the daemon writes the file.

mod content_and_records;
mod earlier_journal_file;
mod writer;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::Context as _;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::content_and_records::Entries;
pub(crate) use self::content_and_records::ItemState;
use self::earlier_journal_file::EarlierFile;
use self::writer::{Action, Answer, QUEUE, Request, Writer};
use crate::storage::record_log::read_records;
use crate::work::work_item::WorkItem;

/// The journal of one agent, with its work items in memory.
#[derive(Debug)]
pub(crate) struct Journal {
    state_dir: PathBuf,
    state: Arc<Mutex<State>>,
    thread: Mutex<WriterThread>,
}

/// The durable content of the file. It is not locked while the file is written.
#[derive(Debug, Default)]
struct State {
    entries: Entries,
    /// Why the last write failed; `None` if it succeeded.
    write_error: Option<String>,
    cancel_tokens: HashMap<String, CancellationToken>,
}

/// The state of the thread that writes the file.
#[derive(Debug)]
enum WriterThread {
    /// Nothing has been written or loaded yet.
    NotStarted,
    Running {
        requests: mpsc::Sender<Request>,
        thread: JoinHandle<()>,
    },
    Closed,
}

impl Journal {
    /// Creates the journal in `state_dir`. It is empty until [`Self::load`] or the first change reads the file.
    pub(crate) fn new(state_dir: &Path) -> Self {
        Self { state_dir: state_dir.to_owned(), state: Arc::default(), thread: Mutex::new(WriterThread::NotStarted) }
    }

    /// Loads the items that an earlier process left open. Returns their keys, oldest first.
    pub(crate) async fn load(&self) -> anyhow::Result<Vec<String>> {
        self.request(Action::Load).await.context("cannot load the journal of work items")?;
        Ok(lock(&self.state).entries.open().map(WorkItem::key).collect())
    }

    /// Reads the open items in `state_dir`, for the subcommand `status`. Changes no file. Blocking.
    pub(crate) fn read_open(state_dir: &Path) -> io::Result<Vec<WorkItem>> {
        let mut entries = Entries::default();
        for record in read_records(&path(state_dir))? {
            entries.read(&record);
        }
        EarlierFile::read(state_dir)?.add_to(&mut entries)?;
        Ok(entries.open().cloned().collect())
    }

    pub(crate) fn state_of(&self, key: &str) -> ItemState {
        lock(&self.state).entries.state_of(key)
    }

    /// Adds an open item durably.
    pub(crate) async fn add(&self, item: WorkItem) -> io::Result<()> {
        self.request(Action::Add(Box::new(item))).await.map(drop)
    }

    /// The oldest open item for which `is_meant` returns `true`.
    pub(crate) fn find(&self, is_meant: impl Fn(&WorkItem) -> bool) -> Option<WorkItem> {
        lock(&self.state).entries.open().find(|item| is_meant(item)).cloned()
    }

    /// All open items for which `is_meant` returns `true`, oldest first.
    pub(crate) fn find_all(&self, is_meant: impl Fn(&WorkItem) -> bool) -> Vec<WorkItem> {
        lock(&self.state).entries.open().filter(|item| is_meant(item)).cloned().collect()
    }

    /// The open item with this key; `None` if it is finished or unknown.
    pub(crate) fn get(&self, key: &str) -> Option<WorkItem> {
        lock(&self.state).entries.get(key).cloned()
    }

    /// Whether the transfer with this idempotency key belongs to an open item.
    pub(crate) fn owns_transfer(&self, transfer_key: Uuid) -> bool {
        self.find(|item| item.transfer_key == transfer_key).is_some()
    }

    /// Whether any item has ended and its end is not reported yet.
    pub(crate) fn has_unreported_end(&self) -> bool {
        self.find(|item| item.end.is_some()).is_some()
    }

    /// Changes an open item durably. Does nothing if no open item has this key.
    pub(crate) async fn change(
        &self,
        key: &str,
        change: impl FnOnce(&mut WorkItem) + Send + 'static,
    ) -> io::Result<()> {
        self.request(Action::Change { key: key.to_owned(), change: Box::new(change) }).await.map(drop)
    }

    /// Records durably that a directive must be acknowledged when the item has ended.
    pub(crate) async fn acknowledge_at_end(&self, key: &str, directive: Uuid) -> io::Result<()> {
        if self.get(key).is_some_and(|item| item.directives_to_acknowledge.contains(&directive)) {
            return Ok(());
        }
        self.change(key, move |item| item.directives_to_acknowledge.push(directive)).await
    }

    /// Records durably that an item is cancelled, and cancels its token. `directive` is acknowledged when the item has
    /// ended.
    pub(crate) async fn cancel(&self, key: &str, directive: Option<Uuid>) -> io::Result<()> {
        if let Some(directive) = directive {
            self.acknowledge_at_end(key, directive).await?;
        }
        if self.get(key).is_some_and(|item| !item.is_cancelled) {
            self.change(key, |item| item.is_cancelled = true).await?;
        }
        self.cancel_token(key).cancel();
        Ok(())
    }

    /// The token that is cancelled when the item with this key is cancelled.
    pub(crate) fn cancel_token(&self, key: &str) -> CancellationToken {
        lock(&self.state).cancel_tokens.entry(key.to_owned()).or_default().clone()
    }

    /// Records durably that the end of an item is reported. Returns the directives that the caller must acknowledge
    /// now.
    pub(crate) async fn finish(&self, key: &str) -> io::Result<Vec<Uuid>> {
        self.request(Action::Finish { key: key.to_owned() }).await
    }

    /// Why the last write failed; `None` if it succeeded. After a failure, each call also requests that the file is
    /// written again, so the problem disappears once writing is possible. Does not block.
    pub(crate) fn write_problem(&self) -> Option<String> {
        let problem = lock(&self.state).write_error.clone()?;
        if let WriterThread::Running { requests, .. } = &*lock(&self.thread) {
            let (answer, _) = oneshot::channel();
            // If the channel is full, the file will be written soon anyway.
            let _ = requests.try_send(Request { action: Action::Repair, answer });
        }
        Some(problem)
    }

    /// Waits until all changes are written, including those whose callers were cancelled. Later changes fail.
    pub(crate) async fn close(&self) {
        let thread = std::mem::replace(&mut *lock(&self.thread), WriterThread::Closed);
        if let WriterThread::Running { requests, thread } = thread {
            // The thread ends after it has answered all waiting requests.
            drop(requests);
            let ended = tokio::task::spawn_blocking(move || thread.join()).await;
            if !matches!(ended, Ok(Ok(()))) {
                tracing::error!("the thread that writes the journal has failed");
            }
        }
    }

    /// Sends a request to the thread and waits for the answer. A request that was sent is executed even if the returned
    /// future is dropped.
    async fn request(&self, action: Action) -> Answer {
        let ended = || io::Error::other("the journal can no longer be written: restart the agent");
        let (answer, answered) = oneshot::channel();
        let requests = self.requests()?.ok_or_else(ended)?;
        requests.send(Request { action, answer }).await.map_err(|_| ended())?;
        drop(requests);
        answered.await.map_err(|_| ended())?
    }

    /// The channel to the thread, which is started first if it does not run; `None` after [`Self::close`].
    fn requests(&self) -> io::Result<Option<mpsc::Sender<Request>>> {
        let mut state = lock(&self.thread);
        if matches!(*state, WriterThread::NotStarted) {
            let (requests, waiting) = mpsc::channel(QUEUE);
            let writer = Writer::new(self.state_dir.clone(), self.state.clone());
            let thread = thread::Builder::new().name("journal".into()).spawn(move || writer.run(waiting))?;
            *state = WriterThread::Running { requests, thread };
        }
        Ok(match &*state {
            WriterThread::Running { requests, .. } => Some(requests.clone()),
            WriterThread::NotStarted | WriterThread::Closed => None,
        })
    }
}

fn path(state_dir: &Path) -> PathBuf {
    state_dir.join("journal.log")
}

/// Locks a mutex that is never locked during I/O.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
