//! Tests of whole commands against a small HTTP server that follows the REST contract.

mod certificates;
mod copy_interruptions;
mod daemon;
mod damaged_state_files;
mod directives_besides_jobs_and_steps;
mod earlier_release_state;
mod fake_server;
#[cfg(unix)]
mod ftp;
mod jobs;
mod memory_storage;
mod register_and_copy;
#[cfg(target_os = "linux")]
mod sftp;
mod steps;
mod storage_copies;
#[cfg(target_os = "linux")]
mod transfers;
mod unusual_files;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mftplus_protocol::backoff::Backoff;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use self::fake_server::FakeServer;
use crate::command::args::{Identity, RegisterArgs, RunArgs};
use crate::command::copy as copy_command;
use crate::command::copy_args::CopyArgs;
use crate::command::register as register_command;
use crate::command::run as run_command;
use crate::exit::Exit;
use crate::server::connection_settings::ConnectionSettings;
use crate::server::context::Timing;
use crate::server::wire::Direction;
use crate::storage::record_log::{push_line, read_records};
use crate::transfer::copy_rules::{AfterSuccess, OnExists, OnFileError, SymlinkRule};
use crate::transfer::state::Verify;
use crate::work::agent::Settings;
use crate::work::journal::Journal;
use crate::work::work_item::WorkItem;

/// A registered agent with its folder and its server.
struct TestAgent {
    server: Arc<FakeServer>,
    dir: TempDir,
    root: PathBuf,
}

impl TestAgent {
    async fn start() -> anyhow::Result<Self> {
        let server = FakeServer::start().await?;
        let dir = tempfile::tempdir()?;
        let root = std::fs::canonicalize(dir.path())?;
        let agent = Self { server, dir, root };
        agent.register(false).await?;
        Ok(agent)
    }

    fn settings(&self) -> Settings {
        Settings {
            server: Some(self.server.address.clone()),
            state_dir: self.state_dir(),
            connection: ConnectionSettings::default(),
            config: Arc::default(),
            timing: timing(),
            stop: CancellationToken::new(),
        }
    }

    fn state_dir(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    async fn register(&self, force: bool) -> anyhow::Result<Exit> {
        let identity = Identity { name: Some("edge-1".into()), hostname: Some("edge".into()) };
        register_command::register(&self.settings(), &RegisterArgs { code: "code".into(), identity, force }).await
    }

    async fn copy(&self, source: &str, destination: &str) -> anyhow::Result<Exit> {
        copy_command::copy(&self.settings(), &self.args(source, destination)).await
    }

    fn args(&self, source: &str, destination: &str) -> CopyArgs {
        CopyArgs {
            sources: vec![self.path(source)],
            destination: self.path(destination),
            credentials: None,
            max_rate: None,
            verify: Verify::Sha256,
            on_exists: OnExists::Fail,
            overwrite: false,
            on_file_error: OnFileError::Fail,
            symlinks: SymlinkRule::Keep,
            after_success: AfterSuccess::Keep,
            preserve: None,
            direction: Direction::Push,
            report_timeout: Duration::from_secs(20),
        }
    }

    /// Runs the daemon during `test`.
    async fn with_daemon<T>(&self, test: impl AsyncFnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        self.with_daemon_args(&Self::run_args(), test).await
    }

    /// Runs the daemon with these arguments during `test`.
    async fn with_daemon_args<T>(
        &self,
        args: &RunArgs,
        test: impl AsyncFnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        self.with_daemon_settings(self.settings(), args, test).await
    }

    /// Runs the daemon with these settings and arguments during `test`.
    async fn with_daemon_settings<T>(
        &self,
        settings: Settings,
        args: &RunArgs,
        test: impl AsyncFnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let daemon = run_command::run(&settings, args);
        let result = async {
            let result = test().await;
            settings.stop.cancel();
            result
        };
        let (exit, result) = tokio::join!(daemon, result);
        assert_eq!(exit?, Exit::Done);
        result
    }

    fn run_args() -> RunArgs {
        RunArgs { code: None, identity: Identity::default(), max_jobs: None, max_rate: None, allowed_dirs: Vec::new() }
    }

    /// The file of the journal.
    fn journal(&self) -> PathBuf {
        self.state_dir().join("journal.log")
    }

    /// The open work items in the journal.
    fn open_items(&self) -> anyhow::Result<Vec<WorkItem>> {
        Ok(Journal::read_open(&self.state_dir())?)
    }

    /// The state files of transfers.
    fn states(&self) -> anyhow::Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(self.state_dir().join("transfers"))?;
        let paths = entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(paths.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "json")).collect())
    }
}

/// The lines of a journal, with `change` applied to the JSON of each.
fn changed_lines(journal: &Path, change: impl Fn(&str) -> anyhow::Result<String>) -> anyhow::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for json in read_records(journal)? {
        push_line(&mut lines, change(std::str::from_utf8(&json)?)?.as_bytes())?;
    }
    Ok(lines)
}

/// Intervals with which tests do not take long.
fn timing() -> Timing {
    let millis = Duration::from_millis;
    Timing {
        report: millis(20),
        heartbeat: millis(500),
        backoff: Backoff::doubling(millis(20), Duration::from_secs(30)),
        poll: millis(20),
    }
}

/// Waits until `path` exists.
async fn wait_for_path(path: &Path) -> anyhow::Result<()> {
    wait_until(|| path.exists()).await
}

/// Polls until `holds` is true.
async fn wait_until(holds: impl Fn() -> bool) -> anyhow::Result<()> {
    let polling = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    Ok(tokio::time::timeout(Duration::from_secs(30), polling).await?)
}

/// Returns `count` bytes without a short period.
fn test_bytes(count: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..count).map(next).collect()
}

fn sha256(path: &Path) -> anyhow::Result<String> {
    let mut hasher = crate::transfer::checksum::Hasher::new(true);
    hasher.update(&std::fs::read(path)?);
    Ok(hasher.finish().unwrap_or_default())
}
