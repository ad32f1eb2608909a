//! The steps of `cargo xtask test`: the tools and commands of each.

use std::env;
use std::fs::{self, File};
use std::io::{self, IsTerminal};
use std::process::Command;

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::browser_tests;
use crate::cargo_lock;
use crate::cargo_tools::{self, CargoTool};
use crate::dashboard;
use crate::failure::{Context, Result};
use crate::files::{self, TempFolder};
use crate::ftp_server_packages;
use crate::node;
use crate::process::{self, succeeds};
use crate::services::{self, Durability};
use crate::stop_request::Stop;
use crate::test_durations::Durations;
use crate::tool_versions::MDBOOK;
use crate::tools::{self, Tool, cargo};

/// The target of the step `windows`.
const WINDOWS_TARGET: &str = "x86_64-pc-windows-gnu";

/// The target of the step `macos`.
const MACOS_TARGET: &str = "aarch64-apple-darwin";

/// Parts of the names of tests that need root: they start vsftpd and pure-ftpd, or mount a file system.
const ROOT_TESTS: [&str; 2] = ["ftp::real_servers", "as_root"];

/// All test targets. Examples are left out, since clippy compiles them, and there are no documentation tests.
const ALL: &[&str] = &["--lib", "--bins", "--tests"];

/// The end-to-end and crash tests.
const END_TO_END: &[&str] = &["--test=e2e"];

/// The test targets in which every test uses a server or a database.
const ON_DATABASES: &[&str] = &["--test=api", "--test=e2e"];

/// The unit tests of the libraries.
const UNIT_TESTS: &[&str] = &["--lib"];

/// The part of the name that all unit tests with a database have.
const STORE_TESTS: &str = "store::";

/// A step of `cargo xtask test`.
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
    Docs,
    Windows,
    Macos,
}

/// The outcome of a step that did not fail.
pub(crate) enum Outcome {
    Passed,
    Skipped(&'static str),
}

impl ValueEnum for Step {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Fmt,
            Self::Dashboard,
            Self::Clippy,
            Self::Sqlite,
            Self::Postgres,
            Self::E2e,
            Self::Browser,
            Self::Lint,
            Self::Deny,
            Self::Docs,
            Self::Windows,
            Self::Macos,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(self.about()))
    }
}

