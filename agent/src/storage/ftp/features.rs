//! The extensions that a server announces in its reply to FEAT.

use suppaftp::types::Features as Lines;

/// The command with which the server computes a SHA-256 digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HashCommand {
    /// `HASH`, after `OPTS HASH SHA-256`.
    Hash,
    /// `XSHA256`.
    XSha256,
}

/// The extensions of a server that this agent uses.
#[expect(clippy::struct_excessive_bools, reason = "each is an extension of its own")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Features {
    /// MLST, and with it MLSD.
    pub(super) mlst: bool,
    pub(super) size: bool,
    pub(super) mdtm: bool,
    pub(super) mfmt: bool,
    /// Restarts of binary transfers at an offset.
    pub(super) rest_stream: bool,
    pub(super) utf8: bool,
    pub(super) avbl: bool,
    pub(super) hash: Option<HashCommand>,
}

impl Features {
    pub(super) fn of(lines: &Lines) -> Self {
        let value = |name: &str| {
            let line = lines.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            line.map(|(_, value)| value.as_deref().unwrap_or("").to_ascii_uppercase())
        };
        let has = |name: &str| value(name).is_some();
        let hash = if value("HASH").is_some_and(|algorithms| algorithms.contains("SHA-256")) {
            Some(HashCommand::Hash)
        } else {
            has("XSHA256").then_some(HashCommand::XSha256)
        };
        Self {
            mlst: has("MLST"),
            size: has("SIZE"),
            mdtm: has("MDTM"),
            mfmt: has("MFMT"),
            rest_stream: value("REST").is_some_and(|mode| mode.contains("STREAM")),
            utf8: has("UTF8"),
            avbl: has("AVBL"),
            hash,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Features, HashCommand};

    fn of(lines: &[(&str, Option<&str>)]) -> Features {
        Features::of(&lines.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned))).collect())
    }

    #[test]
    fn extensions_are_known_by_their_names() {
        let vsftpd = of(&[
            ("EPSV", None),
            ("MDTM", None),
            ("REST", Some("STREAM")),
            ("SIZE", None),
            ("UTF8", None),
            ("AUTH", Some("TLS")),
        ]);
        let expected = Features { size: true, mdtm: true, rest_stream: true, utf8: true, ..Features::default() };
        assert_eq!(vsftpd, expected);
        let other =
            of(&[("mlst", Some("type*;size*;modify*;")), ("MFMT", None), ("AVBL", None), ("rest", Some("stream"))]);
        assert!(other.mlst && other.mfmt && other.avbl && other.rest_stream && !other.size);
        assert_eq!(of(&[]), Features::default());
    }

    #[test]
    fn a_digest_is_asked_for_only_if_it_is_sha_256() {
        assert_eq!(of(&[("HASH", Some("SHA-1*;SHA-256;MD5"))]).hash, Some(HashCommand::Hash));
        assert_eq!(of(&[("HASH", Some("SHA-1*;MD5"))]).hash, None);
        assert_eq!(of(&[("HASH", Some("MD5*")), ("XSHA256", None)]).hash, Some(HashCommand::XSha256));
    }
}
