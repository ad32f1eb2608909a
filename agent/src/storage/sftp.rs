//! Folders on SFTP servers.

mod host_pattern;
pub(crate) mod known_hosts;
