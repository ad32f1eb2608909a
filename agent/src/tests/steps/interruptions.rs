//! Steps that are cancelled, take too long, or end while the server is away; and what the server hears meanwhile.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{do_step, set};
use crate::command::args::RunArgs;
use crate::random::random_uuid;
use crate::tests::server::Fault;
use crate::tests::{Stage, some_bytes, until, until_there};

#[tokio::test]
async fn a_step_that_is_over_on_the_server_is_not_begun() -> anyhow::Result<()> {
    let (stage, args) = set().await?;
    fs::write(stage.path("in/a"), "text")?;
    let (run, directive) = stage.server.send_step(json!({"type": "delete", "path": stage.path("in/a")}));
    stage.server.change(|world| world.steps.insert(run, json!({"id": "step", "attempt": 1, "status": "failed"})));
    stage
        .with_daemon_of(&args, async || {
            stage.server.until("it is acknowledged", |world| world.acknowledged.contains(&directive)).await
        })
        .await?;
    assert!(stage.path("in/a").exists() && stage.open_items()?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_copy_that_was_killed_is_given_up_if_its_step_is_over_on_the_server() -> anyhow::Result<()> {
    let (stage, args) = set().await?;
    let (run, _) = stage.server.send_step(endless(&stage, json!({}))?);
    let moving = |update: &Value| update["bytesTransferred"].as_u64() > Some(0);
    stage
        .with_daemon_of(&RunArgs { max_rate: Some(200_000), ..args.clone() }, async || {
            stage.server.until("bytes move", |world| world.updates.iter().any(moving)).await
        })
        .await?;
    stage.server.change(|world| world.steps.insert(run, json!({"id": "step", "attempt": 2, "status": "queued"})));
    stage
        .with_daemon_of(&args, async || {
            stage.server.until("it is cancelled", |world| world.all("status", &json!("cancelled"))).await
        })
        .await?;
    assert!(nothing_is_left_of_b(&stage.path("in")));
    assert!(stage.states()?.is_empty() && stage.open_items()?.is_empty());
    Ok(())
}

/// A transfer step that no test sees the end of, with `more` in it.
fn endless(stage: &Stage, more: Value) -> anyhow::Result<Value> {
    fs::write(stage.path("in/a"), some_bytes(20_000_000))?;
    let mut step = json!({"type": "transfer", "source": stage.path("in/a"), "destination": stage.path("in/b")});
    if let (Some(step), Value::Object(more)) = (step.as_object_mut(), more) {
        step.extend(more);
    }
    Ok(step)
}

fn nothing_is_left_of_b(folder: &Path) -> bool {
    !folder.join("b").exists() && !folder.join("b.mftplus-part").exists()
}

#[tokio::test]
async fn a_step_that_copies_says_how_far_it_is() -> anyhow::Result<()> {
    let (stage, args) = set().await?;
    let (run, _) = stage.server.send_step(endless(&stage, json!({}))?);
    stage
        .with_daemon_of(&RunArgs { max_rate: Some(2_000_000), ..args }, async || {
            let is_on_its_way = |step: &Value| {
                step["progress"].as_f64() > Some(1.0) && step["bytesTransferred"].as_u64() > Some(200_000)
            };
            stage.server.until("the step moves", |world| is_on_its_way(&world.step(run))).await
        })
        .await?;
    assert_eq!(stage.server.change(|world| world.step(run))["status"], "running");
    Ok(())
}

#[tokio::test]
async fn a_copy_whose_step_is_over_on_the_server_ends() -> anyhow::Result<()> {
    let (stage, args) = set().await?;
    let (run, _) = stage.server.send_step(endless(&stage, json!({}))?);
    stage
        .with_daemon_of(&RunArgs { max_rate: Some(200_000), ..args }, async || {
            stage.server.until("the step moves", |world| world.step(run)["progress"].is_number()).await?;
            let over = json!({"id": "step", "attempt": 1, "status": "failed"});
            stage.server.change(|world| world.steps.insert(run, over));
            stage.server.until("the copy has ended", |world| world.all("status", &json!("cancelled"))).await
        })
        .await?;
    assert!(nothing_is_left_of_b(&stage.path("in")));
    Ok(())
}

#[tokio::test]
async fn a_cancelled_step_stops_its_copy() -> anyhow::Result<()> {
    let (stage, args) = set().await?;
    let (run, _) = stage.server.send_step(endless(&stage, json!({}))?);
    stage
        .with_daemon_of(&RunArgs { max_rate: Some(200_000), ..args }, async || {
            let moving = |update: &Value| update["bytesTransferred"].as_u64() > Some(0);
            stage.server.until("bytes move", |world| world.updates.iter().any(moving)).await?;
            let cancel = json!({"runId": run, "pipelineId": random_uuid(), "stepId": "step"});
            let directive = stage.server.direct("cancelStep", &cancel);
            stage.server.until("it is acknowledged", |world| world.acknowledged.contains(&directive)).await
        })
        .await?;
    assert_eq!(stage.server.change(|world| world.step(run))["status"], "cancelled");
    assert_eq!(stage.server.only_transfer()?["status"], "cancelled");
    assert!(nothing_is_left_of_b(&stage.path("in")));
    Ok(())
}

#[tokio::test]
async fn a_cancel_of_a_step_that_never_came_is_acknowledged_and_nothing_else() -> anyhow::Result<()> {
    let (stage, args) = set().await?;
    let cancel = json!({"runId": random_uuid(), "pipelineId": random_uuid(), "stepId": "step"});
    let directive = stage.server.direct("cancelStep", &cancel);
    stage
        .with_daemon_of(&args, async || {
            stage.server.until("it is acknowledged", |world| world.acknowledged.contains(&directive)).await
        })
        .await?;
    assert!(stage.open_items()?.is_empty() && stage.server.change(|world| world.updates.is_empty()));
    Ok(())
}

#[tokio::test]
async fn a_cancel_is_not_acknowledged_before_the_server_has_heard_how_the_step_ended() -> anyhow::Result<()> {
    let (stage, args) = set().await?;
    fs::write(stage.path("in/a"), "text")?;
    stage.server.change(|world| world.after_creating = Fault::GoesAway);
    let step = json!({"type": "transfer", "source": stage.path("in/a"), "destination": stage.path("in/b")});
    let (run, _) = stage.server.send_step(step);
    let has_ended = || stage.open_items().is_ok_and(|items| items.iter().any(|item| item.end.is_some()));
    stage.with_daemon_of(&args, async || until(has_ended).await).await?;
    let cancel = json!({"runId": run, "pipelineId": random_uuid(), "stepId": "step"});
    let directive = stage.server.direct("cancelStep", &cancel);
    stage.server.change(|world| world.is_away = false);
    stage
        .with_daemon_of(&args, async || {
            stage.server.until("it is acknowledged", |world| world.acknowledged.contains(&directive)).await
        })
        .await?;
    assert_eq!(stage.server.change(|world| world.step(run))["status"], "completed");
    Ok(())
}

#[tokio::test]
async fn a_step_that_takes_too_long_fails() -> anyhow::Result<()> {
    let (stage, args) = set().await?;
    let step = endless(&stage, json!({"timeoutSeconds": 1}))?;
    let step = do_step(&stage, &RunArgs { max_rate: Some(200_000), ..args }, step).await?;
    assert_eq!((&step["status"], &step["errorMessage"]), (&json!("failed"), &json!("it took longer than 1 s")));
    assert!(nothing_is_left_of_b(&stage.path("in")));
    Ok(())
}

#[tokio::test]
async fn a_step_ends_while_the_server_is_away_and_is_reported_by_the_next_process() -> anyhow::Result<()> {
    let (stage, args) = set().await?;
    fs::write(stage.path("in/a"), "text")?;
    stage.server.change(|world| world.after_creating = Fault::GoesAway);
    stage
        .server
        .send_step(json!({"type": "transfer", "source": stage.path("in/a"), "destination": stage.path("in/b")}));
    stage.with_daemon_of(&args, async || until_there(&stage.path("in/b")).await).await?;
    stage.server.change(|world| world.is_away = false);
    stage
        .with_daemon_of(&args, async || stage.server.until("it is done", |world| world.steps_are("completed")).await)
        .await?;
    assert_eq!(stage.server.only_transfer()?["status"], "completed");
    Ok(())
}
