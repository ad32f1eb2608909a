//! The journal of work items, `errands.json`: after a crash no item is lost and none is done twice.
//!
//! The file is replaced atomically and synced before the agent acts, on threads that may block. Only the daemon writes it.

mod entries;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use self::entries::Entries;
use crate::storage::path_text::text;
use crate::storage::state_file::{self, Stored};
use crate::work::work_item::WorkItem;

/// The number of finished items that are kept, to recognise a repeated directive.
const MAX_FINISHED: usize = 1000;

/// What the journal knows of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ItemState {
    /// The journal does not know the item.
    New,
    /// The item was accepted. It has not ended, or its end is not reported.
    Open,
    /// The item has ended, and its end is reported.
    Finished,
}

/// The work items of one agent.
#[derive(Debug)]
pub(crate) struct Journal {
    file: Arc<JournalFile>,
    /// Tracks the writes. Each write is completed, even if its caller was cancelled.
    tasks: TaskTracker,
}

/// The file and its known content. Blocking, except for [`Self::lock`].
#[derive(Debug)]
struct JournalFile {
    path: PathBuf,
    /// Held during each change, so that a write contains all earlier ones.
    writing: Mutex<()>,
    /// The content of the file. Not locked while the file is written.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: Entries,
    cancel_tokens: HashMap<String, CancellationToken>,
}

impl Journal {
    /// The journal in `state_dir`, empty until [`Self::load`]. `tasks` tracks its writes.
    pub(crate) fn new(state_dir: &Path, tasks: TaskTracker) -> Self {
        let file = JournalFile { path: path(state_dir), writing: Mutex::default(), state: Mutex::default() };
        Self { file: Arc::new(file), tasks }
    }

    /// Loads the items that an earlier process left open. Returns their keys, oldest first.
    pub(crate) async fn load(&self) -> anyhow::Result<Vec<String>> {
        self.blocking(JournalFile::load).await?.context("cannot load the journal of work items")
    }

    /// The open items in the file of `state_dir`, for `status`. Changes nothing. Blocking.
    pub(crate) fn read_open(state_dir: &Path) -> io::Result<Vec<WorkItem>> {
        Ok(state_file::read_stored::<Entries>(&path(state_dir))?.content().unwrap_or_default().open)
    }

    pub(crate) fn state_of(&self, key: &str) -> ItemState {
        let state = self.file.lock();
        if state.entries.open.iter().any(|item| item.key() == key) {
            ItemState::Open
        } else if state.entries.finished.iter().any(|finished| finished == key) {
            ItemState::Finished
        } else {
            ItemState::New
        }
    }

    /// Adds an item durably.
    pub(crate) async fn add(&self, item: WorkItem) -> io::Result<()> {
        self.save(|entries| entries.open.push(item)).await
    }

    /// The first open item that matches.
    pub(crate) fn find(&self, is_meant: impl Fn(&WorkItem) -> bool) -> Option<WorkItem> {
        self.file.lock().entries.open.iter().find(|item| is_meant(item)).cloned()
    }

    /// All open items that match, oldest first.
    pub(crate) fn find_all(&self, is_meant: impl Fn(&WorkItem) -> bool) -> Vec<WorkItem> {
        self.file.lock().entries.open.iter().filter(|item| is_meant(item)).cloned().collect()
    }

    /// The open item with this key.
    pub(crate) fn get(&self, key: &str) -> Option<WorkItem> {
        self.find(|item| item.key() == key)
    }

    /// Whether the transfer with this idempotency key belongs to an open item.
    pub(crate) fn owns_transfer(&self, transfer_key: Uuid) -> bool {
        self.find(|item| item.transfer_key == transfer_key).is_some()
    }

    /// Whether the end of any item is not reported yet.
    pub(crate) fn has_unreported_end(&self) -> bool {
        self.find(|item| item.end.is_some()).is_some()
    }

    /// Changes an open item durably.
    pub(crate) async fn change(
        &self,
        key: &str,
        change: impl FnOnce(&mut WorkItem) + Send + 'static,
    ) -> io::Result<()> {
        let key = key.to_owned();
        let change = move |entries: &mut Entries| {
            if let Some(item) = entries.open.iter_mut().find(|item| item.key() == key) {
                change(item);
            }
        };
        self.save(change).await
    }

