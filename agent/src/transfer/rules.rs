//! The rules of a copy that a job or step may carry. They are stored; the stored names never change.

use serde::{Deserialize, Serialize};

/// What to do with a file that exists at the destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnExists {
    #[default]
    Overwrite,
    /// Leave it and do not copy.
    Skip,
    /// Copy to `name (1).ext`, or the next number that is free.
    Rename,
    Fail,
}

/// What to do with symbolic links inside a folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SymlinkRule {
    /// Copy the link itself; where there are no links, it is skipped with a warning.
    #[default]
    Keep,
    /// Copy what it leads to.
    Follow,
    Skip,
    Fail,
}

/// What to do with a folder of which some files cannot be copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnFileError {
    /// Try all, name each bad file and publish none.
    #[default]
    Fail,
    /// Publish the others.
    Skip,
}

/// What happens to a source file once its copy is verified and published.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum AfterSuccess {
    #[default]
    Keep,
    Delete,
    /// It is moved to this folder: an absolute path of its storage, or a path inside the folder of the source.
    MoveTo(String),
}

/// Which attributes of files and folders the copy gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Preserve {
    #[serde(default)]
    pub(crate) times: bool,
    #[serde(default)]
    pub(crate) modes: bool,
}

/// The rules of one copy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CopyRules {
    #[serde(default)]
    pub(crate) on_exists: OnExists,
    #[serde(default)]
    pub(crate) symlinks: SymlinkRule,
    #[serde(default)]
    pub(crate) on_file_error: OnFileError,
    #[serde(default)]
    pub(crate) after_success: AfterSuccess,
    /// None: both between local folders, else neither.
    #[serde(default)]
    pub(crate) preserve: Option<Preserve>,
}
