//! An OpenSSH server on a port of its own, with its own keys, for the user who runs the tests.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use russh::keys::{HashAlg, PublicKey};
use tempfile::TempDir;

use crate::config::resolved_endpoint::{Credentials, HostKeyRule, SftpSettings, Timeouts};

/// sshd starts itself again for each connection, so it wants an absolute path.
const PROGRAM: &str = "/usr/sbin/sshd";

/// Where sshd locks away the part of itself that is not trusted yet, if root runs it.
const EMPTY_FOLDER: &str = "/run/sshd";

/// Another process may take the port between the search for it and the start.
const ATTEMPTS: usize = 5;

/// A running server. It ends when this is dropped.
pub(in crate::tests) struct SshServer {
    folder: TempDir,
    pub(in crate::tests) port: u16,
    pub(in crate::tests) fingerprint: String,
    user: String,
    /// Lines of its configuration, which come first and so count.
    options: String,
    process: Child,
}

impl SshServer {
    pub(in crate::tests) fn start() -> anyhow::Result<Self> {
        Self::start_with(|_| Ok(String::new()))
    }

    /// With the lines of configuration that `prepare` returns. It gets the folder, for the files that they name.
    pub(in crate::tests) fn start_with(prepare: impl FnOnce(&Path) -> anyhow::Result<String>) -> anyhow::Result<Self> {
        anyhow::ensure!(Path::new(PROGRAM).exists(), "{PROGRAM} is missing: install the package openssh-server");
        let folder = tempfile::tempdir()?;
        let path = |name: &str| folder.path().join(name);
        for name in ["host_key", "user_key"] {
            make_key(&path(name), "")?;
        }
        fs::copy(path("user_key.pub"), path("authorized_keys"))?;
        fs::create_dir(path("data"))?;
        let options = prepare(folder.path())?;
        let user = Command::new("id").arg("-un").output()?;
        let user = String::from_utf8(user.stdout)?.trim().to_owned();
        if user == "root" {
            fs::create_dir_all(EMPTY_FOLDER)?;
        }
        let host_key = PublicKey::from_openssh(&fs::read_to_string(path("host_key.pub"))?)?;
        let fingerprint = host_key.fingerprint(HashAlg::Sha256).to_string();
        for _ in 0..ATTEMPTS {
            let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            let mut process = spawn(folder.path(), port, &options)?;
            if answers(&mut process, port)? {
                return Ok(Self { folder, port, fingerprint, user, options, process });
            }
        }
        anyhow::bail!("sshd does not start: {}", fs::read_to_string(path("log"))?)
    }

    pub(in crate::tests) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder that the storages of the tests have as their root.
    pub(in crate::tests) fn data(&self, name: &str) -> PathBuf {
        self.path("data").join(name)
    }

    /// Settings with which the agent signs in.
    pub(in crate::tests) fn settings(&self) -> SftpSettings {
        SftpSettings {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            credentials: Credentials {
                user: self.user.clone(),
                password: None,
                key_file: Some(self.path("user_key")),
                passphrase: None,
                use_agent: false,
            },
            host_key: HostKeyRule::Fingerprint(self.fingerprint.clone()),
            legacy_algorithms: false,
            timeouts: Timeouts {
                connect: Duration::from_mins(1),
                idle: Duration::from_mins(1),
                keep_alive: Duration::from_secs(30),
            },
            proxy: None,
            root: self.path("data").to_string_lossy().into_owned(),
        }
    }
}

impl SshServer {
    /// The user whom it lets in.
    pub(in crate::tests) fn user(&self) -> &str {
        &self.user
    }

    /// Ends it with all its sessions, as a crash of the machine does.
    pub(in crate::tests) fn kill(&mut self) {
        // Each session is in a group of its own.
        let sessions = descendants(self.process.id());
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if !sessions.is_empty() {
            let ids = sessions.iter().map(ToString::to_string);
            let _ = Command::new("kill").arg("-KILL").args(ids).stderr(Stdio::null()).status();
        }
    }

    /// Starts it again on its port, with its keys and files.
    pub(in crate::tests) fn restart(&mut self) -> anyhow::Result<()> {
        self.process = spawn(self.folder.path(), self.port, &self.options)?;
        anyhow::ensure!(answers(&mut self.process, self.port)?, "sshd does not start again");
        Ok(())
    }
}

impl Drop for SshServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The processes that a process has started, and those that they have.
fn descendants(process: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let all: Vec<(u32, u32)> = ids.filter_map(|id| Some((id, parent_of(id)?))).collect();
    let mut found = Vec::new();
    let mut parents = vec![process];
    while let Some(parent) = parents.pop() {
        let children = all.iter().filter(|(_, above)| *above == parent).map(|(id, _)| *id);
        let children: Vec<u32> = children.collect();
        found.extend_from_slice(&children);
        parents.extend(children);
    }
    found
}

fn parent_of(process: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

/// Makes a key pair.
pub(in crate::tests) fn make_key(file: &Path, passphrase: &str) -> anyhow::Result<()> {
    keygen(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", passphrase, "-f"]).arg(file))
}

/// Runs ssh-keygen.
pub(super) fn keygen(command: &mut Command) -> anyhow::Result<()> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let ended = command.status().context("ssh-keygen is missing: install the package openssh-client")?;
    anyhow::ensure!(ended.success(), "ssh-keygen failed: {ended}");
    Ok(())
}

fn spawn(folder: &Path, port: u16, options: &str) -> anyhow::Result<Child> {
    let at = folder.display();
    let config = format!(
        "{options}\nPort {port}\nListenAddress 127.0.0.1\nHostKey {at}/host_key\nAuthorizedKeysFile {at}/authorized_keys\nPidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nSubsystem sftp internal-sftp\n"
    );
    fs::write(folder.join("config"), config)?;
    let mut command = Command::new(PROGRAM);
    command.args(["-D", "-e", "-f"]).arg(folder.join("config")).stdin(Stdio::null()).stdout(Stdio::null());
    Ok(command.stderr(File::create(folder.join("log"))?).spawn()?)
}

/// Waits until the server listens. False if it has ended.
fn answers(process: &mut Child, port: u16) -> anyhow::Result<bool> {
    let begin = Instant::now();
    while process.try_wait()?.is_none() {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(true);
        }
        if begin.elapsed() > Duration::from_mins(1) {
            process.kill()?;
            process.wait()?;
            anyhow::bail!("sshd does not listen on port {port}");
        }
        sleep(Duration::from_millis(20));
    }
    Ok(false)
}
