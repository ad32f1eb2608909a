//! A control plane with a registered agent, and SFTP and FTP servers on the loopback interface.

use std::{
    env, fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use backend::{
    actor::Actor,
    app::{Ambient, App},
    model::{customer::CreateCustomer, enrolment_code::CreateEnrolmentCode},
};
use serde_json::Value;

use crate::place::{self, Place, Server};

/// The password of the user of FTP.
const PASSWORD: &str = "bench";

pub(crate) struct Setup {
    server: PathBuf,
    agent: PathBuf,
    user: String,
    sftp_port: u16,
    ftp_servers: Vec<FtpServer>,
    // Declared before the folders, so that it is dropped first.
    _sshd: Process,
    control: Server,
    place: Place,
    /// The folder for the agent's state.
    agent_folder: tempfile::TempDir,
    folder: tempfile::TempDir,
}

/// An instance of vsftpd, with or without TLS.
pub(crate) struct FtpServer {
    /// The name of the endpoint in the agent's configuration.
    pub(crate) endpoint: &'static str,
    /// The name in the results.
    pub(crate) name: &'static str,
    port: u16,
    ca_file: Option<PathBuf>,
    _process: Process,
}

/// A server process. It is stopped when this value is dropped.
pub(crate) struct Process(Child);

impl Setup {
    pub(crate) fn start(server: &Path, agent: &Path) -> Self {
        let folder = tempfile::Builder::new().prefix("mftplus-bench").tempdir_in("/var/tmp").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["here", "there", "empty"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let place = Place { folder: folder_apart(), database_url: None };
        let code = enrolment_code(&place);
        let control = Server::product(server, &place, "off");
        let user = output(Command::new("id").arg("-un"));
        let (sshd, sftp_port, fingerprint) = sshd(folder.path(), &user);
        let ftp_servers = ftp_servers(folder.path(), &user);
        let at = folder.path().display();
        let mut config = format!(
            "[credentials.sftp]\nuser = '{user}'\nkey-file = '{at}/user_key'\n\n[endpoints.sftp]\nprotocol = 'sftp'\nhost = '127.0.0.1'\nport = {sftp_port}\ncredentials = 'sftp'\nhost-key = '{fingerprint}'\n\n[credentials.ftp]\nuser = 'anonymous'\npassword = '{PASSWORD}'\n"
        );
        config.extend(ftp_servers.iter().map(FtpServer::config));
        let file = folder.path().join("agent.toml");
        fs::write(&file, config).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let setup = Self {
            server: fs::canonicalize(server).unwrap(),
            agent: fs::canonicalize(agent).unwrap(),
            user,
            sftp_port,
            ftp_servers,
            _sshd: sshd,
            control,
            place,
            agent_folder: folder_apart(),
            folder,
        };
        let url = format!("http://{}", setup.control.address);
        let script = format!("{} --server {url} register --code {code} --name bench", setup.agent());
        output(Command::new("sh").args(["-c", &script]));
        setup
    }

    /// The folder of the files on the client's side.
    pub(crate) fn here(&self) -> PathBuf {
        self.folder.path().join("here")
    }

    /// The folder of the files on the servers' side.
    pub(crate) fn there(&self) -> PathBuf {
        self.folder.path().join("there")
    }

    pub(crate) fn ftp_servers(&self) -> &[FtpServer] {
        &self.ftp_servers
    }

    fn agent(&self) -> String {
        let (at, state) = (self.folder.path().display(), self.state());
        format!("{} --log warn --state-dir {} --config {at}/agent.toml", self.agent.display(), state.display())
    }

    /// The folder with the state of the agent.
    fn state(&self) -> PathBuf {
        self.agent_folder.path().join("state")
    }

    /// Starts the agent as a daemon, with these arguments of `mftplus-agent run`.
    pub(crate) fn daemon(&self, args: &[&str]) -> Process {
        let mut command = Command::new(&self.agent);
        command.args(["--log", "warn", "--state-dir"]).arg(self.state());
        command.arg("--config").arg(self.folder.path().join("agent.toml")).arg("run").args(args);
        command.process_group(0).stdin(Stdio::null());
        Process(command.spawn().unwrap())
    }

    /// The id of the agent.
    pub(crate) fn agent_id(&self) -> Value {
        let stored = fs::read(self.state().join("agent.json")).unwrap();
        serde_json::from_slice::<Value>(&stored).unwrap()["agentId"].take()
    }

    /// An access token of the administrator.
    pub(crate) fn token(&self) -> String {
        output(Command::new(&self.server).args(["token", "admin@localhost"]).args(self.place.flags()))
    }

    /// Posts JSON to the control plane. Returns the answer.
    pub(crate) fn post(&self, token: &str, path: &str, body: &Value) -> Value {
        let mut command = Command::new("curl");
        command.args(["-sS", "--fail-with-body", "-H", "Content-Type: application/json"]);
        command.args(["-H", &format!("Authorization: Bearer {token}"), "-d", &body.to_string()]);
        serde_json::from_str(&output(command.arg(format!("http://{}{path}", self.control.address)))).unwrap()
    }

    /// The shell script of a copy by the agent. `verify` is the value of `--verify`.
    pub(crate) fn copy(&self, verify: &str, source: &str, destination: &str) -> String {
        format!("{} copy --verify {verify} {source} {destination} 2> /dev/null", self.agent())
    }

    /// The path as the agent's command line names it: on the SFTP server if `is_remote`, otherwise on this machine.
    pub(crate) fn sftp_end(path: &Path, is_remote: bool) -> String {
        if is_remote { format!("sftp:{}", path.display()) } else { path.display().to_string() }
    }

    /// The shell script that runs one command of OpenSSH's `sftp`, with the cipher that the agent uses.
    pub(crate) fn sftp(&self, command: &str) -> String {
        let (at, port, user) = (self.folder.path().display(), self.sftp_port, &self.user);
        format!(
            "echo '{command}' | sftp -q -b - -P {port} -i {at}/user_key -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -c aes256-gcm@openssh.com {user}@127.0.0.1"
        )
    }

    /// The shell script of a copy by rclone; `None` if rclone is not installed. rclone compares no digests here, like
    /// the agent without verification: it would run `md5sum` in a new session for each file, which takes more than a
    /// minute for a thousand files.
    pub(crate) fn rclone(&self, source: &str, destination: &str) -> Option<String> {
        let (at, port, user) = (self.folder.path().display(), self.sftp_port, &self.user);
        find_program("rclone")?;
        Some(format!(
            "rclone --config /dev/null --sftp-host 127.0.0.1 --sftp-port {port} --sftp-user {user} --sftp-key-file {at}/user_key --sftp-disable-hashcheck --ignore-checksum copy {source} {destination}"
        ))
    }
}

impl FtpServer {
    pub(crate) fn url(&self) -> String {
        format!("ftp://127.0.0.1:{}", self.port)
    }

    /// The beginning of a shell script with curl.
    pub(crate) fn curl(&self) -> String {
        let tls = self.ca_file.as_ref().map(|file| format!(" --ssl-reqd --cacert {}", file.display()));
        format!("curl -sS -u anonymous:{PASSWORD}{}", tls.unwrap_or_default())
    }

    /// The table of this endpoint in the agent's configuration.
    fn config(&self) -> String {
        let (protocol, tls) = match &self.ca_file {
            Some(file) => ("ftps", format!("tls = 'explicit'\nca-file = '{}'\n", file.display())),
            None => ("ftp", String::new()),
        };
        format!(
            "\n[endpoints.{}]\nprotocol = '{protocol}'\nhost = '127.0.0.1'\nport = {}\ncredentials = 'ftp'\n{tls}",
            self.endpoint, self.port
        )
    }
}

impl Process {
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Starts a server and waits until it listens.
    fn start(command: &mut Command, port: u16) -> Self {
        // The server gets its own process group, so that stopping the group also ends its sessions.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = Self(command.spawn().unwrap());
        let start = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(start.elapsed() < Duration::from_secs(20), "{command:?} does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        process
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        drop(Command::new("kill").args(["-KILL", "--", &group]).status());
        drop(self.0.wait());
    }
}

/// Creates a folder on another file system than the copied files: in memory, if there is a file system in memory.
///
/// The agent syncs its state, and the control plane its database, before the copy ends. On ext4, a sync of any file
/// waits for blocks that were allocated to other files meanwhile. So on one disk, these few kilobytes would wait for
/// the whole copied file, while the other tools sync no such files. In production, the control plane runs on another
/// machine with its own disk.
fn folder_apart() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { env::temp_dir() };
    tempfile::Builder::new().prefix("mftplus-bench").tempdir_in(parent).unwrap()
}

fn enrolment_code(place: &Place) -> String {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let app = App::start(&place::settings(place.flags()), Ambient::default()).await.unwrap();
        let customer = CreateCustomer { name: "Bench".to_owned() };
        let customer = app.cp.create_customer(&Actor::System, customer, None).await.unwrap().id;
        let code = CreateEnrolmentCode::default();
        let code = app.cp.create_enrolment_code(&Actor::System, customer, code).await.unwrap().code;
        app.close().await;
        code
    })
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Starts the OpenSSH server. Returns it with its port and the fingerprint of its host key.
fn sshd(folder: &Path, user: &str) -> (Process, u16, String) {
    for name in ["host_key", "user_key"] {
        output(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(folder.join(name)));
    }
    fs::copy(folder.join("user_key.pub"), folder.join("authorized_keys")).unwrap();
    let shown = output(Command::new("ssh-keygen").arg("-lf").arg(folder.join("host_key.pub")));
    let fingerprint = shown.split_whitespace().nth(1).unwrap().to_owned();
    if user == "root" {
        fs::create_dir_all("/run/sshd").unwrap();
    }
    let (at, port) = (folder.display(), free_port());
    let config = format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {at}/host_key\nAuthorizedKeysFile {at}/authorized_keys\nPidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nMaxSessions 100\nSubsystem sftp internal-sftp\n"
    );
    fs::write(folder.join("sshd_config"), config).unwrap();
    let mut command = Command::new("/usr/sbin/sshd");
    command.args(["-D", "-e", "-f"]).arg(folder.join("sshd_config"));
    (Process::start(&mut command, port), port, fingerprint)
}

