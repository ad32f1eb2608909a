//! Runs the tests in a browser and with third-party clients. Playwright executes them, and each test starts its own
//! servers.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::dashboard;
use crate::failure::{Context, Result};
use crate::files::{self, TempFolder};
use crate::ftp_server_packages;
use crate::node;
use crate::process::{self, shown};
use crate::python;
use crate::services::{self, Durability};
use crate::stop_request::Stop;
use crate::tools;

/// Builds a server with the dashboard, starts PostgreSQL, and runs Playwright with `args`.
pub(crate) fn run(args: &[String], stop: &Stop) -> Result<()> {
    let e2e = node::install_e2e(stop)?;
    let python = python::install(stop)?;
    dashboard::build(dashboard::Purpose::Release, stop)?;
    let mut build = tools::debug_server(&[]);
    println!("$ {}", shown(&build));
    process::run(&mut build, stop)?;

    let parent = env::temp_dir();
    let folder = TempFolder::create(&parent)?;
    let mut playwright = playwright(&e2e, &files::debug_binary()?, &folder)?;
    println!("xtask: starting PostgreSQL in a temporary folder of {}", parent.display());
    let postgres = services::postgres(&tools::postgres()?, &parent, Durability::Fast, stop)?;
    if !args.is_empty() {
        // Playwright does not apply the filter to projects that others depend on. So the selected tests run without
        // these dependencies, and one at a time.
        playwright.args(["--no-deps", "--workers=1"]);
    }
    playwright.args(args).env("MFTPLUS_TEST_PYTHON", python);
    // Redis is started by the test that stops and restarts it.
    playwright.env("MFTPLUS_TEST_DATABASE_URL", &postgres.url).env("MFTPLUS_TEST_REDIS_SERVER", tools::redis_server()?);
    // Each test starts its own servers of SFTP and FTP.
    playwright.env("MFTPLUS_TEST_SSHD", tools::SSHD).env("MFTPLUS_TEST_FTP_SERVERS", ftp_server_packages::folder());
    if !tools::is_root() {
        println!("xtask: this user is not root, so the browser test with vsftpd is skipped");
    }
    println!("$ {}", shown(&playwright));
    process::run(&mut playwright, stop)
}

/// A command `playwright test` with Chromium and a copy of `server` in `folder`. A copy, because another build may
/// replace the server's file while Playwright runs.
pub(crate) fn playwright(e2e: &Path, server: &Path, folder: &TempFolder) -> Result<Command> {
    let copy = folder.path().join("mftplus");
    fs::copy(server, &copy).context("cannot copy the server")?;
    let mut playwright = node::command(&e2e.join("node_modules/.bin/playwright"));
    playwright.current_dir(e2e).arg("test");
    playwright.env("MFTPLUS_TEST_BINARY", &copy).env("MFTPLUS_TEST_CHROMIUM", tools::chromium()?);
    Ok(playwright)
}
