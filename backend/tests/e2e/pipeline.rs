//! A pipeline that the reference agent carries out, while the server is killed in the second step.

use std::{fmt::Write, fs, path::Path, time::Duration};

use reqwest::{Client, Method};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::process::Server;

const SIZE: usize = 3 * 1024 * 1024;

#[tokio::test]
async fn a_run_whose_server_is_killed_in_its_second_step_is_finished_and_nothing_is_done_twice() {
    let mut first = Server::start(&["--rate-limits", "off", "--heartbeat-interval", "1s"]).await;
    // One server alone is started again; of two the other goes on, and the agent is with it from the beginning.
    let second = first.beside();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let content = noise();
    fs::write(folder.path().join("in.bin"), &content).expect("a file");
    let home = second.as_ref().unwrap_or(&first);
    home.run(&["customer", "add", "Acme"]);
    let code = home.run(&["enrol-code", "add", "--customer", "Acme"]);
    let state = folder.path().join("agent");
    let registered = home.agent(&state).args(["register", "--code", &code, "--name", "edge-1"]).status();
    assert!(registered.expect("an agent").success());
    let token = format!("Bearer {}", home.run(&["token", "admin@localhost"]));
    let client = Client::new();
    let files = folder.path().join("files");
    fs::create_dir(&files).expect("a folder");
    // Slow enough to be in the middle of it.
    let mut agent = home.agent(&state);
    agent.args(["run", "--max-rate", "1MB/s", "--allow-dir"]).arg(folder.path());
    let mut agent = agent.spawn().expect("an agent");

    let customer = customer(home, &client, &token).await;
    let yaml = definition(folder.path(), &content);
    let input = json!({ "identifier": "files", "name": "Files", "customerId": customer, "yaml": yaml });
    let who = ("Authorization", token.as_str());
    let (status, body) = first.ask(&client, Method::POST, "/api/pipelines", who, &input).await;
    assert_eq!(status, 201, "{body}");
    let (status, body) = first.ask(&client, Method::POST, "/api/pipelines/files/runs", who, &Value::Null).await;
    assert_eq!(status, 201, "{body}");
    let carrying = |run: &Value| run["steps"][1]["status"] == "running" && !run["steps"][1]["transferId"].is_null();
    until(&first, &client, &token, carrying).await;
    first.kill();
    if second.is_none() {
        first.restart();
    }
    let home = second.as_ref().unwrap_or(&first);
    let run = until(home, &client, &token, |run| run["status"] != "running").await;
    agent.kill().expect("a process to kill");
    agent.wait().expect("its end");
    assert_eq!(run["status"], "completed", "{run}");
    for step in run["steps"].as_array().expect("steps") {
        assert_eq!((&step["status"], &step["attempt"]), (&json!("completed"), &json!(1)), "{run}");
    }
    assert_eq!(fs::read(files.join("in.bin")).expect("what came out"), content);
}

/// Bytes that cannot be compressed.
fn noise() -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..SIZE / 8).flat_map(|_| next()).collect()
}

fn definition(folder: &Path, content: &[u8]) -> String {
    let mut digest = String::new();
    for byte in Sha256::digest(content) {
        write!(digest, "{byte:02x}").expect("text");
    }
    let folder = folder.display();
    format!(
        "source: {folder}/in.bin.gz
destination: {folder}/files/in.bin.gz
steps:
  - {{ id: pack, type: compress, path: {folder}/in.bin }}
  - {{ id: carry, type: transfer, needs: [pack] }}
  - {{ id: unpack, type: decompress, needs: [carry], path: {folder}/files/in.bin.gz }}
  - {{ id: check, type: checksum, needs: [unpack], path: {folder}/files/in.bin, expected: {digest} }}
"
    )
}

async fn customer(server: &Server, client: &Client, token: &str) -> Value {
    let who = ("Authorization", token);
    let (_, body) = server.ask(client, Method::GET, "/api/customers", who, &Value::Null).await;
    body["data"]["customers"][0]["id"].clone()
}

/// Polls until the run fulfils the condition.
async fn until(server: &Server, client: &Client, token: &str, is_wished: impl Fn(&Value) -> bool) -> Value {
    let asked = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            let who = ("Authorization", token);
            let path = "/api/pipelines/files/runs";
            let (status, body) = server.ask(client, Method::GET, path, who, &Value::Null).await;
            assert_eq!(status, 200, "{body}");
            let run = &body["data"]["runs"][0];
            if is_wished(run) {
                return run.clone();
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(2), asked).await.expect("such a run within two minutes")
}