    /// Acknowledges a directive when the item has ended.
    pub(crate) async fn acknowledge_at_end(&self, key: &str, directive: Uuid) -> io::Result<()> {
        if self.get(key).is_some_and(|item| item.directives_to_acknowledge.contains(&directive)) {
            return Ok(());
        }
        self.change(key, move |item| item.directives_to_acknowledge.push(directive)).await
    }

    /// Cancels an item. `directive` is acknowledged when the item has ended.
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

    /// The token that cancels an item.
    pub(crate) fn cancel_token(&self, key: &str) -> CancellationToken {
        self.file.lock().cancel_tokens.entry(key.to_owned()).or_default().clone()
    }

    /// Records that an item has ended and is reported. Returns the directives to acknowledge now.
    pub(crate) async fn finish(&self, key: &str) -> io::Result<Vec<Uuid>> {
        let finished = key.to_owned();
        let finish = move |entries: &mut Entries| {
            let position = entries.open.iter().position(|item| item.key() == finished);
            let directives = position.map(|at| entries.open.remove(at).directives_to_acknowledge);
            entries.finished.push_back(finished);
            while entries.finished.len() > MAX_FINISHED {
                entries.finished.pop_front();
            }
            directives.unwrap_or_default()
        };
        let directives = self.save(finish).await?;
        self.file.lock().cancel_tokens.remove(key);
        Ok(directives)
    }

    async fn save<T: Send + 'static>(&self, change: impl FnOnce(&mut Entries) -> T + Send + 'static) -> io::Result<T> {
        self.blocking(move |file| file.save(change)).await?
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&JournalFile) -> T + Send + 'static,
    ) -> io::Result<T> {
        let file = self.file.clone();
        self.tasks.spawn_blocking(move || work(&file)).await.map_err(io::Error::other)
    }
}

impl JournalFile {
    fn load(&self) -> io::Result<Vec<String>> {
        let entries = self.recover()?;
        let keys: Vec<String> = entries.open.iter().map(WorkItem::key).collect();
        let mut state = self.lock();
        for item in &entries.open {
            let stop = CancellationToken::new();
            if item.is_cancelled {
                stop.cancel();
            }
            state.cancel_tokens.insert(item.key(), stop);
        }
        state.entries = entries;
        Ok(keys)
    }

    /// Reads the file; a damaged one is renamed. No item is carried out twice because of that: the server does not
    /// repeat a directive whose start was reported, and the transfers have their own state files.
    fn recover(&self) -> io::Result<Entries> {
        let previous = match state_file::read_stored(&self.path)? {
            Stored::Missing => return Ok(Entries::default()),
            Stored::Whole(entries) => {
                state_file::restore_previous(&self.path);
                return Ok(entries);
            }
            Stored::Previous(entries) => Some(entries),
            Stored::Damaged => None,
        };
        let (path, aside) = (text(&self.path), text(&state_file::set_aside(&self.path)?));
        let Some(entries) = previous else {
            tracing::warn!(
                path,
                aside,
                "the journal was damaged and is set aside; work continues with the directives that the server sends"
            );
            return Ok(Entries::default());
        };
        state_file::write_durably(&self.path, &serde_json::to_vec_pretty(&entries)?)?;
        tracing::warn!(path, aside, "the journal was damaged; its previous version is used");
        Ok(entries)
    }

