//! `bench dashboard`: the dashboard of a release build in Chromium, driven by Playwright.

use crate::browser_tests;
use crate::dashboard::{self, OverBudget};
use crate::failure::Result;
use crate::files::{self, TempFolder};
use crate::node;
use crate::process::{self, shown};
use crate::stop::Stop;
use crate::tools::{self, Tool};

/// The configuration of Playwright that has the project.
const CONFIG: &str = "playwright.measure.config.ts";

/// `cargo xtask bench dashboard`.
pub(crate) fn dashboard(args: &[String], stop: &Stop) -> Result<()> {
    ensure_tools(stop)?;
    node::install_locked(&files::root().join("e2e/measure"), stop)?;
    run("dashboard", args, stop)
}

fn ensure_tools(stop: &Stop) -> Result<()> {
    tools::ensure(&[Tool::Node, Tool::Chromium], stop)?;
    node::ensure(stop)
}

/// Runs a project of [`CONFIG`].
fn run(project: &str, args: &[String], stop: &Stop) -> Result<()> {
    let e2e = node::install_e2e(stop)?;
    dashboard::build(stop, OverBudget::Warn)?;
    let mut build = tools::cargo();
    build.args(["build", "--release", "--locked", "--package=backend", "--bin=mftplus"]);
    build.arg("--features=backend/dashboard");
    println!("$ {}", shown(&build));
    process::run(&mut build, stop)?;

    let parent = files::disk();
    let folder = TempFolder::create(&parent)?;
    let mut playwright = browser_tests::playwright(&e2e, &files::release_binary()?, &folder)?;
    playwright.args(["--config", CONFIG, "--project", project]).args(args);
    // Servers keep their databases below it.
    playwright.env("TMPDIR", &parent);
    println!("$ {}", shown(&playwright));
    process::run(&mut playwright, stop)
}
