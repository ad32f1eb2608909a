//! What must be remembered of a transfer so that it outlives the process that began it.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::server::wire::{Direction, PartOf, Status};
use crate::storage::paths::{CopyPaths, from_text};
use crate::storage::state_file::{self, Stored};
use crate::transfer::part;

/// How the destination is checked against the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verify {
    /// Read the copy again and compare its SHA-256 with the source's.
    #[default]
    Sha256,
    /// Trust what was written.
    None,
}

/// What the person who asked for the copy chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CopyOptions {
    /// How to verify.
    pub(crate) verify: Verify,
    /// Whether what stands at the destination may be replaced.
    pub(crate) overwrite: bool,
    /// Bytes per second, at most.
    pub(crate) max_rate: Option<u64>,
    /// Whether the server asked for it, so that it stays inside the folders that the configuration allows.
    #[serde(default)]
    pub(crate) is_confined: bool,
}

/// How far a transfer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    /// The server has not yet said that it knows of it.
    Creating,
    /// Bytes are being copied and verified.
    Copying,
    /// All is verified; the copy is getting its final name.
    Installing,
    /// It has ended, the server has yet to hear how.
    Reporting,
    /// It failed and the server knows; kept so that a retry knows the options.
    Failed,
}

/// What a finished copy amounts to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Copied {
    /// Bytes written.
    pub(crate) bytes: u64,
    /// SHA-256 of the file, or of a folder's manifest.
    pub(crate) checksum: Option<String>,
}

/// How a transfer ended, as the server must hear it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FinalReport {
    /// The final state.
    pub(crate) status: Status,
    /// Bytes written.
    pub(crate) bytes_transferred: u64,
    /// The attempt that ended; 0: whichever.
    pub(crate) attempt: u32,
    /// SHA-256 of what was copied.
    pub(crate) checksum_sha256: Option<String>,
    /// Why it failed.
    pub(crate) error: Option<String>,
}

/// One transfer's memory.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TransferState {
    /// The server's id, once there is one.
    pub(crate) id: Option<Uuid>,
    /// Under which the server knows a repeated creation again.
    pub(crate) idempotency_key: Uuid,
    /// The text of an absolute path.
    pub(crate) source: String,
    /// The text of an absolute and final path: not of the folder to put it in.
    pub(crate) destination: String,
    /// Which way.
    pub(crate) direction: Direction,
    /// Bytes, as first announced.
    pub(crate) size: u64,
    /// Counts from 1.
    pub(crate) attempt: u32,
    /// How to copy.
    pub(crate) options: CopyOptions,
    /// The job's run it belongs to, if any: the daemon alone works on it then.
    #[serde(default)]
    pub(crate) part_of: PartOf,
    /// How far it is.
    pub(crate) phase: Phase,
    /// Known from `Installing` on.
    #[serde(default)]
    pub(crate) copied: Option<Copied>,
    /// The final report, until the server has accepted it.
    #[serde(default)]
    pub(crate) report: Option<FinalReport>,
}

impl TransferState {
    /// Whether there are bytes left to copy or to put in place.
    pub(crate) fn is_unfinished(&self) -> bool {
        matches!(self.phase, Phase::Creating | Phase::Copying | Phase::Installing)
    }

    /// The name of its file, without the ending.
    pub(crate) fn name(&self) -> String {
        match self.id {
            Some(id) => id.to_string(),
            None => format!("new-{}", self.idempotency_key),
        }
    }

    /// What it copies, and to where.
    pub(crate) fn paths(&self) -> CopyPaths {
        CopyPaths { source: from_text(&self.source), destination: from_text(&self.destination) }
    }

    /// Where the bytes go until they are complete.
    pub(crate) fn part(&self) -> PathBuf {
        part::beside(&from_text(&self.destination))
    }

    /// Reads the file of a transfer; a damaged one counts as none.
    pub(crate) fn read(path: &Path) -> io::Result<Option<Self>> {
        state_file::read_stored(path).map(Stored::content)
    }

    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        state_file::write_durably(path, &serde_json::to_vec_pretty(self)?)
    }
}
