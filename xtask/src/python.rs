//! Python for the tests: a virtual environment in `.local/tools`, with what `e2e/requirements.txt` names and nothing of the
//! machine's own.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::failure::{Context, Result};
use crate::files;
use crate::process::{self, succeeds};
use crate::stop::Stop;
use crate::tools;

/// Installs what `e2e/requirements.txt` names, unless that is done; the folder of its programs.
pub(crate) fn install(stop: &Stop) -> Result<PathBuf> {
    let home = tools::own().join("python");
    let bin = home.join("bin");
    let wanted = files::root().join("e2e/requirements.txt");
    // Copied last, so it is there only where everything is.
    let installed = home.join("requirements.txt");
    let is_installed =
        fs::read(&installed).is_ok_and(|installed| fs::read(&wanted).is_ok_and(|wanted| wanted == installed));
    // A newer Python of the machine leaves a folder behind that does not run any more.
    if is_installed && succeeds(Command::new(bin.join("python")).arg("--version")) {
        return Ok(bin);
    }
    println!("xtask: installing what e2e/requirements.txt names into .local/tools/python (python3 -m venv, pip)");
    process::run(Command::new(tools::python()?).args(["-m", "venv", "--clear"]).arg(&home), stop)?;
    let mut pip = Command::new(bin.join("python"));
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--requirement"]);
    process::run(pip.arg(&wanted), stop)?;
    fs::copy(&wanted, &installed).context("cannot note what was installed")?;
    Ok(bin)
}
