//! Classifies the errors of the network, of SSH and of SFTP: their kind, and a message without the path.

use std::io;

use mftplus_protocol::characters::printable;
use russh::ChannelOpenFailure;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::{Status, StatusCode};

use crate::storage::error::{StorageError, StorageErrorKind as Kind};
use crate::storage::sftp::algorithms;

/// Words, in lower case, in the message of a server with the status `Failure`, and the kind that they reveal.
const WORDS: [(&str, Kind); 8] = [
    ("no space", Kind::NoSpace),
    ("disk full", Kind::NoSpace),
    ("quota", Kind::QuotaExceeded),
    ("exists", Kind::AlreadyExists),
    ("not empty", Kind::NotEmpty),
    ("too long", Kind::NameTooLong),
    ("not a directory", Kind::NotAFolder),
    ("is a directory", Kind::IsAFolder),
];

/// A failure whose path is not known yet; [`Self::at`] adds the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    pub(crate) detail: String,
}

/// Why an SSH session failed.
#[derive(Debug)]
pub(crate) enum SshError {
    Library(russh::Error),
    /// The host key is not trusted, for this reason.
    HostKey(String),
}

impl From<russh::Error> for SshError {
    fn from(error: russh::Error) -> Self {
        Self::Library(error)
    }
}

impl Failure {
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    /// Converts the failure to the error of the operation `action` on `path`.
    pub(crate) fn at(self, action: &'static str, path: String) -> StorageError {
        StorageError::new(self.kind, action, path, self.detail)
    }

    /// The failure for an error of an SFTP request.
    pub(crate) fn of_sftp(error: &SftpError) -> Self {
        match error {
            SftpError::Status(status) => Self::of_status(status),
            SftpError::Timeout => Self::new(Kind::TimedOut, "the server did not answer in time"),
            SftpError::Limited(why) => Self::new(Kind::Other, format!("a limit of the server is reached: {why}")),
            SftpError::UnexpectedPacket => Self::new(Kind::Other, "the answer of the server does not fit the request"),
            // Requests in flight fail with one of these errors when the SFTP session ends for any reason.
            SftpError::IO(_) | SftpError::UnexpectedBehavior(_) => {
                Self::new(Kind::Disconnected, "the connection to the server was lost")
            }
        }
    }

    fn of_status(status: &Status) -> Self {
        match status.status_code {
            StatusCode::NoSuchFile => Self::new(Kind::NotFound, "no such file or folder"),
            StatusCode::PermissionDenied => Self::new(Kind::PermissionDenied, "permission denied"),
            StatusCode::OpUnsupported => Self::new(Kind::Unsupported, "the server does not support this"),
            StatusCode::NoConnection | StatusCode::ConnectionLost => {
                Self::new(Kind::Disconnected, "the server lost its connection")
            }
            StatusCode::BadMessage => Self::new(
                Kind::InvalidName,
                "the server does not accept the request; OpenSSH says so of names that are too long or not allowed",
            ),
            StatusCode::Eof => Self::new(Kind::Other, "the server says that the file has ended"),
            StatusCode::Ok | StatusCode::Failure => Self::of_failure(&status.error_message),
        }
    }

    /// The failure for the status `Failure`, which servers use for all causes without a status of their own.
    fn of_failure(message: &str) -> Self {
        let message = message.trim();
        let words = message.to_lowercase();
        let known = WORDS.iter().find(|(word, _)| words.contains(word));
        if let Some((_, kind)) = known {
            return Self::new(*kind, printable(message));
        }
        let detail = match message {
            "" | "Failure" => {
                "the server says no more than `Failure`; OpenSSH does so when the disk is full, a quota is exceeded, a folder is not empty, or something of the same name is in the way".to_owned()
            }
            _ => format!("the server says: {}", printable(message)),
        };
        Self::new(Kind::Other, detail)
    }

