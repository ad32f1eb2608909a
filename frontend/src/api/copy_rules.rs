//! The words of the rules of copies.

use super::schema;

/// What happens to a file that exists at the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cynic::Enum)]
pub(crate) enum OnExists {
    Overwrite,
    Skip,
    Rename,
    Fail,
}

/// What happens to symbolic links in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cynic::Enum)]
pub(crate) enum SymlinkRule {
    Keep,
    Follow,
    Skip,
    Fail,
}

/// What happens to a folder of which some files cannot be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cynic::Enum)]
pub(crate) enum OnFileError {
    Fail,
    Skip,
}

/// An attribute that a copy can keep of its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cynic::Enum)]
pub(crate) enum PreservedAttribute {
    Times,
    Modes,
}

/// How a copy is compared with its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cynic::Enum)]
pub(crate) enum Verify {
    #[cynic(rename = "SHA256")]
    Sha256,
    None,
}
