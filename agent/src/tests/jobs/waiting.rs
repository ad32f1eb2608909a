//! Job runs above the limit, which wait for others.

use std::fs;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{slow_args, wait_until_completed, wait_until_copying};
use crate::command::args::RunArgs;
use crate::tests::{TestAgent, test_bytes};

#[tokio::test]
async fn jobs_above_the_limit_wait_in_order() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    for name in ["1", "2", "3"] {
        fs::write(agent.path(name), name)?;
        agent.server.send_job(json!({"source": agent.path(name), "destination": agent.path("out/")}));
    }
    let one_at_a_time = RunArgs { max_jobs: Some(1), ..TestAgent::run_args() };
    agent.with_daemon_args(&one_at_a_time, async || wait_until_completed(&agent, 3).await).await?;
    let order: Vec<Value> = agent.server.change(|state| {
        let is_end = |update: &&Value| update["status"] == "completed";
        let id = |update: &Value| update["id"].as_str().and_then(|id| id.parse::<Uuid>().ok()).unwrap_or_default();
        state.updates.iter().filter(is_end).map(|update| state.transfers[&id(update)]["source"].clone()).collect()
    });
    assert_eq!(order, [json!(agent.path("1")), json!(agent.path("2")), json!(agent.path("3"))]);
    Ok(())
}

#[tokio::test]
async fn a_waiting_run_is_cancelled_at_once() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), test_bytes(20_000_000))?;
    fs::write(agent.path("c"), "text")?;
    agent.server.send_job(json!({"source": agent.path("a"), "destination": agent.path("b")}));
    agent
        .with_daemon_args(&RunArgs { max_jobs: Some(1), ..slow_args() }, async || {
            let first = wait_until_copying(&agent).await?["id"].clone();
            agent.server.send_job(json!({"source": agent.path("c"), "destination": agent.path("d")}));
            agent.server.wait_until("the second is queued", |state| state.transfers.len() == 2).await?;
            let second = agent.server.change(|state| state.runs.values().find(|run| run["id"] != first).cloned());
            let second = second.unwrap_or_default()["id"].clone();
            agent.server.send_directive("cancelJobRun", &json!({"runId": second}));
            let is_cancelled = |run: &Value| run["id"] == second && run["status"] == "cancelled";
            agent.server.wait_until("it is cancelled", |state| state.runs.values().any(is_cancelled)).await
        })
        .await?;
    assert!(!agent.path("d").exists());
    let (source, mut transfers) = (json!(agent.path("c")), agent.server.change(|state| state.transfers.clone()));
    transfers.retain(|_, transfer| transfer["source"] == source);
    assert_eq!(transfers.len(), 1, "{transfers:?}");
    assert!(transfers.values().all(|transfer| transfer["status"] == "cancelled"), "{transfers:?}");
    Ok(())
}

#[tokio::test]
async fn a_run_that_waits_has_a_queued_transfer_which_lists_its_source_when_it_starts() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), test_bytes(20_000_000))?;
    fs::write(agent.path("c"), "old")?;
    agent.server.send_job(json!({"source": agent.path("a"), "destination": agent.path("b")}));
    agent
        .with_daemon_args(&RunArgs { max_jobs: Some(1), ..slow_args() }, async || {
            wait_until_copying(&agent).await?;
            agent.server.send_job(json!({"source": agent.path("c"), "destination": agent.path("d")}));
            let is_queued = |transfer: &Value| transfer["status"] == "queued" && transfer["bytesTotal"].is_null();
            agent.server.wait_until("it is queued", |state| state.transfers.values().any(is_queued)).await
        })
        .await?;
    fs::write(agent.path("c"), "newer")?;
    let one_at_a_time = RunArgs { max_jobs: Some(1), ..TestAgent::run_args() };
    agent.with_daemon_args(&one_at_a_time, async || wait_until_completed(&agent, 2).await).await?;
    assert_eq!(fs::read_to_string(agent.path("d"))?, "newer");
    Ok(())
}
