//! `bench` and `soak`: examples of the backend that run for minutes, each with a temporary PostgreSQL. `soak` ends with
//! schemathesis.

use std::env;
use std::path::{Path, PathBuf};

use crate::failure::Result;
use crate::process;
use crate::schemathesis;
use crate::services::{self, Durability};
use crate::stop::Stop;
use crate::tools::{self, Tool};

/// `cargo xtask bench`.
pub(crate) fn bench(args: &[String], stop: &Stop) -> Result<()> {
    run("bench", args, stop)
}

/// `cargo xtask soak`.
pub(crate) fn soak(args: &[String], stop: &Stop) -> Result<()> {
    tools::ensure(&[Tool::Python], stop)?;
    run("soak", args, stop)?;
    schemathesis::run(stop)
}

fn run(example: &str, args: &[String], stop: &Stop) -> Result<()> {
    tools::ensure(&[Tool::Postgres], stop)?;
    println!("xtask: building the example (cargo build --release --locked -p backend --example {example})");
    let mut build = tools::cargo();
    build.args(["build", "--release", "--locked", "-p", "backend", "--bin", "mftplus", "--example", example]);
    process::run(&mut build, stop)?;

    let parent = disk();
    println!("xtask: starting PostgreSQL in {}, fsync on", parent.display());
    let postgres = services::postgres(&tools::postgres()?, &parent, Durability::Durable, stop)?;
    let mut command = tools::cargo();
    command.args(["run", "--quiet", "--release", "--locked", "-p", "backend", "--example", example, "--"]);
    command.args(["--postgres", &postgres.url]).args(args);
    process::run(&mut command, stop)
}

/// A folder on a disk: `/tmp` may be in memory, where a durable commit costs nothing.
fn disk() -> PathBuf {
    let disk = Path::new("/var/tmp");
    if disk.is_dir() { disk.to_owned() } else { env::temp_dir() }
}
