//! The failures of operations on an FTP server, and how replies are classified.

use std::io;
use std::time::Duration;

use mftplus_protocol::characters::printable;
use suppaftp::FtpError;

use crate::storage::error::{StorageError, StorageErrorKind};

/// The code of the reply with which a server ends the control connection.
const CLOSING: u16 = 421;

/// Phrases of servers, in lower case, with their meaning. Those of the operating system come first: a server may quote
/// a path, in which the later ones are likelier to occur.
const PHRASES: &[(&str, StorageErrorKind)] = &[
    ("no such file", StorageErrorKind::NotFound),
    ("no such directory", StorageErrorKind::NotFound),
    ("permission denied", StorageErrorKind::PermissionDenied),
    ("access is denied", StorageErrorKind::PermissionDenied),
    ("access denied", StorageErrorKind::PermissionDenied),
    ("not permitted", StorageErrorKind::PermissionDenied),
    ("read-only file system", StorageErrorKind::PermissionDenied),
    ("file exists", StorageErrorKind::AlreadyExists),
    ("already exists", StorageErrorKind::AlreadyExists),
    ("directory not empty", StorageErrorKind::NotEmpty),
    ("directory is not empty", StorageErrorKind::NotEmpty),
    ("not a directory", StorageErrorKind::NotAFolder),
    ("is a directory", StorageErrorKind::IsAFolder),
    ("only retrieve regular files", StorageErrorKind::IsAFolder),
    ("not a plain file", StorageErrorKind::IsAFolder),
    ("not a regular file", StorageErrorKind::IsAFolder),
    ("name too long", StorageErrorKind::NameTooLong),
    ("quota exceeded", StorageErrorKind::QuotaExceeded),
    ("exceeded quota", StorageErrorKind::QuotaExceeded),
    ("over quota", StorageErrorKind::QuotaExceeded),
    ("no space left", StorageErrorKind::NoSpace),
    ("disk full", StorageErrorKind::NoSpace),
    ("disk is full", StorageErrorKind::NoSpace),
    ("not enough space", StorageErrorKind::NoSpace),
    ("insufficient disk space", StorageErrorKind::NoSpace),
    // All that vsftpd says, with the code of a passing error, when its disk is full or broken.
    ("failure writing to local file", StorageErrorKind::Other),
    ("cannot find", StorageErrorKind::NotFound),
    ("not found", StorageErrorKind::NotFound),
    ("doesn't exist", StorageErrorKind::NotFound),
    ("does not exist", StorageErrorKind::NotFound),
    ("prohibited file name", StorageErrorKind::InvalidName),
    ("invalid file name", StorageErrorKind::InvalidName),
    ("illegal file name", StorageErrorKind::InvalidName),
];

/// Why an operation on a connection failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The transfer was stopped.
    Stopped,
    /// The server sent no reply and no data for this time.
    TimedOut(Duration),
    /// An unexpected reply: its code and its text.
    Reply(u16, String),
    /// A reply that does not state a reason, with the reason that further commands revealed, and the reply's code and
    /// text.
    Refused(StorageErrorKind, u16, String),
    /// A failure without a reply of the server, such as a lost connection.
    Other(StorageErrorKind, String),
}

impl Failure {
    /// Whether the control connection can still be used, because the server refused a command and waits for the next
    /// one.
    pub(super) fn is_in_step(&self) -> bool {
        matches!(self, Self::Reply(code, _) | Self::Refused(_, code, _) if *code != CLOSING)
    }

    /// Whether this is a reply that does not state a reason: many servers only say that an operation failed.
    pub(super) fn is_vague(&self) -> bool {
        matches!(self, Self::Reply(..)) && self.kind(StorageErrorKind::Other) == StorageErrorKind::Other
    }

    /// Adds the reason `kind` if this is a reply that does not state one; returns any other failure unchanged.
    pub(super) fn or_means(self, kind: StorageErrorKind) -> Self {
        let is_vague = self.is_vague();
        match self {
            Self::Reply(code, text) if is_vague => Self::Refused(kind, code, text),
            other => other,
        }
    }

    /// Whether the server does not support the command or its parameters.
    pub(super) fn is_unknown_command(&self) -> bool {
        matches!(self, Self::Reply(500..=504, _))
    }

    /// The kind of the failure; `otherwise` if it is a reply whose code and text do not reveal one.
    pub(super) fn kind(&self, otherwise: StorageErrorKind) -> StorageErrorKind {
        match self {
            Self::Stopped => StorageErrorKind::Stopped,
            Self::TimedOut(_) => StorageErrorKind::TimedOut,
            Self::Reply(code, text) => kind_of_reply(*code, text, otherwise),
            Self::Refused(kind, ..) | Self::Other(kind, _) => *kind,
        }
    }

