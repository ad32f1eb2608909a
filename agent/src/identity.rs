//! The registration of this agent and its API key, in `agent.json`, which only its owner can read.

pub(crate) mod certificate;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::bail;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::config::server_address;
use crate::storage::path_text::text;
use crate::storage::state_file::{self, Stored};

/// The API key of the agent. Its `Debug` output is `[redacted]`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct ApiKey(String);

impl ApiKey {
    /// The text of the API key, for the header `X-API-Key`.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for ApiKey {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The registration of this agent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Registration {
    /// The address of the server at which the agent is registered.
    pub(crate) server: String,
    /// The id of the agent.
    pub(crate) agent_id: Uuid,
    pub(crate) api_key: ApiKey,
    /// The heartbeat interval that the server has set, in seconds; `None` means the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) heartbeat_seconds: Option<u64>,
}

impl Registration {
    /// Reads the registration as [`Self::load`] does, and restores the file or its second copy if one of them is damaged
    /// or missing.
    pub(crate) fn load_and_repair(state_dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = path(state_dir);
        match state_file::read_kept::<Self>(&path)? {
            Stored::Previous(registration) if !path.is_dir() => {
                match registration.save(state_dir) {
                    Ok(()) => {
                        tracing::warn!(
                            path = text(&path),
                            "the registration was damaged or missing; it is restored from its second copy"
                        );
                    }
                    Err(error) => tracing::warn!(
                        "the registration is damaged or missing; its second copy is used, but cannot be written back: {error:#}"
                    ),
                }
                Ok(Some(registration))
            }
            Stored::Whole(registration) => {
                state_file::restore_previous::<Self>(&path);
                Ok(Some(registration))
            }
            _ => Self::load(state_dir),
        }
    }

    /// Reads the registration in `state_dir`, or its second copy if the file is damaged or missing. `None` if neither
    /// exists. Changes no file.
    pub(crate) fn load(state_dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = path(state_dir);
        match state_file::read_kept(&path)? {
            Stored::Missing => Ok(None),
            Stored::Whole(registration) => Ok(Some(registration)),
            Stored::Previous(registration) => {
                let why = if path.is_dir() {
                    "there is a folder instead of the file: move the folder away"
                } else if path.exists() {
                    "it is damaged: the next start of `run` or `copy` restores it"
                } else {
                    "it is missing: the next start of `run` or `copy` restores it"
                };
                tracing::warn!(path = text(&path), "the second copy of the registration is used, because {why}");
                Ok(Some(registration))
            }
            Stored::Damaged => {
                bail!(
                    "{} is damaged and has no valid second copy; register again with `register --code CODE --force`",
                    text(&path)
                )
            }
        }
    }

    /// The address of the server for messages, without user and password, which an address stored by an earlier version
    /// may contain.
    pub(crate) fn shown_server(&self) -> String {
        server_address::without_user(&self.server)
    }

    /// Writes the registration into `state_dir`, atomically.
    pub(crate) fn save(&self, state_dir: &Path) -> anyhow::Result<()> {
        let path = path(state_dir);
        state_file::create_private_folder(state_dir)?;
        // Twice, because each write keeps the previous content as the second copy, and a second copy with an older key
        // or of another agent would be wrong.
        for _ in 0..2 {
            state_file::write_durably(&path, self)?;
        }
        Ok(())
    }
}

