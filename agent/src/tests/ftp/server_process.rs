//! vsftpd and pure-ftpd on loopback, each in a temporary folder, stopped when dropped.

use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tempfile::TempDir;

use crate::config::resolved_endpoint::{Credentials, FtpMode, FtpSettings, FtpTls, Timeouts};

pub(in crate::tests) const PASSWORD: &str = "secret";

/// The user and group `nobody`, as which pure-ftpd works on files.
const NOBODY: u32 = 65534;

/// The longest that a server may take until it answers.
const START: Duration = Duration::from_mins(1);

/// `openssl x509` cannot set the dates of a certificate; `openssl ca` can, and needs this.
const CA_SETTINGS: &str = "\
[ca]
default_ca = test
[test]
database = index
serial = serial
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = any
x509_extensions = server
[any]
commonName = supplied
[server]
subjectAltName = IP:127.0.0.1
basicConstraints = CA:FALSE
";

/// The servers under test. vsftpd accepts data connections only if they resume the session of the control connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tests) enum Kind {
    Vsftpd,
    VsftpdExplicit,
    VsftpdImplicit,
    PureFtpd,
    PureFtpdExplicit,
}

impl Kind {
    pub(in crate::tests) const ALL: [Self; 5] =
        [Self::Vsftpd, Self::VsftpdExplicit, Self::VsftpdImplicit, Self::PureFtpd, Self::PureFtpdExplicit];

    fn is_vsftpd(self) -> bool {
        matches!(self, Self::Vsftpd | Self::VsftpdExplicit | Self::VsftpdImplicit)
    }

    fn tls(self) -> FtpTls {
        match self {
            Self::Vsftpd | Self::PureFtpd => FtpTls::None,
            Self::VsftpdExplicit | Self::PureFtpdExplicit => FtpTls::Explicit,
            Self::VsftpdImplicit => FtpTls::Implicit,
        }
    }
}

/// A CA, and a certificate of it for 127.0.0.1.
pub(in crate::tests) struct Certificates(TempDir);

impl Certificates {
    pub(in crate::tests) fn create() -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let openssl = |args: &str| run(Command::new("openssl").current_dir(dir.path()).args(args.split(' ')));
        fs::write(dir.path().join("extensions"), "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")?;
        openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca")?;
        openssl("req -newkey rsa:2048 -nodes -keyout key.pem -out request.pem -subj /CN=ftp")?;
        openssl(
            "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out cert.pem",
        )?;
        let both = [fs::read(dir.path().join("key.pem"))?, fs::read(dir.path().join("cert.pem"))?].concat();
        fs::write(dir.path().join("both.pem"), both)?;
        Ok(Self(dir))
    }

    /// The same with a certificate that has expired.
    pub(in crate::tests) fn create_expired() -> anyhow::Result<Self> {
        let certificates = Self::create()?;
        let dir = certificates.0.path();
        fs::write(dir.join("ca.conf"), CA_SETTINGS)?;
        fs::write(dir.join("index"), "")?;
        fs::write(dir.join("serial"), "1000\n")?;
        let mut sign = Command::new("openssl");
        sign.current_dir(dir).args(["ca", "-batch", "-notext", "-config", "ca.conf", "-in", "request.pem"]);
        sign.args(["-out", "cert.pem", "-startdate", "20200101000000Z", "-enddate", "20200201000000Z"]);
        run(&mut sign)?;
        let both = [fs::read(dir.join("key.pem"))?, fs::read(dir.join("cert.pem"))?].concat();
        fs::write(dir.join("both.pem"), both)?;
        Ok(certificates)
    }

    pub(in crate::tests) fn ca_file(&self) -> PathBuf {
        self.0.path().join("ca.pem")
    }

    /// The key and the certificate of the server.
    fn both(&self) -> PathBuf {
        self.0.path().join("both.pem")
    }
}

pub(in crate::tests) struct FtpServer {
    kind: Kind,
    command: Command,
    process: Child,
    port: u16,
    ca_file: PathBuf,
    /// The folder that the user sees.
    files: PathBuf,
    _dir: TempDir,
}

