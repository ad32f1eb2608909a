//! A storage in memory, which can fail at any call.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::{
    Attributes, Capabilities, Entry, EntryKind, Metadata, TransferStorage, WriteFile,
};

/// The maximum number of bytes that one read or write moves.
const PIECE: usize = 64 << 10;

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    File { bytes: Vec<u8>, modified: SystemTime, mode: u32 },
    Folder,
    Link(Vec<u8>),
}

/// The content of a storage, and what happened to it.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) nodes: BTreeMap<StoragePath, Node>,
    /// Calls so far, of the storage and of its readers and writers.
    pub(super) calls: usize,
    /// The call that fails, once, with its error.
    pub(super) failure: Option<(usize, StorageErrorKind)>,
    /// The offsets at which files were opened for reading and for writing.
    pub(super) reads: Vec<u64>,
    pub(super) writes: Vec<u64>,
    /// Changes the file when its first bytes are read.
    pub(super) touched_while_read: Option<StoragePath>,
    /// Whether no file may be read.
    pub(super) refuses_reads: bool,
    /// A file that can be neither read nor written until it is removed.
    pub(super) locked: Option<StoragePath>,
    /// A file of which more bytes come than its size says: 64 MiB.
    pub(super) endless: Option<StoragePath>,
}

/// A storage in memory.
#[derive(Clone)]
pub(super) struct MemoryStorage {
    memory: Arc<Mutex<Memory>>,
    capabilities: Capabilities,
}

impl MemoryStorage {
    /// An empty storage with all capabilities, remote if reading back is not free.
    pub(super) fn new(is_local: bool) -> Self {
        let capabilities = Capabilities {
            links: true,
            modes: true,
            times: true,
            any_bytes: true,
            control_characters: true,
            spaces_at_end: true,
            fsync: true,
            replaces_atomically: true,
            resumes: true,
            free_reads: is_local,
            concurrent_files: 1,
        };
        Self { memory: Arc::default(), capabilities }
    }