    /// The failure for an error of an SSH session. `legacy` says whether weak algorithms were offered.
    pub(crate) fn of_ssh(error: &SshError, legacy: bool) -> Self {
        let error = match error {
            SshError::HostKey(why) => return Self::new(Kind::HostKey, why),
            SshError::Library(error) => error,
        };
        match error {
            russh::Error::NoCommonAlgo { kind, theirs, .. } => {
                Self::new(Kind::Unsupported, algorithms::nothing_in_common(kind, theirs, legacy))
            }
            russh::Error::IO(error) => Self::of_io(error),
            russh::Error::Disconnect | russh::Error::HUP | russh::Error::SendError | russh::Error::RecvError => {
                Self::new(Kind::Disconnected, "the server closed the connection")
            }
            russh::Error::ConnectionTimeout
            | russh::Error::KeepaliveTimeout
            | russh::Error::InactivityTimeout
            | russh::Error::Elapsed(_) => Self::new(Kind::Disconnected, "the server no longer answers"),
            russh::Error::Version => Self::new(Kind::Other, "the server does not speak SSH 2: check host and port"),
            russh::Error::WrongServerSig => {
                Self::new(Kind::HostKey, "the server does not prove that it owns its host key")
            }
            russh::Error::ChannelOpenFailure(ChannelOpenFailure::ResourceShortage) => {
                Self::new(Kind::Temporary, "the server does not allow another session")
            }
            russh::Error::ChannelOpenFailure(why) => {
                Self::new(Kind::Unsupported, format!("the server opens no session: {}", printable(why.description())))
            }
            other => Self::new(Kind::Other, format!("SSH failed: {}", printable(&other.to_string()))),
        }
    }

    /// The failure for an error of the network.
    pub(crate) fn of_io(error: &io::Error) -> Self {
        let (kind, detail) = match error.kind() {
            io::ErrorKind::ConnectionRefused => (Kind::Refused, "nothing listens there: the connection was refused"),
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown => {
                (Kind::Refused, "there is no route to the host")
            }
            io::ErrorKind::TimedOut => (Kind::TimedOut, "the server did not answer in time"),
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected
            | io::ErrorKind::UnexpectedEof => (Kind::Disconnected, "the connection was lost"),
            _ => return Self::new(Kind::Other, printable(&error.to_string())),
        };
        Self::new(kind, detail)
    }
}

#[cfg(test)]
mod tests {
    use russh::AlgorithmKind;
    use russh_sftp::client::error::Error as SftpError;
    use russh_sftp::protocol::{Status, StatusCode};

    use super::{Failure, SshError};
    use crate::storage::error::StorageErrorKind as Kind;

    fn status(status_code: StatusCode, message: &str) -> Failure {
        let status = Status { id: 1, status_code, error_message: message.to_owned(), language_tag: String::new() };
        Failure::of_sftp(&SftpError::Status(status))
    }

    #[test]
    fn each_status_of_sftp_has_its_kind() {
        for (code, message, kind) in [
            (StatusCode::NoSuchFile, "No such file", Kind::NotFound),
            (StatusCode::PermissionDenied, "Permission denied", Kind::PermissionDenied),
            (StatusCode::OpUnsupported, "Operation unsupported", Kind::Unsupported),
            (StatusCode::ConnectionLost, "", Kind::Disconnected),
            (StatusCode::BadMessage, "Bad message", Kind::InvalidName),
            (StatusCode::Failure, "Failure", Kind::Other),
            (StatusCode::Failure, "write: No space left on device", Kind::NoSpace),
            (StatusCode::Failure, "Disk quota exceeded", Kind::QuotaExceeded),
            (StatusCode::Failure, "File exists", Kind::AlreadyExists),
            (StatusCode::Failure, "The folder is not empty.", Kind::NotEmpty),
            (StatusCode::Failure, "something else", Kind::Other),
        ] {
            assert_eq!(status(code, message).kind, kind, "{message}");
        }
    }

    #[test]
    fn the_bare_failure_of_openssh_names_what_it_may_stand_for() {
        let detail = status(StatusCode::Failure, "Failure").detail;
        assert!(detail.contains("disk is full") && detail.contains("quota"), "{detail}");
        assert_eq!(status(StatusCode::Failure, " odd\u{7}\n").detail, "the server says: odd\u{fffd}");
    }

    #[test]
    fn a_lost_connection_is_temporary_and_a_refused_host_key_is_not() {
        let lost = Failure::of_sftp(&SftpError::UnexpectedBehavior("sender dropped".to_owned()));
        assert!(lost.kind == Kind::Disconnected && lost.kind.is_temporary());
        assert!(Failure::of_io(&std::io::ErrorKind::NetworkDown.into()).kind.is_temporary());
        let refused = Failure::of_ssh(&SshError::HostKey("why".to_owned()), false);
        assert_eq!(refused, Failure::new(Kind::HostKey, "why"));
        assert!(!refused.kind.is_temporary());
    }

    #[test]
    fn a_server_with_old_algorithms_only_is_not_tried_again() {
        let error = russh::Error::NoCommonAlgo {
            kind: AlgorithmKind::Cipher,
            ours: Vec::new(),
            theirs: vec!["aes128-cbc".to_owned()],
        };
        let failure = Failure::of_ssh(&error.into(), false);
        assert!(failure.kind == Kind::Unsupported && !failure.kind.is_temporary());
        assert!(failure.detail.contains("legacy-algorithms"), "{}", failure.detail);
    }
}
