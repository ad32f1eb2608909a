//! `cargo xtask`: the tasks that need no binary yet (tools, builds) and those that run one (servers for tests).
//!
//! It depends on no internals of the product: it calls `cargo`, the binary `mftplus` and the documented REST endpoints.
//! It is compiled before anything else, so it uses the standard library and two small crates only.

mod browser;
mod chunks;
mod crates;
mod dashboard;
mod demo;
mod dist;
mod durations;
mod example;
mod failure;
mod files;
mod http;
mod local;
mod node;
mod notices;
mod ports;
mod process;
mod python;
mod schemathesis;
mod services;
mod steps;
mod stop;
mod test;
mod tools;
mod up;
mod versions;
mod wasm;

use std::env;
use std::process::ExitCode;

use crate::failure::{Failure, Result};
use crate::stop::Stop;

/// One subcommand.
struct Task {
    name: &'static str,
    /// Its arguments, as the help shows them.
    usage: &'static str,
    about: &'static str,
    run: fn(&[String], &Stop) -> Result<()>,
}

const TASKS: &[Task] = &[
    Task {
        name: "up",
        usage: "[--demo] [--listen ADDR]",
        about: "Build and start the server with its dashboard, on SQLite, and one agent, until Ctrl-C.\n\
                --demo keeps copies of real files running.\n\
                MFTPLUS_AGENT_ALLOWED_DIRS names folders in which steps of pipelines may work.\n\
                Its data is in .local/up: delete that folder to start with an empty server.",
        run: up::run,
    },
    Task {
        name: "test",
        usage: "[FILTER...] [--only STEP] [-- TEST-ARGS]",
        about: "Run all tests and checks, on both databases. Steps:\n\
                fmt, dashboard, clippy, sqlite, postgres, browser, lint, deny;\n\
                with --only also e2e, docs and windows.\n\
                With FILTER, run only the tests whose name contains it, on both databases.",
        run: test::run,
    },
    Task {
        name: "dist",
        usage: "",
        about: "Build what a release ships: the server with its dashboard, and the agent, both stripped.\n\
                The binaries and their debug information are written to .local/dist.\n\
                It fails if a binary is larger than 60 MB.",
        run: dist::run,
    },
    Task {
        name: "notices",
        usage: "",
        about: "Write the licences of all dependencies to THIRD-PARTY.md, with cargo-about.",
        run: notices::run,
    },
    Task {
        name: "bench",
        usage: "[ARGS...]",
        about: "Measure durable writes beside a bare handler, on both databases (release build).",
        run: example::bench,
    },
    Task {
        name: "soak",
        usage: "[ARGS...]",
        about: "Run the long tests that are too slow for `test` (release build).",
        run: example::soak,
    },
];

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Interrupted) => {
            eprintln!("\nxtask: stopped");
            // What a shell reports for a program that Ctrl-C ended.
            ExitCode::from(130)
        }
        Err(Failure::Failed(message)) => {
            eprintln!("\nxtask: {message}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Result<()> {
    let Some((name, rest)) = args.split_first() else {
        print!("{}", help());
        return Ok(());
    };
    if matches!(name.as_str(), "-h" | "--help" | "help") {
        print!("{}", help());
        return Ok(());
    }
    let task = TASKS.iter().find(|task| task.name == name).ok_or_else(|| unknown(name))?;
    if !matches!(task.name, "bench" | "soak") && asks_for_help(rest) {
        print!("{}", describe(task));
        return Ok(());
    }
    (task.run)(rest, &Stop::install()?)
}

/// Whether xtask's own arguments contain `--help`. `bench` and `soak` pass theirs to another program.
fn asks_for_help(args: &[String]) -> bool {
    args.iter().take_while(|arg| *arg != "--").any(|arg| matches!(arg.as_str(), "-h" | "--help"))
}

fn unknown(name: &str) -> Failure {
    let names: Vec<&str> = TASKS.iter().map(|task| task.name).collect();
    Failure::Failed(format!("no task `{name}`; the tasks are: {}", names.join(", ")))
}

fn help() -> String {
    let mut text = String::from("Builds, tests and servers of this repository.\n\nUsage: cargo xtask TASK\n");
    for task in TASKS {
        text.push('\n');
        text.push_str(&describe(task));
    }
    text
}

fn describe(task: &Task) -> String {
    let command = format!("  cargo xtask {} {}", task.name, task.usage);
    let mut text = format!("{}\n", command.trim_end());
    for line in task.about.lines() {
        text.push_str("      ");
        text.push_str(line);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_names_every_task() {
        let text = help();
        assert!(TASKS.iter().all(|task| text.contains(&format!("cargo xtask {}", task.name))));
    }

    #[test]
    fn an_unknown_task_is_an_error_that_lists_the_tasks() {
        let Failure::Failed(message) = unknown("tset") else { panic!("not a failure") };
        assert_eq!(message, "no task `tset`; the tasks are: up, test, dist, notices, bench, soak");
    }

    #[test]
    fn help_after_two_dashes_is_an_argument_of_the_tests() {
        let args = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(asks_for_help(&args(&["--only", "fmt", "-h"])));
        assert!(!asks_for_help(&args(&["--", "--help"])));
    }
}
