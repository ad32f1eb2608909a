//! The journal file of earlier versions of the agent, `errands.json`. It was replaced as a whole at each change, and
//! its previous version was kept as `.bak`. Its content is imported at the first start.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::storage::path_text::text;
use crate::storage::state_file::{self, Stored, with_suffix};
use crate::work::journal::content_and_records::Entries;

/// The format of the file. The names in it must not change.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Content {
    open: Vec<Value>,
    #[serde(rename = "over")]
    finished: VecDeque<String>,
}

/// The content of the file, and its path.
pub(super) struct EarlierFile {
    path: PathBuf,
    stored: Stored<Content>,
}

impl EarlierFile {
    /// Reads the file in `state_dir`. A missing or damaged file is not an error. Changes nothing.
    pub(super) fn read(state_dir: &Path) -> io::Result<Self> {
        let path = state_dir.join("errands.json");
        Ok(Self { stored: state_file::read_stored(&path)?, path })
    }

    /// Adds the content of the file to `entries`. Returns whether the file exists.
    pub(super) fn add_to(&self, entries: &mut Entries) -> io::Result<bool> {
        if let Stored::Whole(content) | Stored::Previous(content) = &self.stored {
            entries.add_missing(&content.open, &content.finished)?;
        }
        Ok(!matches!(self.stored, Stored::Missing))
    }

    /// Removes the file, or renames it if it is damaged. Call this after its content is durable in the journal. If it
    /// fails, the next start imports the file again, which changes nothing.
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