    /// The same files with other capabilities.
    pub(super) fn with(&self, change: impl FnOnce(&mut Capabilities)) -> Self {
        let mut capabilities = self.capabilities;
        change(&mut capabilities);
        Self { memory: self.memory.clone(), capabilities }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a file there, with the folders above it; each content has a time of its own.
    pub(super) fn put(&self, path: &str, bytes: &[u8]) {
        let path = StoragePath::new(path.as_bytes()).unwrap_or_default();
        let mut memory = self.lock();
        let mut folder = path.parent();
        while let Some(above) = folder {
            memory.nodes.insert(above.clone(), Node::Folder);
            folder = above.parent();
        }
        let seconds = 1_000_000 + bytes.len() as u64 + u64::from(bytes.first().copied().unwrap_or_default());
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        memory.nodes.insert(path, Node::File { bytes: bytes.to_vec(), modified, mode: 0o640 });
    }

    /// The content of a file, if there is one.
    pub(super) fn get(&self, path: &str) -> Option<Vec<u8>> {
        match self.lock().nodes.get(&StoragePath::new(path.as_bytes()).ok()?) {
            Some(Node::File { bytes, .. }) => Some(bytes.clone()),
            _ => None,
        }
    }

    /// The paths of all files and links.
    pub(super) fn files(&self) -> Vec<String> {
        let memory = self.lock();
        let files = memory.nodes.iter().filter(|(_, node)| **node != Node::Folder);
        files.map(|(path, _)| String::from_utf8_lossy(path.as_bytes()).into_owned()).collect()
    }

    fn call(&self, action: &'static str, path: &StoragePath) -> Result<MutexGuard<'_, Memory>, StorageError> {
        let mut memory = self.lock();
        let (number, failure) = (memory.calls, memory.failure);
        memory.calls += 1;
        match failure {
            Some((at, kind)) if at == number => {
                Err(StorageError::new(kind, action, self.display(path), "the test says so"))
            }
            _ => Ok(memory),
        }
    }

    /// Fails for the locked file as a server does that never answers.
    fn check_lock(&self, memory: &Memory, action: &'static str, path: &StoragePath) -> Result<(), StorageError> {
        if memory.locked.as_ref() == Some(path) {
            return Err(StorageError::new(StorageErrorKind::TimedOut, action, self.display(path), "it is locked"));
        }
        Ok(())
    }

    fn missing(&self, action: &'static str, path: &StoragePath) -> StorageError {
        StorageError::new(StorageErrorKind::NotFound, action, self.display(path), "no such file")
    }
}

fn metadata(node: &Node) -> Metadata {
    match node {
        Node::File { bytes, modified, mode } => {
            Metadata { kind: EntryKind::File, size: bytes.len() as u64, modified: Some(*modified), mode: Some(*mode) }
        }
        Node::Folder => Metadata { kind: EntryKind::Folder, size: 0, modified: None, mode: None },
        Node::Link(_) => Metadata { kind: EntryKind::Link, size: 0, modified: None, mode: None },
    }
}

/// Whether `path` is `folder` or inside it.
fn is_below(path: &StoragePath, folder: &StoragePath) -> bool {
    let rest = path.as_bytes().strip_prefix(folder.as_bytes());
    rest.is_some_and(|rest| rest.is_empty() || folder.as_bytes().is_empty() || rest.starts_with(b"/"))
}

impl TransferStorage for MemoryStorage {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// Follows a link to a name in the same folder.
    fn metadata(&self, path: &StoragePath) -> Result<Metadata, StorageError> {
        let memory = self.call("read", path)?;
        let found = match memory.nodes.get(path) {
            Some(Node::Link(target)) => memory.nodes.get(&path.with_file_name(target.clone())),
            found => found,
        };
        match found {
            Some(node) => Ok(metadata(node)),
            None if path.as_bytes().is_empty() => Ok(metadata(&Node::Folder)),
            None => Err(self.missing("read", path)),
        }
    }

    fn symlink_metadata(&self, path: &StoragePath) -> Result<Metadata, StorageError> {
        let memory = self.call("read", path)?;
        memory.nodes.get(path).map(metadata).ok_or_else(|| self.missing("read", path))
    }

    fn list(&self, path: &StoragePath) -> Result<Vec<Entry>, StorageError> {
        let memory = self.call("list", path)?;
        let inside = memory.nodes.iter().filter(|(name, _)| name.parent().as_ref() == Some(path));
        let entry = |(name, node): (&StoragePath, &Node)| Entry {
            name: name.file_name().unwrap_or_default().to_vec(),
            metadata: metadata(node),
        };
        Ok(inside.map(entry).collect())
    }

    /// Follows a link to a name in the same folder.
    fn open_read(&self, path: &StoragePath, offset: u64) -> Result<Box<dyn Read + Send + '_>, StorageError> {
        let mut memory = self.call("read", path)?;
        self.check_lock(&memory, "read", path)?;
        let path = &match memory.nodes.get(path) {
            Some(Node::Link(target)) => path.with_file_name(target.clone()),
            _ => path.clone(),
        };
        if !matches!(memory.nodes.get(path), Some(Node::File { .. })) {
            return Err(self.missing("read", path));
        }
        if memory.refuses_reads {
            let kind = StorageErrorKind::PermissionDenied;
            return Err(StorageError::new(kind, "read", self.display(path), "the test says so"));
        }
        memory.reads.push(offset);
        Ok(Box::new(OpenFile { storage: self.clone(), path: path.clone(), at: offset }))
    }

    fn open_write(&self, path: &StoragePath, offset: u64) -> Result<Box<dyn WriteFile + '_>, StorageError> {
        let mut memory = self.call("write", path)?;
        self.check_lock(&memory, "write", path)?;
        let kept = match memory.nodes.get(path) {
            Some(Node::File { bytes, .. }) => {
                bytes.iter().copied().take(usize::try_from(offset).unwrap_or(0)).collect()
            }
            _ => Vec::new(),
        };
        let modified = SystemTime::UNIX_EPOCH;
        memory.nodes.insert(path.clone(), Node::File { bytes: kept, modified, mode: 0o600 });
        memory.writes.push(offset);
        Ok(Box::new(OpenFile { storage: self.clone(), path: path.clone(), at: offset }))
    }

    fn create_folder(&self, path: &StoragePath) -> Result<(), StorageError> {
        let mut memory = self.call("create the folder", path)?;
        memory.nodes.entry(path.clone()).or_insert(Node::Folder);
        Ok(())
    }