impl Step {
    /// The steps that run by default. `sqlite` and `postgres` contain the end-to-end tests. The dashboard is built before
    /// the steps that embed it.
    pub(crate) const DEFAULT: &[Self] = &[
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
            Self::Docs => "docs",
            Self::Windows => "windows",
            Self::Macos => "macos",
        }
    }

    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Fmt => "the code is formatted",
            Self::Dashboard => "the dashboard builds, and its first load keeps within the budget",
            Self::Clippy => "clippy has no warnings in any target",
            Self::Sqlite => "every test that needs no PostgreSQL, on SQLite and the in-process bus",
            Self::Postgres => {
                "every test with a database, on PostgreSQL and Redis, and those with servers of SFTP and FTP"
            }
            Self::E2e => "the end-to-end and crash tests, on both databases",
            Self::Browser => "the dashboard in Chromium, and both APIs with third-party clients",
            Self::Lint => "two linters find no problem in the OpenAPI document",
            Self::Deny => "licences, bans and sources of the dependencies",
            Self::Docs => "mdBook builds the documentation",
            Self::Windows => "the agent compiles for Windows, with MinGW-w64",
            Self::Macos => "the Rust code of the agent compiles for macOS",
        }
    }

    pub(crate) fn takes_test_args(self) -> bool {
        matches!(self, Self::Sqlite | Self::Postgres | Self::E2e | Self::Browser)
    }

    pub(crate) fn tools(self) -> &'static [Tool] {
        match self {
            Self::Postgres => &[Tool::Postgres, Tool::Redis, Tool::Openssh, Tool::Openssl],
            Self::E2e => &[Tool::Postgres, Tool::Redis],
            Self::Browser => {
                &[Tool::Postgres, Tool::Redis, Tool::Openssh, Tool::Openssl, Tool::Node, Tool::Python, Tool::Chromium]
            }
            Self::Lint => &[Tool::Node],
            Self::Windows => &[Tool::Mingw],
            _ => &[],
        }
    }

    /// Whether tests of this step start FTP servers, which need root.
    pub(crate) fn starts_ftp_servers(self) -> bool {
        matches!(self, Self::Postgres | Self::Browser)
    }

    /// Whether this step runs at the same time as `next`. The build of the dashboard does: during half of it, one rustc
    /// links on one core.
    pub(crate) fn runs_beside(self, next: Self) -> bool {
        (self, next) == (Self::Dashboard, Self::Clippy)
    }

    /// The rustup component that this step needs besides cargo and rustc; `None` if it needs no other.
    pub(crate) fn component(self) -> Option<&'static str> {
        match self {
            Self::Fmt => Some("rustfmt"),
            Self::Clippy => Some("clippy"),
            _ => None,
        }
    }

    /// Runs the step. The durations of tests are added to `durations`.
    pub(crate) fn run(self, test_args: &[String], durations: &mut Durations, stop: &Stop) -> Result<Outcome> {
        match self {
            Self::Fmt => run_shown(cargo().args(["fmt", "--all", "--check"]), stop)?,
            Self::Dashboard => dashboard::build(dashboard::Purpose::Release, stop)?,
            Self::Clippy => {
                let mut clippy = cargo();
                clippy.args(["clippy", "--workspace", "--all-targets", "--locked", tools::TEST_CLOCK]);
                clippy.args(["--", "-D", "warnings"]);
                run_shown(&mut clippy, stop)?;
            }
            Self::Sqlite => run_tests(&mut tests(ALL, test_args), durations, stop)?,
            Self::Postgres => on_postgres(ALL, test_args, durations, stop)?,
            Self::E2e => {
                run_tests(&mut tests(END_TO_END, test_args), durations, stop)?;
                on_postgres(END_TO_END, test_args, durations, stop)?;
            }
            Self::Browser => browser_tests::run(test_args, stop)?,
            Self::Lint => lint(stop)?,
            Self::Deny if succeeds(cargo().args(["deny", "--version"])) => {
                run_shown(cargo().args(["deny", "--locked", "check", "bans", "licenses", "sources"]), stop)?;
            }
            Self::Deny => return Ok(Outcome::Skipped("cargo-deny is not installed")),
            Self::Docs => docs(stop)?,
            Self::Windows => windows(stop)?,
            Self::Macos => macos(stop)?,
        }
        Ok(Outcome::Passed)
    }
}

/// A command `cargo test` for these targets. It always selects the whole workspace: with fewer packages, dependencies
/// would have other features and be compiled again.
fn tests(targets: &[&str], args: &[String]) -> Command {
    let mut command = cargo();
    command.args(["test", "--workspace", "--locked"]).args(tools::test_features()).args(targets);
    if !args.is_empty() {
        command.arg("--").args(args);
    }
    command
}

