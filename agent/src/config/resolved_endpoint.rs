//! The settings of a connection to an SFTP or FTP server, with its secrets loaded.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

/// A server, and how files are written to it.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub(crate) upload: Upload,
    pub(crate) settings: EndpointSettings,
}

/// The settings of the connection, by protocol.
#[derive(Clone, Debug)]
pub(crate) enum EndpointSettings {
    Sftp(SftpSettings),
    Ftp(FtpSettings),
}

/// How files are written to a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Upload {
    /// The file is written under a temporary name in the target's folder, and then renamed.
    #[default]
    Temporary,
    /// The file is written under its final name, for servers that allow neither renaming nor listing nor reading.
    Direct,
}

/// Who signs in, and with what.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: Option<SecretString>,
    pub(crate) key_file: Option<PathBuf>,
    /// The passphrase of the key file.
    pub(crate) passphrase: Option<SecretString>,
    /// Whether the keys of the SSH agent at `SSH_AUTH_SOCK` are used.
    pub(crate) use_agent: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timeouts {
    /// The maximum duration of connecting and signing in.
    pub(crate) connect: Duration,
    /// The maximum time in which no byte is received or sent.
    pub(crate) idle: Duration,
    /// The interval between two messages that keep an unused connection open.
    pub(crate) keep_alive: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(15), idle: seconds(60), keep_alive: seconds(30) }
    }
}

#[derive(Clone)]
pub(crate) struct SftpSettings {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) credentials: Credentials,
    pub(crate) host_key: HostKeyRule,
    /// Whether algorithms that are no longer safe are offered to this server.
    pub(crate) legacy_algorithms: bool,
    pub(crate) timeouts: Timeouts,
    /// The SOCKS5 proxy, whose URL may contain a password; `None` for a direct connection.
    pub(crate) proxy: Option<Url>,
    /// The root folder: a path that begins with a slash is absolute; any other path is relative to the login folder
    /// (`/~/` in a URL).
    pub(crate) root: String,
}

/// Omits the proxy, whose URL may contain a password.
impl fmt::Debug for SftpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SftpSettings")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("credentials", &self.credentials)
            .field("host_key", &self.host_key)
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

/// Which host key the server must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostKeyRule {
    /// `SHA256:` and the digest in base64 without padding, as `ssh-keygen -l` shows it.
    Fingerprint(String),
    /// Any key that one of these files, in OpenSSH's format, lists for the host. A missing file counts as empty.
    KnownHosts(Vec<PathBuf>),
}

#[derive(Clone, Debug)]
pub(crate) struct FtpSettings {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) credentials: Credentials,
    pub(crate) tls: FtpTls,
    /// The file with the certificates that are trusted instead of the system's.
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) mode: FtpMode,
    pub(crate) timeouts: Timeouts,
    /// The root folder, as in [`SftpSettings::root`].
    pub(crate) root: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FtpTls {
    None,
    /// TLS begins after the command `AUTH TLS`.
    Explicit,
    /// TLS begins with the first byte.
    Implicit,
}

/// Who opens the data connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FtpMode {
    /// The client.
    #[default]
    Passive,
    /// The server.
    Active,
}

/// The settings on one line for users, without secrets.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.settings {
            EndpointSettings::Sftp(settings) => settings.describe(f)?,
            EndpointSettings::Ftp(settings) => settings.describe(f)?,
        }
        f.write_str(if self.upload == Upload::Direct { "; without temporary names" } else { "" })
    }
}

impl SftpSettings {
    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sftp://{}@{}:{}{}; {}", self.credentials.user, self.host, self.port, self.root, self.credentials)?;
        match &self.host_key {
            HostKeyRule::Fingerprint(fingerprint) => write!(f, "; host key {fingerprint}")?,
            HostKeyRule::KnownHosts(files) => {
                let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
                write!(f, "; host keys of {}", files.join(", "))?;
            }
        }
        if let Some(proxy) = &self.proxy {
            write!(f, "; proxy {}:{}", proxy.host_str().unwrap_or_default(), proxy.port().unwrap_or(1080))?;
        }
        f.write_str(if self.legacy_algorithms { "; legacy algorithms" } else { "" })?;
        write!(f, "; {}", self.timeouts)
    }
}

impl FtpSettings {
    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, tls) = match self.tls {
            FtpTls::None => ("ftp", "not encrypted"),
            FtpTls::Explicit => ("ftps", "explicit TLS"),
            FtpTls::Implicit => ("ftps", "implicit TLS"),
        };
        write!(
            f,
            "{scheme}://{}@{}:{}{}; {}",
            self.credentials.user, self.host, self.port, self.root, self.credentials
        )?;
        write!(f, "; {tls}")?;
        if let Some(ca_file) = &self.ca_file {
            write!(f, " by {}", ca_file.display())?;
        }
        f.write_str(if self.mode == FtpMode::Active { "; active mode" } else { "; passive mode" })?;
        write!(f, "; {}", self.timeouts)
    }
}

/// The ways in which the user signs in, without secrets.
impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key_file.as_ref().map(|key_file| {
            let locked = if self.passphrase.is_some() { " with a passphrase" } else { "" };
            format!("key {}{locked}", key_file.display())
        });
        let password = self.password.as_ref().map(|_| "password".to_owned());
        let agent = self.use_agent.then(|| "SSH agent".to_owned());
        let ways: Vec<String> = [key, password, agent].into_iter().flatten().collect();
        f.write_str(&ways.join(", "))
    }
}

impl fmt::Display for Timeouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [connect, idle, keep_alive] = [self.connect, self.idle, self.keep_alive].map(humantime::format_duration);
        write!(f, "timeouts {connect} to connect, {idle} idle, {keep_alive} between keep-alives")
    }
}

#[cfg(test)]
mod tests {
    use super::{Credentials, Endpoint, EndpointSettings, HostKeyRule, SftpSettings, Timeouts, Upload};

    #[test]
    fn the_settings_do_not_print_secrets() -> anyhow::Result<()> {
        let credentials = Credentials {
            user: "orders".into(),
            password: Some("hidden".into()),
            key_file: None,
            passphrase: Some("hidden".into()),
            use_agent: false,
        };
        let settings = SftpSettings {
            host: "h".into(),
            port: 22,
            credentials,
            host_key: HostKeyRule::KnownHosts(vec!["/k".into()]),
            legacy_algorithms: false,
            timeouts: Timeouts::default(),
            proxy: Some("socks5://user:hidden@proxy:1080".parse()?),
            root: "/".into(),
        };
        let endpoint = Endpoint { upload: Upload::Direct, settings: EndpointSettings::Sftp(settings) };
        let (debug, shown) = (format!("{endpoint:?}"), endpoint.to_string());
        assert!(debug.contains("orders") && !debug.contains("hidden"), "{debug}");
        assert_eq!(
            shown,
            "sftp://orders@h:22/; password; host keys of /k; proxy proxy:1080; timeouts 15s to connect, 1m idle, 30s between keep-alives; without temporary names"
        );
        Ok(())
    }
}
