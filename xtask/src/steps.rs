//! The steps of `cargo xtask test`: what each needs and runs.

use std::env;
use std::fs::{self, File};
use std::process::Command;

use crate::browser;
use crate::dashboard;
use crate::failure::{Context, Result};
use crate::files::{self, TempFolder};
use crate::node;
use crate::process::{self, succeeds};
use crate::services::{self, Durability};
use crate::stop::Stop;
use crate::tools::{self, Tool, cargo};

/// One step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    Fmt,
    Dashboard,
    Clippy,
    Sqlite,
    Postgres,
    E2e,
    Browser,
    Lint,
    Deny,
}

/// How a step ended that did not fail.
pub(crate) enum Outcome {
    Passed,
    Skipped(&'static str),
}

impl Step {
    pub(crate) const ALL: &[Self] = &[
        Self::Fmt,
        Self::Dashboard,
        Self::Clippy,
        Self::Sqlite,
        Self::Postgres,
        Self::E2e,
        Self::Browser,
        Self::Lint,
        Self::Deny,
    ];

    /// What runs when nothing is named. The end-to-end tests are part of both databases' steps. The dashboard comes
    /// before what builds a server, which then has it inside.
    pub(crate) const EVERYTHING: &[Self] = &[
        Self::Fmt,
        Self::Dashboard,
        Self::Clippy,
        Self::Sqlite,
        Self::Postgres,
        Self::Browser,
        Self::Lint,
        Self::Deny,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Dashboard => "dashboard",
            Self::Clippy => "clippy",
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::E2e => "e2e",
            Self::Browser => "browser",
            Self::Lint => "lint",
            Self::Deny => "deny",
        }
    }

    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Fmt => "the code is formatted",
            Self::Dashboard => "the dashboard builds, and its first load keeps within the budget",
            Self::Clippy => "no warning in any target",
            Self::Sqlite => "every test that needs no PostgreSQL, on SQLite and the in-process bus",
            Self::Postgres => "every test once more, on PostgreSQL and Redis",
            Self::E2e => "the end-to-end and crash tests, on both databases",
            Self::Browser => "the dashboard in Chromium, and both APIs with clients of others",
            Self::Lint => "the OpenAPI document is clean under two linters",
            Self::Deny => "licences, bans and sources of the dependencies",
        }
    }

    pub(crate) fn takes_test_args(self) -> bool {
        matches!(self, Self::Sqlite | Self::Postgres | Self::E2e | Self::Browser)
    }

    pub(crate) fn tools(self) -> &'static [Tool] {
        match self {
            Self::Postgres | Self::E2e => &[Tool::Postgres, Tool::Redis],
            Self::Browser => &[Tool::Postgres, Tool::Redis, Tool::Node, Tool::Python, Tool::Chromium],
            Self::Lint => &[Tool::Node],
            _ => &[],
        }
    }

    /// The part of the Rust toolchain that it needs besides cargo and rustc.
    pub(crate) fn component(self) -> Option<&'static str> {
        match self {
            Self::Fmt => Some("rustfmt"),
            Self::Clippy => Some("clippy"),
            _ => None,
        }
    }

    pub(crate) fn run(self, test_args: &[String], stop: &Stop) -> Result<Outcome> {
        match self {
            Self::Fmt => announced(cargo().args(["fmt", "--all", "--check"]), stop)?,
            Self::Dashboard => dashboard::build(stop, dashboard::OverBudget::Fail)?,
            Self::Clippy => {
                let mut clippy = cargo();
                clippy.args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]);
                announced(&mut clippy, stop)?;
            }
            Self::Sqlite => announced(&mut tests(&[], test_args), stop)?,
            Self::Postgres => on_postgres(&[], test_args, stop)?,
            Self::E2e => {
                announced(&mut tests(&["e2e"], test_args), stop)?;
                on_postgres(&["e2e"], test_args, stop)?;
            }
            Self::Browser => browser::run(test_args, stop)?,
            Self::Lint => lint(stop)?,
            Self::Deny if succeeds(cargo().args(["deny", "--version"])) => {
                announced(cargo().args(["deny", "--locked", "check", "bans", "licenses", "sources"]), stop)?;
            }
            Self::Deny => return Ok(Outcome::Skipped("cargo-deny is not installed")),
        }
        Ok(Outcome::Passed)
    }
}

/// The tests of these targets of the server, or of everything. Always chosen from the whole workspace: another choice
/// of packages means other features of what they depend on, and all of that built once more. So does a choice of
/// targets: what runs in `test` on both databases names none, though some of it needs no database.
fn tests(targets: &[&str], args: &[String]) -> Command {
    let mut command = cargo();
    command.args(["test", "--workspace", "--locked"]).args(tools::dashboard_feature());
    for target in targets {
        command.args(["--test", target]);
    }
    if !args.is_empty() {
        command.arg("--").args(args);
    }
    command
}

/// The same, with PostgreSQL and Redis started for those that reach a database.
fn on_postgres(targets: &[&str], args: &[String], stop: &Stop) -> Result<()> {
    let parent = env::temp_dir();
    let redis_server = tools::redis_server()?;
    println!("xtask: starting PostgreSQL and Redis in temporary folders of {}", parent.display());
    let postgres = services::postgres(&tools::postgres()?, &parent, Durability::Fast, stop)?;
    let redis = services::redis(&redis_server, &parent, stop)?;
    let folder = TempFolder::create(&parent)?;
    let next = folder.path().join("mftplus-next");
    announced(&mut tools::debug_server(&["next-version"]), stop)?;
    fs::copy(files::debug_binary()?, &next).context(format_args!("cannot write {}", next.display()))?;
    // Tests that need these two are ignored elsewhere. What makes the test data of a release is no test.
    let included = ["--include-ignored", "--skip", "is_frozen"].map(String::from);
    let mut command = tests(targets, &[included.as_slice(), args].concat());
    // For the test in which two versions share a database.
    command.env("MFTPLUS_TEST_NEXT_VERSION", &next);
    command.env("MFTPLUS_TEST_DATABASE_URL", &postgres.url).env("MFTPLUS_TEST_REDIS_URL", &redis.url);
    // For the tests that take a Redis away and bring it back.
    command.env("MFTPLUS_TEST_REDIS_SERVER", redis_server);
    announced(&mut command, stop)
}

/// Both linters over the document that the binary prints.
fn lint(stop: &Stop) -> Result<()> {
    let e2e = node::install_e2e(stop)?;
    let folder = TempFolder::create(&env::temp_dir())?;
    let document = folder.path().join("mftplus-api.yaml");
    let file = File::create(&document).context(format_args!("cannot write {}", document.display()))?;
    announced(&mut tools::debug_server(&[]), stop)?;
    announced(Command::new(files::debug_binary()?).arg("openapi").stdout(file), stop)?;

    let linter = |name: &str| {
        let mut command = node::command(&e2e.join("node_modules/.bin").join(name));
        // It would look for a newer version of itself, and report that it was used.
        command.envs([("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true"), ("REDOCLY_TELEMETRY", "off")]);
        command.current_dir(&e2e);
        command
    };
    announced(linter("redocly").args(["lint", "--config=redocly.yaml", "--max-problems=500"]).arg(&document), stop)?;
    let mut spectral = linter("spectral");
    spectral.args(["lint", "--ruleset=spectral.yaml", "--fail-severity=warn", "--fail-on-unmatched-globs"]);
    announced(spectral.arg(&document), stop)
}

fn announced(command: &mut Command, stop: &Stop) -> Result<()> {
    println!("$ {}", process::shown(command));
    process::run(command, stop)
}
