//! The tables `[credentials.NAME]` and `[endpoints.NAME]` of the configuration file.

pub(super) mod validate;

use std::path::{Path, PathBuf};
use std::time::Duration;

use mftplus_protocol::wire::Protocol;
use serde::Deserialize;

use crate::config::proxy::{self, EndpointProxy};
use crate::config::resolved_endpoint::{FtpMode, Upload};
use crate::config::secret::{SecretSource, SecretText};

/// A table `[credentials.NAME]`: the user, the secrets, and the hosts to which they may be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct CredentialsSection {
    /// Host names and addresses to which the credentials may be sent. `*.example.com` includes all names with this
    /// ending.
    pub(crate) hosts: Vec<String>,
    pub(crate) user: Option<String>,
    password: Option<SecretText>,
    password_file: Option<PathBuf>,
    password_command: Option<Vec<String>>,
    password_env: Option<String>,
    pub(crate) key_file: Option<PathBuf>,
    passphrase: Option<SecretText>,
    passphrase_file: Option<PathBuf>,
    passphrase_command: Option<Vec<String>>,
    passphrase_env: Option<String>,
    pub(crate) ssh_agent: Option<bool>,
}

impl CredentialsSection {
    /// The configured sources of the password; a valid table has at most one.
    pub(crate) fn password(&self) -> Vec<SecretSource> {
        sources(
            self.password.as_ref(),
            self.password_file.as_ref(),
            self.password_command.as_ref(),
            self.password_env.as_ref(),
        )
    }

    /// The configured sources of the key file's passphrase; a valid table has at most one.
    pub(crate) fn passphrase(&self) -> Vec<SecretSource> {
        sources(
            self.passphrase.as_ref(),
            self.passphrase_file.as_ref(),
            self.passphrase_command.as_ref(),
            self.passphrase_env.as_ref(),
        )
    }

    /// Whether the configuration file itself contains a secret of this table.
    pub(crate) fn holds_a_secret(&self) -> bool {
        self.password.is_some() || self.passphrase.is_some()
    }

    /// Whether [`Self::hosts`] includes `host`.
    pub(crate) fn is_for(&self, host: &str) -> bool {
        self.hosts.iter().any(|pattern| match pattern.strip_prefix('*') {
            Some(end) => host.len() > end.len() && host.to_ascii_lowercase().ends_with(&end.to_ascii_lowercase()),
            None => host.eq_ignore_ascii_case(pattern),
        })
    }

    pub(crate) fn make_absolute(&mut self, folder: &Path) {
        let paths = [&mut self.password_file, &mut self.key_file, &mut self.passphrase_file];
        for path in paths.into_iter().flatten() {
            *path = folder.join(&*path);
        }
    }
}

fn sources(
    text: Option<&SecretText>,
    file: Option<&PathBuf>,
    command: Option<&Vec<String>>,
    variable: Option<&String>,
) -> Vec<SecretSource> {
    let text = text.cloned().map(SecretSource::Text);
    let file = file.cloned().map(SecretSource::File);
    let command = command.cloned().map(SecretSource::Command);
    let variable = variable.cloned().map(SecretSource::Environment);
    [text, file, command, variable].into_iter().flatten().collect()
}

/// A table `[endpoints.NAME]`: an SFTP or FTP server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct EndpointSection {
    /// Always present in a file that passed the checks, as is `host`.
    pub(crate) protocol: Option<Protocol>,
    pub(crate) host: Option<String>,
    pub(crate) port: Option<u16>,
    /// The name of a set of credentials.
    pub(crate) credentials: Option<String>,
    pub(crate) host_key: Option<Fingerprint>,
    pub(crate) known_hosts: Option<PathBuf>,
    pub(crate) legacy_algorithms: Option<bool>,
    #[serde(deserialize_with = "proxy::endpoint")]
    pub(crate) proxy: Option<EndpointProxy>,
    pub(crate) tls: Option<Tls>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) mode: Option<FtpMode>,
    pub(crate) upload: Upload,
    pub(crate) connect_timeout: Option<Timeout>,
    pub(crate) idle_timeout: Option<Timeout>,
    pub(crate) keep_alive: Option<Timeout>,
}

