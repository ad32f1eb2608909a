//! What the server gave this agent to do, remembered so that nothing gets lost and nothing is done twice.
//!
//! One small file, replaced at once and synced before anything is acted upon. Only the daemon writes it.

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
use crate::work::task::Errand;

/// So many errands that have ended are known again.
const REMEMBERED: usize = 1000;

/// Whether an errand is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Never heard of.
    New,
    /// Not ended yet, or the server has not heard of it.
    Open,
    /// Over.
    Over,
}

/// The errands of one agent.
#[derive(Debug)]
pub(crate) struct Errands {
    path: PathBuf,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    memory: Memory,
    stops: HashMap<String, CancellationToken>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "File", into = "File")]
struct Memory {
    /// Oldest first.
    open: Vec<Errand>,
    /// Errands that only a newer version of the agent knows, kept for it.
    foreign: Vec<Value>,
    /// Keys, oldest first.
    over: VecDeque<String>,
}

/// The memory as the file has it.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct File {
    open: Vec<Value>,
    over: VecDeque<String>,
}

impl From<File> for Memory {
    fn from(stored: File) -> Self {
        let mut memory = Self { over: stored.over, ..Self::default() };
        for errand in stored.open {
            match Errand::deserialize(&errand) {
                Ok(errand) => memory.open.push(errand),
                Err(error) => {
                    tracing::warn!(%error, "an errand of another version cannot be read and is left alone");
                    memory.foreign.push(errand);
                }
            }
        }
        memory
    }
}

impl From<Memory> for File {
    fn from(Memory { open, foreign, over }: Memory) -> Self {
        let open = open.into_iter().filter_map(|errand| serde_json::to_value(errand).ok());
        Self { open: open.chain(foreign).collect(), over }
    }
}

impl Errands {
    /// Those in `state_dir`, once they are loaded.
    pub(crate) fn new(state_dir: &Path) -> Self {
        Self { path: state_dir.join("errands.json"), known: Mutex::default() }
    }

    /// Remembers what an earlier process left open; gives the keys, oldest first.
    pub(crate) fn load(&self) -> anyhow::Result<Vec<String>> {
        let memory = self.recover().context("it is not known what was begun")?;
        let keys: Vec<String> = memory.open.iter().map(Errand::key).collect();
        let mut known = self.lock();
        for errand in &memory.open {
            let stop = CancellationToken::new();
            if errand.is_cancelled {
                stop.cancel();
            }
            known.stops.insert(errand.key(), stop);
        }
        known.memory = memory;
        Ok(keys)
    }

    /// Everything that is open, as the file has it; for whoever only looks.
    pub(crate) fn peek(&self) -> io::Result<Vec<Errand>> {
        Ok(state_file::read_stored::<Memory>(&self.path)?.content().unwrap_or_default().open)
    }

    /// Whether this errand is new here.
    pub(crate) fn standing(&self, key: &str) -> Standing {
        let known = self.lock();
        if known.memory.open.iter().any(|errand| errand.key() == key) {
            Standing::Open
        } else if known.memory.over.iter().any(|over| over == key) {
            Standing::Over
        } else {
            Standing::New
        }
    }

    /// Makes a new errand durable.
    pub(crate) fn add(&self, errand: Errand) -> io::Result<()> {
        let key = errand.key();
        self.save(|memory| memory.open.push(errand))?;
        self.lock().stops.insert(key, CancellationToken::new());
        Ok(())
    }

    /// The first open errand that is meant.
    pub(crate) fn find(&self, is_meant: impl Fn(&Errand) -> bool) -> Option<Errand> {
        self.lock().memory.open.iter().find(|errand| is_meant(errand)).cloned()
    }

    /// All open errands that are meant, oldest first.
    pub(crate) fn find_all(&self, is_meant: impl Fn(&Errand) -> bool) -> Vec<Errand> {
        self.lock().memory.open.iter().filter(|errand| is_meant(errand)).cloned().collect()
    }

    /// The open errand with this key.
    pub(crate) fn get(&self, key: &str) -> Option<Errand> {
        self.find(|errand| errand.key() == key)
    }

    /// Whether the transfer that was begun under `transfer_key` belongs to an open errand.
    pub(crate) fn own(&self, transfer_key: Uuid) -> bool {
        self.find(|errand| errand.transfer_key == transfer_key).is_some()
    }

    /// Whether there is an end that the server has yet to hear.
    pub(crate) fn has_news(&self) -> bool {
        self.find(|errand| errand.end.is_some()).is_some()
    }

    /// Changes an open errand, durably.
    pub(crate) fn change(&self, key: &str, change: impl FnOnce(&mut Errand)) -> io::Result<()> {
        self.save(|memory| {
            if let Some(errand) = memory.open.iter_mut().find(|errand| errand.key() == key) {
                change(errand);
            }
        })
    }

    /// Keeps a directive to be acknowledged when the errand has ended.
    pub(crate) fn answers(&self, key: &str, directive: Uuid) -> io::Result<()> {
        if self.get(key).is_some_and(|errand| errand.answers.contains(&directive)) {
            return Ok(());
        }
        self.change(key, |errand| errand.answers.push(directive))
    }