/// Runs the tests with a temporary PostgreSQL and Redis.
fn on_postgres(
    targets: &'static [&'static str],
    args: &[String],
    durations: &mut Durations,
    stop: &Stop,
) -> Result<()> {
    let parent = env::temp_dir();
    let redis_server = tools::redis_server()?;
    println!("xtask: starting PostgreSQL and Redis in temporary folders of {}", parent.display());
    let postgres = services::postgres(&tools::postgres()?, &parent, Durability::Fast, stop)?;
    let redis = services::redis(&redis_server, &parent, stop)?;
    let folder = TempFolder::create(&parent)?;
    let next = folder.path().join("mftplus-next");
    run_shown(&mut tools::debug_server(&["next-version"]), stop)?;
    fs::copy(files::debug_binary()?, &next).context(format_args!("cannot write {}", next.display()))?;
    let is_root = tools::is_root();
    if targets == ALL && !is_root {
        println!(
            "xtask: this user is not root, so the agent's tests with vsftpd, pure-ftpd and full disks are skipped"
        );
    }
    for (targets, args) in runs_on_postgres(targets, args, is_root) {
        let mut command = tests(targets, &args);
        // A second build of the server, for the test in which two versions share a database.
        command.env("MFTPLUS_TEST_NEXT_VERSION", &next);
        command.env("MFTPLUS_TEST_DATABASE_URL", &postgres.url).env("MFTPLUS_TEST_REDIS_URL", &redis.url);
        // For the tests that stop and restart a Redis.
        command.env("MFTPLUS_TEST_REDIS_SERVER", &redis_server);
        // For the tests of the agent that start FTP servers.
        command.env("MFTPLUS_TEST_FTP_SERVERS", ftp_server_packages::folder());
        run_tests(&mut command, durations, stop)?;
    }
    Ok(())
}

/// The test targets that run with PostgreSQL and Redis, each with the arguments of its test binaries. Tests without a
/// database run only in the step `sqlite`, unless the user has selected tests.
fn runs_on_postgres(
    targets: &'static [&'static str],
    args: &[String],
    is_root: bool,
) -> Vec<(&'static [&'static str], Vec<String>)> {
    // Tests that need PostgreSQL, Redis or other servers are marked as ignored, so they are included here. Tests that
    // write the test data of a release are skipped.
    let with_servers = |how: &str| {
        let skipped = ["is_frozen"].into_iter().chain(ROOT_TESTS.into_iter().filter(|_| targets == ALL && !is_root));
        let skipped = skipped.flat_map(|part| ["--skip", part]);
        [how].into_iter().chain(skipped).map(String::from).collect::<Vec<_>>()
    };
    if targets != ALL || !args.is_empty() {
        return vec![(targets, [with_servers("--include-ignored"), args.to_vec()].concat())];
    }
    vec![(ON_DATABASES, Vec::new()), (UNIT_TESTS, vec![STORE_TESTS.to_owned()]), (ALL, with_servers("--ignored"))]
}

/// Runs `cargo test` and reads the durations from its output.
fn run_tests(command: &mut Command, durations: &mut Durations, stop: &Stop) -> Result<()> {
    // Cargo writes to a pipe, and would print no colours there by default.
    let is_plain = ["CI", "NO_COLOR"].iter().any(|name| env::var_os(name).is_some());
    if io::stdout().is_terminal() && !is_plain {
        command.env("CARGO_TERM_COLOR", "always");
    }
    println!("$ {}", process::shown(command));
    process::run_inspected(command, stop, |line| durations.read(line))
}

/// Runs both linters on the OpenAPI document that the binary prints.
fn lint(stop: &Stop) -> Result<()> {
    let e2e = node::install_e2e(stop)?;
    let folder = TempFolder::create(&env::temp_dir())?;
    let document = folder.path().join("mftplus-api.yaml");
    let file = File::create(&document).context(format_args!("cannot write {}", document.display()))?;
    run_shown(&mut tools::debug_server(&[]), stop)?;
    run_shown(Command::new(files::debug_binary()?).arg("openapi").stdout(file), stop)?;

    let linter = |name: &str| {
        let mut command = node::command(&e2e.join("node_modules/.bin").join(name));
        // Without these variables, Redocly checks for updates and sends telemetry.
        command.envs([("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true"), ("REDOCLY_TELEMETRY", "off")]);
        command.current_dir(&e2e);
        command
    };
    run_shown(linter("redocly").args(["lint", "--config=redocly.yaml", "--max-problems=500"]).arg(&document), stop)?;
    let mut spectral = linter("spectral");
    spectral.args(["lint", "--ruleset=spectral.yaml", "--fail-severity=warn", "--fail-on-unmatched-globs"]);
    run_shown(spectral.arg(&document), stop)
}

