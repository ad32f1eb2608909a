//! A Redis for one test, which can be killed and restarted, and a wait until a server is connected to Redis.

use std::{
    env,
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::ChildStdout,
};

use super::TestApp;

/// A Redis on a free port.
#[derive(Debug)]
pub(crate) struct OwnRedis {
    program: String,
    port: u16,
    folder: TempDir,
    process: Option<Child>,
}

impl OwnRedis {
    /// A running Redis.
    #[expect(clippy::disallowed_methods, reason = "the test command says so by this variable")]
    pub(crate) async fn start() -> Self {
        let program = env::var("MFTPLUS_TEST_REDIS_SERVER").expect("MFTPLUS_TEST_REDIS_SERVER names redis-server");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut redis = Self { program, port: free.port(), folder, process: None };
        redis.restart().await;
        redis
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills the server, as in an outage.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("a process to kill");
            process.wait().expect("an end");
        }
    }

    /// Starts the server on the same port, without data.
    pub(crate) async fn restart(&mut self) {
        self.kill();
        let mut process = Command::new(&self.program)
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(self.folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("redis-server starts");
        let stdout = process.stdout.take().and_then(|stdout| ChildStdout::from_std(stdout).ok()).expect("its output");
        self.process = Some(process);
        let mut lines = BufReader::new(stdout).lines();
        loop {
            let line = lines.next_line().await.expect("its output").expect("redis-server goes on");
            if line.contains("Ready to accept connections") {
                return;
            }
        }
    }
}

impl Drop for OwnRedis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits until the server receives the messages of other servers.
pub(crate) async fn connected(app: &TestApp) {
    let bus = app.cp().bus();
    let mut reader = bus.read();
    while !bus.is_connected() {
        reader.next().await.expect("a bus");
    }
}
