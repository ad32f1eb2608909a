//! The programs that tasks need: found on this machine, else installed with `apt-get` where that needs no password.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::files;
use crate::process::{self, output, succeeds};
use crate::stop::Stop;
use crate::versions::{NODE, POSTGRES, PYTHON};

/// A program, or a group of programs, that a task may need.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tool {
    Postgres,
    Redis,
    /// With npm. Any version: `node::ensure` sees to a newer one.
    Node,
    /// With its virtual environments.
    Python,
    Chromium,
}

/// Where PostgreSQL's programs are, and as whom they are run.
pub(crate) struct Postgres {
    pub(crate) bin: PathBuf,
    /// Somebody else when we are root.
    pub(crate) owner: Option<Owner>,
}

/// A user of this machine.
#[derive(Clone, Copy)]
pub(crate) struct Owner {
    pub(crate) user: u32,
    pub(crate) group: u32,
}

impl Tool {
    /// Debian's packages for it.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Postgres => &["postgresql"],
            Self::Redis => &["redis-server"],
            // Newer packages of Node.js, from elsewhere, bring their own npm and refuse Debian's.
            Self::Node if find_program("node").is_some() => &["npm"],
            Self::Node => &["nodejs", "npm"],
            Self::Python => &["python3-venv"],
            Self::Chromium => &["chromium"],
        }
    }

    /// What is missing where it is missing.
    pub(crate) fn needed(self) -> String {
        match self {
            Self::Postgres => format!("PostgreSQL {POSTGRES} or newer (initdb, postgres)"),
            Self::Redis => "redis-server".to_owned(),
            Self::Node => format!("Node.js {NODE} or newer, with npm"),
            Self::Python => format!("Python 3.{PYTHON} or newer, with venv and pip (python3, python3-venv)"),
            Self::Chromium => "Chromium (chromium)".to_owned(),
        }
    }

    fn is_there(self) -> bool {
        match self {
            Self::Postgres => postgres().is_ok(),
            Self::Redis => redis_server().is_ok(),
            Self::Node => find_program("node").is_some() && npm().is_ok(),
            Self::Python => python().is_ok(),
            Self::Chromium => chromium().is_ok(),
        }
    }
}

/// Makes sure that every one of `tools` is there: finds it, else installs it, else says what is missing.
pub(crate) fn ensure(tools: &[Tool], stop: &Stop) -> Result<()> {
    let missing = missing(tools);
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().flat_map(|tool| tool.packages()).copied().collect();
    let packages = packages.join(" ");
    let apt_get = apt_get().map_err(|why| complaint(&missing, &packages, why))?;
    println!("xtask: missing here: {packages}; installing with apt-get");
    process::run(apt_get().arg("update").arg("-qq"), stop)?;
    let mut install = apt_get();
    // No terminal of its own for dpkg: we are not in the foreground.
    install.args(["install", "-y", "-qq", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0"]);
    process::run(install.args(packages.split(' ')), stop)?;
    match self::missing(tools) {
        still if still.is_empty() => Ok(()),
        still => Err(complaint(&still, &packages, "apt-get installed its packages, but that did not help.")),
    }
}

fn missing(tools: &[Tool]) -> Vec<Tool> {
    tools.iter().copied().filter(|tool| !tool.is_there()).collect()
}

fn complaint(missing: &[Tool], packages: &str, why: &str) -> Failure {
    let mut lines = vec!["missing on this machine:".to_owned()];
    lines.extend(missing.iter().map(|tool| format!("    {}", tool.needed())));
    lines.push(format!("{why} Install by hand; on Debian:\n    apt-get install {packages}"));
    Failure::Failed(lines.join("\n"))
}

/// How to call `apt-get` without being asked anything, or why that is not possible.
fn apt_get() -> std::result::Result<impl Fn() -> Command, &'static str> {
    if !Path::new("/etc/debian_version").exists() || find_program("apt-get").is_none() {
        return Err("This is not a Debian-like system, so nothing was installed.");
    }
    let root = is_root();
    if !root && !succeeds(Command::new("sudo").args(["-n", "true"])) {
        return Err("Nothing was installed: we are not root, and sudo asks for a password.");
    }
    Ok(move || {
        let mut command = Command::new(if root { "env" } else { "sudo" });
        if !root {
            command.args(["-n", "env"]);
        }
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        command
    })
}

/// PostgreSQL's programs: in PATH, or where Debian keeps them; the oldest that we support.
pub(crate) fn postgres() -> Result<Postgres> {
    let mut folders: Vec<PathBuf> = path_folders();
    if let Ok(versions) = fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    let found = folders.into_iter().filter(|bin| bin.join("initdb").exists()).filter_map(|bin| {
        let version = major(&output(Command::new(bin.join("postgres")).arg("--version")).ok()?)?;
        (version >= POSTGRES).then_some((version, bin))
    });
    let (_, bin) = found.min().ok_or_else(|| Failure::from(Tool::Postgres.needed()))?;
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
    find_program("redis-server").ok_or_else(|| Failure::from(Tool::Redis.needed()))
}

pub(crate) fn npm() -> Result<PathBuf> {
    find_program("npm").ok_or_else(|| Failure::from(Tool::Node.needed()))
}

/// A Python that is new enough and can make virtual environments: Debian's leaves out what that takes.
pub(crate) fn python() -> Result<PathBuf> {
    let needed = || Failure::from(Tool::Python.needed());
    let python = find_program("python3").ok_or_else(needed)?;
    let test = format!("import ensurepip, sys, venv; sys.exit(sys.version_info < (3, {PYTHON}))");
    if succeeds(Command::new(&python).args(["-c", &test])) { Ok(python) } else { Err(needed()) }
}

/// The browser of the tests.
pub(crate) fn chromium() -> Result<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names.into_iter().find_map(find_program).ok_or_else(|| Failure::from(Tool::Chromium.needed()))
}

