//! An agent whose configuration changes while it runs.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Child,
    time::Duration,
};

use reqwest::{Client, Method};
use serde_json::Value;

use crate::process::{Server, signal};

/// Longer than anything may take.
const FOR_EVER: Duration = Duration::from_mins(1);

#[tokio::test]
async fn an_agent_reads_its_configuration_at_a_hangup_and_tells_the_server_what_is_wrong_with_it() {
    let server = Server::start(&["--rate-limits", "off"]).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = folder.path().join("agent");
    server.run(&["customer", "add", "Acme"]);
    let code = server.run(&["enrol-code", "add", "--customer", "Acme"]);
    let registered = server.agent(&state).args(["register", "--code", &code, "--name", "edge-1"]).status();
    assert!(registered.expect("an agent").success());
    let config = state.join("mftplus-agent.toml");
    write(&config, "max-jobs = 1\n");
    let agent = Running(server.agent(&state).arg("run").spawn().expect("an agent"));
    until(&server, |agent| agent["load"].is_number() && agent["status"] == "online").await;

    write(&config, "max-job = 2\n");
    signal(&agent.0, "HUP");
    let is_told = |agent: &Value| {
        agent["statusReason"].as_str().is_some_and(|reason| reason.contains("there is no key `max-job`"))
    };
    until(&server, |agent| agent["status"] == "error" && is_told(agent)).await;

    write(&config, "max-jobs = 2\n");
    signal(&agent.0, "HUP");
    until(&server, |agent| agent["status"] == "online" && agent["statusReason"].is_null()).await;
}

/// Writes a configuration that the agent accepts, whatever the umask is.
fn write(config: &Path, text: &str) {
    fs::write(config, text).expect("a file");
    fs::set_permissions(config, Permissions::from_mode(0o600)).expect("its mode");
}

/// Polls until the only agent is as wished.
async fn until(server: &Server, is_wished: impl Fn(&Value) -> bool) {
    let client = Client::new();
    let token = format!("Bearer {}", server.run(&["token", "admin@localhost"]));
    let asked = async {
        loop {
            let who = ("Authorization", token.as_str());
            let (status, body) = server.ask(&client, Method::GET, "/api/agents", who, &Value::Null).await;
            assert_eq!(status, 200, "{body}");
            if is_wished(&body["data"]["agents"][0]) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(FOR_EVER, asked).await.expect("the agent as wished in time");
}

/// A process that is killed with its handle.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
