//! Whole transfers against real servers: every protocol, and what goes wrong on the way. Tests of FTP servers and of file
//! systems that are mounted have `as_root` in their names, by which `cargo xtask test` leaves them out for other users.

mod earlier_release_copies;
mod every_protocol_and_direction;
mod faults;
mod faulty_proxy;
mod full_disks;
mod killed_agent;
mod killed_and_wrong_servers;
mod remote_server;
mod sample_sources;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use mftplus_protocol::backoff::Backoff;
use serde_json::{Value, json};

use self::faulty_proxy::Proxy;
use self::remote_server::{Kind, Remote};
use super::TestAgent;
use super::fake_server::ServerState;
use crate::config::file_permissions::write_private;
use crate::config::reloadable_config::LiveConfig;
use crate::server::wire::Direction;
use crate::storage::part_name;
use crate::work::agent::Settings;

/// The longest that a test waits for a transfer.
const LONGEST: Duration = Duration::from_mins(3);

/// Settings of the agent with this configuration, and with short delays after failures.
fn settings(agent: &TestAgent, config: &str) -> anyhow::Result<Settings> {
    let file = agent.path("mftplus-agent.toml");
    write_private(&file, config)?;
    let mut settings = agent.settings();
    settings.config = Arc::new(LiveConfig::load(Some(file))?);
    settings.timing.backoff = Backoff::doubling(Duration::from_millis(20), Duration::from_millis(200));
    Ok(settings)
}

/// A server behind a proxy, with an agent that knows the way through it.
struct Setup {
    agent: TestAgent,
    remote: Remote,
    proxy: Proxy,
    settings: Settings,
}

impl Setup {
    async fn start(kind: Kind) -> anyhow::Result<Self> {
        Self::with(kind, "").await
    }

    /// With `more` in the table of the endpoint.
    async fn with(kind: Kind, more: &str) -> anyhow::Result<Self> {
        let remote = Remote::start(kind)?;
        let proxy = Proxy::start(remote.port(), kind.speech())?;
        let agent = TestAgent::start().await?;
        let settings = settings(&agent, &remote.config(proxy.port, more))?;
        Ok(Self { agent, remote, proxy, settings })
    }

    /// Writes the source, `bytes`; returns a job that copies it. The names are the same at both ends.
    fn job(&self, direction: Direction, name: &str, bytes: &[u8]) -> anyhow::Result<Value> {
        let source = match direction {
            Direction::Pull => self.remote.path(name),
            Direction::Push => self.agent.path(name),
        };
        std::fs::write(&source, bytes)?;
        Ok(job(&self.remote, direction, &self.agent.path(name), name))
    }

    /// Where the copy of a job is published.
    fn destination(&self, direction: Direction, name: &str) -> PathBuf {
        match direction {
            Direction::Pull => self.agent.path(name),
            Direction::Push => self.remote.path(name),
        }
    }

    /// Runs the daemon during `test`.
    async fn with_daemon<T>(&self, test: impl AsyncFnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        self.agent.with_daemon_settings(self.settings.clone(), &TestAgent::run_args(), test).await
    }

    /// Waits until a failed attempt is reported to the control plane; returns the reported error.
    async fn attempt_is_reported(&self) -> anyhow::Result<String> {
        let server = &self.agent.server;
        server.wait_until("a failed attempt is reported", |state| reported_attempt(state).is_some()).await?;
        server.change(|state| reported_attempt(state)).context("no attempt was reported")
    }

    /// Waits until the proxy holds all bytes.
    async fn is_held(&self) -> anyhow::Result<()> {
        super::wait_until(|| self.proxy.holds()).await
    }
}

/// The reported error of a failed attempt of a running transfer.
fn reported_attempt(state: &ServerState) -> Option<String> {
    let running = state.updates.iter().filter(|update| update["status"] == "running");
    let mut errors = running.filter_map(|update| update["error"].as_str());
    errors.find(|error| error.contains("was interrupted")).map(ToOwned::to_owned)
}

/// A job that copies between the path `local` and the name `remote` of the server.
fn job(server: &Remote, direction: Direction, local: &Path, remote: &str) -> Value {
    let (local, remote) = (local.to_string_lossy().into_owned(), server.location(remote));
    let (source, destination) = match direction {
        Direction::Pull => (remote, local),
        Direction::Push => (local, remote),
    };
    json!({
        "protocol": server.kind().protocol(), "direction": direction, "source": source, "destination": destination,
    })
}

/// Sends a job and waits for its end.
async fn run_job(agent: &TestAgent, job: Value) -> anyhow::Result<Value> {
    let (_, directive) = agent.server.send_job(job);
    ended_transfer(agent, directive).await
}

/// Waits for the end of the run that a directive started; returns its transfer.
async fn ended_transfer(agent: &TestAgent, directive: uuid::Uuid) -> anyhow::Result<Value> {
    let directive = json!(directive);
    let transfer_of_run = |state: &ServerState| {
        let run = state.runs.values().find(|run| run["directiveId"] == directive && run["status"] != "running")?;
        let transfer = state.transfers.values().find(|transfer| transfer["jobRunId"] == run["id"])?;
        (transfer["status"] == run["status"]).then(|| transfer.clone())
    };
    agent.server.wait_within(LONGEST, "the run ends", |state| transfer_of_run(state).is_some()).await?;
    agent.server.change(|state| transfer_of_run(state)).context("the transfer is gone")
}

/// Checks that a transfer is completed, with its bytes at the destination and no other file of ours beside it.
fn assert_completed(transfer: &Value, destination: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    assert_eq!(transfer["status"], "completed", "{transfer}");
    assert_eq!(transfer["bytesTransferred"], json!(bytes.len()), "{transfer}");
    let copy = std::fs::read(destination)?;
    assert!(copy == bytes, "{} has other bytes: {transfer}", destination.display());
    assert_eq!(transfer["checksumSha256"], json!(super::sha256(destination)?), "{transfer}");
    assert_eq!(part_of(destination)?, None, "a part file is left");
    Ok(())
}

/// The part file of a copy, if there is one. On a server its name holds a tag of the transfer.
fn part_of(destination: &Path) -> anyhow::Result<Option<PathBuf>> {
    let folder = destination.parent().context("the root is no copy")?;
    let name = destination.file_name().context("the copy has no name")?.as_encoded_bytes();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let rest = entry.file_name().as_encoded_bytes().strip_prefix(name).map(<[u8]>::to_vec);
        if rest.is_some_and(|rest| rest.starts_with(b".")) && part_name::is_part(&entry.file_name()) {
            return Ok(Some(entry.path()));
        }
    }
    Ok(None)
}

/// Checks that a transfer failed for a reason with these words, and that nothing stands under the final name.
fn assert_failed(transfer: &Value, destination: &Path, reason: &str) {
    assert_eq!(transfer["status"], "failed", "{transfer}");
    let error = transfer["errorMessage"].as_str().unwrap_or_default();
    assert!(error.contains(reason), "{error}");
    assert!(!destination.exists(), "an incomplete copy stands under its final name: {transfer}");
}
