//! The thread that writes the journal. Only this thread changes the file and the content in memory.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::storage::path_text::text;
use crate::storage::record_log::{Opened, RecordLog, push_line};
use crate::work::journal::content_and_records::{Change, Entries};
use crate::work::journal::earlier_journal_file::EarlierFile;
use crate::work::journal::{State, lock, path};
use crate::work::work_item::WorkItem;

/// The maximum number of requests that wait for the thread, and also the maximum number that it writes together.
pub(super) const QUEUE: usize = 64;

/// An operation on the journal.
pub(super) enum Action {
    /// Reads the file, unless it was read already.
    Load,
    Add(Box<WorkItem>),
    /// Changes an open item; does nothing if there is none with this key.
    Change {
        key: String,
        change: Box<dyn FnOnce(&mut WorkItem) + Send>,
    },
    Finish {
        key: String,
    },
    /// Writes the file again if the last write failed.
    Repair,
}

/// The answer to a request: after [`Action::Finish`] the directives to acknowledge, otherwise an empty list.
pub(super) type Answer = io::Result<Vec<Uuid>>;

/// A request to the thread, which is answered when the change is durable.
pub(super) struct Request {
    pub(super) action: Action,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// Writes one journal. Blocking.
pub(super) struct Writer {
    state_dir: PathBuf,
    state: Arc<Mutex<State>>,
    /// `None` until the file is read.
    log: Option<RecordLog>,
}

/// Changes that are written together.
#[derive(Default)]
struct Group {
    lines: Vec<u8>,
    changes: Vec<Change>,
    answers: Vec<(oneshot::Sender<Answer>, Vec<Uuid>)>,
}

impl Writer {
    pub(super) fn new(state_dir: PathBuf, state: Arc<Mutex<State>>) -> Self {
        Self { state_dir, state, log: None }
    }

    /// Executes requests until all senders are dropped and no request is left.
    pub(super) fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut waiting = Vec::with_capacity(QUEUE);
        while requests.blocking_recv_many(&mut waiting, QUEUE) > 0 {
            self.commit(waiting.drain(..));
        }
    }

    /// Executes requests in their order, with one write and one sync, and answers them. If the write fails, all of them
    /// fail.
    pub(super) fn commit(&mut self, requests: impl Iterator<Item = Request>) {
        let mut group = Group::default();
        for Request { action, answer } in requests {
            match self.stage(&mut group, action) {
                Ok(directives) => group.answers.push((answer, directives)),
                Err(error) => send(answer, Err(error)),
            }
        }
        let Group { lines, changes, answers } = group;
        let written = self.write(&lines);
        if !lines.is_empty() {
            self.note(&written);
        }
        match written {
            Ok(()) => {
                self.apply(changes);
                for (answer, directives) in answers {
                    send(answer, Ok(directives));
                }
                self.compact();
            }
            Err(error) => {
                for (answer, _) in answers {
                    send(answer, Err(io::Error::new(error.kind(), error.to_string())));
                }
            }
        }
    }

    /// Adds the change of an action to the group. Returns the directives to acknowledge when the change is durable.
    fn stage(&mut self, group: &mut Group, action: Action) -> Answer {
        self.load()?;
        let (change, directives) = match action {
            Action::Load => return Ok(Vec::new()),
            Action::Repair => return self.repair().map(|()| Vec::new()),
            Action::Add(item) => (Change { key: item.key(), item: Some(item) }, Vec::new()),
            Action::Change { key, change } => {
                let Some(mut item) = self.current(group, &key) else { return Ok(Vec::new()) };
                change(&mut item);
                (Change { key, item: Some(item) }, Vec::new())
            }
            Action::Finish { key } => {
                let directives = self.current(group, &key).map(|item| item.directives_to_acknowledge);
                (Change { key, item: None }, directives.unwrap_or_default())
            }
        };
        push_line(&mut group.lines, &change.record()?)?;
        group.changes.push(change);
        Ok(directives)
    }

    /// The open item with this key as it is after the changes of the group.
    fn current(&self, group: &Group, key: &str) -> Option<Box<WorkItem>> {
        match group.changes.iter().rfind(|change| change.key == key) {
            Some(change) => change.item.clone(),
            None => lock(&self.state).entries.get(key).cloned().map(Box::new),
        }
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        match &mut self.log {
            Some(log) if !lines.is_empty() => log.append(lines, || lock(&self.state).entries.lines()),
            _ => Ok(()),
        }
    }

    /// Writes the file again if the last write failed.
    fn repair(&mut self) -> io::Result<()> {
        let Some(log) = self.log.as_mut().filter(|log| log.is_incomplete()) else { return Ok(()) };
        let lines = lock(&self.state).entries.lines()?;
        let written = log.rewrite(&lines);
        self.note(&written);
        written
    }

    /// Records whether the last write, or the last attempt to open the file, succeeded.
    fn note<T>(&self, written: &io::Result<T>) {
        lock(&self.state).write_error = written.as_ref().err().map(ToString::to_string);
    }

    fn apply(&self, changes: Vec<Change>) {
        let mut state = lock(&self.state);
        for change in changes {
            if change.item.is_none() {
                state.cancel_tokens.remove(&change.key);
            }
            state.entries.apply(change);
        }
    }

    /// Lets the next write fail, as on a full disk.
    #[cfg(test)]
    pub(super) fn fail_next_write(&mut self) -> io::Result<()> {
        self.log.as_mut().map_or(Ok(()), RecordLog::fail_next_append)
    }

    fn compact(&mut self) {
        let Some(log) = &mut self.log else { return };
        if let Err(error) = log.compact(|| lock(&self.state).entries.lines()) {
            tracing::warn!(%error, "the journal cannot be compacted; it grows until that succeeds");
        }
    }

    /// Opens the file and loads its content, if that was not done yet.
    fn load(&mut self) -> io::Result<()> {
        if self.log.is_some() {
            return Ok(());
        }
        let opened = open(&self.state_dir);
        self.note(&opened);
        let (log, entries) = opened?;
        let mut state = lock(&self.state);
        for item in entries.open() {
            let stop = CancellationToken::new();
            if item.is_cancelled {
                stop.cancel();
            }
            state.cancel_tokens.insert(item.key(), stop);
        }
        state.entries = entries;
        self.log = Some(log);
        Ok(())
    }
}

/// Opens the journal, and imports the file of an earlier version. Damaged lines do not cause an item to be executed
/// twice: the server does not repeat a directive whose start was reported, and transfers have their own state files.
fn open(state_dir: &Path) -> io::Result<(RecordLog, Entries)> {
    let path = path(state_dir);
    let Opened { mut log, records, aside } = RecordLog::open(&path)?;
    let mut entries = Entries::default();
    for record in &records {
        entries.read(record);
    }
    let earlier = EarlierFile::read(state_dir)?;
    if earlier.add_to(&mut entries)? || log.is_incomplete() {
        log.rewrite(&entries.lines()?)?;
    }
    if let Some(aside) = aside {
        let (path, aside) = (text(&path), text(&aside));
        if records.is_empty() {
            tracing::warn!(
                path,
                aside,
                "the journal was damaged and is set aside; work continues with the directives that the server sends"
            );
        } else {
            tracing::warn!(path, aside, "lines of the journal were damaged and are set aside; the others are used");
        }
    }
    earlier.discard()?;
    Ok((log, entries))
}

fn send(answer: oneshot::Sender<Answer>, result: Answer) {
    // The caller may have been cancelled; the change is written in any case.
    let _ = answer.send(result);
}
