//! A path below a root folder; no symbolic link in it can lead out of that folder. Blocking.
//!
//! Every access is relative to an open handle of the root folder, and the operating system resolves the rest of the
//! path each time. So the access stays below the root even if a folder is replaced by a link at any time.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, FileType, Metadata, OpenOptions, Permissions};

use crate::storage::part_name;

/// The flags for opening a file that may have become a pipe or a terminal.
#[cfg(unix)]
#[expect(clippy::cast_possible_wrap, reason = "the flags are bits")]
const NON_BLOCKING: i32 = rustix::fs::OFlags::NONBLOCK.union(rustix::fs::OFlags::NOCTTY).bits() as i32;

/// A file, folder or link below a root folder. It need not exist.
#[derive(Clone, Debug)]
pub(crate) struct SandboxedPath {
    root: Arc<Dir>,
    /// The path relative to the root; `.` for the root itself.
    relative: PathBuf,
    /// The complete path as it was written, for messages and reports.
    full: PathBuf,
}

impl SandboxedPath {
    /// Opens the folder `root`, and returns the path `relative` below it. `full` is the same path for messages.
    pub(crate) fn new(root: &Path, relative: &Path, full: &Path) -> io::Result<Self> {
        let root = Dir::open_ambient_dir(root, ambient_authority())?;
        let relative = if relative.as_os_str().is_empty() { Path::new(".") } else { relative };
        Ok(Self { root: Arc::new(root), relative: relative.to_owned(), full: full.to_owned() })
    }

    /// The complete path for messages and reports.
    pub(crate) fn as_path(&self) -> &Path {
        &self.full
    }

    /// The path `name` below this folder.
    pub(crate) fn join(&self, name: &Path) -> Self {
        if name.as_os_str().is_empty() {
            return self.clone();
        }
        let relative = if self.is_root() { name.to_owned() } else { self.relative.join(name) };
        Self { root: self.root.clone(), relative, full: self.full.join(name) }
    }