    pub(super) fn into_error(self, action: &'static str, path: String, otherwise: StorageErrorKind) -> StorageError {
        let kind = self.kind(otherwise);
        let detail = match self {
            Self::Stopped => "the transfer was stopped".to_owned(),
            Self::TimedOut(limit) => format!("the server did nothing for {} s", limit.as_secs()),
            Self::Reply(code, text) | Self::Refused(_, code, text) => format!("the server answered {code}: {text}"),
            Self::Other(_, text) => text,
        };
        StorageError::new(kind, action, path, detail)
    }
}

impl From<FtpError> for Failure {
    fn from(error: FtpError) -> Self {
        match error {
            FtpError::UnexpectedResponse(reply) => Self::Reply(code(&reply.body), text(&reply.body)),
            FtpError::ConnectionError(error) => Self::from(error),
            FtpError::SecureError(text) => Self::of_tls(&text),
            other => Self::Other(StorageErrorKind::Other, printable(&other.to_string())),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::TimedOut => StorageErrorKind::TimedOut,
            io::ErrorKind::ConnectionRefused => StorageErrorKind::Refused,
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown => StorageErrorKind::Disconnected,
            _ => StorageErrorKind::Other,
        };
        Self::Other(kind, printable(&error.to_string()))
    }
}

impl Failure {
    /// Classifies a TLS failure by its text: suppaftp passes on the text of rustls only, and for a control connection
    /// adds a prefix.
    fn of_tls(text: &str) -> Self {
        let text = text.trim_start_matches("Secure error: ");
        let kind = if text.starts_with("invalid peer certificate") {
            StorageErrorKind::Certificate
        } else if text.contains("os error") || text.contains("eof") {
            StorageErrorKind::Disconnected
        } else {
            StorageErrorKind::Unsupported
        };
        Self::Other(kind, format!("TLS: {}", printable(text)))
    }

    /// Whether the server rejected the TLS version of the handshake, or all cipher suites that the agent offered with it.
    pub(super) fn refuses_tls_version(&self) -> bool {
        let alerts = ["fatal alert: ProtocolVersion", "fatal alert: HandshakeFailure"];
        matches!(self, Self::Other(_, text) if alerts.iter().any(|alert| text.contains(alert)))
    }
}

/// The kind of failure that a reply stands for; `otherwise` if the reply only says that a file is not available.
fn kind_of_reply(code: u16, text: &str, otherwise: StorageErrorKind) -> StorageErrorKind {
    let text = text.to_ascii_lowercase();
    let or = |kind| PHRASES.iter().find(|(phrase, _)| text.contains(phrase)).map_or(kind, |(_, kind)| *kind);
    let is_crowded = text.contains("too many") || text.contains("maximum number");
    match code {
        426 => StorageErrorKind::Disconnected,
        450 | 451 => or(StorageErrorKind::Temporary),
        452 => or(StorageErrorKind::NoSpace),
        500..=504 | 522 | 533..=536 => StorageErrorKind::Unsupported,
        530 | 532 if is_crowded => StorageErrorKind::Temporary,
        430 | 530 | 532 => StorageErrorKind::Authentication,
        552 => or(StorageErrorKind::QuotaExceeded),
        _ if (400..500).contains(&code) => StorageErrorKind::Temporary,
        _ if (500..600).contains(&code) => or(otherwise),
        _ => StorageErrorKind::Other,
    }
}

