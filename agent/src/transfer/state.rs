//! The state of a transfer, which is stored so that another process can continue it. It is stored as JSON, so the names
//! of fields and values must not change.

use std::io;
use std::path::{Path, PathBuf};

pub(crate) use mftplus_protocol::wire::{Protocol, Verify};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::server::wire::{CreateTransfer, Direction, PartOf, Status, TransferDetails};
use crate::storage::command_line_copy_paths::CopyPaths;
use crate::storage::part_name;
use crate::storage::path_text::from_text;
use crate::storage::state_file::{self, Stored};
use crate::transfer::copy_rules::CopyRules;

/// The options of a copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CopyOptions {
    /// How the copy is verified.
    pub(crate) verify: Verify,
    /// Whether an existing destination may be replaced.
    pub(crate) overwrite: bool,
    /// The maximum number of bytes per second; `None` means unlimited.
    pub(crate) max_rate: Option<u64>,
    /// Whether the server requested the copy, so that it is confined to the allowed folders.
    #[serde(default)]
    pub(crate) is_confined: bool,
}

/// The phases of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    /// The server has not confirmed the creation of the transfer.
    Creating,
    /// Bytes are being copied and verified.
    Copying,
    /// The part file is verified and is being renamed to the destination.
    #[serde(rename = "installing")]
    Publishing,
    /// The copy has ended and its final report is not accepted yet.
    Reporting,
    /// The copy failed and was reported. The state is kept, so that a retry can use its options.
    Failed,
}

/// The result of a finished copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CopyResult {
    /// The number of bytes written.
    pub(crate) bytes: u64,
    /// SHA-256 of the file, or of a folder's manifest; `None` if the copy was not verified.
    pub(crate) checksum: Option<String>,
    /// A text for users about what was skipped although the copy is complete; `None` if nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) warning: Option<String>,
}

/// The final report of a transfer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FinalReport {
    /// The final status.
    pub(crate) status: Status,
    /// The number of bytes written.
    pub(crate) bytes_transferred: u64,
    /// The number of the attempt that ended; 0 means the attempt that is current on the server.
    pub(crate) attempt: u32,
    /// The details of the attempt.
    #[serde(flatten)]
    pub(crate) details: TransferDetails,
    /// The reason for the failure, or the warning about a complete copy.
    pub(crate) error: Option<String>,
}

/// The stored state of one transfer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TransferState {
    /// The server's id of the transfer; `None` until the server has created the transfer.
    pub(crate) id: Option<Uuid>,
    /// The idempotency key with which the transfer is created.
    pub(crate) idempotency_key: Uuid,
    /// The absolute path of the source as text, or a location if `stream` is set.
    pub(crate) source: String,
    /// The absolute path of the copy itself, not of its folder, as text; or a location if `stream` is set.
    pub(crate) destination: String,
    pub(crate) direction: Direction,
    /// The size in bytes, as reported when the transfer was created; 0 if it was not known then.
    pub(crate) size: u64,
    /// The number of the attempt, counted from 1.
    pub(crate) attempt: u32,
    /// The options of the copy.
    pub(crate) options: CopyOptions,
    /// The run that the transfer belongs to, if any. Only the daemon continues a transfer of a run.
    #[serde(default)]
    pub(crate) part_of: PartOf,
    pub(crate) phase: Phase,
    /// The result of the copy, from the phase `Publishing` on.
    #[serde(default)]
    pub(crate) copied: Option<CopyResult>,
    /// The final report, until the server has accepted it.
    #[serde(default)]
    pub(crate) report: Option<FinalReport>,
    /// The state of a copy through storages; `None` for a plain copy between local paths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stream: Option<StreamState>,
}

/// The state of a copy through storages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StreamState {
    /// The protocol that is reported to the server.
    pub(crate) protocol: Protocol,
    /// The name of the endpoint of the source of a pull or the destination of a push, if that is written as a path
    /// without a host.
    #[serde(default)]
    pub(crate) endpoint: Option<String>,
    /// The name of the set of credentials; `None` means the set of the server.
    #[serde(default)]
    pub(crate) credentials: Option<String>,
    #[serde(default)]
    pub(crate) rules: CopyRules,
    /// The path of the copy in the storage of the destination (`StoragePath::to_stored`). It is chosen once, and all
    /// attempts use it.
    #[serde(default)]
    pub(crate) target: Option<String>,
    /// The path of the copied file or folder, or the folder of a pattern, in the storage of the source
    /// (`StoragePath::to_stored`).
    #[serde(default)]
    pub(crate) origin: Option<String>,
    #[serde(default)]
    pub(crate) staging: Staging,
    /// The tag in the names of part files, which distinguishes them from those of other copies. `None` for local part
    /// files, and for those that an earlier release created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) part_tag: Option<String>,
    #[serde(default)]
    pub(crate) partial: Option<PartialFile>,
    /// Whether all staged files are published, so that only `afterSuccess` remains and the copy is not checked again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_published: bool,
}