impl FtpServer {
    pub(in crate::tests) fn start(kind: Kind, certificates: &Certificates) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        // pure-ftpd changes its user before it looks at the folder.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755))?;
        let files = dir.path().join("files");
        fs::create_dir(&files)?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut command = if kind.is_vsftpd() {
            vsftpd(kind, dir.path(), &files, port, certificates)?
        } else {
            pure_ftpd(kind, dir.path(), &files, port, certificates)?
        };
        // A group of its own, with which the processes of its sessions end, too.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null());
        let process = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let server = Self { kind, command, process, port, ca_file: certificates.ca_file(), files, _dir: dir };
        server.wait_until_it_listens()?;
        Ok(server)
    }

    fn wait_until_it_listens(&self) -> anyhow::Result<()> {
        let begin = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            anyhow::ensure!(begin.elapsed() < START, "{:?} does not answer", self.kind);
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Ends it with all its sessions, as a crash of the machine does.
    pub(in crate::tests) fn kill(&mut self) {
        let group = format!("-{}", self.process.id());
        // It may have ended by itself.
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.process.wait();
        // A session holds the port, too, until it has ended.
        let begin = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() && begin.elapsed() < START {
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Starts it again on its port, with its files.
    pub(in crate::tests) fn restart(&mut self) -> anyhow::Result<()> {
        self.process = self.command.spawn().context("the server does not start again")?;
        self.wait_until_it_listens()
    }

    /// The path of what the user sees as `name`.
    pub(in crate::tests) fn path(&self, name: &str) -> PathBuf {
        self.files.join(name)
    }

    pub(in crate::tests) fn settings(&self) -> FtpSettings {
        let user = if self.kind.is_vsftpd() { "anonymous" } else { "orders" };
        let credentials = Credentials {
            user: user.to_owned(),
            password: Some(PASSWORD.into()),
            key_file: None,
            passphrase: None,
            use_agent: false,
        };
        let seconds = Duration::from_secs;
        FtpSettings {
            host: Ipv4Addr::LOCALHOST.to_string(),
            port: self.port,
            credentials,
            tls: self.kind.tls(),
            ca_file: (self.kind.tls() != FtpTls::None).then(|| self.ca_file.clone()),
            mode: FtpMode::Passive,
            timeouts: Timeouts { connect: seconds(60), idle: seconds(60), keep_alive: seconds(30) },
            // The login folder.
            root: String::new(),
        }
    }

    pub(in crate::tests) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.files.join(name)).expect("a file of the server")
    }

    pub(in crate::tests) fn write(&self, name: &str, content: &[u8]) {
        fs::write(self.files.join(name), content).expect("a file of the server");
        self.give(&self.files.join(name));
    }

    pub(in crate::tests) fn link(&self, target: &str, name: &str) {
        symlink(target, self.files.join(name)).expect("a link of the server");
    }

    /// Removes all files.
    pub(in crate::tests) fn clear(&self) -> anyhow::Result<()> {
        fs::remove_dir_all(&self.files)?;
        fs::create_dir(&self.files)?;
        self.give(&self.files);
        Ok(())
    }

    pub(in crate::tests) fn create_folder(&self, name: &str) -> anyhow::Result<()> {
        fs::create_dir(self.path(name))?;
        self.give(&self.path(name));
        Ok(())
    }

    /// Lets the server write to it.
    fn give(&self, path: &Path) {
        if !self.kind.is_vsftpd() {
            chown(path, Some(NOBODY), Some(NOBODY)).expect("root, to change owners");
        }
    }
}

