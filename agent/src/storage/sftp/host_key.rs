//! Verifies the host key of a server against the configured fingerprint or the `known_hosts` files.

use std::future::ready;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use mftplus_protocol::characters::printable;
use russh::Disconnect;
use russh::client::{DisconnectReason, Handler};
use russh::keys::{Algorithm, HashAlg, PublicKey, PublicKeyOrCertificate};

use crate::config::resolved_endpoint::HostKeyRule;
use crate::storage::error::StorageErrorKind as Kind;
use crate::storage::path_text::text;
use crate::storage::sftp::failure::{Failure, SshError};
use crate::storage::sftp::host_pattern::name_of;
use crate::storage::sftp::known_hosts::{KnownHosts, Verdict, line_for};

/// Which host keys are accepted.
#[derive(Debug)]
pub(crate) enum Trust {
    /// The key with this fingerprint, `SHA256:…`.
    Pinned(String),
    /// The keys in the `known_hosts` files. `file` is the last of the files, to which new lines should be added.
    Known { hosts: KnownHosts, file: Option<PathBuf> },
    /// No key: the key is stored here for display, and the connection ends.
    RecordOnly(Arc<OnceLock<PublicKey>>),
}

/// The callbacks of an SSH session.
#[derive(Debug)]
pub(crate) struct Verifier {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) trust: Trust,
    /// How the session ended.
    pub(crate) end: Arc<OnceLock<SessionEnd>>,
}

/// How an SSH session ended.
#[derive(Debug)]
pub(crate) struct SessionEnd {
    pub(crate) why: String,
    /// Whether the server ended the session because it refuses the user, or after too many attempts to sign in.
    pub(crate) refuses_user: bool,
}

impl Trust {
    /// Creates the trust for a rule, and reads the `known_hosts` files that it names. Blocks.
    pub(crate) fn of(rule: &HostKeyRule) -> Result<Self, Failure> {
        match rule {
            HostKeyRule::Fingerprint(fingerprint) => Ok(Self::Pinned(fingerprint.trim_end_matches('=').to_owned())),
            HostKeyRule::KnownHosts(files) => {
                let hosts = KnownHosts::read(files);
                let hosts = hosts.map_err(|error| {
                    Failure::new(Kind::HostKey, format!("the known host keys cannot be read: {error}"))
                })?;
                Ok(Self::Known { hosts, file: files.last().cloned() })
            }
        }
    }

    /// The kinds of known keys of the host, and whether a certificate authority is known for the host.
    pub(crate) fn known(&self, host: &str, port: u16) -> (Vec<Algorithm>, bool) {
        match self {
            Self::Known { hosts, .. } => (hosts.algorithms(host, port), hosts.has_authority(host, port)),
            Self::Pinned(_) | Self::RecordOnly(_) => (Vec::new(), false),
        }
    }
}

impl Verifier {
    /// Accepts the key, or returns the reason why not.
    fn verify(&self, shown: &PublicKeyOrCertificate) -> Result<(), String> {
        let key = shown.public_key();
        let (name, fingerprint) = (name_of(&self.host, self.port), key.fingerprint(HashAlg::Sha256).to_string());
        let found = format!("the server shows the host key {} {fingerprint}", key.algorithm());
        let (hosts, file) = match &self.trust {
            Trust::Pinned(pinned) if *pinned == fingerprint => return Ok(()),
            Trust::Pinned(pinned) => {
                return Err(format!(
                    "{found}, but `host-key` says {pinned}: the server has a new key, or another server answers in its place; change the setting only if the operator of the server confirms the new fingerprint"
                ));
            }
            Trust::RecordOnly(kept) => {
                // Only the key of the first handshake is stored.
                let _ = kept.set(key);
                return Err(format!("{found}, which is only to be shown"));
            }
            Trust::Known { hosts, file } => (hosts, file.as_ref()),
        };
        let mut of_certificate = String::new();
        if let Some(certificate) = shown.certificate() {
            match hosts.check_certificate(&self.host, self.port, certificate) {
                Ok(()) => return Ok(()),
                Err(why) => of_certificate = format!(" (its certificate does not count: {why})"),
            }
        }
        let line = line_for(&self.host, self.port, &key);
        match hosts.check(&self.host, self.port, &key) {
            Verdict::Known => Ok(()),
            Verdict::Unknown => {
                let file = file.map_or_else(|| "a file known_hosts".to_owned(), |file| text(file));
                Err(format!(
                    "{found}{of_certificate}, which is not known for {name}; if the operator of the server confirms the fingerprint, run `mftplus-agent trust {}` or add this line to {file}: {line}",
                    as_argument(&self.host, self.port)
                ))
            }
            Verdict::Changed { place } => Err(format!(
                "{found}{of_certificate}, but {place} has another key for {name}: the server has a new key, or another server answers in its place; only if the operator of the server confirms the new fingerprint, replace the lines for {name} by: {line}"
            )),
            Verdict::Revoked { place } => Err(format!(
                "{found}{of_certificate}, which {place} revokes: it must not be trusted any more; ask the operator of the server for its new key"
            )),
        }
    }
}