/// The folder for programs that no package of the system brings in the version that is needed.
pub(crate) fn own() -> PathBuf {
    files::root().join(".local/tools")
}

/// `PATH` with some folders in front.
pub(crate) fn path_with(folders: impl IntoIterator<Item = PathBuf>) -> OsString {
    let all: Vec<PathBuf> = folders.into_iter().chain(path_folders()).collect();
    env::join_paths(&all).unwrap_or_else(|_| env::var_os("PATH").unwrap_or_default())
}

/// Makes sure that `cargo fmt` and `cargo clippy` work.
pub(crate) fn ensure_component(name: &str, stop: &Stop) -> Result<()> {
    let subcommand = if name == "rustfmt" { "fmt" } else { name };
    if succeeds(cargo().args([subcommand, "--version"])) {
        return Ok(());
    }
    println!("xtask: `cargo {subcommand}` is missing; adding it with rustup");
    process::run(Command::new("rustup").args(["component", "add", name]), stop)
}

/// Builds the debug server with these features besides what its tests use. A test is named with it, the smallest there is:
/// without one cargo leaves out the features of libraries that tests alone ask for, and builds half of them once more.
pub(crate) fn debug_server(features: &[&str]) -> Command {
    let mut command = cargo();
    command
        .args(["build", "--workspace", "--locked", "--bin=mftplus", "--test=architecture"])
        .args(dashboard_feature());
    command.args(features.iter().map(|feature| format!("--features=backend/{feature}")));
    command
}

/// The feature that puts the dashboard into the server, once it has been built: every debug build has it then, so that the
/// browser's server and that of the other tests are one build.
pub(crate) fn dashboard_feature() -> Option<&'static str> {
    files::root().join("frontend/dist/index.html").is_file().then_some("--features=backend/dashboard")
}

/// The cargo that runs us, in the repository's folder and without the settings of the person who started us.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(files::root());
    let setting = |name: &str| name.starts_with("MFTPLUS_") || matches!(name, "DATABASE_URL" | "REDIS_URL");
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(setting)) {
        command.env_remove(name);
    }
    if env::var_os("CI").is_some() {
        command.envs([("CARGO_TERM_COLOR", "never"), ("CARGO_TERM_PROGRESS_WHEN", "never"), ("NO_COLOR", "1")]);
        // Nothing is built twice there, and what is kept for a second time takes its time.
        command.env("CARGO_INCREMENTAL", "0");
    }
    command
}

fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}

fn path_folders() -> Vec<PathBuf> {
    env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default()
}

pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    // Debian keeps some servers where an ordinary user's PATH does not lead.
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
    fn reads_major_versions() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major("wasm-opt version 108"), Some(108));
        assert_eq!(major("none"), None);
    }

    #[test]
    fn a_complaint_names_what_is_missing_and_the_cure() {
        let Failure::Failed(text) = complaint(&[Tool::Redis], "redis-server", "Why.") else { panic!("not a failure") };
        assert_eq!(
            text,
            "missing on this machine:\n    redis-server\nWhy. Install by hand; on Debian:\n    apt-get install redis-server"
        );
        let Failure::Failed(text) = complaint(&[Tool::Python], "python3-venv", "Why.") else { panic!("not a failure") };
        assert!(
            text.contains("Python 3.10 or newer, with venv") && text.ends_with("apt-get install python3-venv"),
            "{text}"
        );
    }
}
