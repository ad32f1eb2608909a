//! The state files of transfers: one per transfer, each claimed by at most one process.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::server::wire::Status;
use crate::storage::path_text::text;
use crate::storage::state_file::{self, Stored};
use crate::transfer::state::{FinalReport, Phase, TransferState, creation_name};
use uuid::Uuid;

/// How long the state of a failed transfer, or of an unconfirmed creation, is kept.
const RETENTION: Duration = Duration::from_hours(7 * 24);

/// The ending of the file in which a transfer lists its staged files.
const STAGED: &str = ".staged";

/// The stored transfers of one state folder.
#[derive(Clone, Debug)]
pub(crate) struct TransferStore {
    folder: PathBuf,
}

/// The exclusive right of one task to work on a transfer, with its state. The claim ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    store: TransferStore,
    lock: File,
    /// The state. Changes are stored by [`Claim::save`].
    pub(crate) state: TransferState,
}

/// The result of claiming a transfer.
#[derive(Debug)]
pub(crate) enum Claimed {
    /// The transfer has no state file, or a damaged one.
    Missing,
    /// Another process, or another task of this process, has claimed the transfer.
    Busy,
    /// The claim succeeded.
    Ours(Box<Claim>),
}

/// Why a copy cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BeginError {
    #[error("another process is copying to {0}; wait until it has ended")]
    Busy(String),
    #[error(
        "{destination} is the destination of an unfinished copy of {origin}; finish that with `copy {origin} {destination}`, or cancel it on the server, then try again"
    )]
    Taken { origin: String, destination: String },
    #[error(
        "{0} is the destination of an unfinished copy that belongs to a job; the daemon (`run`) finishes it, or cancel it on the server, then try again"
    )]
    Owned(String),
    #[error(
        "an unfinished copy of {origin} to {destination} has other rules; finish it with the command that began it, or cancel it on the server, then try again"
    )]
    OtherRules { origin: String, destination: String },
    #[error("cannot use the state folder")]
    Io(#[from] io::Error),
}

impl TransferStore {
    /// Opens the store in `state_dir`; a missing folder is created.
    pub(crate) fn open(state_dir: &Path) -> io::Result<Self> {
        let folder = state_dir.join("transfers");
        state_file::create_private_folder(&folder)?;
        Ok(Self { folder })
    }

    /// All states that can be read, sorted by name. State files that cannot be read are skipped.
    pub(crate) fn list(&self) -> io::Result<Vec<TransferState>> {
        let mut states = Vec::new();
        for name in self.names(".json")? {
            match TransferState::read(&self.json(&name)) {
                Ok(Some(state)) => states.push(state),
                Ok(None) => {}
                Err(error) => tracing::debug!(%name, %error, "a state file cannot be read and is skipped"),
            }
        }
        states.sort_by_key(TransferState::name);
        Ok(states)
    }

    /// Claims the transfer with this id.
    pub(crate) fn claim(&self, id: Uuid) -> io::Result<Claimed> {
        let _guard = self.guard()?;
        self.claim_named(&id.to_string())
    }

    /// Claims the transfer with this idempotency key, whether or not the server has created it.
    pub(crate) fn claim_begun(&self, key: Uuid) -> io::Result<Claimed> {
        let _guard = self.guard()?;
        match self.list()?.iter().find(|state| state.idempotency_key == key) {
            Some(state) => self.claim_named(&state.name()),
            None => Ok(Claimed::Missing),
        }
    }

