//! The keys of `mftplus-agent.toml`, and how a file is read and checked.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::config::ConfigError;
use crate::config::access;
use crate::config::proxy::{self, ProxyUrl};
use crate::config::rate::Rate;
use crate::config::source::Source;

/// What the file says; a key that is absent is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct ConfigFile {
    /// Address of the server.
    pub(crate) server: Option<String>,
    /// Name of this agent.
    pub(crate) name: Option<String>,
    /// Host name of this agent.
    pub(crate) hostname: Option<String>,
    /// Absolute once the file is read.
    pub(crate) state_dir: Option<PathBuf>,
    /// The folders in which jobs and steps may work.
    pub(crate) allowed_dirs: Vec<PathBuf>,
    pub(crate) max_jobs: Option<MaxJobs>,
    pub(crate) max_rate: Option<Rate>,
    /// The proxy on the way to the server.
    #[serde(deserialize_with = "proxy::http")]
    pub(crate) https_proxy: Option<ProxyUrl>,
}

/// How many jobs, steps and copies run at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
pub(crate) struct MaxJobs(usize);

impl MaxJobs {
    /// The number without a setting.
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
    /// Reads and checks the file at `path`.
    pub(crate) fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = access::read(path)?;
        let name = path.display().to_string();
        let absolute = std::path::absolute(path).map_err(|error| ConfigError(format!("{name}: {error}")))?;
        Self::parse(&name, absolute.parent().unwrap_or(path), &text)
    }

    /// Reads the text of a file that messages call `name`; its relative paths begin in `folder`.
    pub(crate) fn parse(name: &str, folder: &Path, text: &str) -> Result<Self, ConfigError> {
        let source = Source::parse(name, text)?;
        source.check_keys::<Self>(&[])?;
        let mut file: Self = source.read()?;
        for path in file.state_dir.iter_mut().chain(&mut file.allowed_dirs) {
            *path = folder.join(&*path);
        }
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::ConfigFile;
    use crate::config::keys::keys_of;

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
        "#;
        let file = parse(text)?;
        assert_eq!(file.server.as_deref(), Some("https://mft.example.com"));
        assert_eq!(file.state_dir, Some(PathBuf::from("/etc/mftplus/state")), "relative to the file's folder");
        assert_eq!(file.allowed_dirs, ["/data", "/etc/mftplus/spool"].map(PathBuf::from));
        assert_eq!(file.max_jobs.map(super::MaxJobs::get), Some(8));
        assert_eq!(file.max_rate.map(|rate| rate.0), Some(20_000_000));
        Ok(())
    }

    #[test]
    fn the_documentation_has_every_key() {
        let page = include_str!("../../../docs/agents.md");
        for key in keys_of::<ConfigFile>() {
            assert!(page.contains(&format!("\n| `{key}` |")), "{key}");
        }
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
        for text in ["server = ", "server = mft", "server = \"a\"\nserver = \"b\""] {
            let problem = parse(text).err().unwrap_or_default();
            assert!(problem.starts_with("agent.toml: line "), "{problem}");
        }
    }
}
