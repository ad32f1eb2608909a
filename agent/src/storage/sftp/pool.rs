//! The pool of idle connections: a transfer uses one of the same endpoint instead of signing in again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use secrecy::ExposeSecret;
use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;
use tokio::time::Instant;
use url::Url;

use crate::config::resolved_endpoint::{HostKeyRule, SftpSettings};
use crate::storage::sftp::connection::Connection;
use crate::storage::sftp::in_flight::OpenFiles;
use crate::storage::sftp::known_hosts;

/// The maximum time that a connection stays in the pool.
const KEPT: Duration = Duration::from_mins(1);

/// The maximum number of connections in the pool.
const MAX_IDLE: usize = 8;

/// The idle connections of a process, and the number of files that are open over all its connections. Clones share
/// both.
#[derive(Clone, Default)]
pub(crate) struct ConnectionPool {
    idle: Arc<Mutex<Vec<Idle>>>,
    pub(crate) open_files: OpenFiles,
}

struct Idle {
    key: PoolKey,
    since: Instant,
    connection: Arc<Connection>,
}

/// A digest of all settings that a connection depends on, so that a changed password or host key needs a new one. The
/// content of the `known_hosts` files is included.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct PoolKey([u8; 32]);

impl PoolKey {
    /// The key of connections with these settings. Blocks, because it reads the `known_hosts` files.
    pub(crate) fn of(settings: &SftpSettings) -> Self {
        let mut digest = Sha256::new();
        let mut add = |bytes: &[u8]| {
            digest.update(bytes.len().to_be_bytes());
            digest.update(bytes);
        };
        let credentials = &settings.credentials;
        add(settings.host.as_bytes());
        add(&settings.port.to_be_bytes());
        add(credentials.user.as_bytes());
        for secret in [&credentials.password, &credentials.passphrase] {
            add(&[u8::from(secret.is_some())]);
            add(secret.as_ref().map_or("", ExposeSecret::expose_secret).as_bytes());
        }
        add(credentials.key_file.as_ref().map_or(b"".as_slice(), |file| file.as_os_str().as_encoded_bytes()));
        add(&[u8::from(credentials.use_agent), u8::from(settings.legacy_algorithms)]);
        match &settings.host_key {
            HostKeyRule::Fingerprint(fingerprint) => add(fingerprint.as_bytes()),
            HostKeyRule::KnownHosts(files) => {
                for file in files {
                    add(file.as_os_str().as_encoded_bytes());
                    // A key that was removed or revoked in a file must not be accepted for the next transfer.
                    let content = known_hosts::content(file);
                    add(&[u8::from(content.is_ok())]);
                    add(&content.unwrap_or_default());
                }
            }
        }
        add(settings.proxy.as_ref().map_or("", Url::as_str).as_bytes());
        Self(digest.finalize().into())
    }
}

impl ConnectionPool {
    /// Removes a connection with this key from the pool and returns it; `None` if there is none. The connection may
    /// have been lost in the meantime.
    pub(crate) fn take(&self, key: PoolKey) -> Option<Arc<Connection>> {
        let mut idle = self.lock();
        let found = idle.iter().position(|idle| idle.key == key)?;
        Some(idle.swap_remove(found).connection)
    }

    /// Adds a connection to the pool, in which it stays for a minute. If the pool is full, the connection that has been
    /// idle longest is closed.
    pub(crate) fn give(&self, key: PoolKey, connection: Arc<Connection>, runtime: &Handle) {
        let mut idle = self.lock();
        idle.push(Idle { key, since: Instant::now(), connection });
        if idle.len() > MAX_IDLE {
            let longest = idle.iter().enumerate().min_by_key(|(_, idle)| idle.since).map(|(index, _)| index);
            if let Some(longest) = longest {
                idle.swap_remove(longest);
            }
        }
        drop(idle);
        runtime.spawn(close_later(Arc::downgrade(&self.idle)));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for a minute, then closes the connections that have been idle that long.
async fn close_later(idle: Weak<Mutex<Vec<Idle>>>) {
    tokio::time::sleep(KEPT).await;
    if let Some(idle) = idle.upgrade() {
        let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|idle| idle.since.elapsed() < KEPT);
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use secrecy::SecretString;

    use super::PoolKey;
    use crate::config::resolved_endpoint::{Credentials, HostKeyRule, SftpSettings, Timeouts};

    fn settings() -> SftpSettings {
        let second = Duration::from_secs(1);
        SftpSettings {
            host: "h".to_owned(),
            port: 22,
            credentials: Credentials {
                user: "u".to_owned(),
                password: None,
                key_file: None,
                passphrase: None,
                use_agent: false,
            },
            host_key: HostKeyRule::KnownHosts(vec![PathBuf::from("/a")]),
            legacy_algorithms: false,
            timeouts: Timeouts { connect: second, idle: second, keep_alive: second },
            proxy: None,
            root: "/".to_owned(),
        }
    }

    #[test]
    fn only_the_same_settings_share_a_connection() {
        let key = PoolKey::of(&settings());
        assert!(key == PoolKey::of(&settings()));
        // Folders of one server do.
        assert!(key == PoolKey::of(&SftpSettings { root: "/other".to_owned(), ..settings() }));
        let with_credentials = |change: fn(&mut Credentials)| {
            let mut settings = settings();
            change(&mut settings.credentials);
            settings
        };
        let others = [
            SftpSettings { host: "i".to_owned(), ..settings() },
            SftpSettings { port: 23, ..settings() },
            SftpSettings { legacy_algorithms: true, ..settings() },
            SftpSettings { host_key: HostKeyRule::Fingerprint("SHA256:a".to_owned()), ..settings() },
            with_credentials(|credentials| credentials.user = "v".to_owned()),
            with_credentials(|credentials| credentials.password = Some(SecretString::from("p".to_owned()))),
            with_credentials(|credentials| credentials.password = Some(SecretString::from(String::new()))),
            with_credentials(|credentials| credentials.passphrase = Some(SecretString::from("p".to_owned()))),
            with_credentials(|credentials| credentials.key_file = Some(PathBuf::from("/k"))),
            with_credentials(|credentials| credentials.use_agent = true),
        ];
        for (index, other) in others.iter().enumerate() {
            assert!(key != PoolKey::of(other), "{index}");
        }
    }

    #[test]
    fn a_change_of_known_hosts_needs_a_new_connection() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("known_hosts");
        let settings = SftpSettings { host_key: HostKeyRule::KnownHosts(vec![file.clone()]), ..settings() };
        let missing = PoolKey::of(&settings);
        std::fs::write(&file, "h ssh-ed25519 a")?;
        let known = PoolKey::of(&settings);
        assert!(known != missing && known == PoolKey::of(&settings));
        std::fs::write(&file, "h ssh-ed25519 b")?;
        assert!(known != PoolKey::of(&settings));
        std::fs::write(&file, "")?;
        assert!(missing != PoolKey::of(&settings));
        Ok(())
    }
}