    /// Creates and claims the transfer `fresh`, or claims an unfinished one with the same paths and rules, so that it
    /// is continued. Fails if another unfinished transfer has the same destination. A transfer that belongs to a run is
    /// never continued here.
    pub(crate) fn begin(&self, fresh: TransferState) -> Result<Claim, BeginError> {
        let _guard = self.guard()?;
        let mut unfinished: Vec<TransferState> = self.list()?;
        // A transfer that the server knows comes before an unconfirmed creation.
        unfinished.retain(|state| state.is_unfinished() && state.destination == fresh.destination);
        unfinished.sort_by_key(|state| state.phase == Phase::Creating);
        for old in unfinished {
            let claim = match self.claim_named(&old.name())? {
                Claimed::Missing => continue,
                Claimed::Busy => return Err(BeginError::Busy(fresh.destination)),
                Claimed::Ours(claim) => claim,
            };
            let is_standalone = old.part_of.is_standalone() && fresh.part_of.is_standalone();
            if old.source == fresh.source && is_standalone {
                let mut claim = *claim;
                if claim.state.continue_as(&fresh) {
                    claim.save()?;
                    return Ok(claim);
                }
                if old.phase != Phase::Creating {
                    return Err(BeginError::OtherRules { origin: old.source, destination: old.destination });
                }
                continue;
            }
            if !old.part_of.is_standalone() {
                return Err(BeginError::Owned(old.destination));
            }
            if old.phase != Phase::Creating {
                return Err(BeginError::Taken { origin: old.source, destination: old.destination });
            }
        }
        match self.create(fresh)? {
            Some(claim) => Ok(claim),
            None => Err(BeginError::Io(io::ErrorKind::AlreadyExists.into())),
        }
    }

    /// Stores and claims a transfer that the server has created already; `None` if another task or process has claimed
    /// it.
    pub(crate) fn adopt(&self, state: TransferState) -> io::Result<Option<Claim>> {
        let _guard = self.guard()?;
        self.create(state)
    }

    /// Whether any process or task has claimed an unfinished transfer.
    pub(crate) fn is_at_work(&self) -> io::Result<bool> {
        let _guard = self.guard()?;
        for state in self.list()?.iter().filter(|state| state.is_unfinished()) {
            if lock(&self.lock_path(&state.name()))?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Deletes expired state files, and renames damaged ones. Returns the ids of the transfers whose state is lost.
    pub(crate) fn prune(&self) -> io::Result<Vec<Uuid>> {
        let _guard = self.guard()?;
        let lost = self.set_damaged_aside()?;
        for state in self.list()? {
            let path = self.json(&state.name());
            let is_expired =
                matches!(state.phase, Phase::Failed | Phase::Creating) && state_file::age(&path)? > RETENTION;
            // A process may still wait for the server with it.
            if is_expired && lock(&self.lock_path(&state.name()))?.is_some() {
                state_file::remove_stored(&path)?;
            }
        }
        for name in self.names(".damaged")? {
            let path = self.folder.join(format!("{name}.damaged"));
            // A folder in the place of a state file is also renamed to `.damaged`.
            if path.is_file() && state_file::age(&path)? > RETENTION {
                state_file::remove(&path)?;
            }
        }
        for name in self.names(STAGED)? {
            if !self.json(&name).exists() {
                state_file::remove(&self.staged(&name))?;
            }
        }
        for name in self.names(".lock")? {
            if !self.json(&name).exists() && lock(&self.lock_path(&name))?.is_some() {
                state_file::remove(&self.lock_path(&name))?;
            }
        }
        Ok(lost)
    }

    /// Renames damaged files and restores them from their previous versions, with a log message for each. Also restores
    /// missing previous versions of valid files.
    fn set_damaged_aside(&self) -> io::Result<Vec<Uuid>> {
        let mut lost = Vec::new();
        for name in self.names(".json")? {
            let path = self.json(&name);
            let stored = match state_file::read_stored::<TransferState>(&path) {
                Ok(Stored::Missing) => continue,
                Ok(stored) => stored,
                Err(error) => {
                    tracing::warn!(path = text(&path), %error, "a state file cannot be read and is skipped");
                    continue;
                }
            };
            let locked = lock(&self.lock_path(&name));
            if matches!(stored, Stored::Whole(_)) {
                if matches!(locked, Ok(Some(_))) {
                    state_file::restore_previous::<TransferState>(&path);
                }
                continue;
            }
            let Some(_lock) = locked? else { continue };
            let aside = text(&state_file::set_aside(&path)?);
            if let Some(state) = stored.content() {
                state.write(&path)?;
                tracing::warn!(path = text(&path), aside, "a state file was damaged; its previous version is used");
            } else {
                tracing::warn!(path = text(&path), aside, "a state file was damaged and is set aside");
                lost.extend(name.parse::<Uuid>().ok());
            }
        }
        Ok(lost)
    }

    fn claim_named(&self, name: &str) -> io::Result<Claimed> {
        if !self.json(name).exists() {
            return Ok(Claimed::Missing);
        }
        let Some(lock) = lock(&self.lock_path(name))? else { return Ok(Claimed::Busy) };
        match TransferState::read(&self.json(name))? {
            Some(state) => {
                if state.id.is_some() {
                    self.remove_creation(state.idempotency_key)?;
                }
                Ok(Claimed::Ours(Box::new(Claim { store: self.clone(), lock, state })))
            }
            None => Ok(Claimed::Missing),
        }
    }

    /// Removes the state of an unconfirmed creation that a process left when it was killed in
    /// [`Claim::record_creation`]. This state would block later copies to the same destination.
    fn remove_creation(&self, idempotency_key: Uuid) -> io::Result<()> {
        let path = self.json(&creation_name(idempotency_key));
        if path.exists() { state_file::remove_stored(&path) } else { Ok(()) }
    }

    fn create(&self, state: TransferState) -> io::Result<Option<Claim>> {
        let Some(lock) = lock(&self.lock_path(&state.name()))? else { return Ok(None) };
        let claim = Claim { store: self.clone(), lock, state };
        claim.save()?;
        Ok(Some(claim))
    }

    /// Locks the store: states are created, claimed and deleted under this lock only.
    fn guard(&self) -> io::Result<File> {
        let path = self.folder.join(".guard");
        let guard = state_file::open_lock(&path)?;
        guard.lock().map_err(state_file::with_path("lock", &path))?;
        Ok(guard)
    }

    fn names(&self, ending: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        let unreadable = || state_file::with_path("read the folder", &self.folder);
        for entry in fs::read_dir(&self.folder).map_err(unreadable())? {
            let name = entry.map_err(unreadable())?.file_name();
            names.extend(name.to_str().and_then(|name| name.strip_suffix(ending)).map(str::to_owned));
        }
        Ok(names)
    }

    fn json(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    fn staged(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}{STAGED}"))
    }

    fn lock_path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.lock"))
    }
}

impl Claim {
    /// Writes the state durably.
    pub(crate) fn save(&self) -> io::Result<()> {
        self.state.write(&self.store.json(&self.state.name()))
    }