    /// Calls an errand off, which `directive` may have asked for.
    pub(crate) fn cancel(&self, key: &str, directive: Option<Uuid>) -> io::Result<()> {
        directive.map_or(Ok(()), |directive| self.answers(key, directive))?;
        if self.get(key).is_some_and(|errand| !errand.is_cancelled) {
            self.change(key, |errand| errand.is_cancelled = true)?;
        }
        self.stop(key).cancel();
        Ok(())
    }

    /// Cancelled when the errand is called off.
    pub(crate) fn stop(&self, key: &str) -> CancellationToken {
        self.lock().stops.entry(key.to_owned()).or_default().clone()
    }

    /// Notes that an errand is over and that the server knows.
    pub(crate) fn close(&self, key: &str) -> io::Result<()> {
        self.save(|memory| {
            memory.open.retain(|errand| errand.key() != key);
            memory.over.push_back(key.to_owned());
            while memory.over.len() > REMEMBERED {
                memory.over.pop_front();
            }
        })?;
        self.lock().stops.remove(key);
        Ok(())
    }

    /// Reads the file; a damaged one is set aside. Nothing is done twice for that: the server does not repeat what it was
    /// told has begun, and what was being copied is known by the transfers' own files.
    fn recover(&self) -> io::Result<Memory> {
        let previous = match state_file::read_stored(&self.path)? {
            Stored::Missing => return Ok(Memory::default()),
            Stored::Whole(memory) => {
                state_file::restore_previous(&self.path);
                return Ok(memory);
            }
            Stored::Previous(memory) => Some(memory),
            Stored::Damaged => None,
        };
        let (path, aside) = (text(&self.path), text(&state_file::set_aside(&self.path)?));
        let Some(memory) = previous else {
            tracing::warn!(
                path,
                aside,
                "what was begun is not known, because its file was damaged; it is set aside, and work goes on with what the server wants"
            );
            return Ok(Memory::default());
        };
        state_file::write_durably(&self.path, &serde_json::to_vec_pretty(&memory)?)?;
        tracing::warn!(path, aside, "the file that says what was begun was damaged; its version before that is used");
        Ok(memory)
    }

    /// Only what could be written down counts.
    fn save(&self, change: impl FnOnce(&mut Memory)) -> io::Result<()> {
        let mut known = self.lock();
        let mut memory = known.memory.clone();
        change(&mut memory);
        state_file::write_durably(&self.path, &serde_json::to_vec_pretty(&memory)?)?;
        known.memory = memory;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Errands, REMEMBERED, Standing};
    use crate::random::random_uuid;
    use crate::server::wire::{Direction, Job};
    use crate::work::task::{Errand, Task};

    fn errand() -> Errand {
        let job = Job {
            id: random_uuid(),
            name: "nightly".into(),
            source: "/a".into(),
            destination: "/b".into(),
            protocol: "local".into(),
            direction: Direction::Push,
        };
        Errand::new(random_uuid(), Task::Job { job, run: None })
    }

    #[test]
    fn what_was_begun_and_what_is_over_is_known_to_the_next_process() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let errands = Errands::new(dir.path());
        let (open, over) = (errand(), errand());
        errands.add(open.clone())?;
        errands.add(over.clone())?;
        errands.cancel(&open.key(), Some(random_uuid()))?;
        errands.close(&over.key())?;

        let next = Errands::new(dir.path());
        assert_eq!(next.load()?, [open.key()]);
        assert_eq!(next.standing(&open.key()), Standing::Open);
        assert_eq!(next.standing(&over.key()), Standing::Over);
        assert_eq!(next.standing(&errand().key()), Standing::New);
        assert!(next.own(open.transfer_key) && !next.own(over.transfer_key));
        assert!(next.stop(&open.key()).is_cancelled());
        Ok(())
    }

    #[test]
    fn the_memory_of_what_is_over_is_bounded() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let errands = Errands::new(dir.path());
        let first = errand();
        errands.close(&first.key())?;
        errands.save(|memory| memory.over.extend((1..REMEMBERED).map(|number| number.to_string())))?;
        assert_eq!(errands.standing(&first.key()), Standing::Over);
        errands.close("one more")?;
        assert_eq!(errands.standing(&first.key()), Standing::New);
        Ok(())
    }

    #[test]
    fn a_damaged_memory_is_set_aside_and_the_one_before_it_used() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("errands.json");
        for torn in ["", "{", "\0\0\0"] {
            std::fs::write(&path, torn)?;
            assert!(Errands::new(dir.path()).load()?.is_empty());
            assert!(!path.exists());
            assert_eq!(std::fs::read_to_string(dir.path().join("errands.json.damaged"))?, torn);
        }
        let errands = Errands::new(dir.path());
        let (first, second) = (errand(), errand());
        errands.add(first.clone())?;
        errands.add(second)?;
        std::fs::write(&path, "")?;
        assert_eq!(Errands::new(dir.path()).peek()?.len(), 1);
        assert_eq!(Errands::new(dir.path()).load()?, [first.key()]);
        // It is whole again, and nothing is said twice.
        assert!(serde_json::from_slice::<serde_json::Value>(&std::fs::read(&path)?).is_ok());
        // So is the version before it.
        let previous = dir.path().join("errands.json.bak");
        std::fs::write(&previous, "")?;
        assert_eq!(Errands::new(dir.path()).load()?, [first.key()]);
        assert_eq!(std::fs::read(&previous)?, std::fs::read(&path)?);
        Ok(())
    }
}
