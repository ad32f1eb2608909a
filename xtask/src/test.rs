//! `cargo xtask test`: runs the steps in order, and prints their results.

use std::env;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use clap::Parser;

use crate::failure::{Context, Failure, Result};
use crate::files::{self, TempFolder};
use crate::ftp_server_packages;
use crate::node;
use crate::process::{Process, TERMINATE};
use crate::stop_request::Stop;
use crate::test_durations::Durations;
use crate::test_steps::{Outcome, Step};
use crate::tools::{self, Tool};

#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Run only the tests whose name contains this, on both databases
    #[arg(value_name = "FILTER")]
    filters: Vec<String>,
    /// Run only this step, which may be one that does not run by default; can be repeated
    #[arg(long, value_enum, value_name = "STEP")]
    only: Vec<Step>,
    /// Arguments of every test binary
    #[arg(last = true, value_name = "TEST-ARGS")]
    test_args: Vec<String>,
}

/// The steps and arguments that the options request.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    steps: Vec<Step>,
    /// The arguments of every test binary: the filters, and the arguments after `--`.
    test_args: Vec<String>,
}

/// One line of the summary.
struct Row {
    name: &'static str,
    result: &'static str,
    took: Duration,
    durations: Durations,
}

pub(crate) fn run(options: Options, stop: &Stop) -> Result<()> {
    let plan = Plan::new(options)?;
    let mut rows = Vec::new();
    let end = plan.run(&mut rows, stop);
    if !matches!(end, Err(Failure::Interrupted)) {
        println!("\n{}", summary(&rows));
    }
    end
}

impl Plan {
    fn new(options: Options) -> Result<Self> {
        let Options { filters, only, test_args } = options;
        let test_args = [filters, test_args].concat();
        let steps = match (only.is_empty(), test_args.is_empty()) {
            (false, _) => only,
            (true, true) => Step::DEFAULT.to_vec(),
            (true, false) => vec![Step::Sqlite, Step::Postgres],
        };
        match steps.iter().find(|step| !test_args.is_empty() && !step.takes_test_args()) {
            Some(step) => Err(format!("the step `{}` has no tests to filter", step.name()).into()),
            None => Ok(Self { steps, test_args }),
        }
    }

    fn run(&self, rows: &mut Vec<Row>, stop: &Stop) -> Result<()> {
        let total = self.steps.len() + 1;
        let start = Instant::now();
        let announce = |number, name: &str, about: &str| {
            let minutes = start.elapsed().as_secs() / 60;
            println!("\n[{number}/{total}] {name}: {about} (minute {minutes})");
        };
        announce(1, "tools", "find or install the tools of the steps");
        let now = Instant::now;
        self.time(rows, "tools", now(), |_| self.ensure_tools(stop).map(|()| Outcome::Passed))?;
        let mut beside: Option<StepBeside> = None;
        for (index, step) in self.steps.iter().enumerate() {
            announce(index + 2, step.name(), step.about());
            if self.steps.get(index + 1).is_some_and(|next| step.runs_beside(*next)) {
                println!("xtask: the output of {} follows that of the next step, beside which it runs", step.name());
                beside = Some(StepBeside::start(*step, stop)?);
                continue;
            }
            let end = self.time(rows, step.name(), now(), |durations| step.run(&self.test_args, durations, stop));
            if let Some(beside) = beside.take().filter(|_| end.is_ok()) {
                self.time(rows, beside.step.name(), beside.start, |_| beside.finish())?;
            }
            end?;
        }
        Ok(())
    }

    /// Records the result of one step, which began at `start`.
    fn time(
        &self,
        rows: &mut Vec<Row>,
        name: &'static str,
        start: Instant,
        work: impl FnOnce(&mut Durations) -> Result<Outcome>,
    ) -> Result<()> {
        let mut durations = Durations::default();
        let end = work(&mut durations);
        let took = start.elapsed();
        let (result, end) = match end {
            Ok(Outcome::Passed) => ("passed", Ok(())),
            Ok(Outcome::Skipped(why)) => {
                println!("xtask: {name} skipped: {why}");
                ("skipped", Ok(()))
            }
            Err(Failure::Failed(message)) => (
                "FAILED",
                Err(Failure::Failed(format!("{message}\nTo repeat this step:\n    {}", self.repeat_command(name)))),
            ),
            Err(Failure::Interrupted) => ("stopped", Err(Failure::Interrupted)),
        };
        rows.push(Row { name, result, took, durations });
        end
    }

    /// The command line with which a user repeats one step.
    fn repeat_command(&self, name: &str) -> String {
        let mut words = vec!["cargo xtask test"];
        // The step `tools` checks the tools of the selected steps. To repeat it, the same steps must be selected.
        let names = self.steps.iter().map(|step| step.name());
        for name in names.filter(|step| *step == name || name == "tools" && self.steps != Step::DEFAULT) {
            words.extend(["--only", name]);
        }
        if !self.test_args.is_empty() {
            words.push("--");
            words.extend(self.test_args.iter().map(String::as_str));
        }
        words.join(" ")
    }

