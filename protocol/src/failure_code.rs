//! The failure codes of transfers, which name the cause of a failure: `errorCode` in agents' reports and in responses.

use crate::text_enum::text_enum;

text_enum! {
    /// Why a transfer failed.
    pub enum FailureCode {
        /// The file or folder does not exist.
        NotFound = "notFound",
        /// The operating system or the server refuses access.
        PermissionDenied = "permissionDenied",
        /// The path is outside the folders that the agent may use.
        OutsideAllowedFolders = "outsideAllowedFolders",
        /// The destination exists and must not be replaced.
        AlreadyExists = "alreadyExists",
        /// Another copy writes to the destination.
        InUse = "inUse",
        /// A folder is not empty.
        NotEmpty = "notEmpty",
        /// The disk is full.
        NoSpace = "noSpace",
        /// The quota is used up.
        QuotaExceeded = "quotaExceeded",
        /// A name is too long for the destination.
        NameTooLong = "nameTooLong",
        /// The destination does not allow a file with this name.
        InvalidName = "invalidName",
        /// A folder is expected.
        NotAFolder = "notAFolder",
        /// A file is expected.
        IsAFolder = "isAFolder",
        /// The connection was lost.
        Disconnected = "disconnected",
        /// The server did not answer in time.
        TimedOut = "timedOut",
        /// The host name cannot be resolved to an address.
        NameResolution = "nameResolution",
        /// The host accepts no connection at this port.
        ConnectionRefused = "connectionRefused",
        /// The server refuses the credentials.
        Authentication = "authentication",
        /// The host key is unknown or has changed.
        HostKey = "hostKey",
        /// The TLS certificate is not valid for the host.
        Certificate = "certificate",
        /// The storage does not support the operation.
        Unsupported = "unsupported",
        /// The server asks to try again later.
        Temporary = "temporary",
        /// The source changed while it was copied.
        SourceChanged = "sourceChanged",
        /// The copy differs from its source.
        Mismatch = "mismatch",
        /// The copy is complete, but the source cannot be deleted or moved.
        SourceKept = "sourceKept",
        /// Several files of a folder failed.
        Several = "several",
        /// The agent cannot record the state of the copy.
        AgentState = "agentState",
        /// The agent was offline, or did not confirm a cancel request, for longer than the lease.
        Lease = "lease",
        /// A failure for which no other code exists.
        Other = "other",
    }
}

/// The maximum length of a failure code, in letters. Agents may also send codes that are not in [`FailureCode`].
pub const MAX_LENGTH: usize = 64;

/// Whether a text has the form of a failure code: 1 to [`MAX_LENGTH`] ASCII letters.
#[must_use]
pub fn is_code(text: &str) -> bool {
    (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_the_form_of_one() {
        assert!(FailureCode::NAMES.iter().all(|name| is_code(name)));
        for text in ["", "not found", "not_found", "é", &"a".repeat(MAX_LENGTH + 1)] {
            assert!(!is_code(text), "{text}");
        }
    }
}
