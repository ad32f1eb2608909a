//! Slots that are due while a server is killed: each becomes one run.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::process::Server;

const JOBS: usize = 500;
const AGENTS: usize = 5;
/// How long creating the jobs may take before they are due. The test does not wait for that time: it moves the clock.
const HEAD_START: TimeDelta = TimeDelta::minutes(10);

/// An agent that starts the runs of its start directives.
struct Claimer {
    key: String,
    jobs: BTreeSet<String>,
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(feature = "test-clock"), ignore = "needs the feature test-clock")]
async fn five_hundred_jobs_due_in_the_same_second_run_once_though_a_server_is_killed() {
    let mut first = Server::start(&["--rate-limits", "off"]).await;
    // One server alone is started again; of two the other goes on.
    let second = first.beside();
    first.run(&["customer", "add", "Acme"]);
    let code = first.run(&["enrol-code", "add", "--customer", "Acme"]);
    let token = format!("Bearer {}", first.run(&["token", "admin@localhost"]));
    let client = Client::new();
    let due = next_minute(Utc::now() + HEAD_START);
    let mut claimers = Vec::new();
    for agent in 0..AGENTS {
        claimers.push(claimer(&first, &client, &code, &token, agent, due).await);
    }

    first.move_clock_to(due);
    // The first start to arrive says that the servers are in the middle of it.
    let watched = second.as_ref().unwrap_or(&first);
    let waiting = "/api/agents/directives?wait=60";
    loop {
        let key = claimers[0].key.clone();
        let (status, body) = watched.ask(&client, Method::GET, waiting, ("X-API-Key", &key), &Value::Null).await;
        assert_eq!(status, 200, "{body}");
        if starts(&body).next().is_some() {
            break;
        }
    }
    first.kill();
    if second.is_none() {
        first.restart();
    }
    let server = second.as_ref().unwrap_or(&first);

    for claimer in &claimers {
        let runs = claim(server, &client, claimer).await;
        assert_eq!(runs.keys().cloned().collect::<BTreeSet<_>>(), claimer.jobs, "each job ran");
        for job in &claimer.jobs {
            let path = format!("/api/jobs/{job}/runs");
            let (_, body) = server.ask(&client, Method::GET, &path, ("Authorization", &token), &Value::Null).await;
            assert_eq!(body["data"]["pagination"]["total"], 1, "none ran twice: {body}");
            let scheduled_for = body["data"]["runs"][0]["scheduledFor"].as_str().map(DateTime::parse_from_rfc3339);
            assert_eq!(scheduled_for.and_then(Result::ok).map(|at| at.to_utc()), Some(due));
        }
    }
}

fn next_minute(after: DateTime<Utc>) -> DateTime<Utc> {
    let whole = after.with_second(0).and_then(|at| at.with_nanosecond(0)).expect("a whole minute");
    whole + TimeDelta::minutes(1)
}

/// A new agent with its share of the jobs, all due at the same time.
async fn claimer(
    server: &Server,
    client: &Client,
    code: &str,
    token: &str,
    index: usize,
    due: DateTime<Utc>,
) -> Claimer {
    let input = json!({ "hostname": format!("agent-{index}"), "os": "linux", "customerIdentifier": code });
    let (status, body) = server.ask(client, Method::POST, "/api/agents/register", ("X-Test", "1"), &input).await;
    assert_eq!(status, 201, "{body}");
    let key = body["data"]["apiKey"].as_str().expect("a key").to_owned();
    let agent = body["data"]["agent"]["id"].clone();
    let mut jobs = BTreeSet::new();
    for number in 0..JOBS / AGENTS {
        let input = json!({
            "agentId": agent, "name": format!("Job {number}"), "sourcePath": "/out/", "destinationPath": "/in/",
            "schedule": format!("{} {} * * *", due.minute(), due.hour()), "protocol": "local", "direction": "pull",
        });
        let (status, body) = server.ask(client, Method::POST, "/api/jobs", ("Authorization", token), &input).await;
        assert_eq!(status, 201, "{body}");
        jobs.insert(body["data"]["job"]["id"].as_str().expect("an id").to_owned());
    }
    Claimer { key, jobs }
}

fn starts(body: &Value) -> impl Iterator<Item = &Value> {
    let open = body["data"]["directives"].as_array().into_iter().flatten();
    open.filter(|directive| directive["type"] == "startJob")
}

/// Starts the run of every start directive, each twice, until every job has one. Returns the runs by their job.
async fn claim(server: &Server, client: &Client, claimer: &Claimer) -> BTreeMap<String, String> {
    let who = ("X-API-Key", claimer.key.as_str());
    let mut runs = BTreeMap::new();
    while runs.len() < claimer.jobs.len() {
        let path = "/api/agents/directives?wait=30";
        let (status, body) = server.ask(client, Method::GET, path, who, &Value::Null).await;
        assert_eq!(status, 200, "{body}");
        let open: Vec<Value> = starts(&body).cloned().collect();
        assert!(!open.is_empty(), "{} of {} jobs have started, and nothing more comes", runs.len(), claimer.jobs.len());
        for start in open {
            let job = start["payload"]["job"]["id"].as_str().expect("a job").to_owned();
            let path = format!("/api/jobs/{job}/runs");
            let input = json!({ "directiveId": start["id"] });
            let mut ids = BTreeSet::new();
            for _ in 0..2 {
                let (status, body) = server.ask(client, Method::POST, &path, who, &input).await;
                assert_eq!(status, 201, "{body}");
                ids.insert(body["data"]["run"]["id"].as_str().expect("an id").to_owned());
            }
            assert_eq!(ids.len(), 1, "one directive makes one run");
            let run = ids.pop_first().expect("a run");
            assert_eq!(runs.insert(job, run.clone()), None, "no job starts twice");
            let path = format!("{path}/{run}");
            let (status, body) = server.ask(client, Method::PATCH, &path, who, &json!({ "status": "completed" })).await;
            assert_eq!(status, 200, "{body}");
        }
    }
    runs
}