impl StreamState {
    /// The state of a copy that has not begun.
    pub(crate) fn new(protocol: Protocol, rules: CopyRules) -> Self {
        Self {
            protocol,
            endpoint: None,
            credentials: None,
            rules,
            target: None,
            origin: None,
            staging: Staging::default(),
            part_tag: None,
            partial: None,
            is_published: false,
        }
    }
}

/// Where the files of a copy are written before they are published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Staging {
    /// Each file in a part file in its final folder.
    #[default]
    Each,
    /// All files in a part folder, which is renamed as a whole.
    Whole,
    /// Each file under its final name.
    Direct,
}

/// The file that is being written, with the metadata of its source when that began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PartialFile {
    /// The path relative to the source, as `StoragePath::to_stored` returns it.
    pub(crate) path: String,
    /// The size of the source in bytes.
    pub(crate) size: u64,
    /// The modification time of the source in nanoseconds since 1970; `None` if it is not known.
    pub(crate) modified: Option<i64>,
    /// The number of bytes that are known to be durable in a local part file.
    pub(crate) good: u64,
    /// The SHA-256 of these durable bytes; `None` if the copy is not verified, or if an earlier release stored the
    /// state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<String>,
}

impl TransferState {
    /// Adopts the options and credentials of `asked`, a new request for the same copy. Returns `false` and changes
    /// nothing if `asked` has other rules.
    pub(crate) fn continue_as(&mut self, asked: &Self) -> bool {
        match (&mut self.stream, &asked.stream) {
            (None, None) => {}
            (Some(own), Some(asked)) if own.rules == asked.rules => own.credentials.clone_from(&asked.credentials),
            _ => return false,
        }
        self.options = asked.options;
        true
    }

    /// Whether the copy is not published yet.
    pub(crate) fn is_unfinished(&self) -> bool {
        matches!(self.phase, Phase::Creating | Phase::Copying | Phase::Publishing)
    }

    /// Whether the end of the transfer is recorded.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Reporting | Phase::Failed)
    }

    /// The name of the state file, without its extension.
    pub(crate) fn name(&self) -> String {
        match self.id {
            Some(id) => id.to_string(),
            None => creation_name(self.idempotency_key),
        }
    }

    /// The tag of the part files of this transfer on a server: the last four bytes of its id, which are random, in
    /// hexadecimal.
    pub(crate) fn part_tag(&self) -> String {
        let id = self.id.unwrap_or(self.idempotency_key);
        let [.., a, b, c, d] = id.into_bytes();
        format!("{:08x}", u32::from_be_bytes([a, b, c, d]))
    }

    /// The request that creates the transfer on the server.
    pub(crate) fn creation(&self) -> CreateTransfer<'_> {
        CreateTransfer {
            source_url: &self.source,
            destination_path: &self.destination,
            direction: self.direction,
            protocol: self.protocol().as_str(),
            size: self.known_size(),
            part_of: &self.part_of,
        }
    }

    /// The protocol that is reported to the server.
    pub(crate) fn protocol(&self) -> Protocol {
        self.stream.as_ref().map_or(Protocol::Local, |stream| stream.protocol)
    }

    /// The size in bytes that is reported when the transfer is created; `None` if the source is listed only later.
    pub(crate) fn known_size(&self) -> Option<u64> {
        (self.stream.is_none() && self.size > 0).then_some(self.size)
    }

    /// The source and destination of the transfer.
    pub(crate) fn paths(&self) -> CopyPaths {
        CopyPaths { source: from_text(&self.source), destination: from_text(&self.destination) }
    }

    /// The path of the part file of a plain copy between local paths.
    pub(crate) fn part(&self) -> PathBuf {
        part_name::beside(&from_text(&self.destination))
    }

    /// Reads a state file; `None` if it is damaged.
    pub(crate) fn read(path: &Path) -> io::Result<Option<Self>> {
        state_file::read_stored(path).map(Stored::content)
    }

    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        state_file::write_durably(path, self)
    }
}

/// The name of the state file of a transfer that the server has not created yet, without its extension.
pub(crate) fn creation_name(idempotency_key: Uuid) -> String {
    format!("new-{idempotency_key}")
}
