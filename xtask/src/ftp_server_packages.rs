//! Provides vsftpd and pure-ftpd for the tests. Debian's packages of the two conflict, and each starts a server on port
//! 21. So the packages are not installed: they are unpacked into `.local/tools`, together with the libraries that only
//! they need.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::failure::{Context, Result};
use crate::files::{self, TempFolder};
use crate::process;
use crate::stop_request::Stop;
use crate::tools;

/// The programs that the tests start.
const PROGRAMS: [&str; 3] = ["vsftpd", "pure-ftpd", "pure-pw"];

/// The Debian packages that contain [`PROGRAMS`] and their libraries.
const PACKAGES: [&str; 5] = ["vsftpd", "pure-ftpd", "pure-ftpd-common", "libwrap0", "libsodium23"];

/// The folder into which the packages are unpacked. It does not exist if they are not unpacked.
pub(crate) fn folder() -> PathBuf {
    tools::folder().join("ftp-servers")
}

/// Makes sure that the servers are installed or unpacked.
pub(crate) fn ensure(stop: &Stop) -> Result<()> {
    if folder().is_dir() || PROGRAMS.iter().all(|program| tools::find_program(program).is_some()) {
        return Ok(());
    }
    println!("xtask: vsftpd and pure-ftpd are missing; unpacking Debian's packages into .local/tools");
    let parent = tools::folder();
    fs::create_dir_all(&parent).context(format_args!("cannot create {}", parent.display()))?;
    let packages = TempFolder::create(&parent)?;
    tools::update_packages(stop)?;
    process::run(Command::new("apt-get").current_dir(packages.path()).args(["-qq", "download"]).args(PACKAGES), stop)?;
    let root = packages.path().join("root");
    for package in files::entries(packages.path())? {
        process::run(Command::new("dpkg-deb").arg("--extract").arg(package).arg(&root), stop)?;
    }
    fs::rename(&root, folder()).context(format_args!("cannot create {}", folder().display()))
}
