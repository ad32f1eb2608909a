//! Whole stories, told with a small real server that plays the REST contract.

mod copying;
mod daemon;
mod damage;
mod frozen;
mod interruptions;
mod jobs;
mod server;
mod sources;
mod steps;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mftplus_protocol::backoff::Backoff;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use self::server::Server;
use crate::command::args::{CopyArgs, Identity, RegisterArgs, RunArgs};
use crate::command::copy as copy_command;
use crate::command::register as register_command;
use crate::command::run as run_command;
use crate::exit::Exit;
use crate::server::connection::Timing;
use crate::server::wire::Direction;
use crate::session::Settings;
use crate::transfer::state::Verify;
use crate::work::journal::Journal;
use crate::work::task::WorkItem;

/// A registered agent, its folder and its server.
struct Stage {
    server: Arc<Server>,
    dir: TempDir,
    root: PathBuf,
}

impl Stage {
    async fn set() -> anyhow::Result<Self> {
        let server = Server::start().await?;
        let dir = tempfile::tempdir()?;
        let root = std::fs::canonicalize(dir.path())?;
        let stage = Self { server, dir, root };
        stage.register(false).await?;
        Ok(stage)
    }

    fn settings(&self) -> Settings {
        let millis = Duration::from_millis;
        Settings {
            server: Some(self.server.address.clone()),
            state_dir: self.state_dir(),
            timing: Timing {
                report: millis(20),
                heartbeat: millis(500),
                backoff: Backoff::doubling(millis(20), Duration::from_secs(30)),
                poll: millis(20),
            },
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
            max_rate: None,
            verify: Verify::Sha256,
            overwrite: false,
            direction: Direction::Push,
            report_timeout: Duration::from_secs(20),
        }
    }

    /// Runs the daemon until `story` has been told.
    async fn with_daemon<T>(&self, story: impl AsyncFnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        self.with_daemon_of(&Self::run_args(), story).await
    }

    /// Runs the daemon with these arguments until `story` has been told.
    async fn with_daemon_of<T>(
        &self,
        args: &RunArgs,
        story: impl AsyncFnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        self.with_daemon_in(self.settings(), args, story).await
    }

    /// Runs the daemon in this setting until `story` has been told.
    async fn with_daemon_in<T>(
        &self,
        settings: Settings,
        args: &RunArgs,
        story: impl AsyncFnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let daemon = run_command::run(&settings, args);
        let told = async {
            let told = story().await;
            settings.stop.cancel();
            told
        };
        let (exit, told) = tokio::join!(daemon, told);
        assert_eq!(exit?, Exit::Done);
        told
    }

    fn run_args() -> RunArgs {
        RunArgs { code: None, identity: Identity::default(), max_jobs: 4, max_rate: None, allowed_dirs: Vec::new() }
    }

    /// What the agent has not done with.
    fn open_items(&self) -> anyhow::Result<Vec<WorkItem>> {
        Ok(Journal::read_open(&self.state_dir())?)
    }

    /// The names of the state files that are left.
    fn states(&self) -> anyhow::Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(self.state_dir().join("transfers"))?;
        let paths = entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(paths.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "json")).collect())
    }
}

/// Waits until something stands at `path`.
async fn until_there(path: &Path) -> anyhow::Result<()> {
    until(|| path.exists()).await
}

/// Waits until something holds that nobody tells of.
async fn until(holds: impl Fn() -> bool) -> anyhow::Result<()> {
    let looking = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    Ok(tokio::time::timeout(Duration::from_secs(30), looking).await?)
}

/// Bytes that do not repeat early.
fn some_bytes(count: usize) -> Vec<u8> {
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
