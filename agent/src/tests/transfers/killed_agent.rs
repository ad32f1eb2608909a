//! An agent that is killed in the middle of its work, as by the kernel or a power failure. It is a process of its own: this
//! test binary, which runs the daemon when a variable of its environment says so.

use std::env;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::json;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::faulty_proxy::Fault;
use super::remote_server::Kind;
use super::{Setup, assert_completed, ended_transfer};
use crate::command::run as run_command;
use crate::config::reloadable_config::LiveConfig;
use crate::server::connection_settings::ConnectionSettings;
use crate::server::wire::Direction;
use crate::tests::{TestAgent, test_bytes, timing, wait_until};
use crate::work::agent::Settings;

/// Names the folder of the agent in the process that is the agent.
const AGENT_FOLDER: &str = "MFTPLUS_TEST_AGENT_FOLDER";

/// The name of the test, which is also the entry of that process.
const ENTRY: &str =
    "tests::transfers::killed_agent::an_agent_that_is_killed_at_twenty_points_copies_each_file_once_as_root";

/// Bytes of each file: enough for its part to be continued by another process.
const SIZE: usize = 6 << 20;

/// Kills for each kind of server and each direction.
const KILLS: usize = 5;

const SEED: u64 = 14;

#[test]
#[ignore = "needs OpenSSH and vsftpd, and root"]
fn an_agent_that_is_killed_at_twenty_points_copies_each_file_once_as_root() -> anyhow::Result<()> {
    if let Some(folder) = env::var_os(AGENT_FOLDER) {
        return run_agent(Path::new(&folder));
    }
    Runtime::new()?.block_on(kill_at_random_points())
}

/// The daemon, until it is killed.
fn run_agent(folder: &Path) -> anyhow::Result<()> {
    let settings = Settings {
        server: None,
        state_dir: folder.join("state"),
        connection: ConnectionSettings::default(),
        config: Arc::new(LiveConfig::load(Some(folder.join("mftplus-agent.toml")))?),
        timing: timing(),
        stop: CancellationToken::new(),
    };
    let exit = Runtime::new()?.block_on(run_command::run(&settings, &TestAgent::run_args()))?;
    anyhow::bail!("the agent has ended by itself: {exit:?}")
}

/// The process of the agent. It is killed when this is dropped.
struct AgentProcess(Child);

impl AgentProcess {
    fn start(agent: &TestAgent) -> anyhow::Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.args(["--exact", ENTRY, "--include-ignored"]).env(AGENT_FOLDER, &agent.root);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self(command.spawn().context("the agent does not start")?))
    }
}

impl Drop for AgentProcess {
    fn drop(&mut self) {
        // It may have ended by itself, which the transfer then shows.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn kill_at_random_points() -> anyhow::Result<()> {
    let mut random = fastrand::Rng::with_seed(SEED);
    for kind in [Kind::Sftp, Kind::Ftp] {
        for direction in [Direction::Pull, Direction::Push] {
            let setup = Setup::start(kind).await?;
            // What is pushed is read back.
            let traffic = SIZE as u64 * if direction == Direction::Push { 2 } else { 1 };
            for number in 0..KILLS {
                // A few points come after the last byte.
                let point = random.u64(0..traffic + traffic / 10);
                kill_at(&setup, direction, &format!("file-{number}"), point)
                    .await
                    .with_context(|| format!("{kind:?}, {direction:?}, killed after {point} bytes"))?;
            }
        }
    }
    Ok(())
}

/// Kills the agent when `point` bytes of a copy have passed, or when it is done; then another process finishes it.
async fn kill_at(setup: &Setup, direction: Direction, name: &str, point: u64) -> anyhow::Result<()> {
    let bytes = test_bytes(SIZE);
    let job = setup.job(direction, name, &bytes)?;
    let (server, destination) = (&setup.agent.server, setup.destination(direction, name));
    setup.proxy.set_script([(point, Fault::Hold)]);
    let (_, directive) = server.send_job(job);
    let agent = AgentProcess::start(&setup.agent)?;
    let has_ended = || {
        let is_over = |run: &serde_json::Value| run["directiveId"] == json!(directive) && run["status"] != "running";
        server.change(|state| state.runs.values().any(is_over))
    };
    wait_until(|| setup.proxy.holds() || has_ended()).await?;
    drop(agent);
    setup.proxy.reset();
    if let Ok(published) = std::fs::read(&destination) {
        assert!(published == bytes, "an incomplete copy stands under its final name");
    }
    let agent = AgentProcess::start(&setup.agent)?;
    let transfer = ended_transfer(&setup.agent, directive).await?;
    drop(agent);
    assert_completed(&transfer, &destination, &bytes)?;
    let (claims, transfers) = server.change(|state| {
        let claims = state.claims.iter().filter(|claim| **claim == json!(directive)).count();
        (claims, state.transfers.values().filter(|other| other["jobRunId"] == transfer["jobRunId"]).count())
    });
    assert_eq!((claims, transfers), (1, 1), "the job ran twice");
    Ok(())
}
