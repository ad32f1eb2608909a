//! The configuration that a process uses.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use crate::config::ConfigError;
use crate::config::file::ConfigFile;

/// The current configuration.
#[derive(Debug, Default)]
pub(crate) struct LiveConfig {
    /// None if there is no file.
    path: Option<PathBuf>,
    current: RwLock<Arc<ConfigFile>>,
}

impl LiveConfig {
    /// Reads the file at `path`; without a path there are no settings.
    pub(crate) fn load(path: Option<PathBuf>) -> Result<Self, ConfigError> {
        let file = path.as_deref().map(ConfigFile::load).transpose()?;
        Ok(Self { path, current: RwLock::new(Arc::new(file.unwrap_or_default())) })
    }

    /// The file that was read.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The settings as they are now.
    pub(crate) fn current(&self) -> Arc<ConfigFile> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