fn path(state_dir: &Path) -> PathBuf {
    state_dir.join("agent.json")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{ApiKey, Registration};

    fn registration() -> Registration {
        Registration {
            server: "http://127.0.0.1:8080".into(),
            agent_id: Uuid::new_v4(),
            api_key: ApiKey::from("mft_ak_secret".to_owned()),
            heartbeat_seconds: None,
        }
    }

    #[test]
    fn a_registration_is_read_back_as_it_was_written() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        assert!(Registration::load(dir.path())?.is_none());
        let written = registration();
        written.save(dir.path())?;
        let read = Registration::load(dir.path())?.map(|read| (read.agent_id, read.api_key));
        assert_eq!(read, Some((written.agent_id, written.api_key)));
        Ok(())
    }

    #[test]
    fn a_truncated_registration_is_read_from_its_second_copy() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        registration().save(dir.path())?;
        let newest = registration();
        newest.save(dir.path())?;
        std::fs::write(dir.path().join("agent.json"), "")?;
        assert_eq!(Registration::load(dir.path())?.map(|read| read.agent_id), Some(newest.agent_id));
        for (file, second) in [("", ""), ("[]", "{}"), ("{}", "null")] {
            std::fs::write(dir.path().join("agent.json"), file)?;
            std::fs::write(dir.path().join("agent.json.bak"), second)?;
            for read in [Registration::load, Registration::load_and_repair] {
                let error = read(dir.path()).map(|_| ()).map_err(|error| error.to_string());
                assert!(error.is_err_and(|error| error.contains("register --code CODE --force")), "{file} {second}");
            }
        }
        Ok(())
    }

    #[test]
    fn a_damaged_registration_and_a_damaged_second_copy_are_restored() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let written = registration();
        written.save(dir.path())?;
        let (file, second) = (dir.path().join("agent.json"), dir.path().join("agent.json.bak"));
        let content = std::fs::read(&file)?;
        for damaged in [&file, &second] {
            for torn in ["", "{", "[]", "{}", "null"] {
                std::fs::write(damaged, torn)?;
                // `load` changes no file.
                assert_eq!(Registration::load(dir.path())?.map(|read| read.agent_id), Some(written.agent_id));
                assert_eq!(std::fs::read_to_string(damaged)?, torn);
                let read = Registration::load_and_repair(dir.path())?;
                assert_eq!(read.map(|read| read.agent_id), Some(written.agent_id));
                assert!(std::fs::read(&file)? == content && std::fs::read(&second)? == content);
            }
        }
        std::fs::remove_file(&second)?;
        Registration::load_and_repair(dir.path())?;
        assert_eq!(std::fs::read(&second)?, content);
        Ok(())
    }

    #[test]
    fn a_deleted_registration_is_restored_from_its_second_copy() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let written = registration();
        written.save(dir.path())?;
        let (file, second) = (dir.path().join("agent.json"), dir.path().join("agent.json.bak"));
        let content = std::fs::read(&file)?;
        std::fs::remove_file(&file)?;
        assert_eq!(Registration::load(dir.path())?.map(|read| read.agent_id), Some(written.agent_id));
        assert!(!file.exists(), "`load` changes no file");
        let read = Registration::load_and_repair(dir.path())?;
        assert_eq!(read.map(|read| read.agent_id), Some(written.agent_id));
        assert!(std::fs::read(&file)? == content && std::fs::read(&second)? == content);
        std::fs::remove_file(&file)?;
        std::fs::remove_file(&second)?;
        assert!(Registration::load_and_repair(dir.path())?.is_none(), "without both nothing is registered");
        Ok(())
    }

    #[test]
    fn the_second_copy_is_used_if_a_folder_replaces_the_registration() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let written = registration();
        written.save(dir.path())?;
        let file = dir.path().join("agent.json");
        std::fs::remove_file(&file)?;
        std::fs::create_dir(&file)?;
        let read = Registration::load_and_repair(dir.path())?;
        assert_eq!(read.map(|read| read.agent_id), Some(written.agent_id));
        assert!(file.is_dir());
        std::fs::remove_file(dir.path().join("agent.json.bak"))?;
        let error = Registration::load_and_repair(dir.path()).map(|_| ()).map_err(|error| error.to_string());
        assert!(error.is_err_and(|error| error.contains("agent.json: ") && error.contains("move the folder away")));
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn the_key_file_can_be_read_by_its_owner_only() -> anyhow::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir()?;
        registration().save(dir.path())?;
        let mode = std::fs::metadata(dir.path().join("agent.json"))?.permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        Ok(())
    }

    #[test]
    fn the_key_does_not_print_itself() {
        assert!(!format!("{:?}", registration()).contains("secret"));
    }
}
