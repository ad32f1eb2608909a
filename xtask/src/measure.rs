//! `bench dashboard` and `screenshots`: Playwright opens the dashboard of the release build in Chromium.

use clap::Parser;

use crate::browser_tests;
use crate::dashboard::{self, Purpose};
use crate::failure::Result;
use crate::files::{self, TempFolder};
use crate::node;
use crate::process::{self, shown};
use crate::stop_request::Stop;
use crate::tools::{self, Tool};

/// The Playwright configuration that contains the projects `dashboard` and `screenshots`.
const CONFIG: &str = "playwright.measure.config.ts";

#[derive(Parser)]
pub(crate) struct Options {
    /// Arguments of Playwright, such as `-g offline`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    args: Vec<String>,
}

/// Runs `cargo xtask bench dashboard`: measures the dashboard.
pub(crate) fn dashboard(args: &[String], stop: &Stop) -> Result<()> {
    ensure_tools(stop)?;
    node::install_locked(&files::root().join("e2e/measure"), stop)?;
    run("dashboard", args, stop)
}

/// Runs `cargo xtask screenshots`: writes screenshots of all pages.
pub(crate) fn screenshots(options: &Options, stop: &Stop) -> Result<()> {
    ensure_tools(stop)?;
    run("screenshots", &options.args, stop)?;
    println!("xtask: the screenshots are in .local/screenshots");
    Ok(())
}

fn ensure_tools(stop: &Stop) -> Result<()> {
    tools::ensure(&[Tool::Node, Tool::Chromium], stop)?;
    node::ensure(stop)
}

/// Runs a project of [`CONFIG`] with these additional arguments for Playwright.
fn run(project: &str, args: &[String], stop: &Stop) -> Result<()> {
    let e2e = node::install_e2e(stop)?;
    dashboard::build(Purpose::Release, stop)?;
    let mut build = tools::cargo();
    build.args(["build", "--profile", files::SHIPPED, "--locked", "--package=backend", "--bin=mftplus"]);
    build.arg("--features=backend/dashboard");
    println!("$ {}", shown(&build));
    process::run(&mut build, stop)?;

    let parent = files::disk();
    let folder = TempFolder::create(&parent)?;
    let mut playwright = browser_tests::playwright(&e2e, &files::shipped_binary()?, &folder)?;
    playwright.args(["--config", CONFIG, "--project", project]).args(args);
    // The servers create their databases in this folder.
    playwright.env("TMPDIR", &parent);
    println!("$ {}", shown(&playwright));
    process::run(&mut playwright, stop)
}
