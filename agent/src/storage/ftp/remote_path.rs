//! How a path is written in a command, and which paths FTP cannot transmit.

use crate::storage::storage_path::StoragePath;

/// The absolute path of `path` below `base`, which is absolute and has no slash at its end. The error says why FTP
/// cannot transmit it.
pub(super) fn remote(base: &str, path: &StoragePath) -> Result<String, &'static str> {
    let path = carried(path.as_bytes())?;
    Ok(match (base, path) {
        ("", "") => "/".to_owned(),
        (base, "") => base.to_owned(),
        (base, path) => format!("{base}/{path}"),
    })
}

/// A name or path as text. The error says why FTP cannot transmit it.
pub(super) fn carried(name: &[u8]) -> Result<&str, &'static str> {
    let text = std::str::from_utf8(name).map_err(|_| "FTP carries names in UTF-8 only, and this name is not UTF-8")?;
    if text.contains(['\r', '\n', '\0']) {
        return Err("FTP cannot carry a line break or a zero byte in a name");
    }
    Ok(text)
}

/// Fails if a name in the path ends with a space or has a control character: some servers silently change such names
/// when they create a file or folder.
pub(super) fn check_created(path: &str) -> Result<(), &'static str> {
    if path.split('/').any(|name| name.ends_with(' ')) {
        return Err("FTP servers change a space at the end of a name");
    }
    if path.contains(|character: char| character.is_ascii_control()) {
        return Err("FTP servers change a control character, such as a tab, in a name");
    }
    Ok(())
}

/// The parent folder and the last name of a path that [`remote`] returned; `None` for the root of the server.
pub(super) fn split(path: &str) -> Option<(&str, &str)> {
    let (parent, name) = path.rsplit_once('/')?;
    let parent = if parent.is_empty() { "/" } else { parent };
    (!name.is_empty()).then_some((parent, name))
}

/// The path of the entry `name` in a folder.
pub(super) fn join(folder: &str, name: &str) -> String {
    format!("{}/{name}", folder.trim_end_matches('/'))
}

/// The path in a reply to PWD, in which quotation marks are doubled. Fails if it is not an absolute path in UTF-8.
pub(super) fn of_pwd(path: &str) -> Result<String, &'static str> {
    let path = path.replace("\"\"", "\"");
    if !path.starts_with('/') || path.contains(char::REPLACEMENT_CHARACTER) {
        return Err("the server reports a login folder that is not an absolute path in UTF-8; write an absolute path");
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::{carried, check_created, join, of_pwd, remote, split};
    use crate::storage::storage_path::StoragePath;

    fn path(path: &str) -> StoragePath {
        StoragePath::new(path.as_bytes()).expect("a path")
    }

    #[test]
    fn a_path_is_absolute() {
        for (base, below, expected) in [
            ("", "", "/"),
            ("", "a", "/a"),
            ("/in", "", "/in"),
            ("/in", "a b/-c", "/in/a b/-c"),
            ("/in", "\u{e9}", "/in/\u{e9}"),
        ] {
            assert_eq!(remote(base, &path(below)).as_deref(), Ok(expected));
        }
        assert_eq!((split("/a/b"), split("/a"), split("/")), (Some(("/a", "b")), Some(("/", "a")), None));
        assert_eq!((join("/", "a"), join("/a", "b")), ("/a".to_owned(), "/a/b".to_owned()));
    }

    #[test]
    fn names_that_a_command_cannot_carry_are_refused() {
        for name in [&b"a\r\nDELE b"[..], b"a\n", b"\r", b"a\0", b"caf\xe9"] {
            assert!(carried(name).is_err(), "{name:?}");
        }
        for name in ["a", " a ", "\u{e9}", "a\tb", "-la"] {
            assert_eq!(carried(name.as_bytes()), Ok(name));
        }
    }

    #[test]
    fn no_name_that_servers_change_is_created() {
        assert!(check_created("/a /b").is_err() && check_created("/a/b ").is_err());
        assert!(check_created("/a\tb").is_err() && check_created("/a\u{7f}").is_err());
        assert_eq!(check_created("/a b/ c"), Ok(()));
    }

    #[test]
    fn the_login_folder_is_an_absolute_path() {
        assert_eq!(of_pwd("/home/a\"\"b").as_deref(), Ok("/home/a\"b"));
        assert!(of_pwd("C:\\").is_err() && of_pwd("/caf\u{fffd}").is_err());
    }
}