    /// The parent folder; `None` for the root.
    pub(crate) fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let relative = self.relative.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let full = self.full.parent().unwrap_or(&self.full).to_owned();
        Some(Self { root: self.root.clone(), relative: relative.to_owned(), full })
    }

    /// The root folder of this path, and the path relative to the root.
    pub(crate) fn in_root(&self) -> (Self, &Path) {
        let below = if self.is_root() { Path::new("") } else { self.relative.as_path() };
        // The complete path may contain links that `relative` does not contain.
        let depth =
            if self.full.ends_with(below) { below.components().count() } else { self.full.components().count() };
        let full = self.full.ancestors().nth(depth).or_else(|| self.full.ancestors().last()).unwrap_or(&self.full);
        (Self { root: self.root.clone(), relative: PathBuf::from("."), full: full.to_owned() }, below)
    }

    /// The path of the part file of a copy to this path: in the same folder, or inside it if this path is the root.
    pub(crate) fn part(&self) -> Self {
        if self.is_root() {
            return self.join(Path::new(part_name::SUFFIX));
        }
        let (relative, full) = (part_name::beside(&self.relative), part_name::beside(&self.full));
        Self { root: self.root.clone(), relative, full }
    }

    /// Whether the path is the root folder itself.
    pub(crate) fn is_root(&self) -> bool {
        self.relative == Path::new(".")
    }

    /// The metadata of the file. Links are followed.
    pub(crate) fn metadata(&self) -> io::Result<Metadata> {
        self.root.metadata(&self.relative).map_err(explain)
    }

    /// The metadata of the file. A link at the end of the path is not followed.
    pub(crate) fn symlink_metadata(&self) -> io::Result<Metadata> {
        self.root.symlink_metadata(&self.relative).map_err(explain)
    }

    /// The kind of special file at this path, after links are followed; `None` for files, folders and missing paths.
    pub(crate) fn special(&self) -> Option<&'static str> {
        let there = self.symlink_metadata().ok()?;
        let there = if there.file_type().is_symlink() { self.metadata().ok()? } else { there };
        special(there.file_type())
    }

    /// Whether the path exists; true also for a link with a missing target.
    pub(crate) fn has_entry(&self) -> bool {
        self.symlink_metadata().is_ok()
    }

    /// Opens the file for reading; on most systems also a folder. Opening a pipe does not block.
    pub(crate) fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        cap_std::fs::OpenOptionsExt::custom_flags(&mut options, NON_BLOCKING);
        Ok(self.root.open_with(&self.relative, &options).map_err(explain)?.into_std())
    }

    /// Opens the file for reading and writing; a missing one is created, readable by its owner only.
    pub(crate) fn open_to_write(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        cap_std::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(self.root.open_with(&self.relative, &options).map_err(explain)?.into_std())
    }

    /// The entries of this folder, sorted by name. The type of an entry is an error if the entry was removed during the
    /// listing.
    pub(crate) fn entries(&self) -> io::Result<Vec<(OsString, io::Result<FileType>)>> {
        let entries = self.root.read_dir(&self.relative).map_err(explain)?;
        let entries = entries.map(|entry| entry.map(|entry| (entry.file_name(), entry.file_type())));
        let mut entries = entries.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(entries)
    }

    /// Creates a folder that only its owner may enter.
    pub(crate) fn create_private_folder(&self) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        cap_std::fs::DirBuilderExt::mode(&mut builder, 0o700);
        self.root.create_dir_with(&self.relative, &builder).map_err(explain)
    }

    /// Creates the folder and its parents if they are missing.
    pub(crate) fn create_folders(&self) -> io::Result<()> {
        if self.is_root() { Ok(()) } else { self.root.create_dir_all(&self.relative).map_err(explain) }
    }

    /// Moves the file or folder to `to`.
    pub(crate) fn rename(&self, to: &Self) -> io::Result<()> {
        self.root.rename(&self.relative, &to.root, &to.relative).map_err(explain)
    }

    /// Moves the file or folder to `to`. Fails with `AlreadyExists` if `to` exists. The check and the move are one step
    /// if the system and the file system support that.
    pub(crate) fn rename_to_free(&self, to: &Self) -> io::Result<()> {
        use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
        match self.rename_exclusively(to) {
            // The file system has no such rename, or one of the folders cannot be opened.
            Err(error) if matches!(error.kind(), InvalidInput | PermissionDenied | Unsupported) => {}
            renamed => return renamed,
        }
        if to.has_entry() { Err(io::ErrorKind::AlreadyExists.into()) } else { self.rename(to) }
    }

    #[cfg(any(target_os = "linux", target_os = "macos"))]
    fn rename_exclusively(&self, to: &Self) -> io::Result<()> {
        use rustix::fs::{RenameFlags, renameat_with};
        let in_folder = |path: &Self| Some((path.parent()?, path.relative.file_name()?.to_owned()));
        let (Some((folder, name)), Some((new_folder, new_name))) = (in_folder(self), in_folder(to)) else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let (folder, new_folder) = (folder.open()?, new_folder.open()?);
        Ok(renameat_with(folder, name.as_os_str(), new_folder, new_name.as_os_str(), RenameFlags::NOREPLACE)?)
    }

    /// Fails, because this system has no such rename.
    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    fn rename_exclusively(&self, _to: &Self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Removes the file, the link or the folder with its content. A missing path is not an error; links are not
    /// followed.
    pub(crate) fn remove(&self) -> io::Result<()> {
        let removed = match self.symlink_metadata() {
            Ok(there) if there.is_dir() => self.root.remove_dir_all(&self.relative).map_err(explain),
            Ok(_) => self.root.remove_file(&self.relative).map_err(explain),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Creates a link with the same target as the link `original`.
    pub(crate) fn copy_link(&self, original: &Self) -> io::Result<()> {
        self.create_link(&original.read_link()?)
    }

    /// The target of this link, as it is stored.
    pub(crate) fn read_link(&self) -> io::Result<PathBuf> {
        self.root.read_link_contents(&self.relative).map_err(explain)
    }

    /// Creates a link; its target need not exist and may be outside the root, where it is never followed.
    #[cfg(unix)]
    pub(crate) fn create_link(&self, target: &Path) -> io::Result<()> {
        self.root.symlink_contents(target, &self.relative).map_err(explain)
    }

    /// Fails, because links cannot be created on this system.
    #[cfg(not(unix))]
    pub(crate) fn create_link(&self, _target: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn set_permissions(&self, permissions: Permissions) -> io::Result<()> {
        self.root.set_permissions(&self.relative, permissions).map_err(explain)
    }

    /// Sets the modification time of this folder, if the system allows that.
    pub(crate) fn set_modified(&self, modified: SystemTime) -> io::Result<()> {
        if cfg!(unix) { self.open()?.set_modified(modified) } else { Ok(()) }
    }

    /// Makes the entries of this folder durable, if the system supports that.
    pub(crate) fn sync(&self) -> io::Result<()> {
        if cfg!(unix) { self.open()?.sync_all() } else { Ok(()) }
    }

    /// Makes the entry of this path durable: syncs its parent folder.
    pub(crate) fn sync_entry(&self) -> io::Result<()> {
        self.parent().unwrap_or_else(|| self.clone()).sync()
    }
}

/// The kind of a special file, which is neither copied nor replaced; `None` for files, folders and links.
#[cfg(unix)]
pub(crate) fn special(found: FileType) -> Option<&'static str> {
    use cap_std::fs::FileTypeExt as _;
    if found.is_fifo() {
        Some("a pipe")
    } else if found.is_socket() {
        Some("a socket")
    } else if found.is_block_device() || found.is_char_device() {
        Some("a device")
    } else {
        None
    }
}

/// `None`, because folders have no special files on this system.
#[cfg(not(unix))]
pub(crate) fn special(_found: FileType) -> Option<&'static str> {
    None
}

/// Replaces the error about a link that leads out of the root by one that says so.
fn explain(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none() {
        return io::Error::new(io::ErrorKind::PermissionDenied, "a link in the path leads out of the folder");
    }
    error
}
