//! The installation in `.local/up`: what is kept there from one `up` to the next, and the commands on it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Context, Result};
use crate::files::{self, relative};
use crate::ports;
use crate::process;

/// The admin that the first start makes.
pub(crate) const ADMIN: &str = "admin@localhost";
const CUSTOMER: &str = "Local";

/// An installation that is ours alone as long as this lives.
pub(crate) struct Local {
    pub(crate) home: PathBuf,
    pub(crate) binary: PathBuf,
    /// The admin's.
    pub(crate) password: String,
    /// Where the server listens.
    pub(crate) listen: SocketAddr,
    _lock: File,
}

impl Local {
    /// Takes over what an earlier `up` left, or begins afresh.
    pub(crate) fn open(home: PathBuf, listen: SocketAddr, lock: File) -> Result<Self> {
        let fresh = !home.join("data").exists();
        if fresh {
            say("no data yet: starting afresh");
            // What an earlier, deleted server knew means nothing to a new one.
            let _ = fs::remove_file(home.join("customer-id"));
            let _ = fs::remove_dir_all(home.join("agent"));
        }
        let password_file = home.join("admin-password");
        let password = match files::read_line(&password_file)? {
            Some(password) => password,
            None if fresh => {
                let password = files::random_hex(12)?;
                files::write_secret(&password_file, &password)?;
                password
            }
            None => {
                let (file, home) = (relative(&password_file), relative(&home));
                return Err(format!("{file} with the admin's password is gone; delete {home} to start afresh").into());
            }
        };
        Ok(Self { binary: files::release_binary()?, home, password, listen, _lock: lock })
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    pub(crate) fn agent_folder(&self) -> PathBuf {
        self.home.join("agent")
    }

    /// Where a client on this machine finds the server.
    pub(crate) fn address(&self) -> SocketAddr {
        ports::reachable(self.listen)
    }

    /// `mftplus …` on our data, whatever database the person who started us works with.
    pub(crate) fn mftplus<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(&self.binary);
        command.current_dir(files::root()).args(args).env("MFTPLUS_DATA_DIR", self.data());
        command.env_remove("DATABASE_URL").env_remove("REDIS_URL");
        command
    }

    /// `mftplus agent …` as our agent.
    pub(crate) fn agent<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(&self.binary);
        command.current_dir(files::root()).arg("agent").args(args);
        command.env("MFTPLUS_SERVER", format!("http://{}", self.address()));
        command.env("MFTPLUS_AGENT_DIR", self.agent_folder()).env_remove("MFTPLUS_ENROLMENT_CODE");
        command
    }

    /// A code with which one agent may register. Needs the running server's database.
    pub(crate) fn enrolment_code(&self) -> Result<String> {
        let customer = self.customer()?;
        let args = ["enrol-code", "add", "--customer", &customer, "--max-uses", "1", "--expires-in", "1h"];
        process::output(&mut self.mftplus(args))
    }

    /// The one customer of this installation, made at the first start.
    fn customer(&self) -> Result<String> {
        let file = self.home.join("customer-id");
        if let Some(id) = files::read_line(&file)? {
            return Ok(id);
        }
        say(&format!("making the customer {CUSTOMER}"));
        let id = process::output(&mut self.mftplus(["customer", "add", CUSTOMER]))?;
        fs::write(&file, &id).context(format_args!("cannot write {}", relative(&file)))?;
        Ok(id)
    }

    /// Whether our agent has a key already. What its file is called is the agent's business.
    pub(crate) fn has_agent(&self) -> bool {
        let Ok(entries) = fs::read_dir(self.agent_folder()) else { return false };
        entries.flatten().any(|entry| {
            let small = entry.metadata().is_ok_and(|file| file.is_file() && file.len() < 64 * 1024);
            small && fs::read_to_string(entry.path()).is_ok_and(|text| text.contains("mft_ak_"))
        })
    }
}

/// Says what `up` does.
pub(crate) fn say(text: &str) {
    // The terminal may be gone by now, which is no reason to leave children behind.
    let _ = writeln!(io::stdout(), "up: {text}");
}

/// Holds the folder for one `up` at a time; the system lets go when we end, however we end.
pub(crate) fn lock(home: &Path) -> Result<File> {
    fs::create_dir_all(home).context(format_args!("cannot make {}", relative(home)))?;
    let path = home.join("lock");
    let file = File::create(&path).context(format_args!("cannot make {}", relative(&path)))?;
    file.try_lock().map_err(|_| "another `cargo xtask up` is running in this repository")?;
    Ok(file)
}
