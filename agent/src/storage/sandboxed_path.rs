//! A place in the file system, reached so that no link leads out of the folder it is confined to. Blocking.
//!
//! Every access is relative to a folder that is held open, and the system resolves the way from there each time; so
//! it does not matter who exchanges a folder for a link, or when.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, FileType, Metadata, OpenOptions, Permissions};

use crate::transfer::part;

/// How files are opened that may be something else by now.
#[cfg(unix)]
#[expect(clippy::cast_possible_wrap, reason = "the flags are bits")]
const NO_WAITING: i32 = rustix::fs::OFlags::NONBLOCK.union(rustix::fs::OFlags::NOCTTY).bits() as i32;

/// A file, folder or link, whether it exists or not.
#[derive(Clone, Debug)]
pub(crate) struct Spot {
    base: Arc<Dir>,
    /// Below the base; `.` for the base itself.
    below: PathBuf,
    shown: PathBuf,
}

impl Spot {
    /// The place `below` the folder `base`, out of which nothing leads; people know it as `shown`.
    pub(crate) fn below(base: &Path, below: &Path, shown: &Path) -> io::Result<Self> {
        let base = Dir::open_ambient_dir(base, ambient_authority())?;
        let below = if below.as_os_str().is_empty() { Path::new(".") } else { below };
        Ok(Self { base: Arc::new(base), below: below.to_owned(), shown: shown.to_owned() })
    }

    /// Its whole path.
    pub(crate) fn shown(&self) -> &Path {
        &self.shown
    }

    /// What is called `relative` below this folder.
    pub(crate) fn join(&self, relative: &Path) -> Self {
        if relative.as_os_str().is_empty() {
            return self.clone();
        }
        let below = if self.is_base() { relative.to_owned() } else { self.below.join(relative) };
        Self { base: self.base.clone(), below, shown: self.shown.join(relative) }
    }

    /// The folder around it, unless that is out of reach.
    pub(crate) fn parent(&self) -> Option<Self> {
        if self.is_base() {
            return None;
        }
        let below = self.below.parent().filter(|below| !below.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let shown = self.shown.parent().unwrap_or(&self.shown).to_owned();
        Some(Self { base: self.base.clone(), below: below.to_owned(), shown })
    }

    /// Where it grows until it is complete: beside it, or inside when the place beside it is out of reach.
    pub(crate) fn part(&self) -> Self {
        if self.is_base() {
            return self.join(Path::new(part::SUFFIX));
        }
        let (below, shown) = (part::beside(&self.below), part::beside(&self.shown));
        Self { base: self.base.clone(), below, shown }
    }

    /// Whether it is the folder that everything here is confined to.
    pub(crate) fn is_base(&self) -> bool {
        self.below == Path::new(".")
    }

    /// What is there, at the end of links.
    pub(crate) fn metadata(&self) -> io::Result<Metadata> {
        self.base.metadata(&self.below).map_err(explain)
    }

    /// What is there, be it a link.
    pub(crate) fn look(&self) -> io::Result<Metadata> {
        self.base.symlink_metadata(&self.below).map_err(explain)
    }

    /// What is there, at the end of links, if it is neither file nor folder.
    pub(crate) fn special(&self) -> Option<&'static str> {
        let there = self.look().ok()?;
        let there = if there.file_type().is_symlink() { self.metadata().ok()? } else { there };
        special(there.file_type())
    }

    /// Whether there is anything, be it a link that leads nowhere.
    pub(crate) fn is_taken(&self) -> bool {
        self.look().is_ok()
    }

    /// Opens the file, or on most systems the folder, to be read. A pipe does not block, whoever put it there.
    pub(crate) fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        cap_std::fs::OpenOptionsExt::custom_flags(&mut options, NO_WAITING);
        Ok(self.base.open_with(&self.below, &options).map_err(explain)?.into_std())
    }

    /// Opens the file to be read and written, made when missing, for its owner only.
    pub(crate) fn open_to_write(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        cap_std::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(self.base.open_with(&self.below, &options).map_err(explain)?.into_std())
    }

    /// What is in this folder, by name; the kind of one may be unknown, as when it has vanished.
    pub(crate) fn entries(&self) -> io::Result<Vec<(OsString, io::Result<FileType>)>> {
        let entries = self.base.read_dir(&self.below).map_err(explain)?;
        let entries = entries.map(|entry| entry.map(|entry| (entry.file_name(), entry.file_type())));
        let mut entries = entries.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(entries)
    }

    /// Makes a folder that only its owner may enter.
    pub(crate) fn create_private_folder(&self) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        cap_std::fs::DirBuilderExt::mode(&mut builder, 0o700);
        self.base.create_dir_with(&self.below, &builder).map_err(explain)
    }

    /// Makes a folder, with its parents, if it is missing.
    pub(crate) fn create_folders(&self) -> io::Result<()> {
        if self.is_base() { Ok(()) } else { self.base.create_dir_all(&self.below).map_err(explain) }
    }

    /// Gives it another place and name.
    pub(crate) fn rename(&self, to: &Self) -> io::Result<()> {
        self.base.rename(&self.below, &to.base, &to.below).map_err(explain)
    }

    /// Removes it with all it holds; what is missing is removed already. Links are removed, not followed.
    pub(crate) fn remove(&self) -> io::Result<()> {
        let removed = match self.look() {
            Ok(there) if there.is_dir() => self.base.remove_dir_all(&self.below).map_err(explain),
            Ok(_) => self.base.remove_file(&self.below).map_err(explain),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Makes it a copy of the link `original`.
    #[cfg(unix)]
    pub(crate) fn copy_link(&self, original: &Self) -> io::Result<()> {
        let target = original.base.read_link_contents(&original.below).map_err(explain)?;
        self.base.symlink_contents(target, &self.below).map_err(explain)
    }

    /// Links cannot be copied on this system.
    #[cfg(not(unix))]
    pub(crate) fn copy_link(&self, _original: &Self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Sets who may do what with it.
    pub(crate) fn set_permissions(&self, permissions: Permissions) -> io::Result<()> {
        self.base.set_permissions(&self.below, permissions).map_err(explain)
    }

    /// Sets when this folder was changed last, where the system allows that.
    pub(crate) fn set_modified(&self, modified: SystemTime) -> io::Result<()> {
        if cfg!(unix) { self.open()?.set_modified(modified) } else { Ok(()) }
    }

    /// Makes the entries of this folder durable, where the system can do that.
    pub(crate) fn sync(&self) -> io::Result<()> {
        if cfg!(unix) { self.open()?.sync_all() } else { Ok(()) }
    }

    /// Makes the entry itself durable.
    pub(crate) fn sync_entry(&self) -> io::Result<()> {
        self.parent().unwrap_or_else(|| self.clone()).sync()
    }
}

/// What kind of special file it is: such a file is neither copied nor replaced. None for files, folders and links.
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

/// Other systems do not keep special files among the others.
#[cfg(not(unix))]
pub(crate) fn special(_found: FileType) -> Option<&'static str> {
    None
}

/// In our words, when a link would have led out.
fn explain(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none() {
        return io::Error::new(io::ErrorKind::PermissionDenied, "a link on the way leads elsewhere");
    }
    error
}