impl Drop for FtpServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs as the user who started the test. Without the user database of the machine: an anonymous user with a password.
fn vsftpd(kind: Kind, dir: &Path, files: &Path, port: u16, certificates: &Certificates) -> anyhow::Result<Command> {
    let user = String::from_utf8(Command::new("id").arg("-un").output()?.stdout)?;
    let (passwords, empty) = (dir.join("passwords"), dir.join("empty"));
    fs::write(&passwords, PASSWORD)?;
    fs::create_dir(&empty)?;
    let yes = |setting: bool| if setting { "YES" } else { "NO" };
    let settings = [
        ("listen", "YES".to_owned()),
        ("listen_address", Ipv4Addr::LOCALHOST.to_string()),
        ("listen_port", port.to_string()),
        ("background", "NO".to_owned()),
        ("run_as_launching_user", "YES".to_owned()),
        ("ftp_username", user.trim().to_owned()),
        ("anonymous_enable", "YES".to_owned()),
        ("local_enable", "NO".to_owned()),
        ("secure_email_list_enable", "YES".to_owned()),
        ("email_password_file", passwords.display().to_string()),
        ("anon_root", files.display().to_string()),
        ("secure_chroot_dir", empty.display().to_string()),
        ("write_enable", "YES".to_owned()),
        ("anon_upload_enable", "YES".to_owned()),
        ("anon_mkdir_write_enable", "YES".to_owned()),
        ("anon_other_write_enable", "YES".to_owned()),
        ("anon_world_readable_only", "NO".to_owned()),
        ("anon_umask", "022".to_owned()),
        ("seccomp_sandbox", "NO".to_owned()),
        ("connect_from_port_20", "NO".to_owned()),
        ("xferlog_enable", "NO".to_owned()),
        ("ssl_enable", yes(kind != Kind::Vsftpd).to_owned()),
        ("allow_anon_ssl", "YES".to_owned()),
        ("force_anon_data_ssl", yes(kind != Kind::Vsftpd).to_owned()),
        ("force_anon_logins_ssl", yes(kind != Kind::Vsftpd).to_owned()),
        ("implicit_ssl", yes(kind == Kind::VsftpdImplicit).to_owned()),
        ("require_ssl_reuse", "YES".to_owned()),
        ("ssl_ciphers", "HIGH".to_owned()),
        ("rsa_cert_file", certificates.both().display().to_string()),
    ];
    let file = dir.join("vsftpd.conf");
    let lines: Vec<String> = settings.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    fs::write(&file, lines.concat())?;
    let mut command = program("vsftpd")?;
    command.arg(file);
    Ok(command)
}

/// Runs as root, with a user of its own database.
fn pure_ftpd(kind: Kind, dir: &Path, files: &Path, port: u16, certificates: &Certificates) -> anyhow::Result<Command> {
    chown(files, Some(NOBODY), Some(NOBODY)).context("pure-ftpd works for root only")?;
    let (passwords, database) = (dir.join("passwords"), dir.join("database"));
    let mut add = program("pure-pw")?;
    add.args(["useradd", "orders", "-m", "-u", "65534", "-g", "65534"]);
    add.arg("-f").arg(&passwords).arg("-F").arg(&database).arg("-d").arg(files);
    let mut adding = add.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    let mut input = adding.stdin.take().context("no input")?;
    input.write_all(format!("{PASSWORD}\n{PASSWORD}\n").as_bytes())?;
    drop(input);
    anyhow::ensure!(adding.wait()?.success(), "pure-pw adds no user");
    let mut command = program("pure-ftpd")?;
    command.arg("-S").arg(format!("{},{port}", Ipv4Addr::LOCALHOST)).args(["-E", "-A", "-H", "-u", "1", "-f", "none"]);
    command.arg("-l").arg(format!("puredb:{}", database.display())).arg("-g").arg(dir.join("pid"));
    command.args(["-Y", if kind == Kind::PureFtpd { "0" } else { "3" }]).arg("-2").arg(certificates.both());
    Ok(command)
}

/// A program of a server: of the packages that `cargo xtask test` unpacked, else of this machine, where servers are not
/// always in the path of a user.
fn program(name: &str) -> anyhow::Result<Command> {
    if let Some(root) = std::env::var_os("MFTPLUS_TEST_FTP_SERVERS").map(PathBuf::from)
        && let Some(program) = ["usr/sbin", "usr/bin"]
            .map(|folder| root.join(folder).join(name))
            .into_iter()
            .find(|program| program.is_file())
    {
        let mut command = Command::new(program);
        command.env("LD_LIBRARY_PATH", root.join(format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH)));
        return Ok(command);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let found = folders.map(|folder| folder.join(name)).find(|program| program.is_file());
    found.map(Command::new).with_context(|| format!("{name} is not installed"))
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output()?;
    anyhow::ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
