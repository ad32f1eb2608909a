//! Paths on a server: the root of a storage, and the names that SFTP can transmit.

use mftplus_protocol::characters::printable;

use crate::storage::error::StorageErrorKind as Kind;
use crate::storage::sftp::failure::Failure;
use crate::storage::storage_path::StoragePath;

/// The maximum length of a name in bytes.
const MAX_NAME: usize = 255;

/// The port that is omitted in URLs.
const DEFAULT_PORT: u16 = 22;

/// The absolute path of a storage's root. A `root` that does not begin with `/` is relative to the login folder.
pub(crate) fn root_of(root: &str, login_folder: &str) -> String {
    let path = if root.starts_with('/') { root.to_owned() } else { format!("{login_folder}/{root}") };
    match path.trim_matches('/') {
        "" => "/".to_owned(),
        trimmed => format!("/{trimmed}"),
    }
}

/// The absolute path of `path` on the server.
///
/// # Errors
///
/// `InvalidName` if a name is not UTF-8, which the library does not support; `NameTooLong` if a name has more than 255
/// bytes.
pub(crate) fn below(root: &str, path: &StoragePath) -> Result<String, Failure> {
    let relative = path.to_str().filter(|path| !path.contains(char::REPLACEMENT_CHARACTER));
    // In listings, the library replaces bytes that are not UTF-8 by this character.
    let relative = relative.ok_or_else(|| {
        Failure::new(Kind::InvalidName, "a name in it is not UTF-8, and only UTF-8 is carried over SFTP: rename it")
    })?;
    if relative.split('/').any(|name| name.len() > MAX_NAME) {
        return Err(Failure::new(Kind::NameTooLong, "a name in it has more than 255 bytes: rename it"));
    }
    Ok(match (root, relative) {
        (root, "") => root.to_owned(),
        ("/", relative) => format!("/{relative}"),
        (root, relative) => format!("{root}/{relative}"),
    })
}

/// The beginning of the URLs in messages, without credentials.
pub(crate) fn url_of(host: &str, port: u16) -> String {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    if port == DEFAULT_PORT { format!("sftp://{host}") } else { format!("sftp://{host}:{port}") }
}

/// The URL of a path for messages.
pub(crate) fn display(url: &str, root: &str, path: &StoragePath) -> String {
    let separator = if root.ends_with('/') || path.as_bytes().is_empty() { "" } else { "/" };
    let path = String::from_utf8_lossy(path.as_bytes());
    format!("{url}{}", printable(&format!("{root}{separator}{path}")))
}

#[cfg(test)]
mod tests {
    use super::{below, display, root_of, url_of};
    use crate::storage::error::StorageErrorKind as Kind;
    use crate::storage::storage_path::StoragePath;

    #[test]
    fn a_root_is_absolute_or_below_the_login_folder() {
        for (root, path) in [
            ("/out", "/out"),
            ("/out/", "/out"),
            ("/", "/"),
            ("", "/home/orders"),
            ("out/a", "/home/orders/out/a"),
            ("~", "/home/orders/~"),
        ] {
            assert_eq!(root_of(root, "/home/orders"), path, "{root}");
        }
        assert_eq!([root_of("out", "/"), root_of("", "/")], ["/out", "/"]);
    }

    #[test]
    fn names_that_sftp_cannot_carry_are_refused() -> anyhow::Result<()> {
        let path = StoragePath::new(b"a/b")?;
        assert_eq!(below("/out", &path).ok().as_deref(), Some("/out/a/b"));
        assert_eq!(below("/", &path).ok().as_deref(), Some("/a/b"));
        assert_eq!(below("/out", &StoragePath::new(b"")?).ok().as_deref(), Some("/out"));
        for (name, kind) in [
            (b"caf\xe9".to_vec(), Kind::InvalidName),
            ("caf\u{fffd}".as_bytes().to_vec(), Kind::InvalidName),
            (vec![b'a'; 256], Kind::NameTooLong),
        ] {
            let refused = below("/out", &StoragePath::new(&name)?).err().map(|failure| failure.kind);
            assert_eq!(refused, Some(kind));
        }
        Ok(())
    }

    #[test]
    fn messages_name_a_path_by_its_url() -> anyhow::Result<()> {
        let path = StoragePath::new(b"a\nb")?;
        assert_eq!(display(&url_of("h", 22), "/out", &path), "sftp://h/out/a\u{fffd}b");
        assert_eq!(display(&url_of("::1", 2222), "/", &StoragePath::new(b"")?), "sftp://[::1]:2222/");
        Ok(())
    }
}
