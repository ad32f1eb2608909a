//! The keys of `mftplus-agent.toml`, and how a file is read and checked.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::config::ConfigError;
use crate::config::bandwidth_limits::{Rate, RateWindow};
use crate::config::credentials_and_endpoints::validate::{self, CredentialsTable, EndpointsTable};
use crate::config::credentials_and_endpoints::{CredentialsSection, EndpointSection};
use crate::config::file_permissions;
use crate::config::proxy::{self, ProxyUrl};
use crate::config::server_address;
use crate::config::source_text::SourceText;

/// The content of the configuration file; a key that is absent is `None`, empty or its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct ConfigFile {
    /// Address of the server.
    #[serde(deserialize_with = "server_address::server")]
    pub(crate) server: Option<String>,
    /// Name of this agent.
    pub(crate) name: Option<String>,
    /// Host name of this agent.
    pub(crate) hostname: Option<String>,
    /// The state folder. [`Self::load`] makes it absolute.
    pub(crate) state_dir: Option<PathBuf>,
    /// The folders in which jobs and steps may work.
    pub(crate) allowed_dirs: Vec<PathBuf>,
    pub(crate) max_jobs: Option<MaxJobs>,
    pub(crate) max_rate: Option<Rate>,
    pub(crate) max_total_rate: Option<Rate>,
    pub(crate) rates: Vec<RateWindow>,
    /// The HTTP proxy for requests to the control plane.
    #[serde(deserialize_with = "proxy::http")]
    pub(crate) https_proxy: Option<ProxyUrl>,
    /// The SOCKS proxy for connections to SFTP servers.
    #[serde(deserialize_with = "proxy::socks")]
    pub(crate) socks_proxy: Option<ProxyUrl>,
    /// The file with the certificates of the authorities that are trusted to sign the server's certificate.
    /// [`Self::load`] makes it absolute.
    pub(crate) ca_file: Option<PathBuf>,
    /// Address of the server's listener for client certificates.
    #[serde(deserialize_with = "server_address::mtls_server")]
    pub(crate) mtls_server: Option<String>,
    pub(crate) credentials: CredentialsTable,
    pub(crate) endpoints: EndpointsTable,
}

/// The maximum number of jobs, steps and copies that run at the same time; from 1 to 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
pub(crate) struct MaxJobs(usize);

impl MaxJobs {
    /// The value if none is configured.
    pub(crate) const DEFAULT: Self = Self(4);

    pub(crate) fn get(self) -> usize {
        self.0
    }
}

impl TryFrom<i64> for MaxJobs {
    type Error = &'static str;

    fn try_from(count: i64) -> Result<Self, Self::Error> {
        let count = usize::try_from(count).ok().filter(|count| (1..=64).contains(count));
        count.map(Self).ok_or("must be a number from 1 to 64")
    }
}

impl ConfigFile {
    /// Reads and checks the file at `path`, including its permissions.
    pub(crate) fn load(path: &Path) -> Result<Self, ConfigError> {
        let (text, access) = file_permissions::read(path)?;
        let name = path.display().to_string();
        let absolute = std::path::absolute(path).map_err(|error| ConfigError(format!("{name}: {error}")))?;
        let file = Self::parse(&name, absolute.parent().unwrap_or(path), &text)?;
        if file.credentials.values().any(CredentialsSection::holds_a_secret) {
            access.check_readers(path)?;
        }
        Ok(file)
    }

