//! Finds the programs that tasks need on this machine. Missing ones are installed with `apt-get`, if that needs no
//! password.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::files;
use crate::process::{self, output, succeeds};
use crate::stop_request::Stop;
use crate::tool_versions::{NODE, POSTGRES, PYTHON};

/// The cargo argument for the feature with which tests move the clock of a server. Release builds never have this
/// feature: the profile `release` and those that inherit from it do not compile with it.
pub(crate) const TEST_CLOCK: &str = "--features=backend/test-clock";

/// The path of the OpenSSH server. A full path is needed, because the server starts itself again for each connection.
pub(crate) const SSHD: &str = "/usr/sbin/sshd";

/// A program, or a group of programs, that a task may need.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tool {
    Postgres,
    Redis,
    /// The OpenSSH server, and `ssh-keygen`, which generates keys.
    Openssh,
    /// The program `openssl`, which creates certificates.
    Openssl,
    /// Node.js with npm, in any version: `node::ensure` installs a newer one if needed.
    Node,
    /// Python with its virtual environments.
    Python,
    Chromium,
    /// The program `objcopy` of binutils.
    Objcopy,
    /// The C compiler and linker for Windows.
    Mingw,
    /// The file copying programs that the agent is compared with, and GNU time, which measures them.
    Copiers,
}

/// The folder of PostgreSQL's programs, and the user as whom they run.
pub(crate) struct Postgres {
    pub(crate) bin: PathBuf,
    /// The user as whom PostgreSQL runs; `None` unless xtask runs as root.
    pub(crate) owner: Option<Owner>,
}

/// A user of this machine.
#[derive(Clone, Copy)]
pub(crate) struct Owner {
    pub(crate) user: u32,
    pub(crate) group: u32,
}

impl Tool {
    /// The Debian packages that contain the tool.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Postgres => &["postgresql"],
            Self::Redis => &["redis-server"],
            Self::Openssh => &["openssh-server", "openssh-client"],
            Self::Openssl => &["openssl"],
            // If Node.js is installed, only npm is missing. Packages of Node.js from other sources contain npm, and
            // conflict with Debian's.
            Self::Node if find_program("node").is_some() => &["npm"],
            Self::Node => &["nodejs", "npm"],
            Self::Python => &["python3-venv"],
            Self::Chromium => &["chromium"],
            Self::Objcopy => &["binutils"],
            Self::Mingw => &["gcc-mingw-w64-x86-64"],
            Self::Copiers => &["openssh-client", "curl", "rclone", "time"],
        }
    }

    /// The name of the tool for error messages, with the oldest version that is accepted.
    pub(crate) fn description(self) -> String {
        match self {
            Self::Postgres => format!("PostgreSQL {POSTGRES} or newer (initdb, postgres)"),
            Self::Redis => "redis-server".to_owned(),
            Self::Openssh => format!("OpenSSH ({SSHD}, ssh-keygen)"),
            Self::Openssl => "openssl".to_owned(),
            Self::Node => format!("Node.js {NODE} or newer, with npm"),
            Self::Python => format!("Python 3.{PYTHON} or newer, with venv and pip (python3, python3-venv)"),
            Self::Chromium => "Chromium (chromium)".to_owned(),
            Self::Objcopy => "objcopy (binutils)".to_owned(),
            Self::Mingw => "the C compiler of MinGW-w64 (x86_64-w64-mingw32-gcc)".to_owned(),
            Self::Copiers => "sftp, curl, rclone and GNU time".to_owned(),
        }
    }

    fn is_installed(self) -> bool {
        match self {
            Self::Postgres => postgres().is_ok(),
            Self::Redis => redis_server().is_ok(),
            Self::Openssh => Path::new(SSHD).is_file() && find_program("ssh-keygen").is_some(),
            Self::Openssl => find_program("openssl").is_some(),
            Self::Node => find_program("node").is_some() && npm().is_ok(),
            Self::Python => python().is_ok(),
            Self::Chromium => chromium().is_ok(),
            Self::Objcopy => find_program("objcopy").is_some(),
            Self::Mingw => find_program("x86_64-w64-mingw32-gcc").is_some(),
            Self::Copiers => ["sftp", "curl", "rclone", "time"].iter().all(|name| find_program(name).is_some()),
        }
    }
}