    fn ensure_tools(&self, stop: &Stop) -> Result<()> {
        let mut needed: Vec<Tool> = Vec::new();
        for tool in self.steps.iter().flat_map(|step| step.tools()) {
            if !needed.contains(tool) {
                needed.push(*tool);
            }
        }
        tools::ensure(&needed, stop)?;
        if needed.contains(&Tool::Node) {
            node::ensure(stop)?;
        }
        if self.steps.iter().any(|step| step.starts_ftp_servers()) && tools::is_root() {
            ftp_server_packages::ensure(stop)?;
        }
        for component in self.steps.iter().filter_map(|step| step.component()) {
            tools::ensure_component(component, stop)?;
        }
        println!("xtask: all tools are installed");
        Ok(())
    }
}

/// A step that runs in a separate xtask process, at the same time as another step.
struct StepBeside {
    step: Step,
    start: Instant,
    process: Process,
    log: PathBuf,
    _folder: TempFolder,
}

impl StepBeside {
    fn start(chosen: Step, stop: &Stop) -> Result<Self> {
        let folder = TempFolder::create(&env::temp_dir())?;
        let log = folder.path().join("output");
        let mut xtask = Command::new(env::current_exe().context("cannot find the program of xtask")?);
        xtask.current_dir(files::root()).args(["test", "--only", chosen.name()]);
        let process = Process::spawn_logged(chosen.name(), &mut xtask, &log, TERMINATE, stop)?;
        Ok(Self { step: chosen, start: Instant::now(), process, log, _folder: folder })
    }

    /// Waits until the process has ended, and prints its output.
    fn finish(mut self) -> Result<Outcome> {
        println!("\nxtask: waiting for {}, which began {} s ago", self.step.name(), self.start.elapsed().as_secs());
        let status = self.process.wait()?;
        let cannot = || format!("cannot read {}", self.log.display());
        io::copy(&mut File::open(&self.log).context(cannot())?, &mut io::stdout()).context(cannot())?;
        if status.success() { Ok(Outcome::Passed) } else { Err("its output is above".into()) }
    }
}

/// The summary: a table of steps, then the tables of test durations. The last line has the totals.
fn summary(rows: &[Row]) -> String {
    let line = |Row { name, result, took, .. }: &Row| format!("  {name:<10} {result:<8} {:>8.1} s", took.as_secs_f64());
    let mut lines: Vec<String> = rows.iter().map(line).collect();
    let count = |wanted: &str| rows.iter().filter(|row| row.result == wanted).count();
    let skipped = match count("skipped") {
        0 => String::new(),
        skipped => format!(", {skipped} skipped"),
    };
    lines.extend(rows.iter().flat_map(|row| row.durations.table(row.name)));
    lines.push(String::new());
    lines.push(format!("{} passed, {} failed{skipped}", count("passed"), count("FAILED")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Plan> {
        Plan::new(Options::try_parse_from(["test"].iter().chain(args)).unwrap())
    }

    #[test]
    fn without_arguments_the_default_steps_run() {
        assert_eq!(parse(&[]).unwrap(), Plan { steps: Step::DEFAULT.to_vec(), test_args: vec![] });
    }

    #[test]
    fn a_filter_selects_the_steps_of_both_databases() {
        let plan = parse(&["heartbeat"]).unwrap();
        assert_eq!(plan, Plan { steps: vec![Step::Sqlite, Step::Postgres], test_args: vec!["heartbeat".into()] });
    }

    #[test]
    fn steps_are_selected_by_name_and_take_filters() {
        let plan = parse(&["--only", "postgres", "--only=e2e", "crash", "--", "--nocapture"]).unwrap();
        assert_eq!(plan.steps, [Step::Postgres, Step::E2e]);
        assert_eq!(plan.test_args, ["crash", "--nocapture"]);
        assert_eq!(plan.repeat_command("e2e"), "cargo xtask test --only e2e -- crash --nocapture");
        assert_eq!(plan.repeat_command("tools"), "cargo xtask test --only postgres --only e2e -- crash --nocapture");
        assert_eq!(parse(&[]).unwrap().repeat_command("tools"), "cargo xtask test");
    }

    #[test]
    fn a_step_without_tests_takes_no_filter() {
        let Err(Failure::Failed(message)) = parse(&["--only", "fmt", "x"]) else { panic!("not a failure") };
        assert_eq!(message, "the step `fmt` has no tests to filter");
    }

    #[test]
    fn unknown_steps_and_options_are_errors() {
        for args in [&["test", "--only", "sqlight"][..], &["test", "--only"], &["test", "--fast"]] {
            assert!(Options::try_parse_from(args).is_err(), "{args:?}");
        }
    }

    #[test]
    fn the_summary_lists_results_and_durations() {
        let row = |name, result, millis| {
            let took = Duration::from_millis(millis);
            Row { name, result, took, durations: Durations::default() }
        };
        let mut rows = [row("fmt", "passed", 1250), row("deny", "skipped", 10), row("sqlite", "FAILED", 61_000)];
        rows[2].durations.read("Running tests/api/main.rs (target/debug/deps/api-0123456789abcdef)");
        rows[2].durations.read("test result: FAILED. 1 passed; 1 failed; finished in 60.50s");
        assert_eq!(
            summary(&rows),
            "  fmt        passed        1.2 s\n  deny       skipped       0.0 s\n  sqlite     FAILED       61.0 s\n\
             \nSlowest test binaries of `sqlite`:\n  api                                  60.5 s\n\
             \n1 passed, 1 failed, 1 skipped"
        );
    }
}