/// The code of a reply; 0 if there is none.
fn code(reply: &[u8]) -> u16 {
    let digits = reply.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// The text of a reply on one line, without its codes.
fn text(reply: &[u8]) -> String {
    let reply = String::from_utf8_lossy(reply);
    let lines = reply.lines().map(|line| {
        let rest = line.get(3..).filter(|_| line.as_bytes()[..3].iter().all(u8::is_ascii_digit));
        rest.and_then(|rest| rest.strip_prefix([' ', '-'])).unwrap_or(line).trim()
    });
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    printable(&lines.join(" "))
}

#[cfg(test)]
mod tests {
    use std::io;

    use mftplus_protocol::characters::MAX_SHOWN;
    use suppaftp::types::Response;
    use suppaftp::{FtpError, Status};

    use super::{Failure, code, kind_of_reply, text};
    use crate::storage::error::StorageErrorKind as Kind;

    #[test]
    fn a_code_alone_decides_where_the_text_says_nothing() {
        for (code, expected) in [
            (421, Kind::Temporary),
            (425, Kind::Temporary),
            (426, Kind::Disconnected),
            (430, Kind::Authentication),
            (450, Kind::Temporary),
            (451, Kind::Temporary),
            (452, Kind::NoSpace),
            (500, Kind::Unsupported),
            (504, Kind::Unsupported),
            (522, Kind::Unsupported),
            (530, Kind::Authentication),
            (550, Kind::NotFound),
            (552, Kind::QuotaExceeded),
            (553, Kind::NotFound),
            (226, Kind::Other),
        ] {
            assert_eq!(kind_of_reply(code, "Failed.", Kind::NotFound), expected, "{code}");
        }
    }

    #[test]
    fn the_text_says_what_the_code_leaves_open() {
        for (code, text, expected) in [
            (550, "Can't open /none: No such file or directory", Kind::NotFound),
            (550, "Sorry, but that file doesn't exist", Kind::NotFound),
            (550, "The system cannot find the file specified.", Kind::NotFound),
            (550, "quota exceeded.txt: No such file or directory", Kind::NotFound),
            (550, "Access is denied.", Kind::PermissionDenied),
            (553, "Can't open that file: Permission denied", Kind::PermissionDenied),
            (550, "Can't create directory: File exists", Kind::AlreadyExists),
            (550, "Cannot create a file when that file already exists.", Kind::AlreadyExists),
            (550, "Can't remove directory: Directory not empty", Kind::NotEmpty),
            (550, "Can't change directory to /a: Not a directory", Kind::NotAFolder),
            (451, "Rename/move failure: Is a directory", Kind::IsAFolder),
            (550, "I can only retrieve regular files", Kind::IsAFolder),
            (553, "File name too long", Kind::NameTooLong),
            (452, "Disk quota exceeded", Kind::QuotaExceeded),
            (451, "Error during write to file: No space left on device", Kind::NoSpace),
            (451, "Failure writing to local file.", Kind::Other),
            (553, "Prohibited file name: .x", Kind::InvalidName),
            (530, "Sorry, too many users", Kind::Temporary),
            (450, "No such file or directory", Kind::NotFound),
        ] {
            assert_eq!(kind_of_reply(code, text, Kind::Other), expected, "{code} {text}");
        }
    }

    #[test]
    fn a_reply_of_many_lines_is_shown_as_one_bounded_line_without_codes() {
        let reply = b"550-Sorry,\r\n550-the \x1b[31mdisk\r\n has\r\n550 failed\r\n";
        assert_eq!(code(reply), 550);
        assert_eq!(text(reply), "Sorry, the \u{fffd}[31mdisk has failed");
        assert_eq!(text(b"226 \r\n"), "");
        assert_eq!(text("550 \u{e9}t\u{e9}\r\n".as_bytes()), "\u{e9}t\u{e9}");
        assert_eq!(text("\u{e9}\u{e9}".as_bytes()), "\u{e9}\u{e9}");
        assert_eq!(code(b"no code"), 0);
        assert_eq!(text(&[b'a'; 10_000]).chars().count(), MAX_SHOWN + 1);
    }

    #[test]
    fn a_connection_stays_in_use_after_a_refusal_only() {
        let refused = |code| Failure::Reply(code, String::new());
        assert!(refused(550).is_in_step() && refused(450).is_in_step());
        assert!(!refused(421).is_in_step());
        assert!(!Failure::Stopped.is_in_step());
        assert!(!Failure::from(io::Error::from(io::ErrorKind::ConnectionReset)).is_in_step());
    }

    #[test]
    fn a_reason_that_was_found_out_counts_for_vague_replies_only() {
        let kind = |text: &str| Failure::Reply(550, text.to_owned()).or_means(Kind::PermissionDenied).kind(Kind::Other);
        assert_eq!(kind("Failed to open file."), Kind::PermissionDenied);
        assert_eq!(kind("No such file or directory"), Kind::NotFound);
        assert!(Failure::Reply(550, String::new()).or_means(Kind::NotFound).is_in_step());
    }

    #[test]
    fn failures_of_the_network_are_temporary_and_those_of_trust_are_not() {
        for kind in [
            io::ErrorKind::ConnectionRefused,
            io::ErrorKind::NetworkDown,
            io::ErrorKind::UnexpectedEof,
            io::ErrorKind::TimedOut,
        ] {
            assert!(Failure::from(io::Error::from(kind)).kind(Kind::Other).is_temporary(), "{kind}");
        }
        let reply = Response::new(Status::Unknown, b"522 session reuse required\r\n".to_vec());
        assert_eq!(Failure::from(FtpError::UnexpectedResponse(reply)).kind(Kind::Other), Kind::Unsupported);
    }

    /// Their texts are all that suppaftp hands on.
    #[test]
    fn errors_of_rustls_are_recognised_by_their_texts() {
        let failure = |error: rustls::Error| {
            let inner = FtpError::SecureError(error.to_string());
            Failure::from(FtpError::SecureError(inner.to_string()))
        };
        let unknown = failure(rustls::CertificateError::UnknownIssuer.into());
        assert_eq!(unknown.kind(Kind::Other), Kind::Certificate);
        assert!(!unknown.refuses_tls_version());
        for alert in [rustls::AlertDescription::ProtocolVersion, rustls::AlertDescription::HandshakeFailure] {
            assert!(failure(rustls::Error::AlertReceived(alert)).refuses_tls_version(), "{alert:?}");
        }
        let ended = Failure::from(FtpError::SecureError("tls handshake eof".to_owned()));
        assert_eq!(ended.kind(Kind::Other), Kind::Disconnected);
    }
}
