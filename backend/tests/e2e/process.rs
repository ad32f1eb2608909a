//! A server as a process, and the other programs of these tests.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
};

use chrono::{DateTime, Utc};
use reqwest::{Client, Method};
use serde_json::Value;
use tempfile::TempDir;

use crate::database::TestDatabase;

/// The binary under test.
pub(crate) const MFTPLUS: &str = env!("CARGO_BIN_EXE_mftplus");

/// The log of a server, in its folder.
const LOG: &str = "server.log";
/// The file that moves the clock of a server, in the folder of the server, and the variable that names it.
const CLOCK: &str = "clock";
const CLOCK_VARIABLE: &str = "MFTPLUS_TEST_CLOCK";

/// A server with its data. It is killed when the handle is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    flags: Vec<String>,
    database: Vec<String>,
    /// The file that moves the clock of the server; servers on the same database share it.
    clock: PathBuf,
    folder: TempDir,
    is_shared: bool,
}

impl Server {
    /// Starts a server on a new database.
    pub(crate) async fn start(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut database = vec!["--data-dir".to_owned(), folder.path().display().to_string()];
        let test_database = TestDatabase::fresh().await;
        let (is_shared, test_flags) = (test_database.is_shared(), test_database.flags());
        // Commands beside the server take the database, but no Redis.
        let redis = test_flags.iter().position(|flag| flag == "--redis-url");
        let (beside, redis) = test_flags.split_at(redis.unwrap_or(test_flags.len()));
        database.extend_from_slice(beside);
        let flags: Vec<String> = redis.iter().cloned().chain(flags.iter().map(ToString::to_string)).collect();
        let clock = folder.path().join(CLOCK);
        let (child, address) = spawn(MFTPLUS, "127.0.0.1:0", &folder, &clock, &database, &flags);
        Self { child, address, flags, database, clock, folder, is_shared }
    }

    /// Starts another server on the same database and Redis; `None` if there can be one server only.
    pub(crate) fn beside(&self) -> Option<Self> {
        self.beside_as(MFTPLUS)
    }

    /// Starts another server of this program on the same database and Redis; `None` if there can be one server only.
    pub(crate) fn beside_as(&self, program: &str) -> Option<Self> {
        if !self.is_shared {
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut database = self.database.clone();
        database[1] = folder.path().display().to_string();
        let (flags, clock) = (self.flags.clone(), self.clock.clone());
        let (child, address) = spawn(program, "127.0.0.1:0", &folder, &clock, &database, &flags);
        Some(Self { child, address, flags, database, clock, folder, is_shared: true })
    }

    /// Starts the server again on its data, after it has ended.
    pub(crate) fn restart(&mut self) {
        let (child, address) = spawn(MFTPLUS, &self.address, &self.folder, &self.clock, &self.database, &self.flags);
        assert_eq!(address, self.address);
        self.child = child;
    }

    /// Kills the server with `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("a process to kill");
        self.child.wait().expect("its end");
    }

    /// Sends SIGTERM to the server, and waits until it has ended.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        terminate(&self.child);
        self.child.wait().expect("its end")
    }

    /// Moves the clock of the server, and of the servers on the same database, forward to this time. They notice it a
    /// moment later. A test that does this is ignored without the feature `test-clock`.
    pub(crate) fn move_clock_to(&self, time: DateTime<Utc>) {
        let ahead = time - Utc::now();
        // The servers read the file all the time, so it is put in its place as a whole.
        let new = self.clock.with_extension("new");
        fs::write(&new, ahead.num_milliseconds().to_string()).expect("a file");
        fs::rename(&new, &self.clock).expect("a file");
    }

    /// Sends this signal to the server.
    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// The exit status of the server; `None` while it runs.
    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a process of ours")
    }

    /// Waits until the server has ended.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.child.wait().expect("its end")
    }

    /// Runs a command of the binary on the data of the server. Returns its output.
    pub(crate) fn run(&self, args: &[&str]) -> String {
        let output = Command::new(MFTPLUS).args(args).args(&self.database).output().expect("a command");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// The log of the server so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join(LOG)).expect("a log")
    }

    /// The flags for the database of the server.
    pub(crate) fn database(&self) -> &[String] {
        &self.database
    }

    /// A command of the agent with this state folder.
    pub(crate) fn agent(&self, state: &Path) -> Command {
        let mut command = Command::new(MFTPLUS);
        command.args(["--log", "warn", "agent", "--server", &format!("http://{}", self.address)]);
        command.arg("--state-dir").arg(state).stdout(Stdio::null());
        command
    }

    /// Sends one request. Returns its status and body.
    pub(crate) async fn ask(
        &self,
        client: &Client,
        method: Method,
        path: &str,
        who: (&str, &str),
        body: &Value,
    ) -> (u16, Value) {
        let request = client.request(method, format!("http://{}{path}", self.address)).header(who.0, who.1);
        let request = if body.is_null() { request } else { request.json(body) };
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, response.json().await.expect("JSON"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if thread::panicking() {
            eprintln!("the log of the server at {}:\n{}", self.address, self.log());
        }
    }
}

fn spawn(
    program: &str,
    listen: &str,
    folder: &TempDir,
    clock: &Path,
    database: &[String],
    flags: &[String],
) -> (Child, String) {
    let log = File::options().create(true).append(true).open(folder.path().join(LOG)).expect("a log");
    let mut command = Command::new(program);
    command.env(CLOCK_VARIABLE, clock);
    command.arg("serve").args(["--listen", listen, "--metrics-listen", "127.0.0.1:0", "--log", "warn"]);
    command.args(["--admin-password", "correct horse battery"]).args(database).args(flags);
    let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("a server");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let address = lines.find_map(|line| {
        let line = line.ok()?;
        Some(line.split_once("http://")?.1.split_once(',')?.0.to_owned())
    });
    (child, address.expect("the server says where it listens"))
}

/// Sends SIGTERM to a process.
pub(crate) fn terminate(child: &Child) {
    signal(child, "TERM");
}

/// Sends this signal to a process.
pub(crate) fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()));
}
