//! Installs programs that are cargo packages. They are installed into `.local/tools`, because another project on this
//! machine may need other versions.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::files;
use crate::process::{self, output, succeeds};
use crate::stop_request::Stop;
use crate::tools::{self, cargo};

/// A program of a package, in exactly one version.
pub(crate) struct CargoTool {
    pub(crate) package: &'static str,
    pub(crate) program: &'static str,
    pub(crate) version: String,
    /// Arguments of `cargo install`.
    pub(crate) flags: &'static [&'static str],
}

/// A command that runs an installed program. The folders in `.local/tools` come first in its `PATH`.
pub(crate) fn command(program: &str) -> Command {
    let path = tools::path_with(folders());
    let mut command = Command::new(find(program).unwrap_or_else(|| program.into()));
    command.current_dir(files::root()).env("PATH", path);
    command
}

/// The path of a program: in `.local/tools`, otherwise in the `PATH` of this machine; `None` if it is in neither.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let local = folders().into_iter().map(|folder| folder.join(program)).find(|path| path.is_file());
    local.or_else(|| tools::find_program(program))
}

/// The folders of programs in `.local/tools`.
fn folders() -> [PathBuf; 2] {
    [tools::folder().join("bin"), tools::folder().join("node_modules/.bin")]
}

impl CargoTool {
    /// Makes sure that the program is installed: as a prebuilt binary if cargo-binstall is installed and finds one,
    /// otherwise from source.
    pub(crate) fn ensure(&self, stop: &Stop) -> Result<()> {
        if self.is_installed() || self.install_binary(stop)? {
            return Ok(());
        }
        let Self { package, program, version, .. } = self;
        println!("xtask: {program} {version} is missing; compiling it into .local/tools, which takes some minutes");
        process::run(&mut self.cargo_install(), stop)?;
        if self.is_installed() {
            Ok(())
        } else {
            Err(format!("cargo installed {package} {version}, but {program} is still missing").into())
        }
    }

    /// Installs a prebuilt binary if that is possible. Returns whether the program is now installed.
    fn install_binary(&self, stop: &Stop) -> Result<bool> {
        if !succeeds(cargo().args(["binstall", "-V"])) {
            return Ok(false);
        }
        let Self { program, version, .. } = self;
        println!("xtask: {program} {version} is missing; installing it into .local/tools with cargo-binstall");
        match process::run(&mut self.cargo_binstall(), stop) {
            Ok(()) => Ok(self.is_installed()),
            Err(Failure::Failed(message)) => {
                println!("xtask: {message}");
                Ok(false)
            }
            Err(Failure::Interrupted) => Err(Failure::Interrupted),
        }
    }

    fn cargo_binstall(&self) -> Command {
        let mut command = cargo();
        // cargo-binstall must not compile from source itself: it would compile an optimised build, which takes longer.
        command.args(["binstall", "--no-confirm", "--disable-strategies", "compile", "--root"]).arg(tools::folder());
        command.arg(format!("{}@{}", self.package, self.version));
        command
    }

    fn cargo_install(&self) -> Command {
        let mut command = cargo();
        // `--force`: the installed program of this version did not run.
        command.args(["install", self.package, "--version", &self.version, "--force"]).args(self.flags);
        command.arg("--root").arg(tools::folder());
        // The debug information of tools is never used, and generating it takes a quarter of the build time.
        command.env("CARGO_PROFILE_DEV_DEBUG", "false");
        command
    }

    /// Whether the program that [`command`] would run has the right version.
    fn is_installed(&self) -> bool {
        let Some(path) = find(self.program) else { return false };
        let text = output(Command::new(&path).arg("--version"));
        if text.is_ok_and(|text| is_version(&text, &self.version)) {
            return true;
        }
        // Not every program prints its version. Cargo has a list of the versions that it has installed below the same
        // root.
        let Some(root) = path.parent().and_then(Path::parent) else { return false };
        let list = output(cargo().args(["install", "--list", "--root"]).arg(root));
        list.is_ok_and(|list| is_listed(&list, self.package, &self.version))
    }
}

/// Whether `text`, the output of `--version` such as `trunk 0.21.14` or `mdbook v0.5.3`, names this version.
fn is_version(text: &str, version: &str) -> bool {
    text.split_whitespace().nth(1).is_some_and(|word| word.strip_prefix('v').unwrap_or(word) == version)
}

/// Whether `list`, the output of `cargo install --list`, contains this version of the package.
fn is_listed(list: &str, package: &str, version: &str) -> bool {
    let wanted = format!("{package} v{version}:");
    list.lines().any(|line| line == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::shown;

    #[test]
    fn both_installers_get_the_exact_version_and_the_folder() {
        let tool = CargoTool {
            package: "wasm-bindgen-cli",
            program: "wasm-bindgen",
            version: "0.2.130".into(),
            flags: &["--debug"],
        };
        let (binary, source) = (shown(&tool.cargo_binstall()), shown(&tool.cargo_install()));
        assert!(binary.contains(" binstall --no-confirm --disable-strategies compile --root "), "{binary}");
        assert!(binary.ends_with("/.local/tools wasm-bindgen-cli@0.2.130"), "{binary}");
        assert!(source.contains(" install wasm-bindgen-cli --version 0.2.130 --force --debug --root "), "{source}");
        assert!(source.ends_with("/.local/tools"), "{source}");
    }

    #[test]
    fn a_version_is_read_from_the_output_of_a_program() {
        assert!(is_version("trunk 0.21.14", "0.21.14"));
        assert!(is_version("mdbook v0.5.3", "0.5.3"));
        assert!(!is_version("trunk 0.21.15", "0.21.14"));
        assert!(!is_version("", "0.21.14"));
    }

    #[test]
    fn a_version_is_read_from_the_list_of_cargo() {
        let list = "trunk v0.21.14:\n    trunk\nwasm_split_cli_support v0.2.4:\n    wasm-split-cli\n";
        assert!(is_listed(list, "wasm_split_cli_support", "0.2.4"));
        assert!(!is_listed(list, "wasm_split_cli_support", "0.2.5"));
        assert!(!is_listed(list, "wasm-split-cli", "0.2.4"));
    }

    #[test]
    fn installed_programs_come_before_those_of_the_machine() {
        let path = tools::path_with(folders());
        let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        assert!(folders[0].ends_with(".local/tools/bin") && folders.len() > 2);
    }
}
