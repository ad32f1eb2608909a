//! A server as a process of its own, and the programs beside it.

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
/// The file that moves the clock of a server, in its folder, and the variable that names it.
const CLOCK: &str = "clock";
const CLOCK_VARIABLE: &str = "MFTPLUS_TEST_CLOCK";

/// A server and where it keeps its data; killed with its handle.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    flags: Vec<String>,
    database: Vec<String>,
    /// The file that moves its clock; servers beside each other share it.
    clock: PathBuf,
    folder: TempDir,
    is_shared: bool,
}

impl Server {
    /// Starts a server on a database of its own.
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

    /// Another server on the same database and Redis; none where there can be one server only.
    pub(crate) fn beside(&self) -> Option<Self> {
        self.beside_as(MFTPLUS)
    }

    /// The same, of this program.
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

    /// Starts it again where it was, after it was ended.
    pub(crate) fn restart(&mut self) {
        let (child, address) = spawn(MFTPLUS, &self.address, &self.folder, &self.clock, &self.database, &self.flags);
        assert_eq!(address, self.address);
        self.child = child;
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("a process to kill");
        self.child.wait().expect("its end");
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        terminate(&self.child);
        self.child.wait().expect("its end")
    }

    /// Moves its clock, and that of the servers beside it, forward to this time. They notice it a moment later. A test
    /// that does this is ignored without the feature `test-clock`.
    pub(crate) fn move_clock_to(&self, time: DateTime<Utc>) {
        let ahead = time - Utc::now();
        // The servers read the file all the time, so it is put in its place as a whole.
        let new = self.clock.with_extension("new");
        fs::write(&new, ahead.num_milliseconds().to_string()).expect("a file");
        fs::rename(&new, &self.clock).expect("a file");
    }

    /// Sends it this signal.
    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// How it has ended, if it has.
    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a process of ours")
    }

    /// Waits until it has ended.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.child.wait().expect("its end")
    }

    /// Runs a command of the binary beside the server; what it printed.
    pub(crate) fn run(&self, args: &[&str]) -> String {
        let output = Command::new(MFTPLUS).args(args).args(&self.database).output().expect("a command");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Its log so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join(LOG)).expect("a log")
    }

    /// The flags that lead to its database.
    pub(crate) fn database(&self) -> &[String] {
        &self.database
    }

    /// A command of the agent with its own state.
    pub(crate) fn agent(&self, state: &Path) -> Command {
        let mut command = Command::new(MFTPLUS);
        command.args(["--log", "warn", "agent", "--server", &format!("http://{}", self.address)]);
        command.arg("--state-dir").arg(state).stdout(Stdio::null());
        command
    }

    /// One request; its status and body.
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

/// Asks a process to stop.
pub(crate) fn terminate(child: &Child) {
    signal(child, "TERM");
}

/// Sends a process this signal.
fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()));
}
