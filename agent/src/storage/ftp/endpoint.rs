//! What is needed to open a connection to a server: its address, the user, and the protection.

use std::fs;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};

use crate::config::resolved_endpoint::{FtpMode, FtpSettings, FtpTls};
use crate::storage::error::StorageErrorKind;
use crate::storage::ftp::failure::Failure;
use crate::storage::ftp::tls::{self, Verifier};

/// Whether and how TLS protects the control and data connections.
pub(super) enum Security {
    Plain,
    /// TLS begins after the command `AUTH TLS`.
    Explicit(Verifier),
    /// TLS begins with the first byte.
    Implicit(Verifier),
}

pub(super) struct Endpoint {
    /// A name or an address, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) password: SecretString,
    pub(super) security: Security,
    /// Whether the server opens the data connections (active mode).
    pub(super) is_active: bool,
    pub(super) connect: Duration,
    pub(super) idle: Duration,
    pub(super) keep_alive: Duration,
}

/// Identifies an endpoint by all settings that a connection depends on. It is a digest, because the password is one of
/// them.
pub(super) type Key = [u8; 32];

impl Endpoint {
    /// Reads the CA file; `None` if none is configured.
    pub(super) fn ca_file(settings: &FtpSettings) -> Result<Option<Vec<u8>>, Failure> {
        let Some(path) = &settings.ca_file else { return Ok(None) };
        let unreadable = |error: std::io::Error| format!("cannot read the CA file {}: {error}", path.display());
        let pem = fs::read(path).map_err(|error| Failure::Other(StorageErrorKind::Certificate, unreadable(error)))?;
        Ok(Some(pem))
    }

    pub(super) fn new(settings: &FtpSettings, ca_file: Option<&[u8]>) -> Result<Self, Failure> {
        let verifier = || tls::verifier(ca_file).map_err(|error| Failure::Other(StorageErrorKind::Certificate, error));
        let security = match &settings.tls {
            FtpTls::None => Security::Plain,
            FtpTls::Explicit => Security::Explicit(verifier()?),
            FtpTls::Implicit => Security::Implicit(verifier()?),
        };
        let password = settings.credentials.password.as_ref().map_or("", ExposeSecret::expose_secret);
        Ok(Self {
            host: settings.host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: settings.port,
            user: settings.credentials.user.clone(),
            password: SecretString::from(password),
            security,
            is_active: matches!(settings.mode, FtpMode::Active),
            connect: settings.timeouts.connect,
            idle: settings.timeouts.idle,
            keep_alive: settings.timeouts.keep_alive,
        })
    }

    /// The key of connections with these settings. `runtime` identifies the runtime, because a connection works only on
    /// the runtime that opened it.
    pub(super) fn key(settings: &FtpSettings, ca_file: Option<&[u8]>, runtime: &str) -> Key {
        let tls: &[u8] = match &settings.tls {
            FtpTls::None => b"plain",
            FtpTls::Explicit => b"explicit",
            FtpTls::Implicit => b"implicit",
        };
        let mode: &[u8] = if matches!(settings.mode, FtpMode::Active) { b"active" } else { b"passive" };
        let password = settings.credentials.password.as_ref().map_or("", ExposeSecret::expose_secret);
        let timeouts = [settings.timeouts.connect, settings.timeouts.idle, settings.timeouts.keep_alive];
        let timeouts: Vec<u8> = timeouts.iter().flat_map(|timeout| timeout.as_nanos().to_be_bytes()).collect();
        let mut digest = Sha256::new();
        for part in [
            settings.host.as_bytes(),
            settings.port.to_be_bytes().as_slice(),
            settings.credentials.user.as_bytes(),
            password.as_bytes(),
            tls,
            mode,
            ca_file.unwrap_or_default(),
            timeouts.as_slice(),
            runtime.as_bytes(),
        ] {
            digest.update(part.len().to_be_bytes());
            digest.update(part);
        }
        digest.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use secrecy::SecretString;

    use super::Endpoint;
    use crate::config::resolved_endpoint::{Credentials, FtpMode, FtpSettings, FtpTls, Timeouts};

    fn settings(user: &str, password: &str, tls: FtpTls) -> FtpSettings {
        let password = Some(SecretString::from(password));
        let second = Duration::from_secs(1);
        FtpSettings {
            host: "[::1]".to_owned(),
            port: 21,
            credentials: Credentials {
                user: user.to_owned(),
                password,
                key_file: None,
                passphrase: None,
                use_agent: false,
            },
            tls,
            ca_file: None,
            mode: FtpMode::Passive,
            timeouts: Timeouts { connect: second, idle: second, keep_alive: second },
            root: "/".to_owned(),
        }
    }

    #[test]
    fn only_equal_settings_share_connections() {
        let key = |user, password, tls, runtime| Endpoint::key(&settings(user, password, tls), None, runtime);
        let one = key("a", "bc", FtpTls::Explicit, "1");
        assert_eq!(one, key("a", "bc", FtpTls::Explicit, "1"));
        for other in [
            key("ab", "c", FtpTls::Explicit, "1"),
            key("a", "bd", FtpTls::Explicit, "1"),
            key("a", "bc", FtpTls::None, "1"),
            key("a", "bc", FtpTls::Explicit, "2"),
        ] {
            assert_ne!(one, other);
        }
        let with_ca = Endpoint::key(&settings("a", "bc", FtpTls::Explicit), Some(b"ca"), "1");
        assert_ne!(one, with_ca);
    }

    #[test]
    fn an_ipv6_address_loses_its_brackets() {
        let endpoint = Endpoint::new(&settings("a", "b", FtpTls::None), None);
        assert!(endpoint.is_ok_and(|endpoint| endpoint.host == "::1"));
    }
}