    fn create_link(&self, path: &StoragePath, target: &[u8]) -> Result<(), StorageError> {
        self.call("create the link", path)?.nodes.insert(path.clone(), Node::Link(target.to_vec()));
        Ok(())
    }

    fn read_link(&self, path: &StoragePath) -> Result<Vec<u8>, StorageError> {
        match self.call("read the link", path)?.nodes.get(path) {
            Some(Node::Link(target)) => Ok(target.clone()),
            _ => Err(self.missing("read the link", path)),
        }
    }

    fn rename(&self, from: &StoragePath, to: &StoragePath, replace: bool) -> Result<(), StorageError> {
        let mut memory = self.call("rename", from)?;
        if !memory.nodes.contains_key(from) {
            return Err(self.missing("rename", from));
        }
        if !replace && memory.nodes.contains_key(to) {
            let (kind, path) = (StorageErrorKind::AlreadyExists, self.display(to));
            return Err(StorageError::new(kind, "create", path, "it exists"));
        }
        let moved: Vec<StoragePath> = memory.nodes.keys().filter(|path| is_below(path, from)).cloned().collect();
        for path in moved {
            let rest = path.as_bytes()[from.as_bytes().len()..].strip_prefix(b"/").unwrap_or_default().to_vec();
            if let Some(node) = memory.nodes.remove(&path) {
                memory.nodes.insert(to.append(&StoragePath::new(&rest)?), node);
            }
        }
        Ok(())
    }

    fn remove(&self, path: &StoragePath) -> Result<(), StorageError> {
        let mut memory = self.call("remove", path)?;
        memory.locked.take_if(|locked| locked == path);
        let before = memory.nodes.len();
        memory.nodes.retain(|other, _| !is_below(other, path));
        if memory.nodes.len() == before { Err(self.missing("remove", path)) } else { Ok(()) }
    }

    fn set_attributes(&self, path: &StoragePath, attributes: Attributes) -> Result<(), StorageError> {
        let mut memory = self.call("set the attributes of", path)?;
        if let Some(Node::File { modified, mode, .. }) = memory.nodes.get_mut(path) {
            *modified = attributes.modified.unwrap_or(*modified);
            *mode = attributes.mode.unwrap_or(*mode);
        }
        Ok(())
    }

    fn checksum(&self, path: &StoragePath) -> Result<Option<String>, StorageError> {
        self.call("hash", path).map(|_| None)
    }

    fn free_space(&self, _path: &StoragePath) -> Option<u64> {
        None
    }

    fn display(&self, path: &StoragePath) -> String {
        format!("memory{}://h/{}", self.capabilities.free_reads, path.to_stored())
    }
}

/// A file that is read or written.
struct OpenFile {
    storage: MemoryStorage,
    path: StoragePath,
    at: u64,
}

impl OpenFile {
    fn at(&self) -> usize {
        usize::try_from(self.at).unwrap_or(usize::MAX)
    }
}

impl Read for OpenFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut memory = self.storage.call("read", &self.path)?;
        if self.at < 64 << 20 && memory.endless.as_ref() == Some(&self.path) {
            drop(memory);
            let count = buffer.len().min(PIECE);
            buffer[..count].fill(7);
            self.at += count as u64;
            return Ok(count);
        }
        let Some(Node::File { bytes, .. }) = memory.nodes.get(&self.path) else { return Ok(0) };
        let rest = bytes.get(self.at()..).unwrap_or_default();
        let count = rest.len().min(buffer.len()).min(PIECE);
        buffer[..count].copy_from_slice(&rest[..count]);
        if memory.touched_while_read.take_if(|path| *path == self.path).is_some()
            && let Some(Node::File { modified, .. }) = memory.nodes.get_mut(&self.path)
        {
            *modified += Duration::from_secs(1);
        }
        drop(memory);
        self.at += count as u64;
        Ok(count)
    }
}

impl Write for OpenFile {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        let count = written.len().min(PIECE);
        let mut memory = self.storage.call("write", &self.path)?;
        if let Some(Node::File { bytes, .. }) = memory.nodes.get_mut(&self.path) {
            bytes.truncate(self.at());
            bytes.extend_from_slice(&written[..count]);
        }
        drop(memory);
        self.at += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl WriteFile for OpenFile {
    fn finish(self: Box<Self>, _sync: bool) -> Result<(), StorageError> {
        self.storage.call("write", &self.path).map(drop)
    }
}
