//! `cargo xtask`: the tasks that need no binary yet (tools, builds) and those that run one (servers for tests).
//!
//! This crate depends on no internals of the product: it calls `cargo`, the binary `mftplus` and documented REST
//! endpoints. It has few dependencies, because it is compiled before anything else.

mod bench_and_soak;
mod browser_tests;
mod cargo_lock;
mod cargo_tools;
mod chunks;
mod dashboard;
mod demo_transfers;
mod dist;
mod failure;
mod files;
mod ftp_server_packages;
mod http;
mod local;
mod measure;
mod node;
mod notices;
mod ports;
mod process;
mod python;
mod schemathesis;
mod services;
mod stop_request;
mod styles;
mod test;
mod test_durations;
mod test_steps;
mod tool_versions;
mod tools;
mod up;
mod wasm;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::{Failure, Result};
use crate::stop_request::Stop;

/// Builds, tests and servers of this repository
#[derive(Parser)]
#[command(
    bin_name = "cargo xtask",
    subcommand_value_name = "TASK",
    subcommand_help_heading = "Tasks",
    max_term_width = 100
)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build and start the server with its dashboard, on SQLite, and one agent, until Ctrl-C
    ///
    /// Its data is in .local/up: delete that folder to start with an empty server. The variable
    /// `MFTPLUS_AGENT_ALLOWED_DIRS` names folders in which steps of pipelines may work.
    Up(up::Options),
    /// Run all tests and checks, on both databases
    Test(test::Options),
    /// Build what a release ships: the server with its dashboard, and the agent, both stripped
    ///
    /// The binaries and their debug information are written to .local/dist. It fails if a binary is larger than 60 MB.
    Dist,
    /// Write the licences of all dependencies to `THIRD-PARTY.md`, with cargo-about
    Notices,
    /// Measure durable writes beside a bare handler, on both databases, and transfers beside other tools (as shipped)
    ///
    /// `cargo xtask bench transfers` measures one part; `--help` lists them. `cargo xtask bench dashboard` measures the
    /// dashboard in Chromium: what updates cost it and how soon they are painted, layout shift, Lighthouse.
    Bench(bench_and_soak::Options),
    /// Take pictures of every page of the dashboard in its states, themes and widths (as shipped)
    ///
    /// They are written to .local/screenshots, as PAGE-STATE-THEME-WIDTH.png.
    Screenshots(measure::Options),
    /// Run the long tests that are too slow for `test` (as shipped)
    Soak(bench_and_soak::Options),
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Interrupted) => {
            eprintln!("\nxtask: stopped");
            // 130 is the exit code that a shell reports for a program that Ctrl-C has ended.
            ExitCode::from(130)
        }
        Err(Failure::Failed(message)) => {
            eprintln!("\nxtask: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    let stop = Stop::install()?;
    match task {
        Task::Up(options) => up::run(&options, &stop),
        Task::Test(options) => test::run(options, &stop),
        Task::Dist => dist::run(&stop),
        Task::Notices => notices::run(&stop),
        Task::Bench(options) => bench_and_soak::bench(&options, &stop),
        Task::Screenshots(options) => measure::screenshots(&options, &stop),
        Task::Soak(options) => bench_and_soak::soak(&options, &stop),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
