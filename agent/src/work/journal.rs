//! The journal of work items, `errands.json`: after a crash no item is lost and none is done twice.
//!
//! The file is replaced atomically and synced before the agent acts. Only the daemon writes it.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::storage::paths::text;
use crate::storage::state_file::{self, Stored};
use crate::work::task::WorkItem;

/// Finished items that are kept to recognise a repeated directive.
const MAX_FINISHED: usize = 1000;

/// What the journal knows of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ItemState {
    /// Nothing.
    New,
    /// Accepted; it has not ended, or its end is not reported.
    Open,
    /// Ended and reported.
    Finished,
}

/// The work items of one agent.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: Entries,
    cancel_tokens: HashMap<String, CancellationToken>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "StoredJournal", into = "StoredJournal")]
struct Entries {
    /// Oldest first.
    open: Vec<WorkItem>,
    /// Items of a newer version of the agent, which this one cannot parse and keeps.
    unreadable: Vec<Value>,
    /// Keys, oldest first.
    finished: VecDeque<String>,
}

/// The format of the file. Its names never change.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct StoredJournal {
    open: Vec<Value>,
    #[serde(rename = "over")]
    finished: VecDeque<String>,
}

impl From<StoredJournal> for Entries {
    fn from(stored: StoredJournal) -> Self {
        let mut entries = Self { finished: stored.finished, ..Self::default() };
        for item in stored.open {
            match WorkItem::deserialize(&item) {
                Ok(item) => entries.open.push(item),
                Err(error) => {
                    tracing::warn!(%error, "a work item of another version cannot be read and is left alone");
                    entries.unreadable.push(item);
                }
            }
        }
        entries
    }
}

impl From<Entries> for StoredJournal {
    fn from(Entries { open, unreadable, finished }: Entries) -> Self {
        let open = open.into_iter().filter_map(|item| serde_json::to_value(item).ok());
        Self { open: open.chain(unreadable).collect(), finished }
    }
}

impl Journal {
    /// The journal in `state_dir`, empty until [`Self::load`].
    pub(crate) fn new(state_dir: &Path) -> Self {
        Self { path: state_dir.join("errands.json"), state: Mutex::default() }
    }

