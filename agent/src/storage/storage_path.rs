//! Paths below the root of a storage, and the names that are valid in them.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode};

use crate::storage::error::{StorageError, StorageErrorKind};

/// The maximum number of bytes of a refused name in messages.
const MAX_SHOWN: usize = 255;

/// The ASCII characters of paths that are escaped in state files; all other bytes that are not ASCII are escaped as
/// well.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');

/// A path below the root of a storage: bytes, `/` between names, no `..`, no NUL; empty for the root itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct StoragePath(Vec<u8>);

impl StoragePath {
    /// Creates a path; empty names and `.` are removed. Fails if `bytes` contains `..` or NUL.
    pub(crate) fn new(bytes: &[u8]) -> Result<Self, StorageError> {
        let names: Vec<&[u8]> =
            bytes.split(|byte| *byte == b'/').filter(|name| !name.is_empty() && *name != b".").collect();
        if names.iter().all(|name| is_name(name)) {
            return Ok(Self(names.join(&b'/')));
        }
        let detail = "it goes up (`..`) or contains the character NUL";
        Err(StorageError::new(StorageErrorKind::InvalidName, "use the path", shown(bytes), detail))
    }

    /// The path of the entry `name` of this folder. Fails for names such as `..` or `a/b`, which a malicious server may
    /// send.
    pub(crate) fn join(&self, name: &[u8]) -> Result<Self, StorageError> {
        if is_name(name) {
            return Ok(self.append(&Self(name.to_owned())));
        }
        let detail = "it is not a name of a file or folder";
        Err(StorageError::new(StorageErrorKind::InvalidName, "use the name", shown(name), detail))
    }

    /// The path `relative` below this folder.
    pub(crate) fn append(&self, relative: &Self) -> Self {
        match (self.0.is_empty(), relative.0.is_empty()) {
            (true, _) => relative.clone(),
            (false, true) => self.clone(),
            (false, false) => Self([self.0.as_slice(), &relative.0].join(&b'/')),
        }
    }

    /// The path of the entry `name` in the same folder. The caller must derive `name` from a valid name.
    pub(crate) fn with_file_name(&self, name: Vec<u8>) -> Self {
        self.parent().unwrap_or_default().append(&Self(name))
    }

    /// The parent folder; `None` for the root.
    pub(crate) fn parent(&self) -> Option<Self> {
        if self.0.is_empty() {
            return None;
        }
        let end = self.0.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        Some(Self(self.0[..end].to_owned()))
    }

    /// The last name; `None` for the root.
    pub(crate) fn file_name(&self) -> Option<&[u8]> {
        self.0.rsplit(|byte| *byte == b'/').next().filter(|name| !name.is_empty())
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path as text for state files: each byte that is not printable ASCII is written as `%XX`.
    pub(crate) fn to_stored(&self) -> String {
        percent_encode(&self.0, ESCAPED).to_string()
    }

    /// Parses a text that [`Self::to_stored`] returned.
    pub(crate) fn from_stored(text: &str) -> Result<Self, StorageError> {
        Self::new(&percent_decode_str(text).collect::<Vec<u8>>())
    }

    /// The path as text; `None` if it is not UTF-8.
    pub(crate) fn to_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

/// The beginning of a refused name or path for messages, with escaped control characters, because a server may have
/// sent it.
fn shown(bytes: &[u8]) -> String {
    StoragePath(bytes[..bytes.len().min(MAX_SHOWN)].to_owned()).to_stored()
}

/// Whether `name` can be the name of an entry of a folder. Names from servers are checked with this function.
fn is_name(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && !name.contains(&b'/') && !name.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::{StoragePath, is_name};

    #[test]
    fn a_path_is_made_of_names_and_never_goes_up() -> anyhow::Result<()> {
        for (written, path) in [("/a//b/./c/", "a/b/c"), ("", ""), ("/", ""), ("a", "a")] {
            assert_eq!(StoragePath::new(written.as_bytes())?.to_str(), Some(path), "{written}");
        }
        for wrong in ["..", "a/../b", "/a/..", "a\0b"] {
            assert!(StoragePath::new(wrong.as_bytes()).is_err(), "{wrong}");
        }
        let bytes = StoragePath::new(b"a/\xff%\n")?;
        assert_eq!((bytes.to_str(), bytes.to_stored().as_str()), (None, "a/%FF%25%0A"));
        assert_eq!(StoragePath::from_stored(&bytes.to_stored())?, bytes);
        Ok(())
    }

    #[test]
    fn parent_and_file_name_take_a_path_apart_and_join_puts_it_together() -> anyhow::Result<()> {
        let path = StoragePath::new(b"a/b")?;
        let parent = path.parent().unwrap_or_default();
        assert_eq!((parent.as_bytes(), path.file_name()), (&b"a"[..], Some(&b"b"[..])));
        assert_eq!(parent.join(b"b")?, path);
        let root = StoragePath::default();
        assert_eq!((root.parent(), root.file_name()), (None, None));
        assert_eq!((root.append(&path), path.append(&root)), (path.clone(), path.clone()));
        assert_eq!(path.append(&path).as_bytes(), b"a/b/a/b");
        assert_eq!(StoragePath::new(b"a")?.parent(), Some(root));
        Ok(())
    }

    #[test]
    fn a_name_from_a_server_never_leads_elsewhere() {
        assert!(is_name(b"a b") && is_name(b"...") && is_name(b"\xff\n"));
        for name in [&b""[..], b".", b"..", b"a/b", b"/", b"a\0"] {
            assert!(!is_name(name) && StoragePath::default().join(name).is_err(), "{name:?}");
        }
        let refused = StoragePath::default().join(b"a/\x1b[2J\x00").map_err(|error| error.to_string());
        assert_eq!(refused, Err("cannot use the name `a/%1B[2J%00`: it is not a name of a file or folder".to_owned()));
    }
}
