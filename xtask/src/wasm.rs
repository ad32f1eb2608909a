//! What builds the dashboard: the WebAssembly target, Trunk, wasm-split-cli, wasm-bindgen and wasm-opt, each found or
//! installed.
//!
//! What cargo or npm installs goes to `.local/tools`: another project may need another version.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Context, Result};
use crate::files;
use crate::node;
use crate::process::{self, output, succeeds};
use crate::stop::Stop;
use crate::tools::{self, Tool, cargo};
use crate::versions::{BINARYEN_FROM_NPM, TRUNK, WASM_OPT, WASM_SPLIT};

const TARGET: &str = "wasm32-unknown-unknown";

/// A program that cargo installs, in exactly one version.
struct Crate {
    package: &'static str,
    program: &'static str,
    version: String,
    flags: &'static [&'static str],
}

/// Makes sure that everything is there.
pub(crate) fn ensure(stop: &Stop) -> Result<()> {
    ensure_target(stop)?;
    let lock = files::root().join("Cargo.lock");
    let lock = fs::read_to_string(&lock).context(format_args!("cannot read {}", lock.display()))?;
    let bindgen = locked_version(&lock, "wasm-bindgen").ok_or("Cargo.lock names no wasm-bindgen")?;
    let crates = [
        // Debug builds: half the time to compile, and fast enough for what they do.
        Crate { package: "trunk", program: "trunk", version: TRUNK.to_owned(), flags: &["--locked", "--debug"] },
        Crate { package: "wasm-bindgen-cli", program: "wasm-bindgen", version: bindgen, flags: &["--debug"] },
        Crate {
            package: "wasm_split_cli_support",
            program: "wasm-split-cli",
            version: WASM_SPLIT.to_owned(),
            flags: &["--locked", "--debug", "--features=build-binary"],
        },
    ];
    crates.iter().try_for_each(|program| program.ensure(stop))?;
    ensure_wasm_opt(stop)
}

/// One of the programs, which finds the others on its `PATH`.
pub(crate) fn command(program: &str) -> Command {
    let path = tools::path_with(folders());
    let mut command = Command::new(find(program).unwrap_or_else(|| program.into()));
    command.current_dir(files::root()).env("PATH", path);
    command
}

/// Where our own programs are; they come before those of the system.
fn folders() -> [PathBuf; 2] {
    [tools::folder().join("bin"), tools::folder().join("node_modules/.bin")]
}

fn find(program: &str) -> Option<PathBuf> {
    let own = folders().into_iter().map(|folder| folder.join(program)).find(|path| path.is_file());
    own.or_else(|| tools::find_program(program))
}

fn ensure_target(stop: &Stop) -> Result<()> {
    let mut rustc = Command::new("rustc");
    let folder = output(rustc.current_dir(files::root()).args(["--print", "target-libdir", "--target", TARGET]))?;
    if Path::new(&folder).is_dir() {
        return Ok(());
    }
    println!("xtask: Rust cannot compile for {TARGET} yet; adding that with rustup");
    if !succeeds(Command::new("rustup").arg("--version")) {
        return Err(format!("missing on this machine:\n    the Rust target {TARGET}, and rustup to add it").into());
    }
    process::run(Command::new("rustup").current_dir(files::root()).args(["target", "add", TARGET]), stop)
}

impl Crate {
    fn ensure(&self, stop: &Stop) -> Result<()> {
        if self.is_there() {
            return Ok(());
        }
        let Self { package, program, version, flags } = self;
        println!("xtask: {program} {version} is missing; compiling it into .local/tools, which takes some minutes");
        let mut install = cargo();
        install.args(["install", package, "--version", version]).args(*flags).arg("--root").arg(tools::folder());
        // Nobody debugs them: that takes a quarter of the time away.
        install.env("CARGO_PROFILE_DEV_DEBUG", "false");
        process::run(&mut install, stop)?;
        if self.is_there() { Ok(()) } else { Err(format!("cargo installed {package}, but that did not help").into()) }
    }

    /// Whether the one that would be used has the version that is needed.
    fn is_there(&self) -> bool {
        let Some(path) = find(self.program) else { return false };
        let text = output(Command::new(&path).arg("--version"));
        if text.is_ok_and(|text| text.split_whitespace().nth(1) == Some(&self.version)) {
            return true;
        }
        // Not every program says its version; then only cargo knows, and only of what is in our own folder.
        let list = output(cargo().args(["install", "--list", "--root"]).arg(tools::folder()));
        path.starts_with(tools::folder()) && list.is_ok_and(|list| is_listed(&list, self.package, &self.version))
    }
}

/// Whether cargo has installed that version of a package, by its list.
fn is_listed(list: &str, package: &str, version: &str) -> bool {
    let wanted = format!("{package} v{version}:");
    list.lines().any(|line| line == wanted)
}

fn ensure_wasm_opt(stop: &Stop) -> Result<()> {
    let version = find("wasm-opt").and_then(|path| output(node::command(&path).arg("--version")).ok());
    if version.as_deref().and_then(tools::major).is_some_and(|version| version >= WASM_OPT) {
        return Ok(());
    }
    println!("xtask: no wasm-opt of {WASM_OPT} or newer here; taking {BINARYEN_FROM_NPM} from npm into .local/tools");
    tools::ensure(&[Tool::Node], stop)?;
    node::ensure(stop)?;
    node::install(&format!("binaryen@{BINARYEN_FROM_NPM}"), stop)
}

/// The version of a package in Cargo.lock.
fn locked_version(lock: &str, package: &str) -> Option<String> {
    let (_, after) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    after.split('"').next().map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_the_lock() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"1.0.0\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\nsource = \"x\"\n";
        assert_eq!(locked_version(lock, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(locked_version(lock, "wasm"), None);
    }

    #[test]
    fn a_version_is_read_from_what_cargo_has_installed() {
        let list = "trunk v0.21.14:\n    trunk\nwasm_split_cli_support v0.2.4:\n    wasm-split-cli\n";
        assert!(is_listed(list, "wasm_split_cli_support", "0.2.4"));
        assert!(!is_listed(list, "wasm_split_cli_support", "0.2.5"));
        assert!(!is_listed(list, "wasm-split-cli", "0.2.4"));
    }

    #[test]
    fn our_own_programs_come_first() {
        let path = tools::path_with(folders());
        let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        assert!(folders[0].ends_with(".local/tools/bin") && folders.len() > 2);
    }
}