    /// Loads the items that an earlier process left open; returns their keys, oldest first.
    pub(crate) fn load(&self) -> anyhow::Result<Vec<String>> {
        let entries = self.recover().context("it is not known what was begun")?;
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

    /// The open items in the file, for `status`; changes nothing.
    pub(crate) fn read_open(&self) -> io::Result<Vec<WorkItem>> {
        Ok(state_file::read_stored::<Entries>(&self.path)?.content().unwrap_or_default().open)
    }

    pub(crate) fn state_of(&self, key: &str) -> ItemState {
        let state = self.lock();
        if state.entries.open.iter().any(|item| item.key() == key) {
            ItemState::Open
        } else if state.entries.finished.iter().any(|finished| finished == key) {
            ItemState::Finished
        } else {
            ItemState::New
        }
    }

    /// Adds an item durably.
    pub(crate) fn add(&self, item: WorkItem) -> io::Result<()> {
        let key = item.key();
        self.save(|entries| entries.open.push(item))?;
        self.lock().cancel_tokens.insert(key, CancellationToken::new());
        Ok(())
    }

    /// The first open item that matches.
    pub(crate) fn find(&self, is_meant: impl Fn(&WorkItem) -> bool) -> Option<WorkItem> {
        self.lock().entries.open.iter().find(|item| is_meant(item)).cloned()
    }

    /// All open items that match, oldest first.
    pub(crate) fn find_all(&self, is_meant: impl Fn(&WorkItem) -> bool) -> Vec<WorkItem> {
        self.lock().entries.open.iter().filter(|item| is_meant(item)).cloned().collect()
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
    pub(crate) fn change(&self, key: &str, change: impl FnOnce(&mut WorkItem)) -> io::Result<()> {
        self.save(|entries| {
            if let Some(item) = entries.open.iter_mut().find(|item| item.key() == key) {
                change(item);
            }
        })
    }

    /// Acknowledges a directive when the item has ended.
    pub(crate) fn acknowledge_at_end(&self, key: &str, directive: Uuid) -> io::Result<()> {
        if self.get(key).is_some_and(|item| item.directives_to_acknowledge.contains(&directive)) {
            return Ok(());
        }
        self.change(key, |item| item.directives_to_acknowledge.push(directive))
    }

    /// Cancels an item; `directive` is acknowledged when it has ended.
    pub(crate) fn cancel(&self, key: &str, directive: Option<Uuid>) -> io::Result<()> {
        directive.map_or(Ok(()), |directive| self.acknowledge_at_end(key, directive))?;
        if self.get(key).is_some_and(|item| !item.is_cancelled) {
            self.change(key, |item| item.is_cancelled = true)?;
        }
        self.cancel_token(key).cancel();
        Ok(())
    }

    /// The token that cancels an item.
    pub(crate) fn cancel_token(&self, key: &str) -> CancellationToken {
        self.lock().cancel_tokens.entry(key.to_owned()).or_default().clone()
    }

    /// Records that an item has ended and is reported.
    pub(crate) fn finish(&self, key: &str) -> io::Result<()> {
        self.save(|entries| {
            entries.open.retain(|item| item.key() != key);
            entries.finished.push_back(key.to_owned());
            while entries.finished.len() > MAX_FINISHED {
                entries.finished.pop_front();
            }
        })?;
        self.lock().cancel_tokens.remove(key);
        Ok(())
    }

    /// Reads the file; a damaged one is renamed. No item is done twice for that: the server does not repeat a directive whose
    /// start was reported, and the transfers have their own state files.
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
                "what was begun is not known, because its file was damaged; it is set aside, and work goes on with what the server wants"
            );
            return Ok(Entries::default());
        };
        state_file::write_durably(&self.path, &serde_json::to_vec_pretty(&entries)?)?;
        tracing::warn!(path, aside, "the file that says what was begun was damaged; its version before that is used");
        Ok(entries)
    }

    /// Applies a change only if it could be written.
    fn save(&self, change: impl FnOnce(&mut Entries)) -> io::Result<()> {
        let mut state = self.lock();
        let mut entries = state.entries.clone();
        change(&mut entries);
        state_file::write_durably(&self.path, &serde_json::to_vec_pretty(&entries)?)?;
        state.entries = entries;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{ItemState, Journal, MAX_FINISHED};
    use crate::random::random_uuid;
    use crate::server::wire::{Direction, Job};
    use crate::work::task::{Task, WorkItem};

    fn item() -> WorkItem {
        let job = Job {
            id: random_uuid(),
            name: "nightly".into(),
            source: "/a".into(),
            destination: "/b".into(),
            protocol: "local".into(),
            direction: Direction::Push,
        };
        WorkItem::new(random_uuid(), Task::Job { job, run: None })
    }

    #[test]
    fn the_next_process_knows_open_and_finished_items() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let journal = Journal::new(dir.path());
        let (open, finished) = (item(), item());
        journal.add(open.clone())?;
        journal.add(finished.clone())?;
        journal.cancel(&open.key(), Some(random_uuid()))?;
        journal.finish(&finished.key())?;

        let next = Journal::new(dir.path());
        assert_eq!(next.load()?, [open.key()]);
        assert_eq!(next.state_of(&open.key()), ItemState::Open);
        assert_eq!(next.state_of(&finished.key()), ItemState::Finished);
        assert_eq!(next.state_of(&item().key()), ItemState::New);
        assert!(next.owns_transfer(open.transfer_key) && !next.owns_transfer(finished.transfer_key));
        assert!(next.cancel_token(&open.key()).is_cancelled());
        Ok(())
    }

    #[test]
    fn the_number_of_finished_items_is_bounded() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let journal = Journal::new(dir.path());
        let first = item();
        journal.finish(&first.key())?;
        journal.save(|entries| entries.finished.extend((1..MAX_FINISHED).map(|number| number.to_string())))?;
        assert_eq!(journal.state_of(&first.key()), ItemState::Finished);
        journal.finish("one more")?;
        assert_eq!(journal.state_of(&first.key()), ItemState::New);
        Ok(())
    }

    #[test]
    fn a_damaged_journal_is_set_aside_and_its_previous_version_used() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("errands.json");
        for torn in ["", "{", "\0\0\0"] {
            std::fs::write(&path, torn)?;
            assert!(Journal::new(dir.path()).load()?.is_empty());
            assert!(!path.exists());
            assert_eq!(std::fs::read_to_string(dir.path().join("errands.json.damaged"))?, torn);
        }
        let journal = Journal::new(dir.path());
        let (first, second) = (item(), item());
        journal.add(first.clone())?;
        journal.add(second)?;
        std::fs::write(&path, "")?;
        assert_eq!(Journal::new(dir.path()).read_open()?.len(), 1);
        assert_eq!(Journal::new(dir.path()).load()?, [first.key()]);
        // It is whole again, and nothing is said twice.
        assert!(serde_json::from_slice::<serde_json::Value>(&std::fs::read(&path)?).is_ok());
        // So is the version before it.
        let previous = dir.path().join("errands.json.bak");
        std::fs::write(&previous, "")?;
        assert_eq!(Journal::new(dir.path()).load()?, [first.key()]);
        assert_eq!(std::fs::read(&previous)?, std::fs::read(&path)?);
        Ok(())
    }
}
