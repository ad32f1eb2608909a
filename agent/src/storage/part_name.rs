//! The names of part files, which contain incomplete copies.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// The suffix of part files.
pub(crate) const SUFFIX: &str = ".mftplus-part";

/// The maximum length of a file name in bytes.
pub(crate) const MAX_NAME: usize = 255;

/// The number of digest bytes that distinguish shortened names.
const DIGEST: usize = 8;

/// The name of the part file for `name`; shortened if the suffix would make it too long.
pub(crate) fn name_of(name: &OsStr) -> OsString {
    let mut part = match shortened(name.as_encoded_bytes(), SUFFIX.len()) {
        Some(short) => short.into(),
        None => name.to_owned(),
    };
    part.push(SUFFIX);
    part
}

/// Like [`name_of`], for a name in a storage. `tag` distinguishes the part file of a copy from those of other copies.
pub(crate) fn name_of_bytes(name: &[u8], tag: Option<&str>) -> Vec<u8> {
    let suffix = tag.map_or_else(|| SUFFIX.to_owned(), |tag| format!(".{tag}{SUFFIX}"));
    let part = shortened(name, suffix.len()).map_or_else(|| name.to_owned(), String::into_bytes);
    [part.as_slice(), suffix.as_bytes()].concat()
}

/// The beginning of `name`, with a digest that makes it unique, if `name` is too long for a suffix of this length;
/// otherwise `None`.
fn shortened(name: &[u8], suffix: usize) -> Option<String> {
    if name.len() + suffix <= MAX_NAME {
        return None;
    }
    let mut digest = String::from(".");
    for byte in Sha256::digest(name).iter().take(DIGEST) {
        // Writing into a `String` cannot fail.
        let _ = write!(digest, "{byte:02x}");
    }
    let text = String::from_utf8_lossy(name);
    let head = text.floor_char_boundary(MAX_NAME - suffix - digest.len());
    Some(format!("{}{digest}", &text[..head]))
}

/// The path of the part file of a copy to `destination`.
pub(crate) fn beside(destination: &Path) -> PathBuf {
    match destination.file_name() {
        Some(name) => destination.with_file_name(name_of(name)),
        None => destination.join(SUFFIX),
    }
}

/// Whether this is the name of a part file. Part files are never copied.
pub(crate) fn is_part(name: &OsStr) -> bool {
    is_part_bytes(name.as_encoded_bytes())
}

/// Like [`is_part`], for a name in a storage.
pub(crate) fn is_part_bytes(name: &[u8]) -> bool {
    name.ends_with(SUFFIX.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::path::Path;

    use super::{MAX_NAME, beside, is_part, name_of, name_of_bytes};

    #[test]
    fn the_part_name_of_a_long_name_is_shortened_and_stays_unique() {
        assert_eq!(beside(Path::new("/a/b")), Path::new("/a/b.mftplus-part"));
        let longest = format!("{}1", "a".repeat(MAX_NAME - 1));
        let other = format!("{}2", "a".repeat(MAX_NAME - 1));
        let umlauts = "ä".repeat(127);
        for name in [&longest, &other, &umlauts, &"a".repeat(243)] {
            let part = name_of(OsStr::new(name));
            assert!(part.len() <= MAX_NAME && is_part(&part), "{part:?}");
            assert_eq!(name_of_bytes(name.as_bytes(), None), part.as_encoded_bytes());
            let tagged = name_of_bytes(name.as_bytes(), Some("0a1b2c3d"));
            assert!(tagged.len() <= MAX_NAME && tagged.ends_with(b".0a1b2c3d.mftplus-part"), "{tagged:?}");
        }
        assert_eq!(name_of_bytes(b"b", Some("0a1b2c3d")), b"b.0a1b2c3d.mftplus-part");
        assert_ne!(name_of(OsStr::new(&longest)), name_of(OsStr::new(&other)));
        assert_eq!(name_of(OsStr::new(&"a".repeat(242))).len(), MAX_NAME);
    }
}
