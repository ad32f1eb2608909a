//! An agent that is killed during a run: the run fails when its lease ends, and the next run completes.

use std::{fs, path::Path, process::Child, time::Duration};

use chrono::{TimeDelta, Utc};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::process::Server;

const SIZE: usize = 64 * 1024 * 1024;

#[tokio::test]
#[cfg_attr(not(feature = "test-clock"), ignore = "needs the feature test-clock")]
async fn a_run_of_an_agent_that_is_killed_fails_with_the_reason_and_the_next_one_completes() {
    let server = Server::start(&["--rate-limits", "off"]).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (source, destination) = (folder.path().join("source.bin"), folder.path().join("copy.bin"));
    fs::write(&source, vec![7; SIZE]).expect("a file");
    server.run(&["customer", "add", "Acme"]);
    let code = server.run(&["enrol-code", "add", "--customer", "Acme"]);
    let state = folder.path().join("agent");
    let registered = server.agent(&state).args(["register", "--code", &code, "--name", "edge-1"]).status();
    assert!(registered.expect("an agent").success());
    let token = format!("Bearer {}", server.run(&["token", "admin@localhost"]));
    let story = Story { server: &server, client: Client::new(), token };
    let agent = story.get("/api/agents").await["agents"][0]["id"].clone();

    // Slow enough to be killed in the middle.
    let mut killed = daemon(&server, &state, &["--max-rate", "100KB/s"]);
    let job = story.make_job(&agent, &source, &destination).await;
    story.run_now(&job).await;
    let first = story
        .run_that_is(&job, 0, |run| run["status"] == "running" && run["bytesTransferred"].as_i64() > Some(0))
        .await;
    killed.kill().expect("a process to kill");
    killed.wait().expect("its end");

    // The agent misses three heartbeats; five minutes after that its lease ends.
    server.move_clock_to(Utc::now() + TimeDelta::minutes(3));
    story.until_offline().await;
    server.move_clock_to(Utc::now() + TimeDelta::minutes(10));
    let failed = story.run_that_is(&job, 0, |run| run["status"] == "failed").await;
    assert_eq!(failed["id"], first["id"]);
    assert_eq!(failed["errorMessage"], "the agent was offline for longer than 5m");

    let mut again = daemon(&server, &state, &[]);
    story.run_now(&job).await;
    let next = story.run_that_is(&job, 1, |run| run["status"] == "completed").await;
    assert_ne!(next["id"], failed["id"], "another run");
    assert_eq!(next["bytesTransferred"], SIZE);
    assert_eq!(fs::metadata(&destination).expect("a copy").len(), SIZE as u64);
    again.kill().expect("a process to kill");
    again.wait().expect("its end");
}

fn daemon(server: &Server, state: &Path, flags: &[&str]) -> Child {
    server.agent(state).arg("run").args(flags).spawn().expect("an agent")
}

struct Story<'a> {
    server: &'a Server,
    client: Client,
    token: String,
}

impl Story<'_> {
    async fn get(&self, path: &str) -> Value {
        let who = ("Authorization", self.token.as_str());
        let (status, body) = self.server.ask(&self.client, Method::GET, path, who, &Value::Null).await;
        assert_eq!(status, 200, "{body}");
        body["data"].clone()
    }

    async fn make_job(&self, agent: &Value, source: &Path, destination: &Path) -> String {
        let input = json!({
            "agentId": agent, "name": "Each year", "sourcePath": source, "destinationPath": destination,
            "schedule": "0 0 1 1 *", "protocol": "local", "direction": "pull",
        });
        let who = ("Authorization", self.token.as_str());
        let (status, body) = self.server.ask(&self.client, Method::POST, "/api/jobs", who, &input).await;
        assert_eq!(status, 201, "{body}");
        body["data"]["job"]["id"].as_str().expect("an id").to_owned()
    }

    async fn run_now(&self, job: &str) {
        let query = "mutation ($id: ID!) { runJob(id: $id) { id } }";
        let who = ("Authorization", self.token.as_str());
        let request = json!({ "query": query, "variables": { "id": job } });
        let (status, body) = self.server.ask(&self.client, Method::POST, "/graphql", who, &request).await;
        assert_eq!((status, &body["errors"]), (200, &Value::Null), "{body}");
    }

    /// Polls until a run of the job that came after this many others fulfils the condition.
    async fn run_that_is(&self, job: &str, others: usize, is_wished: impl Fn(&Value) -> bool) -> Value {
        let found = |data: &Value| {
            let runs = data["runs"].as_array().expect("runs");
            runs.iter().rev().skip(others).find(|run| is_wished(run)).cloned()
        };
        self.until(&format!("/api/jobs/{job}/runs"), found).await
    }

    /// Polls until the only agent is offline.
    async fn until_offline(&self) {
        let is_offline = |data: &Value| (data["agents"][0]["status"] == "offline").then_some(());
        self.until("/api/agents", is_offline).await;
    }

    /// Polls until the answer contains what is looked for.
    async fn until<T>(&self, path: &str, found: impl Fn(&Value) -> Option<T>) -> T {
        let asked = async {
            let mut ticks = tokio::time::interval(Duration::from_millis(250));
            loop {
                ticks.tick().await;
                if let Some(found) = found(&self.get(path).await) {
                    return found;
                }
            }
        };
        tokio::time::timeout(Duration::from_mins(3), asked).await.expect("found within three minutes")
    }
}