    /// Parses and checks the text of a configuration file. Error messages call the file `name`; relative paths in it
    /// are relative to `folder`.
    pub(crate) fn parse(name: &str, folder: &Path, text: &str) -> Result<Self, ConfigError> {
        let source = SourceText::parse(name, text)?;
        source.check_keys::<Self>(&[])?;
        for name in source.names(&["credentials"]) {
            source.check_keys::<CredentialsSection>(&["credentials", name])?;
        }
        for name in source.names(&["endpoints"]) {
            source.check_keys::<EndpointSection>(&["endpoints", name])?;
        }
        let mut file: Self = source.read()?;
        validate::check(&source, &file.credentials, &file.endpoints)?;
        for path in file.state_dir.iter_mut().chain(&mut file.ca_file).chain(&mut file.allowed_dirs) {
            *path = folder.join(&*path);
        }
        file.credentials.values_mut().for_each(|section| section.make_absolute(folder));
        file.endpoints.values_mut().for_each(|section| section.make_absolute(folder));
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::ConfigFile;
    use crate::config::file_permissions::write_private;

    fn parse(text: &str) -> Result<ConfigFile, String> {
        ConfigFile::parse("agent.toml", Path::new("/etc/mftplus"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn an_empty_file_sets_nothing() {
        assert_eq!(parse(""), Ok(ConfigFile::default()));
    }

    #[test]
    fn every_setting_is_read() -> Result<(), String> {
        let text = r#"
            server = "https://mft.example.com"
            name = "edge-1"
            hostname = "edge-1.example.com"
            state-dir = "state"
            allowed-dirs = ["/data", "spool"]
            max-jobs = 8
            max-rate = "20MB/s"
            https-proxy = "http://proxy.example:3128"
            ca-file = "ca.pem"
            mtls-server = "https://mft.example.com:8443"
        "#;
        let file = parse(text)?;
        assert_eq!(file.server.as_deref(), Some("https://mft.example.com"));
        assert_eq!(file.state_dir, Some(PathBuf::from("/etc/mftplus/state")), "relative to the file's folder");
        assert_eq!(file.allowed_dirs, ["/data", "/etc/mftplus/spool"].map(PathBuf::from));
        assert_eq!(file.ca_file, Some(PathBuf::from("/etc/mftplus/ca.pem")));
        assert_eq!(file.mtls_server.as_deref(), Some("https://mft.example.com:8443"));
        assert_eq!(file.max_jobs.map(super::MaxJobs::get), Some(8));
        assert_eq!(file.max_rate.map(|rate| rate.0), Some(20_000_000));
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn a_file_with_a_password_is_for_its_owner_only() -> anyhow::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("agent.toml");
        for (password, mode, is_accepted) in [
            ("password-file = 'f'", 0o644, true),
            ("password = 'hidden'", 0o644, false),
            ("password = 'hidden'", 0o600, true),
        ] {
            write_private(&path, format!("[credentials.a]\nuser = 'u'\n{password}"))?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))?;
            let loaded = ConfigFile::load(&path);
            assert_eq!(loaded.is_ok(), is_accepted, "{password} {mode:o}");
            assert!(!format!("{loaded:?}").contains("hidden"), "{loaded:?}");
        }
        Ok(())
    }

    #[test]
    fn a_problem_is_shown_with_its_line_and_column() {
        for (text, expected) in [
            ("\n  sever = 1", "agent.toml: line 2, column 3: there is no key `sever`; did you mean `server`?"),
            ("max-jobs = 65", "agent.toml: line 1, column 12: must be a number from 1 to 64"),
            ("max-jobs = 0", "agent.toml: line 1, column 12: must be a number from 1 to 64"),
            (
                "max-rate = \"fast\"",
                "agent.toml: line 1, column 12: `fast` is not a rate such as 20MB/s, 512KiB/s or 1000000",
            ),
            (
                "https-proxy = \"ftp://u:secret@p\"",
                "agent.toml: line 1, column 15: must be the address of a proxy, as http://host:port",
            ),
        ] {
            assert_eq!(parse(text), Err(expected.to_owned()));
        }
        for (text, expected) in [
            (
                "server = \":8080\"",
                "line 1, column 10: must be the address of a server, such as https://mft.example.com",
            ),
            (
                "mtls-server = \"http://u:secret@h\"",
                "line 1, column 15: must be the address of a listener for client certificates, such as https://mft.example.com:8443",
            ),
            (
                "server = \"https://u:secret@h\"",
                "line 1, column 10: must have no user and no password: the agent authenticates with its API key and its certificate",
            ),
            (
                "[credentials.a]\nuser = 'u'\npasword = 'hidden'",
                "line 3, column 1: there is no key `pasword`; did you mean `password`?",
            ),
            ("[credentials.a]\nuser = 'u'\npassword = 123456", "line 3, column 12: must be text in quotes"),
            ("[credentials.a]\npassword = 'hidden'", "line 1, column 14: credentials need a `user`"),
            (
                "[credentials.a]\nuser = 'u'\npassword-file = 'f'\npassword = 'hidden'",
                "line 4, column 1: give one of `password`, `password-file`, `password-command` and `password-env`",
            ),
            (
                "[credentials.a]\nuser = 'u'\npassphrase = 'hidden'",
                "line 1, column 14: a passphrase needs a `key-file`",
            ),
            ("[endpoints.a]\nhost = 'h'", "line 1, column 12: an endpoint needs a `protocol`: sftp, ftp or ftps"),
            ("[endpoints.a]\nprotocol = 'ftp'", "line 1, column 12: an endpoint needs a `host`"),
            (
                "[endpoints.a]\nprotocol = 'ftp'\nhost = 'h'\ntls = 'explicit'",
                "line 4, column 1: this key is for protocol ftps: write protocol = \"ftps\"",
            ),
            (
                "[endpoints.a]\nprotocol = 'sftp'\nhost = 'h'\ncredentials = 'b'",
                "line 4, column 1: there is no table [credentials.b]",
            ),
            (
                "[endpoints.'A b']\nprotocol = 'sftp'\nhost = 'h'",
                "line 1, column 12: a name has 1 to 64 letters from a to z, digits and `-._`, and begins with a letter or digit",
            ),
        ] {
            assert_eq!(parse(text), Err(format!("agent.toml: {expected}")));
        }
        for text in ["server = ", "server = mft", "server = \"a\"\nserver = \"b\""] {
            let problem = parse(text).err().unwrap_or_default();
            assert!(problem.starts_with("agent.toml: line "), "{problem}");
        }
    }
}