/// Makes sure that all of `tools` are installed: installs the missing ones with `apt-get`. If that is not possible,
/// fails with a list of what is missing.
pub(crate) fn ensure(tools: &[Tool], stop: &Stop) -> Result<()> {
    let missing = missing(tools);
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().flat_map(|tool| tool.packages()).copied().collect();
    let packages = packages.join(" ");
    let apt_get = apt_get().map_err(|why| missing_error(&missing, &packages, why))?;
    println!("xtask: missing here: {packages}; installing with apt-get");
    process::run(apt_get().args(["update", "-qq"]), stop)?;
    let mut install = apt_get();
    // dpkg must not use a pseudo-terminal, because its process group is not in the foreground.
    install.args(["install", "-y", "-qq", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0"]);
    process::run(install.args(packages.split(' ')), stop)?;
    match self::missing(tools) {
        still if still.is_empty() => Ok(()),
        still => Err(missing_error(&still, &packages, "apt-get installed these packages, but it is still missing.")),
    }
}

fn missing(tools: &[Tool]) -> Vec<Tool> {
    tools.iter().copied().filter(|tool| !tool.is_installed()).collect()
}

fn missing_error(missing: &[Tool], packages: &str, why: &str) -> Failure {
    let mut lines = vec!["missing on this machine:".to_owned()];
    lines.extend(missing.iter().map(|tool| format!("    {}", tool.description())));
    lines.push(format!("{why} Install by hand; on Debian:\n    apt-get install {packages}"));
    Failure::Failed(lines.join("\n"))
}

/// Returns a function that creates `apt-get` commands which ask no questions, or the reason why `apt-get` cannot be
/// used.
fn apt_get() -> std::result::Result<impl Fn() -> Command, &'static str> {
    if !Path::new("/etc/debian_version").exists() || find_program("apt-get").is_none() {
        return Err("This is not a Debian-like system, so nothing was installed.");
    }
    let root = is_root();
    if !root && !succeeds(Command::new("sudo").args(["-n", "true"])) {
        return Err("Nothing was installed: this user is not root, and sudo asks for a password.");
    }
    Ok(move || {
        let mut command = Command::new(if root { "env" } else { "sudo" });
        if !root {
            command.args(["-n", "env"]);
        }
        // These variables keep packages from starting their servers: the tests start their own servers, on loopback.
        command.args(["DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "SYSTEMD_OFFLINE=1", "apt-get"]);
        command
    })
}

/// Updates the package lists (`apt-get update`).
pub(crate) fn update_packages(stop: &Stop) -> Result<()> {
    process::run(apt_get()?().args(["update", "-qq"]), stop)
}

/// PostgreSQL's programs, in `PATH` or in Debian's folders; of several supported versions, the oldest.
pub(crate) fn postgres() -> Result<Postgres> {
    let mut folders: Vec<PathBuf> = path_folders();
    if let Ok(versions) = fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    let found = folders.into_iter().filter(|bin| bin.join("initdb").exists()).filter_map(|bin| {
        let version = major(&output(Command::new(bin.join("postgres")).arg("--version")).ok()?)?;
        (version >= POSTGRES).then_some((version, bin))
    });
    let (_, bin) = found.min().ok_or_else(|| Failure::from(Tool::Postgres.description()))?;
    let owner = if is_root() {
        let id = |flag| output(Command::new("id").args([flag, "postgres"])).ok()?.parse().ok();
        let (Some(user), Some(group)) = (id("-u"), id("-g")) else {
            return Err("PostgreSQL refuses to run as root, and there is no user `postgres` to run it as".into());
        };
        Some(Owner { user, group })
    } else {
        None
    };
    Ok(Postgres { bin, owner })
}

pub(crate) fn redis_server() -> Result<PathBuf> {
    find_program("redis-server").ok_or_else(|| Failure::from(Tool::Redis.description()))
}

pub(crate) fn npm() -> Result<PathBuf> {
    find_program("npm").ok_or_else(|| Failure::from(Tool::Node.description()))
}

/// The path of a Python that is new enough and can create virtual environments. Debian has the latter in a separate
/// package.
pub(crate) fn python() -> Result<PathBuf> {
    let missing = || Failure::from(Tool::Python.description());
    let python = find_program("python3").ok_or_else(missing)?;
    let test = format!("import ensurepip, sys, venv; sys.exit(sys.version_info < (3, {PYTHON}))");
    if succeeds(Command::new(&python).args(["-c", &test])) { Ok(python) } else { Err(missing()) }
}

/// The path of Chromium, the browser of the tests.
pub(crate) fn chromium() -> Result<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names.into_iter().find_map(find_program).ok_or_else(|| Failure::from(Tool::Chromium.description()))
}

/// The folder for programs that cargo, npm or pip install.
pub(crate) fn folder() -> PathBuf {
    files::root().join(".local/tools")
}

/// The value of `PATH` with these folders before all others.
pub(crate) fn path_with(folders: impl IntoIterator<Item = PathBuf>) -> OsString {
    let all: Vec<PathBuf> = folders.into_iter().chain(path_folders()).collect();
    env::join_paths(&all).unwrap_or_else(|_| env::var_os("PATH").unwrap_or_default())
}

/// Makes sure that Rust can compile for `target`.
pub(crate) fn ensure_target(target: &str, stop: &Stop) -> Result<()> {
    let mut rustc = Command::new("rustc");
    let folder = output(rustc.current_dir(files::root()).args(["--print", "target-libdir", "--target", target]))?;
    if Path::new(&folder).is_dir() {
        return Ok(());
    }
    println!("xtask: the Rust target {target} is missing; adding it with rustup");
    if !succeeds(Command::new("rustup").arg("--version")) {
        return Err(format!("missing on this machine:\n    the Rust target {target}, and rustup to add it").into());
    }
    process::run(Command::new("rustup").current_dir(files::root()).args(["target", "add", target]), stop)
}

/// Makes sure that a rustup component is installed, such as `rustfmt` for `cargo fmt`.
pub(crate) fn ensure_component(name: &str, stop: &Stop) -> Result<()> {
    let subcommand = if name == "rustfmt" { "fmt" } else { name };
    if succeeds(cargo().args([subcommand, "--version"])) {
        return Ok(());
    }
    println!("xtask: `cargo {subcommand}` is missing; adding it with rustup");
    process::run(Command::new("rustup").args(["component", "add", name]), stop)
}

/// A command that builds the debug server with `features`. It also builds the smallest test: without a test, cargo
/// leaves out features of libraries that only tests enable, and compiles half of the libraries again.
pub(crate) fn debug_server(features: &[&str]) -> Command {
    let mut command = cargo();
    command.args(["build", "--workspace", "--locked", "--bin=mftplus", "--test=architecture"]).args(test_features());
    command.args(features.iter().map(|feature| format!("--features=backend/{feature}")));
    command
}

/// The arguments for the features that every debug build of the server has, so that all steps share one build:
/// [`TEST_CLOCK`], and the embedded dashboard if the dashboard is built.
pub(crate) fn test_features() -> impl Iterator<Item = &'static str> {
    let has_dashboard = files::root().join("frontend/dist/index.html").is_file();
    iter::once(TEST_CLOCK).chain(has_dashboard.then_some("--features=backend/dashboard"))
}

/// A command for the cargo that runs xtask, in the root folder of the repository, without the variables `MFTPLUS_*`,
/// `DATABASE_URL` and `REDIS_URL` of the environment.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(files::root());
    let setting = |name: &str| name.starts_with("MFTPLUS_") || matches!(name, "DATABASE_URL" | "REDIS_URL");
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(setting)) {
        command.env_remove(name);
    }
    if env::var_os("CI").is_some() {
        command.envs([("CARGO_TERM_COLOR", "never"), ("CARGO_TERM_PROGRESS_WHEN", "never"), ("NO_COLOR", "1")]);
        // CI builds everything once, so writing the incremental cache would be wasted time.
        command.env("CARGO_INCREMENTAL", "0");
    }
    command
}

