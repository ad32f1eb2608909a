//! The directives that are not about jobs and steps.

use std::fs;
use std::time::Duration;

use serde_json::json;

use super::fake_server::ServerState;
use super::{TestAgent, test_bytes};
use crate::command::args::RunArgs;
use crate::identity::Registration;
use crate::server::context::Timing;

#[tokio::test]
async fn a_retry_copies_a_transfer_without_a_state_file() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), test_bytes(5000))?;
    let failed = json!({"source": agent.path("a"), "destination": agent.path("b"), "status": "queued", "attempt": 2});
    let id = agent.server.change(|state| state.add_transfer(failed));
    let directive = agent.server.send_directive("retryTransfer", &json!({"transferId": id, "attempt": 2}));
    agent
        .with_daemon(async || {
            let has_ended = |state: &ServerState| {
                state.all("status", &json!("completed")) && state.acknowledged.contains(&directive)
            };
            agent.server.wait_until("it is completed and acknowledged", has_ended).await
        })
        .await?;
    assert_eq!(fs::read(agent.path("a"))?, fs::read(agent.path("b"))?);
    assert_eq!(agent.server.only_transfer()?["attempt"], 2);
    Ok(())
}

#[tokio::test]
async fn a_retry_from_an_unknown_server_fails_with_a_reason() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    let remote = json!({"source": "partner:/a", "destination": "/b", "protocol": "sftp", "attempt": 2});
    let id = agent.server.change(|state| state.add_transfer(remote));
    let directive = agent.server.send_directive("retryTransfer", &json!({"transferId": id, "attempt": 2}));
    agent
        .with_daemon(async || {
            let has_ended =
                |state: &ServerState| state.all("status", &json!("failed")) && state.acknowledged.contains(&directive);
            agent.server.wait_until("it has failed and is acknowledged", has_ended).await
        })
        .await?;
    let transfer = agent.server.only_transfer()?;
    assert_eq!(transfer["attempt"], 2);
    assert!(transfer["errorMessage"].as_str().is_some_and(|reason| reason.contains("there is no endpoint `partner`")));
    Ok(())
}

#[tokio::test]
async fn a_retried_transfer_stays_queued_until_it_has_its_turn() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), test_bytes(4_000_000))?;
    fs::write(agent.path("c"), "text")?;
    agent.server.send_job(json!({"source": agent.path("a"), "destination": agent.path("b")}));
    let one_slowly = RunArgs { max_jobs: Some(1), max_rate: Some(2_000_000), ..TestAgent::run_args() };
    agent
        .with_daemon_args(&one_slowly, async || {
            agent.server.wait_until("the job copies", |state| state.all("status", &json!("running"))).await?;
            let retried = json!({"source": agent.path("c"), "destination": agent.path("d"), "attempt": 2});
            let id = agent.server.change(|state| state.add_transfer(retried));
            let directive = agent.server.send_directive("retryTransfer", &json!({"transferId": id, "attempt": 2}));
            agent.server.wait_until("it is accepted", |state| state.acknowledged.contains(&directive)).await?;
            // A report of the job's copy, which would come after one of this transfer.
            let reports = agent.server.change(|state| state.updates.len());
            agent.server.wait_until("the job goes on", |state| state.updates.len() > reports + 1).await?;
            assert_eq!(agent.server.change(|state| state.transfers[&id]["status"].clone()), "queued");
            agent.server.wait_until("both are completed", |state| state.all("status", &json!("completed"))).await
        })
        .await?;
    assert_eq!(fs::read_to_string(agent.path("d"))?, "text");
    Ok(())
}

#[tokio::test]
async fn a_retry_of_a_transfer_that_has_ended_copies_nothing() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), "text")?;
    for status in ["completed", "failed", "cancelled"] {
        let ended = json!({
            "source": agent.path("a"), "destination": agent.path("b"), "status": status, "attempt": 2,
        });
        let id = agent.server.change(|state| state.add_transfer(ended));
        let directive = agent.server.send_directive("retryTransfer", &json!({"transferId": id, "attempt": 2}));
        let acknowledged = async || {
            agent.server.wait_until("it is acknowledged", |state| state.acknowledged.contains(&directive)).await
        };
        agent.with_daemon(acknowledged).await?;
        let found = agent.server.change(|state| state.transfers[&id].clone());
        assert_eq!((&found["status"], &found["attempt"]), (&json!(status), &json!(2)));
    }
    assert!(!agent.path("b").exists() && agent.states()?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_transfer_without_a_running_copy_is_cancelled() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    let id = agent.server.change(|state| state.add_transfer(json!({"status": "running", "attempt": 3})));
    agent.server.send_directive("cancelTransfer", &json!({"transferId": id}));
    agent
        .with_daemon(async || {
            agent.server.wait_until("it is cancelled", |state| state.all("status", &json!("cancelled"))).await
        })
        .await
}

#[tokio::test]
async fn a_new_key_is_stored_before_it_is_used() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    let directive = agent.server.send_directive("rotateKey", &json!({}));
    agent
        .with_daemon(async || {
            agent.server.wait_until("it is acknowledged", |state| state.acknowledged.contains(&directive)).await
        })
        .await?;
    let key = agent.server.change(|state| state.key.clone());
    let stored = Registration::load(&agent.state_dir())?.map(|stored| stored.api_key.expose().to_owned());
    assert_eq!((key.as_str(), stored), ("mft_ak_2", Some(key.clone())));
    Ok(())
}

#[tokio::test]
async fn a_new_key_that_was_lost_is_requested_again() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    agent.server.change(|state| state.loses_new_key = true);
    let directive = agent.server.send_directive("rotateKey", &json!({}));
    agent
        .with_daemon(async || {
            agent.server.wait_until("it is acknowledged", |state| state.acknowledged.contains(&directive)).await
        })
        .await?;
    let (key, requests) = agent.server.change(|state| (state.key.clone(), state.key_requests));
    let stored = Registration::load(&agent.state_dir())?.map(|stored| stored.api_key.expose().to_owned());
    assert_eq!((requests, stored), (2, Some(key)));
    Ok(())
}

#[tokio::test]
async fn a_heartbeat_interval_is_stored_and_an_unknown_directive_is_not_acknowledged() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    let unknown = agent.server.send_directive("danceTheTango", &json!({}));
    let known = agent.server.send_directive("setHeartbeatInterval", &json!({"seconds": 7}));
    agent
        .with_daemon(async || {
            agent.server.wait_until("it is acknowledged", |state| state.acknowledged.contains(&known)).await
        })
        .await?;
    assert_eq!(Registration::load(&agent.state_dir())?.and_then(|stored| stored.heartbeat_seconds), Some(7));
    assert!(agent.server.change(|state| !state.acknowledged.contains(&unknown)));
    Ok(())
}

#[tokio::test]
async fn an_open_directive_does_not_delay_the_next_one() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    let hour = Duration::from_hours(1);
    let mut settings = agent.settings();
    // Directives arrive by polls only, and a full pause would outlast the test.
    settings.timing = Timing { heartbeat: hour, poll: hour, ..settings.timing };
    agent
        .with_daemon_settings(settings, &TestAgent::run_args(), async || {
            let polls = agent.server.change(|state| state.polls);
            agent.server.send_directive("danceTheTango", &json!({}));
            agent.server.wait_until("the agent has seen it again", |state| state.polls > polls + 2).await?;
            let known = agent.server.send_directive("setHeartbeatInterval", &json!({"seconds": 7}));
            agent.server.wait_until("the next is acknowledged", |state| state.acknowledged.contains(&known)).await
        })
        .await
}
