//! Agents that reach their server on the listener for client certificates.

use std::{
    fs,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command},
    time::Duration,
};

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{MFTPLUS, Server};

/// Longer than anything may take.
const FOR_EVER: Duration = Duration::from_mins(1);

/// An address at which nothing listens.
const NOWHERE: &str = "http://127.0.0.1:1";

/// A server with the listener, and an agent that is registered and has a certificate.
struct Story {
    server: Server,
    listener: String,
    folder: TempDir,
    client: Client,
}

impl Story {
    async fn begin() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        let listener = free.to_string();
        let server = Server::start(&["--rate-limits", "off", "--mtls-listen", &listener]).await;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let story = Self { server, listener, folder, client: Client::new() };
        let request = story.client.get(format!("http://{}/api/ca", story.server.address));
        let pem = request.send().await.expect("an answer").text().await.expect("PEM");
        fs::write(story.authority(), pem).expect("a file");
        story.server.run(&["customer", "add", "Acme"]);
        let code = story.server.run(&["enrol-code", "add", "--customer", "Acme"]);
        let mut register = story.server.agent(&story.state());
        let registered = register.args(["register", "--code", &code, "--name", "edge-1"]).status();
        assert!(registered.expect("an agent").success());
        assert!(story.state().join("certificate.json").exists());
        story
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("agent")
    }

    fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Starts the agent, with the listener and this address for requests without a certificate.
    fn agent(&self, server: &str) -> Running {
        let mut command = Command::new(MFTPLUS);
        command.args(["--log", "warn", "agent", "--server", server, "--state-dir"]).arg(self.state());
        command.args(["--mtls-server", &format!("https://{}", self.listener), "--ca-file"]);
        Running(command.arg(self.authority()).arg("run").spawn().expect("an agent"))
    }

    /// Sends a request of an administrator. Returns the data of its answer.
    async fn ask(&self, method: Method, path: &str) -> Value {
        let token = format!("Bearer {}", self.server.run(&["token", "admin@localhost"]));
        let (status, body) = self.server.ask(&self.client, method, path, ("Authorization", &token), &Value::Null).await;
        assert_eq!(status, 200, "{body}");
        body["data"].clone()
    }

    /// Waits for a heartbeat of the agent. Returns the agent's id.
    async fn wait_for_heartbeat(&self) -> String {
        let heartbeat = async {
            loop {
                let shown = self.ask(Method::GET, "/api/agents").await["agents"][0].clone();
                if shown["load"].is_number() {
                    return shown["id"].as_str().expect("an id").to_owned();
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(FOR_EVER, heartbeat).await.expect("a heartbeat in time")
    }
}

#[tokio::test]
async fn an_agent_works_with_its_certificate_until_it_is_revoked() {
    let story = Story::begin().await;
    let mut agent = story.agent(NOWHERE);
    let id = story.wait_for_heartbeat().await;

    story.ask(Method::DELETE, &format!("/api/agents/{id}")).await;
    let ended = async {
        loop {
            if let Some(status) = agent.0.try_wait().expect("a process of ours") {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let status = tokio::time::timeout(FOR_EVER, ended).await.expect("an end in time");
    assert!(!status.success(), "a revoked agent stops");
}

#[tokio::test]
async fn an_agent_whose_certificate_is_not_known_any_more_gets_another_with_its_key() {
    let story = Story::begin().await;
    let read = |name: &str| fs::read(story.state().join(name)).expect("a file");
    let (registration, certificate) = (read("agent.json"), read("certificate.json"));
    let registration: Value = serde_json::from_slice(&registration).expect("JSON");
    let path = format!("/api/agents/{}/certificate", registration["agentId"].as_str().expect("an id"));
    let key = registration["apiKey"].as_str().expect("a key");
    // Of several certificates the server knows the newest ones.
    for _ in 0..4 {
        let request = json!({ "csr": signing_request() });
        let (status, body) = story.server.ask(&story.client, Method::POST, &path, ("X-API-Key", key), &request).await;
        assert_eq!(status, 201, "{body}");
    }

    let _agent = story.agent(&format!("http://{}", story.server.address));
    story.wait_for_heartbeat().await;
    let renewed = async {
        while read("certificate.json") == certificate {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(FOR_EVER, renewed).await.expect("another certificate in time");
}

fn signing_request() -> String {
    let key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(Vec::<String>::new()).expect("parameters");
    params.serialize_request(&key).and_then(|request| request.pem()).expect("a request")
}

/// A process that is killed with its handle.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