/// Starts vsftpd, once without TLS and once with it. Returns an empty list if vsftpd is not installed.
fn ftp_servers(folder: &Path, user: &str) -> Vec<FtpServer> {
    let Some(program) = vsftpd() else {
        println!("vsftpd is not installed, so FTP is not measured; cargo xtask unpacks it for root");
        return Vec::new();
    };
    certificates(folder);
    let plain = ftp_server(folder, user, &program, false);
    vec![plain, ftp_server(folder, user, &program, true)]
}

fn ftp_server(folder: &Path, user: &str, program: &Path, has_tls: bool) -> FtpServer {
    let (at, port) = (folder.display(), free_port());
    let tls = if has_tls { "YES" } else { "NO" };
    fs::write(folder.join("passwords"), PASSWORD).unwrap();
    let config = format!(
        "listen=YES\nlisten_address=127.0.0.1\nlisten_port={port}\nbackground=NO\nrun_as_launching_user=YES\nftp_username={user}\nanonymous_enable=YES\nlocal_enable=NO\nsecure_email_list_enable=YES\nemail_password_file={at}/passwords\nanon_root={at}/there\nsecure_chroot_dir={at}/empty\nwrite_enable=YES\nanon_upload_enable=YES\nanon_mkdir_write_enable=YES\nanon_other_write_enable=YES\nanon_world_readable_only=NO\nanon_umask=022\nseccomp_sandbox=NO\nconnect_from_port_20=NO\nxferlog_enable=NO\nssl_enable={tls}\nallow_anon_ssl=YES\nforce_anon_data_ssl={tls}\nforce_anon_logins_ssl={tls}\nrequire_ssl_reuse=NO\nssl_ciphers=HIGH\nrsa_cert_file={at}/both.pem\n"
    );
    let file = folder.join(format!("vsftpd-{tls}.conf"));
    fs::write(&file, config).unwrap();
    let mut command = Command::new(program);
    if let Some(root) = unpacked() {
        command.env("LD_LIBRARY_PATH", root.join(format!("usr/lib/{}-linux-gnu", env::consts::ARCH)));
    }
    let process = Process::start(command.arg(file), port);
    FtpServer {
        endpoint: if has_tls { "ftps" } else { "ftp" },
        name: if has_tls { "FTPS" } else { "FTP" },
        port,
        ca_file: has_tls.then(|| folder.join("ca.pem")),
        _process: process,
    }
}

/// Creates a CA, and a certificate for 127.0.0.1 that it signs.
fn certificates(folder: &Path) {
    let openssl = |args: &str| output(Command::new("openssl").current_dir(folder).args(args.split(' ')));
    fs::write(folder.join("extensions"), "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n").unwrap();
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca");
    openssl("req -newkey rsa:2048 -nodes -keyout key.pem -out request.pem -subj /CN=ftp");
    openssl(
        "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out cert.pem",
    );
    let both = ["key.pem", "cert.pem"].map(|name| fs::read(folder.join(name)).unwrap());
    fs::write(folder.join("both.pem"), both.concat()).unwrap();
}

/// The folder in which xtask has unpacked the packages of FTP servers; `None` if there is none.
fn unpacked() -> Option<PathBuf> {
    env::var_os("MFTPLUS_TEST_FTP_SERVERS").map(PathBuf::from).filter(|root| root.is_dir())
}

fn vsftpd() -> Option<PathBuf> {
    let program = unpacked().map(|root| root.join("usr/sbin/vsftpd")).filter(|program| program.is_file());
    program.or_else(|| find_program("vsftpd"))
}

fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// Runs a command, which must succeed, and returns its output.
pub(crate) fn output(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
