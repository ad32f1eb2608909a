//! `install` and `uninstall`: add and remove the agent as a systemd service.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};

use crate::command::args::InstallArgs;
use crate::command::systemd_unit::{NAME, Unit};
use crate::config::locate::MACHINE_FILE;
use crate::exit::Exit;
use crate::storage::allowed_roots::AllowedRoots;
use crate::work::agent::Settings;

/// The folder for units that an administrator adds.
const UNITS: &str = "/etc/systemd/system";

/// A folder that exists if the system was started with systemd.
const SYSTEMD: &str = "/run/systemd/system";

/// Runs the subcommand `install`: writes the unit, enables it and restarts the service; with `--print` it only prints
/// the unit.
pub(crate) fn install(settings: &Settings, args: &InstallArgs) -> anyhow::Result<Exit> {
    let is_valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let is_user =
        args.user.starts_with(|c: char| c.is_ascii_lowercase() || c == '_') && args.user.chars().all(is_valid);
    ensure!(is_user, "`{}` is not a user name", args.user);
    let config = match settings.config.path() {
        Some(path) => std::path::absolute(path)?,
        None if args.print => PathBuf::from(MACHINE_FILE),
        None => bail!("there is no configuration; write one with `{NAME} --config {MACHINE_FILE} init`, and edit it"),
    };
    let program = std::env::current_exe().context("cannot determine the path of this program")?;
    let is_embedded = program.file_stem().is_some_and(|name| name == "mftplus");
    let words = if is_embedded { vec!["agent".to_owned()] } else { Vec::new() };
    let file = settings.config.current();
    let unit =
        Unit { program: &program, words: &words, user: &args.user, config: &config, allowed_dirs: &file.allowed_dirs };
    let text = unit.text()?;
    if args.print {
        print!("{text}");
        return Ok(Exit::Done);
    }
    check_systemd()?;
    AllowedRoots::new(&file.allowed_dirs)?;
    if group_of(&args.user)?.is_none() {
        add_user(&args.user)?;
    }
    let group = group_of(&args.user)?.with_context(|| format!("the user `{}` has no group", args.user))?;
    let_group_read(&config, &group)?;
    let path = unit_path();
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    systemctl(&["daemon-reload"])?;
    systemctl(&["enable", NAME])?;
    // `restart` also starts a service that does not run.
    systemctl(&["restart", NAME])?;
    println!("installed and started: {}", path.display());
    println!("see `systemctl status {NAME}` and `journalctl -u {NAME}`");
    println!(
        "to register: `sudo -u {} {NAME} --state-dir /var/lib/{NAME} register --code CODE`, then `systemctl restart {NAME}`",
        args.user
    );
    Ok(Exit::Done)
}

/// Runs the subcommand `uninstall`: stops the service and deletes its unit. The configuration, the state folder and the
/// user are kept.
pub(crate) fn uninstall() -> anyhow::Result<Exit> {
    check_systemd()?;
    let path = unit_path();
    ensure!(path.exists(), "the service is not installed: there is no {}", path.display());
    systemctl(&["disable", "--now", NAME])?;
    fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    systemctl(&["daemon-reload"])?;
    println!("removed: {}", path.display());
    println!("kept: the configuration, /var/lib/{NAME}, and the user of the service");
    Ok(Exit::Done)
}

fn unit_path() -> PathBuf {
    Path::new(UNITS).join(format!("{NAME}.service"))
}

fn check_systemd() -> anyhow::Result<()> {
    ensure!(
        Path::new(SYSTEMD).is_dir(),
        "systemd does not run here; `{NAME} install --print` shows the unit, and other service managers can start `{NAME} run`"
    );
    ensure!(is_root(), "this needs root: run it with sudo, or see the unit with `{NAME} install --print`");
    Ok(())
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

/// The primary group of a user; `None` if the user does not exist.
fn group_of(user: &str) -> anyhow::Result<Option<String>> {
    let output = Command::new("id").args(["-gn", user]).output().context("cannot run `id`")?;
    let group = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(Some(group).filter(|group| output.status.success() && !group.is_empty()))
}

fn add_user(user: &str) -> anyhow::Result<()> {
    let home = format!("/var/lib/{NAME}");
    let home = ["--no-create-home", "--home-dir", home.as_str()];
    execute("useradd", &[&["--system", "--user-group", "--shell", "/usr/sbin/nologin"][..], &home, &[user]].concat())
}

/// Makes root the owner of the configuration, and lets the service read it.
fn let_group_read(config: &Path, group: &str) -> anyhow::Result<()> {
    let text = config.to_str().context("the path of the configuration is not UTF-8 text")?;
    let owner = format!("root:{group}");
    execute("chown", &[owner.as_str(), text])?;
    execute("chmod", &["640", text])
}

fn systemctl(words: &[&str]) -> anyhow::Result<()> {
    execute("systemctl", words)
}

/// Runs a program of the system, whose output goes to the terminal. Fails if the program fails.
fn execute(program: &str, words: &[&str]) -> anyhow::Result<()> {
    let status = Command::new(program).args(words).status().with_context(|| format!("cannot run `{program}`"))?;
    ensure!(status.success(), "`{program} {}` failed ({status})", words.join(" "));
    Ok(())
}
