//! The installation in `.local/up`, which is kept between runs of `up`, and commands that use it.

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

/// The cargo profile of the server and the agent.
pub(crate) const BUILD_PROFILE: &str = "up";

/// The e-mail address of the administrator, whom the first start creates.
pub(crate) const ADMIN: &str = "admin@localhost";
const CUSTOMER: &str = "Local";

/// The installation, locked for as long as this value exists.
pub(crate) struct Local {
    pub(crate) home: PathBuf,
    pub(crate) binary: PathBuf,
    /// The administrator's password.
    pub(crate) password: String,
    /// The address on which the server listens.
    pub(crate) listen: SocketAddr,
    _lock: File,
}

impl Local {
    /// Opens the installation of an earlier `up`, or creates one.
    pub(crate) fn open(home: PathBuf, listen: SocketAddr, lock: File) -> Result<Self> {
        let fresh = !home.join("data").exists();
        if fresh {
            say("there is no data yet: creating an empty installation");
            // The ids and keys of an earlier installation are not valid on a new server.
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
                return Err(format!(
                    "{file} with the administrator's password is missing; delete {home} to start again"
                )
                .into());
            }
        };
        Ok(Self { binary: files::binary(BUILD_PROFILE, "mftplus")?, home, password, listen, _lock: lock })
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    pub(crate) fn agent_folder(&self) -> PathBuf {
        self.home.join("agent")
    }

    /// The server's address for clients on this machine.
    pub(crate) fn address(&self) -> SocketAddr {
        ports::reachable(self.listen)
    }

    /// A command `mftplus` that uses the data of this installation and ignores the database settings in the user's
    /// environment.
    pub(crate) fn mftplus<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(&self.binary);
        command.current_dir(files::root()).args(args).env("MFTPLUS_DATA_DIR", self.data());
        command.env_remove("DATABASE_URL").env_remove("REDIS_URL");
        command
    }

    /// A command `mftplus agent` that runs as the agent of this installation.
    pub(crate) fn agent<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(&self.binary);
        command.current_dir(files::root()).arg("agent").args(args);
        command.env("MFTPLUS_SERVER", format!("http://{}", self.address()));
        command.env("MFTPLUS_AGENT_DIR", self.agent_folder()).env_remove("MFTPLUS_ENROLMENT_CODE");
        command
    }

    /// Creates an enrolment code for one agent. The server must have created its database before.
    pub(crate) fn enrolment_code(&self) -> Result<String> {
        let customer = self.customer()?;
        let args = ["enrol-code", "add", "--customer", &customer, "--max-uses", "1", "--expires-in", "1h"];
        process::output(&mut self.mftplus(args))
    }

    /// The id of the installation's only customer. The first call creates the customer.
    fn customer(&self) -> Result<String> {
        let file = self.home.join("customer-id");
        if let Some(id) = files::read_line(&file)? {
            return Ok(id);
        }
        say(&format!("creating the customer {CUSTOMER}"));
        let id = process::output(&mut self.mftplus(["customer", "add", CUSTOMER]))?;
        fs::write(&file, &id).context(format_args!("cannot write {}", relative(&file)))?;
        Ok(id)
    }

    /// Whether the agent has an API key, so that it need not register. Searches all files of the agent's folder,
    /// because the file names are internal to the agent.
    pub(crate) fn has_agent(&self) -> bool {
        let Ok(entries) = fs::read_dir(self.agent_folder()) else { return false };
        entries.flatten().any(|entry| {
            let small = entry.metadata().is_ok_and(|file| file.is_file() && file.len() < 64 * 1024);
            small && fs::read_to_string(entry.path()).is_ok_and(|text| text.contains("mft_ak_"))
        })
    }
}

/// Prints a message of the task `up`.
pub(crate) fn say(text: &str) {
    // `println!` would panic after the terminal is closed, and the child processes must be stopped then, too.
    let _ = writeln!(io::stdout(), "up: {text}");
}

/// Locks the folder, so that only one `up` uses it at a time. Fails if another one does. The operating system releases
/// the lock when this process ends.
pub(crate) fn lock(home: &Path) -> Result<File> {
    fs::create_dir_all(home).context(format_args!("cannot create {}", relative(home)))?;
    let path = home.join("lock");
    let file = File::create(&path).context(format_args!("cannot create {}", relative(&path)))?;
    file.try_lock().map_err(|_| "another `cargo xtask up` is running in this repository")?;
    Ok(file)
}
