//! Converts paths to text and back.

use std::path::{Component, Path, PathBuf};

use mftplus_protocol::characters::is_unprintable;
use mftplus_protocol::location::local_file;
use url::Url;

use crate::storage::usage_error::UsageError;

/// A path as text that keeps every byte, for messages, state files and the API: a `file:` URL if the path has bytes that are
/// not UTF-8 or characters that are not printable.
pub(crate) fn text(path: &Path) -> String {
    match path.to_str() {
        Some(text) if !text.contains(is_unprintable) => text.to_owned(),
        _ => Url::from_file_path(path)
            .map_or_else(|()| path.as_os_str().as_encoded_bytes().escape_ascii().to_string(), String::from),
    }
}

/// The path from which [`text`] made this text.
pub(crate) fn from_text(text: &str) -> PathBuf {
    from_file_url(text).and_then(Result::ok).unwrap_or_else(|| PathBuf::from(text))
}

/// The path of a `file:` URL, or what is wrong with the URL; `None` if the text is not a `file:` URL.
pub(crate) fn from_file_url(text: &str) -> Option<Result<PathBuf, UsageError>> {
    let decoded = match local_file(text)? {
        Ok(decoded) => decoded,
        Err(problem) => return Some(Err(UsageError(format!("`{text}` {problem}")))),
    };
    // `Url` would resolve these parts.
    if goes_up(Path::new(&decoded)) {
        return Some(Err(UsageError(format!("`{text}` contains `..`; write the path without it"))));
    }
    let path = Url::parse(text).ok().and_then(|url| url.to_file_path().ok());
    Some(path.ok_or_else(|| UsageError(format!("`{text}` is not a path on this machine; write file:///path"))))
}

/// Whether a part of the path is `..`.
pub(crate) fn goes_up(path: &Path) -> bool {
    path.components().any(|part| matches!(part, Component::ParentDir))
}

/// Whether a path ends with a separator, which means that it names a folder.
pub(crate) fn ends_with_separator(path: &Path) -> bool {
    path.as_os_str().to_string_lossy().ends_with(std::path::is_separator)
}

#[cfg(all(test, unix))]
mod tests {
    use std::path::Path;

    use super::{from_text, text};

    #[test]
    fn a_path_of_any_bytes_survives_the_conversion_to_text_and_back() {
        use std::os::unix::ffi::OsStrExt as _;
        for (bytes, expected) in [
            (&b"/data/caf\xe9.csv"[..], "file:///data/caf%E9.csv"),
            (b"/data/a\nb", "file:///data/a%0Ab"),
            (b"/data/100%?#\n", "file:///data/100%25%3F%23%0A"),
            ("/data/\u{202e}fdp.exe".as_bytes(), "file:///data/%E2%80%AEfdp.exe"),
            (b"/data/100%?# b", "/data/100%?# b"),
        ] {
            let path = Path::new(std::ffi::OsStr::from_bytes(bytes));
            assert_eq!(text(path), expected);
            assert_eq!(from_text(&text(path)), path);
        }
    }
}
