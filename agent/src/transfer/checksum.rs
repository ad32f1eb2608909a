//! SHA-256 of files and of whole folders.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Computes a SHA-256 digest, or nothing if no digest is wanted.
#[derive(Clone)]
pub(crate) struct Hasher(Option<Sha256>);

impl Hasher {
    /// Starts a digest; without `wanted`, the hasher does nothing.
    pub(crate) fn new(wanted: bool) -> Self {
        Self(wanted.then(Sha256::new))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        if let Some(hasher) = &mut self.0 {
            hasher.update(bytes);
        }
    }

    /// The digest in hexadecimal; `None` if no digest was wanted.
    pub(crate) fn finish(self) -> Option<String> {
        self.0.map(|hasher| hex(&hasher.finalize()))
    }
}

/// The checksums of the files below one folder, by path.
#[derive(Default)]
pub(crate) struct Manifest(BTreeMap<Vec<u8>, String>);

impl Manifest {
    /// Adds the digest of the file at `path`, which is relative to the folder, with `/` between its parts.
    pub(crate) fn insert(&mut self, path: Vec<u8>, digest: String) {
        self.0.insert(path, digest);
    }

    /// The checksum of the folder: the SHA-256 of the lines `DIGEST PATH`, sorted by path.
    pub(crate) fn checksum(&self) -> String {
        hex(&Sha256::digest(self.text()))
    }

    fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for (path, digest) in &self.0 {
            text.extend_from_slice(digest.as_bytes());
            text.extend_from_slice(b"  ");
            text.extend_from_slice(path);
            text.push(b'\n');
        }
        text
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing into a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Hasher, Manifest};

    #[test]
    fn the_digest_of_abc_is_the_published_one() {
        let mut hasher = Hasher::new(true);
        hasher.update(b"a");
        hasher.update(b"bc");
        let digest = hasher.finish();
        assert_eq!(digest.as_deref(), Some("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    }

    #[test]
    fn no_digest_is_computed_if_none_is_wanted() {
        assert_eq!(Hasher::new(false).finish(), None);
    }

    #[test]
    fn a_manifest_is_sorted_by_path_whatever_the_order_of_its_files() {
        let mut manifest = Manifest::default();
        manifest.insert("b/c.txt".into(), "22".into());
        manifest.insert("a.txt".into(), "11".into());
        assert_eq!(manifest.text(), b"11  a.txt\n22  b/c.txt\n");
    }
}
