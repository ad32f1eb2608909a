//! Python for the tests: a virtual environment in `.local/tools` with the packages of `e2e/requirements.txt` only.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::failure::{Context, Result};
use crate::files;
use crate::process::{self, succeeds};
use crate::stop_request::Stop;
use crate::tools;

/// Installs the packages of `e2e/requirements.txt`, unless they are installed. Returns the folder of their programs.
pub(crate) fn install(stop: &Stop) -> Result<PathBuf> {
    let home = tools::folder().join("python");
    let bin = home.join("bin");
    let wanted = files::root().join("e2e/requirements.txt");
    // Copied last, so it exists only if everything is installed.
    let installed = home.join("requirements.txt");
    let is_installed =
        fs::read(&installed).is_ok_and(|installed| fs::read(&wanted).is_ok_and(|wanted| wanted == installed));
    // An environment stops working when the machine's Python is replaced by a newer version.
    if is_installed && succeeds(Command::new(bin.join("python")).arg("--version")) {
        return Ok(bin);
    }
    println!("xtask: installing what e2e/requirements.txt names into .local/tools/python (python3 -m venv, pip)");
    process::run(Command::new(tools::python()?).args(["-m", "venv", "--clear"]).arg(&home), stop)?;
    let mut pip = Command::new(bin.join("python"));
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--requirement"]);
    process::run(pip.arg(&wanted), stop)?;
    fs::copy(&wanted, &installed).context("cannot record what was installed")?;
    Ok(bin)
}
