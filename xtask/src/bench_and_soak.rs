//! `bench` and `soak`: run examples of the backend that take minutes. Each gets a temporary PostgreSQL, the agent, and
//! what its SFTP and FTP servers need. `bench` also gets a temporary Redis, and `soak` ends with schemathesis.

use std::env;

use clap::Parser;

use crate::failure::Result;
use crate::files;
use crate::ftp_server_packages;
use crate::measure;
use crate::process;
use crate::schemathesis;
use crate::services::{self, Durability};
use crate::stop_request::Stop;
use crate::tools::{self, Tool};

/// The part of `bench` that Playwright measures, not the example `bench` of the backend.
const DASHBOARD: &str = "dashboard";

#[derive(Parser)]
#[command(disable_help_flag = true)]
pub(crate) struct Options {
    /// Arguments of the example, such as `--help`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    args: Vec<String>,
}

/// Runs `cargo xtask bench`: the example of the backend, or Playwright for the part `dashboard`.
pub(crate) fn bench(options: &Options, stop: &Stop) -> Result<()> {
    if let Some(args) = playwright_args(options) {
        return measure::dashboard(args, stop);
    }
    tools::ensure(&[Tool::Copiers, Tool::Redis], stop)?;
    let redis = services::redis(&tools::redis_server()?, &env::temp_dir(), stop)?;
    let args = [&["--redis".to_owned(), redis.url.clone()][..], &options.args[..]].concat();
    run("bench", &args, stop)
}

/// The arguments for Playwright if the first argument is `dashboard`; otherwise `None`.
fn playwright_args(options: &Options) -> Option<&[String]> {
    options.args.split_first().filter(|(part, _)| *part == DASHBOARD).map(|(_, args)| args)
}

/// Runs `cargo xtask soak`: the example of the backend, then schemathesis.
pub(crate) fn soak(options: &Options, stop: &Stop) -> Result<()> {
    tools::ensure(&[Tool::Python], stop)?;
    run("soak", &options.args, stop)?;
    schemathesis::run(stop)
}

fn run(example: &str, args: &[String], stop: &Stop) -> Result<()> {
    tools::ensure(&[Tool::Postgres, Tool::Openssh, Tool::Openssl], stop)?;
    if tools::is_root() {
        ftp_server_packages::ensure(stop)?;
    }
    println!("xtask: building the example {example}, the server and the agent as they ship");
    let mut build = tools::cargo();
    build.args(["build", "--profile", files::SHIPPED, "--locked", "-p", "backend", "-p", "mftplus-agent"]);
    build.args(["--bin", "mftplus", "--bin", "mftplus-agent", "--example", example]);
    process::run(&mut build, stop)?;

    let parent = files::disk();
    println!("xtask: starting PostgreSQL in {}, fsync on", parent.display());
    let postgres = services::postgres(&tools::postgres()?, &parent, Durability::Durable, stop)?;
    let mut command = tools::cargo();
    command.args([
        "run",
        "--quiet",
        "--profile",
        files::SHIPPED,
        "--locked",
        "-p",
        "backend",
        "--example",
        example,
        "--",
    ]);
    command.args(["--postgres", &postgres.url]).args(args);
    command.env("MFTPLUS_TEST_FTP_SERVERS", ftp_server_packages::folder());
    process::run(&mut command, stop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_gets_every_argument() {
        for args in [&["--only", "outage", "-v", "--help"][..], &["transfers", "--mebibytes", "64"]] {
            let options = Options::try_parse_from(["bench"].iter().chain(args)).unwrap();
            assert_eq!(options.args, args);
            assert_eq!(playwright_args(&options), None);
        }
    }

    #[test]
    fn the_dashboard_is_measured_by_playwright() {
        let options = Options::try_parse_from(["bench", "dashboard", "-g", "Lighthouse"]).unwrap();
        assert_eq!(playwright_args(&options), Some(&["-g".to_owned(), "Lighthouse".to_owned()][..]));
    }
}