    /// Applies a change only if it could be written.
    fn save<T>(&self, change: impl FnOnce(&mut Entries) -> T) -> io::Result<T> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entries = self.lock().entries.clone();
        let changed = change(&mut entries);
        state_file::write_durably(&self.path, &serde_json::to_vec_pretty(&entries)?)?;
        self.lock().entries = entries;
        Ok(changed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn path(state_dir: &Path) -> PathBuf {
    state_dir.join("errands.json")
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::task::JoinSet;
    use tokio::time::timeout;
    use tokio_util::task::TaskTracker;
    use uuid::Uuid;

    use super::{ItemState, Journal, MAX_FINISHED};
    use crate::server::wire::{Direction, Job};
    use crate::work::work_item::{Task, WorkItem};

    fn open_journal(dir: &Path) -> Journal {
        Journal::new(dir, TaskTracker::new())
    }

    fn item() -> WorkItem {
        let job = Job {
            id: Uuid::new_v4(),
            name: "nightly".into(),
            source: "/a".into(),
            destination: "/b".into(),
            protocol: "local".into(),
            direction: Direction::Push,
        };
        WorkItem::new(Uuid::new_v4(), Task::Job { job, run: None })
    }

    #[tokio::test]
    async fn the_next_process_knows_open_and_finished_items() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let journal = open_journal(dir.path());
        let (open, finished) = (item(), item());
        journal.add(open.clone()).await?;
        journal.add(finished.clone()).await?;
        journal.cancel(&open.key(), Some(Uuid::new_v4())).await?;
        journal.finish(&finished.key()).await?;

        let next = open_journal(dir.path());
        assert_eq!(next.load().await?, [open.key()]);
        assert_eq!(next.state_of(&open.key()), ItemState::Open);
        assert_eq!(next.state_of(&finished.key()), ItemState::Finished);
        assert_eq!(next.state_of(&item().key()), ItemState::New);
        assert!(next.owns_transfer(open.transfer_key) && !next.owns_transfer(finished.transfer_key));
        assert!(next.cancel_token(&open.key()).is_cancelled());
        Ok(())
    }

    #[tokio::test]
    async fn concurrent_changes_are_all_written() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let journal = Arc::new(open_journal(dir.path()));
        let mut adding = JoinSet::new();
        for _ in 0..20 {
            let journal = journal.clone();
            adding.spawn(async move { journal.add(item()).await });
        }
        while let Some(added) = adding.join_next().await {
            added??;
        }
        assert_eq!(Journal::read_open(dir.path())?.len(), 20);
        Ok(())
    }

    #[tokio::test]
    async fn a_write_is_completed_when_its_caller_is_cancelled() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let tasks = TaskTracker::new();
        let journal = Journal::new(dir.path(), tasks.clone());
        // Polls the write at least once, and drops it long before two files are synced.
        let _ = timeout(Duration::ZERO, journal.add(item())).await;
        tasks.close();
        tasks.wait().await;
        assert_eq!(Journal::read_open(dir.path())?.len(), 1);
        Ok(())
    }

    #[tokio::test]
    async fn the_number_of_finished_items_is_bounded() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let journal = open_journal(dir.path());
        let first = item();
        journal.finish(&first.key()).await?;
        journal.save(|entries| entries.finished.extend((1..MAX_FINISHED).map(|number| number.to_string()))).await?;
        assert_eq!(journal.state_of(&first.key()), ItemState::Finished);
        journal.finish("one more").await?;
        assert_eq!(journal.state_of(&first.key()), ItemState::New);
        Ok(())
    }

    #[tokio::test]
    async fn a_damaged_journal_is_set_aside_and_its_previous_version_used() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("errands.json");
        for torn in ["", "{", "\0\0\0"] {
            std::fs::write(&path, torn)?;
            assert!(open_journal(dir.path()).load().await?.is_empty());
            assert!(!path.exists());
            assert_eq!(std::fs::read_to_string(dir.path().join("errands.json.damaged"))?, torn);
        }
        let journal = open_journal(dir.path());
        let (first, second) = (item(), item());
        journal.add(first.clone()).await?;
        journal.add(second).await?;
        std::fs::write(&path, "")?;
        assert_eq!(Journal::read_open(dir.path())?.len(), 1);
        assert_eq!(open_journal(dir.path()).load().await?, [first.key()]);
        // The journal is valid again, and nothing is logged twice.
        assert!(serde_json::from_slice::<serde_json::Value>(&std::fs::read(&path)?).is_ok());
        // So is the version before it.
        let previous = dir.path().join("errands.json.bak");
        std::fs::write(&previous, "")?;
        assert_eq!(open_journal(dir.path()).load().await?, [first.key()]);
        assert_eq!(std::fs::read(&previous)?, std::fs::read(&path)?);
        Ok(())
    }
}
