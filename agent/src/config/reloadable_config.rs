//! The configuration of the running process, which can be reloaded.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use crate::config::ConfigError;
use crate::config::file::ConfigFile;

/// The configuration file and its current content; [`Self::reload`] replaces the content.
#[derive(Debug, Default)]
pub(crate) struct LiveConfig {
    /// The configuration file; `None` if there is none.
    path: Option<PathBuf>,
    current: RwLock<Arc<ConfigFile>>,
}

impl LiveConfig {
    /// Reads the file at `path`; `None` gives an empty configuration.
    pub(crate) fn load(path: Option<PathBuf>) -> Result<Self, ConfigError> {
        let file = path.as_deref().map(ConfigFile::load).transpose()?;
        Ok(Self { path, current: RwLock::new(Arc::new(file.unwrap_or_default())) })
    }

    /// The path of the configuration file; `None` if there is none.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The current content of the configuration.
    pub(crate) fn current(&self) -> Arc<ConfigFile> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the file again and, if `accept` returns `Ok`, makes it the current configuration. A file with an error
    /// changes nothing. Returns the configurations before and after.
    pub(crate) fn reload<E: From<ConfigError>>(
        &self,
        accept: impl FnOnce(&ConfigFile) -> Result<(), E>,
    ) -> Result<(Arc<ConfigFile>, Arc<ConfigFile>), E> {
        let Some(path) = &self.path else {
            let current = self.current();
            return Ok((current.clone(), current));
        };
        let after = Arc::new(ConfigFile::load(path)?);
        accept(&after)?;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *current, after.clone());
        Ok((before, after))
    }
}

#[cfg(test)]
mod tests {
    use super::LiveConfig;
    use crate::config::ConfigError;
    use crate::config::file_permissions::write_private;

    #[test]
    fn a_wrong_file_leaves_the_settings_as_they_are() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("agent.toml");
        write_private(&path, "name = 'first'")?;
        let config = LiveConfig::load(Some(path.clone()))?;
        let name = || config.current().name.clone().unwrap_or_default();
        write_private(&path, "nam = 'second'")?;
        assert!(config.reload(|_| Ok::<_, ConfigError>(())).is_err());
        assert_eq!(name(), "first");
        write_private(&path, "name = 'second'")?;
        assert!(config.reload(|_| Err(ConfigError("refused".to_owned()))).is_err());
        assert_eq!(name(), "first");
        let (before, after) = config.reload(|_| Ok::<_, ConfigError>(()))?;
        assert_eq!((before.name.as_deref(), after.name.as_deref()), (Some("first"), Some("second")));
        assert_eq!(name(), "second");
        Ok(())
    }
}