impl EndpointSection {
    pub(crate) fn is_on(&self, host: &str) -> bool {
        self.host.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(host))
    }

    /// The configured port, or the default port of the protocol.
    pub(crate) fn port(&self) -> u16 {
        self.port.unwrap_or(match (self.protocol, self.tls) {
            (Some(Protocol::Ftps), Some(Tls::Implicit)) => IMPLICIT_PORT,
            (Some(Protocol::Sftp), _) => SFTP_PORT,
            _ => FTP_PORT,
        })
    }

    pub(crate) fn make_absolute(&mut self, folder: &Path) {
        for path in [&mut self.known_hosts, &mut self.ca_file].into_iter().flatten() {
            *path = folder.join(&*path);
        }
    }
}

pub(crate) const SFTP_PORT: u16 = 22;
pub(crate) const FTP_PORT: u16 = 21;
/// The default port of FTPS with implicit TLS (TLS from the first byte).
pub(crate) const IMPLICIT_PORT: u16 = 990;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tls {
    Explicit,
    Implicit,
}

/// The SHA-256 fingerprint of a host key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Fingerprint(pub(crate) String);

impl TryFrom<String> for Fingerprint {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digest = text.strip_prefix("SHA256:").map(|digest| digest.trim_end_matches('='));
        let is_base64 = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/';
        match digest.filter(|digest| digest.len() == 43 && digest.chars().all(is_base64)) {
            Some(digest) => Ok(Self(format!("SHA256:{digest}"))),
            None => Err("must be SHA256: and 43 characters, as `ssh-keygen -l` shows it"),
        }
    }
}

/// A timeout from one second to one hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Timeout(pub(crate) Duration);

impl TryFrom<String> for Timeout {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let duration = humantime::parse_duration(&text).ok();
        let duration = duration.filter(|duration| (1..=3600).contains(&duration.as_secs()));
        duration.map(Self).ok_or("must be a duration from 1s to 1h, such as 30s")
    }
}

#[cfg(test)]
mod tests {
    use mftplus_protocol::wire::Protocol;

    use super::{CredentialsSection, EndpointSection, Fingerprint, Timeout, Tls};

    #[test]
    fn credentials_are_for_the_hosts_that_they_name() {
        let hosts = vec!["sftp.partner.example".into(), "*.Other.example".into()];
        let credentials = CredentialsSection { hosts, ..CredentialsSection::default() };
        for (host, is_for) in [
            ("SFTP.partner.example", true),
            ("a.b.other.example", true),
            ("other.example", false),
            (".other.example", false),
            ("another.example", false),
            ("xsftp.partner.example", false),
        ] {
            assert_eq!(credentials.is_for(host), is_for, "{host}");
        }
        assert!(!CredentialsSection::default().is_for(""));
    }

    #[test]
    fn the_port_follows_from_the_protocol() {
        for (protocol, tls, port) in [
            (Protocol::Sftp, None, 22),
            (Protocol::Ftp, None, 21),
            (Protocol::Ftps, None, 21),
            (Protocol::Ftps, Some(Tls::Explicit), 21),
            (Protocol::Ftps, Some(Tls::Implicit), 990),
        ] {
            let section = EndpointSection { protocol: Some(protocol), tls, ..EndpointSection::default() };
            assert_eq!(section.port(), port, "{protocol} {tls:?}");
        }
    }

    #[test]
    fn fingerprints_and_timeouts_have_one_form() {
        let digest = "A".repeat(43);
        assert_eq!(Fingerprint::try_from(format!("SHA256:{digest}=")), Ok(Fingerprint(format!("SHA256:{digest}"))));
        for wrong in ["MD5:00:11", "SHA256:short", digest.as_str()] {
            assert!(Fingerprint::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
        assert_eq!(Timeout::try_from("90s".to_owned()).map(|timeout| timeout.0.as_secs()), Ok(90));
        for wrong in ["0s", "999ms", "2h", "fast", "30"] {
            assert!(Timeout::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