/// The server as an argument of `mftplus-agent trust`.
fn as_argument(host: &str, port: u16) -> String {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match port {
        22 => host.to_owned(),
        // Without quotation marks, a shell would interpret the brackets as a pattern.
        _ if host.contains(':') => format!("'[{host}]:{port}'"),
        _ => format!("{host}:{port}"),
    }
}

impl Handler for Verifier {
    type Error = SshError;

    fn check_server_key(
        &mut self,
        server_public_key: &PublicKeyOrCertificate,
    ) -> impl Future<Output = Result<bool, SshError>> + Send {
        ready(self.verify(server_public_key).map(|()| true).map_err(SshError::HostKey))
    }

    fn disconnected(
        &mut self,
        reason: DisconnectReason<SshError>,
    ) -> impl Future<Output = Result<(), SshError>> + Send {
        let (end, result) = match reason {
            DisconnectReason::ReceivedDisconnect(said) => {
                let why = format!("the server ended the connection: {}", printable(said.message.trim()));
                (SessionEnd { why, refuses_user: refuses_user(&said.reason_code) }, Ok(()))
            }
            DisconnectReason::Error(error) => {
                (SessionEnd { why: Failure::of_ssh(&error, true).detail, refuses_user: false }, Err(error))
            }
        };
        // The first reason is the cause of the later ones.
        let _ = self.end.set(end);
        ready(result)
    }
}

