//! The journal's file of earlier versions, `errands.json`, which was replaced at each change and had its previous version
//! beside it. It is taken over at the first start.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::storage::path_text::text;
use crate::storage::state_file::{self, Stored, with_suffix};
use crate::work::journal::content_and_records::Entries;

/// The format of the file. Its names never change.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Content {
    open: Vec<Value>,
    #[serde(rename = "over")]
    finished: VecDeque<String>,
}

/// The file, as it is on the disk.
pub(super) struct EarlierFile {
    path: PathBuf,
    stored: Stored<Content>,
}

impl EarlierFile {
    /// Reads the file in `state_dir`. Changes nothing.
    pub(super) fn read(state_dir: &Path) -> io::Result<Self> {
        let path = state_dir.join("errands.json");
        Ok(Self { stored: state_file::read_stored(&path)?, path })
    }

    /// Adds what the file holds to `entries`. Returns whether there is a file.
    pub(super) fn add_to(&self, entries: &mut Entries) -> io::Result<bool> {
        if let Stored::Whole(content) | Stored::Previous(content) = &self.stored {
            entries.add_missing(&content.open, &content.finished)?;
        }
        Ok(!matches!(self.stored, Stored::Missing))
    }

    /// Removes the file, after its content is durable elsewhere; a damaged one is renamed. If this fails, the next start
    /// takes it over again, which changes nothing.
    pub(super) fn discard(self) -> io::Result<()> {
        let path = &self.path;
        match self.stored {
            Stored::Missing => return Ok(()),
            Stored::Whole(_) => {
                state_file::remove_stored(path)?;
                tracing::info!(path = text(path), "the journal of an earlier version is taken over");
                return Ok(());
            }
            Stored::Previous(_) => {
                let aside = text(&state_file::set_aside(path)?);
                tracing::warn!(path = text(path), aside, "the journal was damaged; its previous version is used");
            }
            Stored::Damaged => {
                let aside = text(&state_file::set_aside(path)?);
                tracing::warn!(
                    path = text(path),
                    aside,
                    "the journal was damaged and is set aside; work continues with the directives that the server sends"
                );
            }
        }
        match state_file::remove(&with_suffix(path, ".bak")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