    /// The path of the file that lists the staged files of the transfer.
    pub(crate) fn staged_path(&self) -> PathBuf {
        self.store.staged(&self.state.name())
    }

    /// Records that the server has created the transfer, with its id and attempt, and begins the phase `Copying`.
    pub(crate) fn record_creation(&mut self, id: Uuid, attempt: u32) -> io::Result<()> {
        let _guard = self.store.guard()?;
        let old = self.state.name();
        let created = TransferState { id: Some(id), attempt, phase: Phase::Copying, ..self.state.clone() };
        let Some(lock) = lock(&self.store.lock_path(&created.name()))? else {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, "another process works on this transfer"));
        };
        self.state = created;
        self.save()?;
        state_file::remove_stored(&self.store.json(&old))?;
        state_file::remove(&self.store.lock_path(&old))?;
        self.lock = lock;
        Ok(())
    }

    /// Records the end of the transfer with its final report, before the report is sent.
    pub(crate) fn record_end(&mut self, report: FinalReport) -> io::Result<()> {
        self.state.phase = Phase::Reporting;
        self.state.report = Some(report);
        self.save()
    }

    /// Records that the server has answered the final report: deletes the state, or keeps it for a retry if the
    /// transfer failed.
    pub(crate) fn record_reported(mut self) -> io::Result<()> {
        let report = self.state.report.take();
        if report.is_some_and(|report| report.status == Status::Failed) {
            self.state.phase = Phase::Failed;
            return self.save();
        }
        self.delete()
    }

    /// Deletes the state file with all files that belong to it.
    pub(crate) fn delete(self) -> io::Result<()> {
        let _guard = self.store.guard()?;
        let name = self.state.name();
        state_file::remove_stored(&self.store.json(&name))?;
        if self.store.staged(&name).exists() {
            state_file::remove(&self.store.staged(&name))?;
        }
        state_file::remove(&self.store.lock_path(&name))?;
        state_file::sync_folder(&self.store.folder)
            .map_err(state_file::with_path("sync the folder", &self.store.folder))
    }
}

/// Locks the file at `path`, which is created if it is missing; `None` if another process or task has locked it. The
/// lock ends when the file is dropped.
pub(crate) fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = state_file::open_lock(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(state_file::with_path("lock", path)(error)),
    }
}

#[cfg(test)]
mod tests;
