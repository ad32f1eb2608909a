//! Acknowledged reports are stored: `kill -9` while 64 connections report as fast as they can.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::process::Server;

const CONNECTIONS: usize = 64;
/// The number of acknowledged reports after which the server is killed.
const KILLED_AFTER: u64 = 4_000;
const KILLS: usize = 3;

struct Reporter {
    key: String,
    transfer: String,
    /// The highest acknowledged revision, and the bytes reported with it.
    revision: u64,
    bytes: u64,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_revision_survives_kill_9() {
    let mut server = Server::start(&["--rate-limits", "off"]).await;
    server.run(&["customer", "add", "Acme"]);
    let code = server.run(&["enrol-code", "add", "--customer", "Acme"]);
    let mut reporters = Vec::new();
    for index in 0..CONNECTIONS {
        reporters.push(reporter(&server, &code, index).await);
    }
    for _ in 0..KILLS {
        let acknowledged = Arc::new(AtomicU64::new(0));
        let enough = Arc::new(tokio::sync::Notify::new());
        let tasks: Vec<_> = reporters
            .drain(..)
            .map(|reporter| {
                let (acknowledged, enough) = (Arc::clone(&acknowledged), Arc::clone(&enough));
                tokio::task::spawn(report(server.address.clone(), reporter, acknowledged, enough))
            })
            .collect();
        enough.notified().await;
        server.kill();
        for task in tasks {
            reporters.push(task.await.expect("a reporter ends with its connection"));
        }
        server.restart();
        let token = format!("Bearer {}", server.run(&["token", "admin@localhost"]));
        let client = Client::new();
        for reporter in &reporters {
            let path = format!("/api/transfers/{}", reporter.transfer);
            let (status, body) = server.ask(&client, Method::GET, &path, ("Authorization", &token), &Value::Null).await;
            assert_eq!(status, 200, "{body}");
            let transfer = &body["data"]["transfer"];
            assert!(transfer["revision"].as_u64() >= Some(reporter.revision), "{} of {transfer}", reporter.revision);
            assert!(transfer["bytesTransferred"].as_u64() >= Some(reporter.bytes), "{} of {transfer}", reporter.bytes);
        }
    }
}

async fn reporter(server: &Server, code: &str, index: usize) -> Reporter {
    let client = Client::new();
    let input = json!({ "hostname": format!("agent-{index}"), "os": "linux", "customerIdentifier": code });
    let (status, body) = server.ask(&client, Method::POST, "/api/agents/register", ("X-Test", "1"), &input).await;
    assert_eq!(status, 201, "{body}");
    let key = body["data"]["apiKey"].as_str().expect("a key").to_owned();
    let input = json!({ "sourceUrl": "/a", "destinationPath": "/b", "direction": "push", "protocol": "local" });
    let (status, body) = server.ask(&client, Method::POST, "/api/transfers", ("X-API-Key", &key), &input).await;
    assert_eq!(status, 201, "{body}");
    let transfer = body["data"]["transfer"]["id"].as_str().expect("an id").to_owned();
    Reporter { key, transfer, revision: 1, bytes: 0 }
}

/// Sends reports on one connection until it breaks.
async fn report(
    address: String,
    mut reporter: Reporter,
    acknowledged: Arc<AtomicU64>,
    enough: Arc<tokio::sync::Notify>,
) -> Reporter {
    let client = Client::new();
    let url = format!("http://{address}/api/transfers/{}", reporter.transfer);
    let mut bytes = reporter.bytes;
    loop {
        bytes += 1;
        let body = json!({ "status": "running", "bytesTransferred": bytes });
        let request = client.patch(&url).header("X-API-Key", &reporter.key).json(&body);
        let Ok(response) = request.send().await else { return reporter };
        assert_eq!(response.status(), 200);
        let Ok(body) = response.json::<Value>().await else { return reporter };
        reporter.revision = body["data"]["transfer"]["revision"].as_u64().expect("a revision");
        reporter.bytes = bytes;
        if acknowledged.fetch_add(1, Ordering::Relaxed) + 1 == KILLED_AFTER {
            enough.notify_one();
        }
    }
}