pub(crate) fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}

fn path_folders() -> Vec<PathBuf> {
    env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default()
}

pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    // Debian installs some servers in folders that are not in an ordinary user's PATH.
    let more = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    path_folders().into_iter().chain(more).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// The first number in `postgres (PostgreSQL) 15.18 (Debian …)` or `v20.20.2`.
pub(crate) fn major(version: &str) -> Option<u32> {
    let from = version.find(|c: char| c.is_ascii_digit())?;
    let digits = version[from..].split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn major_versions_are_read() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major("wasm-opt version 108"), Some(108));
        assert_eq!(major("none"), None);
    }

    #[test]
    fn the_error_names_what_is_missing_and_how_to_install_it() {
        let Failure::Failed(text) = missing_error(&[Tool::Redis], "redis-server", "Why.") else {
            panic!("not a failure")
        };
        assert_eq!(
            text,
            "missing on this machine:\n    redis-server\nWhy. Install by hand; on Debian:\n    apt-get install redis-server"
        );
        let Failure::Failed(text) = missing_error(&[Tool::Python], "python3-venv", "Why.") else {
            panic!("not a failure")
        };
        assert!(
            text.contains("Python 3.10 or newer, with venv") && text.ends_with("apt-get install python3-venv"),
            "{text}"
        );
    }
}
