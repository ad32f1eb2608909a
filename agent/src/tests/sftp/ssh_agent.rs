//! Keys of ssh-agent. It is found by `SSH_AUTH_SOCK`, so what signs in is a process of its own: this test binary, when a
//! variable of its environment says so.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::server_process::{SshServer, make_key};
use crate::config::file_permissions::write_private;
use crate::config::reloadable_config::LiveConfig;
use crate::storage::location::Location;
use crate::storage::open::{ConfiguredServers, Connect as _};
use crate::storage::storage_path::StoragePath;

/// Names the folder with the configuration, in the process that signs in.
const FOLDER: &str = "MFTPLUS_TEST_SSH_AGENT_FOLDER";

/// The variable by which programs find ssh-agent.
const SOCKET: &str = "SSH_AUTH_SOCK";

/// The name of the test, which is also the entry of that process.
const ENTRY: &str = "tests::sftp::ssh_agent::a_key_of_ssh_agent_signs_in_if_the_server_takes_it";

#[test]
#[ignore = "needs OpenSSH"]
fn a_key_of_ssh_agent_signs_in_if_the_server_takes_it() -> anyhow::Result<()> {
    if let Some(folder) = env::var_os(FOLDER) {
        return sign_in(Path::new(&folder));
    }
    let server = SshServer::start()?;
    let (user, port, fingerprint) = (server.user(), server.port, &server.fingerprint);
    let config = format!(
        "[credentials.partner]\nuser = '{user}'\nssh-agent = true\n\n[endpoints.partner]\nprotocol = 'sftp'\nhost = '127.0.0.1'\nport = {port}\ncredentials = 'partner'\nhost-key = '{fingerprint}'\n"
    );
    write_private(&server.path("mftplus-agent.toml"), config)?;
    make_key(&server.path("stranger"), "")?;

    let agent = SshAgent::start()?;
    agent.add(&server.path("stranger"))?;
    let refused = run(&server.path(""), &agent.socket)?;
    assert!(refused.contains("1 of the keys of ssh-agent are refused"), "{refused}");
    agent.add(&server.path("user_key"))?;
    assert_eq!(run(&server.path(""), &agent.socket)?, "");
    let missing = run(&server.path(""), &server.path("no-socket"))?;
    assert!(missing.contains("no ssh-agent answers at SSH_AUTH_SOCK"), "{missing}");
    Ok(())
}

/// Signs in with the configuration in a folder, and lists the root of the server.
fn sign_in(folder: &Path) -> anyhow::Result<()> {
    let config = Arc::new(LiveConfig::load(Some(folder.join("mftplus-agent.toml")))?);
    let runtime = Runtime::new()?;
    let servers = ConfiguredServers::new(config, folder, runtime.handle().clone());
    let Location::Remote(location) = Location::parse("sftp://partner/")? else { anyhow::bail!("it is a path") };
    let connected = servers.connect(&location, None, &CancellationToken::new())?;
    anyhow::ensure!(!connected.storage.list(&StoragePath::default())?.is_empty(), "the root is empty");
    Ok(())
}

/// Signs in by another process; what it says if that fails.
fn run(folder: &Path, socket: &Path) -> anyhow::Result<String> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["--exact", ENTRY, "--include-ignored", "--nocapture"]).env(FOLDER, folder).env(SOCKET, socket);
    let ended = command.stdin(Stdio::null()).output()?;
    let said = [ended.stdout, ended.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    anyhow::ensure!(said.contains("running 1 test"), "{ENTRY} is not the name of the test: {said}");
    Ok(if ended.status.success() { String::new() } else { said })
}

/// A running ssh-agent without keys. It ends when this is dropped.
struct SshAgent {
    process: Child,
    socket: PathBuf,
    _folder: TempDir,
}

impl SshAgent {
    fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let socket = folder.path().join("socket");
        let mut command = Command::new("ssh-agent");
        command.arg("-D").arg("-a").arg(&socket).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().context("ssh-agent is missing: install the package openssh-client")?;
        let agent = Self { process, socket, _folder: folder };
        let begin = Instant::now();
        while !agent.socket.exists() {
            anyhow::ensure!(begin.elapsed() < Duration::from_mins(1), "ssh-agent does not start");
            sleep(Duration::from_millis(20));
        }
        Ok(agent)
    }

    fn add(&self, key: &Path) -> anyhow::Result<()> {
        let mut command = Command::new("ssh-add");
        command.arg("-q").arg(key).env(SOCKET, &self.socket).stdin(Stdio::null());
        let ended = command.status()?;
        anyhow::ensure!(ended.success(), "ssh-add failed: {ended}");
        Ok(())
    }
}

impl Drop for SshAgent {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
