//! Folders on SFTP servers.

mod activity;
mod algorithms;
mod authentication;
pub(crate) mod connection;
mod extensions;
mod failure;
mod host_key;
mod host_pattern;
pub(crate) mod known_hosts;
pub(crate) mod pool;
mod socks;
mod text;
pub(crate) mod transport;
