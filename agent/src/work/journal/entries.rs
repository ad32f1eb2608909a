//! The content of the journal, and its form in the file.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::work::work_item::WorkItem;

/// The content of the journal.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "StoredJournal", into = "StoredJournal")]
pub(super) struct Entries {
    /// The open items, oldest first.
    pub(super) open: Vec<WorkItem>,
    /// Items of a newer version of the agent. This version cannot parse them, and keeps them.
    unreadable: Vec<Value>,
    /// The keys of finished items, oldest first.
    pub(super) finished: VecDeque<String>,
}

/// The format of the file. Its names never change.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct StoredJournal {
    open: Vec<Value>,
    #[serde(rename = "over")]
    finished: VecDeque<String>,
}

impl From<StoredJournal> for Entries {
    fn from(stored: StoredJournal) -> Self {
        let mut entries = Self { finished: stored.finished, ..Self::default() };
        for item in stored.open {
            match WorkItem::deserialize(&item) {
                Ok(item) => entries.open.push(item),
                Err(error) => {
                    tracing::warn!(%error, "a work item of another version cannot be read and is kept unchanged");
                    entries.unreadable.push(item);
                }
            }
        }
        entries
    }
}

impl From<Entries> for StoredJournal {
    fn from(Entries { open, unreadable, finished }: Entries) -> Self {
        let open = open.into_iter().filter_map(|item| serde_json::to_value(item).ok());
        Self { open: open.chain(unreadable).collect(), finished }
    }
}