/// Whether a server that ends a session with this code refuses the user. OpenSSH reports too many attempts to sign in
/// as a protocol error.
fn refuses_user(code: &Disconnect) -> bool {
    matches!(
        code,
        Disconnect::HostNotAllowedToConnect
            | Disconnect::ProtocolError
            | Disconnect::AuthCancelledByUser
            | Disconnect::NoMoreAuthMethodsAvailable
            | Disconnect::IllegalUserName
    )
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::{Arc, OnceLock};

    use russh::keys::{Certificate, PublicKey, PublicKeyOrCertificate};

    use super::{Trust, Verifier, as_argument};
    use crate::storage::sftp::known_hosts::KnownHosts;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAFaVChtiXB+m420fngKew5BFwBIMC5Zrqe5m+cHYNg/";
    const FINGERPRINT: &str = "SHA256:Am/CFwPAzqPDc2iKLOAmJVUoCrJphpQup6Dy5j5nim4";
    const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAQdv+TNdKGMhwd2iKnYz8wgQY6jvYRAG5BbDZ1GNqnF";
    const AUTHORITY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPSoVFlX+LaJRVw63kTtGpTfHLEIZV4cy5kW8h1p4p6M";
    const CERTIFICATE: &str = "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIKnqSUbTQZg3l4LNZ/wuD017hd8uzsM5fGyjgAowJ/UtAAAAIAFaVChtiXB+m420fngKew5BFwBIMC5Zrqe5m+cHYNg/AAAAAAAAAAAAAAACAAAABGhvc3QAAAAoAAAAEHNmdHAuZXhhbXBsZS5jb20AAAAQKi5ldS5leGFtcGxlLmNvbQAAAAAAAAAA//////////8AAAAAAAAAAAAAAAAAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIPSoVFlX+LaJRVw63kTtGpTfHLEIZV4cy5kW8h1p4p6MAAAAUwAAAAtzc2gtZWQyNTUxOQAAAEAxOvl1dD9Z15bFQaI2eMK5VhCtsKC5aaPEq7fRgLrUb9rTcTnhqcazjktBE4gXKY6NX8tv0yrGIYSgjRNk7DYN";

    fn verify(trust: Trust) -> anyhow::Result<Result<(), String>> {
        Ok(verify_shown(trust, &PublicKey::from_openssh(KEY)?.into()))
    }

    fn verify_shown(trust: Trust, shown: &PublicKeyOrCertificate) -> Result<(), String> {
        let end = Arc::new(OnceLock::new());
        Verifier { host: "sftp.example.com".to_owned(), port: 2222, trust, end }.verify(shown)
    }

    fn known(lines: &str) -> Trust {
        let mut hosts = KnownHosts::default();
        hosts.add("/etc/known_hosts", lines);
        Trust::Known { hosts, file: Some(PathBuf::from("/etc/known_hosts")) }
    }

    #[test]
    fn a_pinned_fingerprint_accepts_its_key_only() -> anyhow::Result<()> {
        assert_eq!(verify(Trust::Pinned(FINGERPRINT.to_owned()))?, Ok(()));
        let refused = verify(Trust::Pinned("SHA256:other".to_owned()))?.err().unwrap_or_default();
        assert!(refused.contains(FINGERPRINT) && refused.contains("SHA256:other"), "{refused}");
        Ok(())
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_fingerprint_and_the_line_to_add() -> anyhow::Result<()> {
        let refused = verify(known(""))?.err().unwrap_or_default();
        assert!(refused.contains(&format!("ssh-ed25519 {FINGERPRINT}")), "{refused}");
        let line = format!("add this line to /etc/known_hosts: [sftp.example.com]:2222 {KEY}");
        assert!(refused.ends_with(&line), "{refused}");
        assert!(refused.contains("run `mftplus-agent trust sftp.example.com:2222` or"), "{refused}");
        assert_eq!(verify(known(&format!("[sftp.example.com]:2222 {KEY}")))?, Ok(()));
        Ok(())
    }

    #[test]
    fn the_command_that_trusts_a_server_can_be_typed() {
        for (host, port, typed) in
            [("h", 22, "h"), ("h", 2222, "h:2222"), ("::1", 22, "::1"), ("[::1]", 2222, "'[::1]:2222'")]
        {
            assert_eq!(as_argument(host, port), typed);
        }
    }

    #[test]
    fn a_changed_or_revoked_key_is_refused_with_the_line_that_says_so() -> anyhow::Result<()> {
        let refused = verify(known(&format!("[sftp.example.com]:2222 {OTHER}")))?.err().unwrap_or_default();
        assert!(refused.contains("/etc/known_hosts:1 has another key"), "{refused}");
        let refused = verify(known(&format!("@revoked * {KEY}")))?.err().unwrap_or_default();
        assert!(refused.contains("which /etc/known_hosts:1 revokes"), "{refused}");
        Ok(())
    }

    #[test]
    fn a_certificate_counts_if_an_authority_for_the_host_signed_it() -> anyhow::Result<()> {
        let shown = PublicKeyOrCertificate::from(Certificate::from_openssh(CERTIFICATE)?);
        assert_eq!(verify_shown(known(&format!("@cert-authority *.example.com {AUTHORITY}")), &shown), Ok(()));
        let refused = verify_shown(known(""), &shown).err().unwrap_or_default();
        assert!(refused.contains("its certificate does not count"), "{refused}");
        // The key inside of it counts on its own.
        assert_eq!(verify_shown(known(&format!("[sftp.example.com]:2222 {KEY}")), &shown), Ok(()));
        Ok(())
    }

    #[test]
    fn a_key_that_is_only_to_be_shown_is_kept_and_refused() -> anyhow::Result<()> {
        let kept = Arc::new(OnceLock::new());
        assert!(verify(Trust::RecordOnly(Arc::clone(&kept)))?.is_err());
        let line = kept.get().map(|key: &PublicKey| key.to_openssh()).transpose()?;
        assert_eq!(line.as_deref(), Some(KEY));
        Ok(())
    }
}
