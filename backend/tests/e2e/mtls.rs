//! An agent that reaches its server only on the listener for client certificates.

use std::{
    fs,
    net::TcpListener,
    process::{Child, Command},
    time::Duration,
};

use reqwest::{Client, Method};
use serde_json::Value;

use crate::process::{MFTPLUS, Server};

/// Longer than anything may take.
const FOR_EVER: Duration = Duration::from_mins(1);

#[tokio::test]
async fn an_agent_works_with_its_certificate_until_it_is_revoked() {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let server = Server::start(&["--rate-limits", "off", "--mtls-listen", &free.to_string()]).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (state, authority) = (folder.path().join("agent"), folder.path().join("ca.pem"));
    let client = Client::new();
    let pem = client.get(format!("http://{}/api/ca", server.address)).send().await.expect("an answer").text().await;
    fs::write(&authority, pem.expect("PEM")).expect("a file");
    server.run(&["customer", "add", "Acme"]);
    let code = server.run(&["enrol-code", "add", "--customer", "Acme"]);
    let registered = server.agent(&state).args(["register", "--code", &code, "--name", "edge-1"]).status();
    assert!(registered.expect("an agent").success());
    assert!(state.join("certificate.json").exists());

    // Nothing listens at the address that needs no certificate.
    let mut command = Command::new(MFTPLUS);
    command.args(["--log", "warn", "agent", "--server", "http://127.0.0.1:1", "--state-dir"]).arg(&state);
    command.args(["--mtls-server", &format!("https://{free}"), "--ca-file"]).arg(&authority).arg("run");
    let mut agent = Running(command.spawn().expect("an agent"));
    let token = format!("Bearer {}", server.run(&["token", "admin@localhost"]));
    let get = async |path: &str, method: Method| {
        let (status, body) = server.ask(&client, method, path, ("Authorization", &token), &Value::Null).await;
        assert_eq!(status, 200, "{body}");
        body["data"].clone()
    };
    let heard = async {
        loop {
            let shown = get("/api/agents", Method::GET).await["agents"][0].clone();
            if shown["load"].is_number() {
                return shown["id"].as_str().expect("an id").to_owned();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let id = tokio::time::timeout(FOR_EVER, heard).await.expect("a heartbeat in time");

    get(&format!("/api/agents/{id}"), Method::DELETE).await;
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

/// A process that is killed with its handle.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
