//! Steps that are cancelled, time out, or end while the server is unavailable; and their progress reports.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{run_step, setup};
use crate::command::args::RunArgs;
use crate::tests::fake_server::Fault;
use crate::tests::{TestAgent, changed_lines, test_bytes, wait_for_path, wait_until};

#[tokio::test]
async fn a_step_that_has_ended_on_the_server_is_not_started() -> anyhow::Result<()> {
    let (agent, args) = setup().await?;
    fs::write(agent.path("in/a"), "text")?;
    let (run, directive) = agent.server.send_step(json!({"type": "delete", "path": agent.path("in/a")}));
    agent.server.change(|state| state.steps.insert(run, json!({"id": "step", "attempt": 1, "status": "failed"})));
    agent
        .with_daemon_args(&args, async || {
            agent.server.wait_until("it is acknowledged", |state| state.acknowledged.contains(&directive)).await
        })
        .await?;
    assert!(agent.path("in/a").exists() && agent.open_items()?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_killed_copy_is_cancelled_if_its_step_has_ended_on_the_server() -> anyhow::Result<()> {
    let (agent, args) = setup().await?;
    let (run, _) = agent.server.send_step(slow_transfer_step(&agent, json!({}))?);
    let moving = |update: &Value| update["bytesTransferred"].as_u64() > Some(0);
    agent
        .with_daemon_args(&RunArgs { max_rate: Some(200_000), ..args.clone() }, async || {
            agent.server.wait_until("bytes move", |state| state.updates.iter().any(moving)).await
        })
        .await?;
    agent.server.change(|state| state.steps.insert(run, json!({"id": "step", "attempt": 2, "status": "queued"})));
    agent
        .with_daemon_args(&args, async || {
            agent.server.wait_until("it is cancelled", |state| state.all("status", &json!("cancelled"))).await
        })
        .await?;
    assert!(b_and_its_part_are_missing(&agent.path("in")));
    assert!(agent.states()?.is_empty() && agent.open_items()?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_killed_copy_is_cancelled_if_this_version_cannot_read_its_step() -> anyhow::Result<()> {
    let (agent, args) = setup().await?;
    let (run, _) = agent.server.send_step(slow_transfer_step(&agent, json!({}))?);
    let moving = |update: &Value| update["bytesTransferred"].as_u64() > Some(0);
    agent
        .with_daemon_args(&RunArgs { max_rate: Some(200_000), ..args.clone() }, async || {
            agent.server.wait_until("bytes move", |state| state.updates.iter().any(moving)).await
        })
        .await?;
    let lines = changed_lines(&agent.journal(), |json| Ok(json.replace(r#""type":"transfer""#, r#""type":"mirror""#)))?;
    assert!(String::from_utf8_lossy(&lines).contains("mirror"));
    fs::write(agent.journal(), lines)?;
    agent
        .with_daemon_args(&args, async || agent.server.wait_until("it failed", |state| state.steps_are("failed")).await)
        .await?;
    let reason = agent.server.change(|state| state.step(run))["errorMessage"].to_string();
    assert!(reason.contains("does not know steps of type `mirror`"), "{reason}");
    assert_eq!(agent.server.only_transfer()?["status"], "cancelled");
    assert!(b_and_its_part_are_missing(&agent.path("in")) && agent.states()?.is_empty());
    Ok(())
}

/// A transfer step of a large file, with the fields of `more`.
fn slow_transfer_step(agent: &TestAgent, more: Value) -> anyhow::Result<Value> {
    fs::write(agent.path("in/a"), test_bytes(20_000_000))?;
    let mut step = json!({"type": "transfer", "source": agent.path("in/a"), "destination": agent.path("in/b")});
    if let (Some(step), Value::Object(more)) = (step.as_object_mut(), more) {
        step.extend(more);
    }
    Ok(step)
}

fn b_and_its_part_are_missing(folder: &Path) -> bool {
    !folder.join("b").exists() && !folder.join("b.mftplus-part").exists()
}

#[tokio::test]
async fn a_transfer_step_reports_its_progress() -> anyhow::Result<()> {
    let (agent, args) = setup().await?;
    let (run, _) = agent.server.send_step(slow_transfer_step(&agent, json!({}))?);
    agent
        .with_daemon_args(&RunArgs { max_rate: Some(2_000_000), ..args }, async || {
            let is_on_its_way = |step: &Value| {
                step["progress"].as_f64() > Some(1.0) && step["bytesTransferred"].as_u64() > Some(200_000)
            };
            agent.server.wait_until("the step moves", |state| is_on_its_way(&state.step(run))).await
        })
        .await?;
    assert_eq!(agent.server.change(|state| state.step(run))["status"], "running");
    Ok(())
}

#[tokio::test]
async fn a_running_copy_is_cancelled_if_its_step_has_ended_on_the_server() -> anyhow::Result<()> {
    let (agent, args) = setup().await?;
    let (run, _) = agent.server.send_step(slow_transfer_step(&agent, json!({}))?);
    agent
        .with_daemon_args(&RunArgs { max_rate: Some(200_000), ..args }, async || {
            agent.server.wait_until("the step moves", |state| state.step(run)["progress"].is_number()).await?;
            let over = json!({"id": "step", "attempt": 1, "status": "failed"});
            agent.server.change(|state| state.steps.insert(run, over));
            agent.server.wait_until("the copy has ended", |state| state.all("status", &json!("cancelled"))).await
        })
        .await?;
    assert!(b_and_its_part_are_missing(&agent.path("in")));
    Ok(())
}

#[tokio::test]
async fn a_cancelled_step_stops_its_copy() -> anyhow::Result<()> {
    let (agent, args) = setup().await?;
    let (run, _) = agent.server.send_step(slow_transfer_step(&agent, json!({}))?);
    agent
        .with_daemon_args(&RunArgs { max_rate: Some(200_000), ..args }, async || {
            let moving = |update: &Value| update["bytesTransferred"].as_u64() > Some(0);
            agent.server.wait_until("bytes move", |state| state.updates.iter().any(moving)).await?;
            let cancel = json!({"runId": run, "pipelineId": Uuid::new_v4(), "stepId": "step"});
            let directive = agent.server.send_directive("cancelStep", &cancel);
            agent.server.wait_until("it is acknowledged", |state| state.acknowledged.contains(&directive)).await
        })
        .await?;
    assert_eq!(agent.server.change(|state| state.step(run))["status"], "cancelled");
    assert_eq!(agent.server.only_transfer()?["status"], "cancelled");
    assert!(b_and_its_part_are_missing(&agent.path("in")));
    Ok(())
}

#[tokio::test]
async fn a_cancellation_of_an_unknown_step_is_only_acknowledged() -> anyhow::Result<()> {
    let (agent, args) = setup().await?;
    let cancel = json!({"runId": Uuid::new_v4(), "pipelineId": Uuid::new_v4(), "stepId": "step"});
    let directive = agent.server.send_directive("cancelStep", &cancel);
    agent
        .with_daemon_args(&args, async || {
            agent.server.wait_until("it is acknowledged", |state| state.acknowledged.contains(&directive)).await
        })
        .await?;
    assert!(agent.open_items()?.is_empty() && agent.server.change(|state| state.updates.is_empty()));
    Ok(())
}

#[tokio::test]
async fn a_cancellation_is_not_acknowledged_before_the_end_of_the_step_is_reported() -> anyhow::Result<()> {
    let (agent, args) = setup().await?;
    fs::write(agent.path("in/a"), "text")?;
    agent.server.change(|state| state.after_creating = Fault::BecomesUnavailable);
    let step = json!({"type": "transfer", "source": agent.path("in/a"), "destination": agent.path("in/b")});
    let (run, _) = agent.server.send_step(step);
    let has_ended = || agent.open_items().is_ok_and(|items| items.iter().any(|item| item.end.is_some()));
    agent.with_daemon_args(&args, async || wait_until(has_ended).await).await?;
    let cancel = json!({"runId": run, "pipelineId": Uuid::new_v4(), "stepId": "step"});
    let directive = agent.server.send_directive("cancelStep", &cancel);
    agent.server.change(|state| state.is_unavailable = false);
    agent
        .with_daemon_args(&args, async || {
            agent.server.wait_until("it is acknowledged", |state| state.acknowledged.contains(&directive)).await
        })
        .await?;
    assert_eq!(agent.server.change(|state| state.step(run))["status"], "completed");
    Ok(())
}

#[tokio::test]
async fn a_step_fails_after_its_timeout() -> anyhow::Result<()> {
    let (agent, args) = setup().await?;
    let step = slow_transfer_step(&agent, json!({"timeoutSeconds": 1}))?;
    let step = run_step(&agent, &RunArgs { max_rate: Some(200_000), ..args }, step).await?;
    assert_eq!((&step["status"], &step["errorMessage"]), (&json!("failed"), &json!("the step took longer than 1 s")));
    assert!(b_and_its_part_are_missing(&agent.path("in")));
    Ok(())
}

#[tokio::test]
async fn a_step_that_ends_without_the_server_is_reported_by_the_next_process() -> anyhow::Result<()> {
    let (agent, args) = setup().await?;
    fs::write(agent.path("in/a"), "text")?;
    agent.server.change(|state| state.after_creating = Fault::BecomesUnavailable);
    agent
        .server
        .send_step(json!({"type": "transfer", "source": agent.path("in/a"), "destination": agent.path("in/b")}));
    agent.with_daemon_args(&args, async || wait_for_path(&agent.path("in/b")).await).await?;
    agent.server.change(|state| state.is_unavailable = false);
    agent
        .with_daemon_args(&args, async || {
            agent.server.wait_until("it is done", |state| state.steps_are("completed")).await
        })
        .await?;
    assert_eq!(agent.server.only_transfer()?["status"], "completed");
    Ok(())
}