/// Builds the book of `docs/` into `target/book`.
fn docs(stop: &Stop) -> Result<()> {
    // A debug build compiles in half the time. The book needs the search index, but not the preview server.
    let flags = &["--locked", "--debug", "--no-default-features", "--features=search"];
    CargoTool { package: "mdbook", program: "mdbook", version: MDBOOK.to_owned(), flags }.ensure(stop)?;
    run_shown(cargo_tools::command("mdbook").args(["build", "docs"]), stop)
}

/// Compiles the agent for Windows on this machine.
fn windows(stop: &Stop) -> Result<()> {
    tools::ensure_target(WINDOWS_TARGET, stop)?;
    let mut build = cargo();
    build.args(["build", "--locked", "--package=mftplus-agent", "--target", WINDOWS_TARGET]);
    // aws-lc-sys contains prebuilt objects of its assembly code, so NASM is not needed.
    build.env("AWS_LC_SYS_PREBUILT_NASM", "1");
    run_shown(&mut build, stop)
}

/// Checks the agent for macOS on this machine. Its C libraries would need Apple's headers; since a check links nothing,
/// their build scripts do not run.
fn macos(stop: &Stop) -> Result<()> {
    tools::ensure_target(MACOS_TARGET, stop)?;
    let mut check = cargo();
    check.args(["check", "--locked", "--package=mftplus-agent", "--target", MACOS_TARGET]);
    for setting in without_c_libraries(MACOS_TARGET, &cargo_lock::version("aws-lc-sys")?) {
        check.args(["--config", setting.as_str()]);
    }
    run_shown(&mut check, stop)
}

/// Cargo settings that replace the output of the build scripts of aws-lc-sys and zstd-sys, by their `links` names.
fn without_c_libraries(target: &str, aws_lc_version: &str) -> [String; 3] {
    let aws_lc = format!("target.{target}.aws_lc_{}", aws_lc_version.replace('.', "_"));
    [
        // Selects the bindings of aws-lc-sys that work for every target.
        format!("{aws_lc}.rustc-cfg=[\"universal\"]"),
        // The build script of aws-lc-rs passes this folder on, and nothing reads it.
        format!("{aws_lc}.include=\"none\""),
        format!("target.{target}.zstd.include=\"none\""),
    ]
}

fn run_shown(command: &mut Command, stop: &Stop) -> Result<()> {
    println!("$ {}", process::shown(command));
    process::run(command, stop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_without_a_database_run_on_postgres_only_when_the_user_chooses_them() {
        let databases = files::root().join("backend/src/store/scratch_database.rs");
        assert!(databases.is_file(), "the databases of the unit tests");
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let skips = ["--skip", "is_frozen", "--skip", "ftp::real_servers", "--skip", "as_root"];
        assert_eq!(
            runs_on_postgres(ALL, &[], false),
            [
                (ON_DATABASES, Vec::new()),
                (UNIT_TESTS, words(&["store::"])),
                (ALL, words(&[&["--ignored"][..], &skips[..]].concat())),
            ]
        );
        assert_eq!(
            runs_on_postgres(ALL, &words(&["heartbeat"]), true),
            [(ALL, words(&["--include-ignored", "--skip", "is_frozen", "heartbeat"]))]
        );
        assert_eq!(
            runs_on_postgres(END_TO_END, &[], false),
            [(END_TO_END, words(&["--include-ignored", "--skip", "is_frozen"]))]
        );
    }

    #[test]
    fn the_build_scripts_of_c_libraries_are_named_by_their_links() {
        assert_eq!(
            without_c_libraries("aarch64-apple-darwin", "0.47.0"),
            [
                "target.aarch64-apple-darwin.aws_lc_0_47_0.rustc-cfg=[\"universal\"]",
                "target.aarch64-apple-darwin.aws_lc_0_47_0.include=\"none\"",
                "target.aarch64-apple-darwin.zstd.include=\"none\"",
            ]
        );
    }
}
