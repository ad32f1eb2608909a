//! `cargo xtask dist`: builds the binaries of a release, stripped, with their debug information in files beside them.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::dashboard;
use crate::failure::{Context, Failure, Result};
use crate::files::{self, relative};
use crate::process::{self, shown};
use crate::stop_request::Stop;
use crate::tools::{self, Tool, cargo};

const BINARIES: [&str; 2] = ["mftplus", "mftplus-agent"];

/// The maximum size of a stripped binary, in bytes.
const BUDGET: u64 = 60_000_000;

/// Writes the binaries and their debug information to `.local/dist`, and prints the sizes.
pub(crate) fn run(stop: &Stop) -> Result<()> {
    tools::ensure(&[Tool::Objcopy], stop)?;
    dashboard::build(dashboard::Purpose::Release, stop)?;
    let mut build = cargo();
    build.args(["build", "--profile", files::SHIPPED, "--locked", "--package=backend", "--package=mftplus-agent"]);
    build.args(BINARIES.map(|name| format!("--bin={name}"))).arg("--features=backend/dashboard");
    run_shown(&mut build, stop)?;

    let folder = files::root().join(".local/dist");
    fs::create_dir_all(&folder).context(format_args!("cannot create {}", relative(&folder)))?;
    let mut sizes = Vec::new();
    for name in BINARIES {
        let debug = format!("{name}.debug");
        separate(&files::binary(files::SHIPPED, name)?, &folder, name, &debug, stop)?;
        sizes.push((name, size(&folder.join(name))?, size(&folder.join(&debug))?));
    }
    println!("\nxtask: the binaries in {}:\n{}", relative(&folder), table(&sizes));
    check(&sizes)
}

/// Writes `binary` without symbols to the file `name`, and its symbols and debug information to the file `debug`, both
/// in `folder`. The stripped binary contains the name `debug`, so that debuggers find that file beside it.
fn separate(binary: &Path, folder: &Path, name: &str, debug: &str, stop: &Stop) -> Result<()> {
    let objcopy = || {
        let mut command = Command::new("objcopy");
        command.current_dir(folder);
        command
    };
    let only_debug = ["--only-keep-debug", "--compress-debug-sections=zlib"];
    run_shown(objcopy().args(only_debug).arg(binary).arg(debug), stop)?;
    let link = format!("--add-gnu-debuglink={debug}");
    run_shown(objcopy().args(["--strip-all", &link]).arg(binary).arg(name), stop)
}

fn run_shown(command: &mut Command, stop: &Stop) -> Result<()> {
    println!("$ {}", shown(command));
    process::run(command, stop)
}

fn size(path: &Path) -> Result<u64> {
    Ok(fs::metadata(path).context(format_args!("cannot read {}", relative(path)))?.len())
}

/// One line for each binary, with the sizes of the binary and of its debug information.
fn table(sizes: &[(&str, u64, u64)]) -> String {
    let line = |(name, binary, debug): &(&str, u64, u64)| {
        format!("  {name:<16} {:>10}, debug information {:>10}", megabytes(*binary), megabytes(*debug))
    };
    sizes.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Fails if a binary is larger than [`BUDGET`].
fn check(sizes: &[(&str, u64, u64)]) -> Result<()> {
    match sizes.iter().find(|(_, binary, _)| *binary > BUDGET) {
        Some((name, binary, _)) => {
            let (binary, budget) = (megabytes(*binary), megabytes(BUDGET));
            Err(Failure::Failed(format!("{name} has {binary}, more than the {budget} that a shipped binary may have")))
        }
        None => Ok(()),
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_the_sizes_of_the_binaries_and_of_their_debug_information() {
        assert_eq!(
            table(&[("mftplus", 47_312_000, 151_000_000), ("mftplus-agent", 9_000_000, 30_050_000)]),
            "  mftplus             47.3 MB, debug information   151.0 MB\n\
             \x20 mftplus-agent        9.0 MB, debug information    30.0 MB"
        );
    }

    #[test]
    fn a_binary_over_the_budget_fails_the_task() {
        assert!(check(&[("mftplus", BUDGET, 500_000_000), ("mftplus-agent", 1, 1)]).is_ok());
        let Err(Failure::Failed(text)) = check(&[("mftplus", 1, 1), ("mftplus-agent", 60_100_000, 1)]) else {
            panic!("not a failure")
        };
        assert_eq!(text, "mftplus-agent has 60.1 MB, more than the 60.0 MB that a shipped binary may have");
    }
}
