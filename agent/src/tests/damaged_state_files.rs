//! State files that a power loss left empty or truncated.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{TestAgent, test_bytes};
use crate::command::args::{RunArgs, StatusArgs};
use crate::transfer::claimed_state_files::TransferStore;

/// Truncates the state files in a folder for whose names `is_meant` holds; returns how many.
fn truncate_files(folder: PathBuf, is_meant: impl Fn(&str) -> bool) -> anyhow::Result<usize> {
    let mut torn = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if is_meant(&entry.file_name().to_string_lossy()) {
            fs::write(entry.path(), "")?;
            torn += 1;
        }
    }
    Ok(torn)
}

#[tokio::test]
async fn empty_state_files_are_set_aside_and_the_daemon_continues() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    let lost = agent.server.change(|state| state.add_transfer(json!({"status": "running"})));
    let folder = agent.state_dir().join("transfers");
    fs::create_dir_all(&folder)?;
    fs::write(agent.state_dir().join("errands.json"), "")?;
    for name in [lost.to_string(), format!("new-{}", Uuid::new_v4())] {
        fs::write(folder.join(format!("{name}.json")), "")?;
    }
    fs::write(agent.path("a"), "text")?;
    agent.server.send_job(json!({"source": agent.path("a"), "destination": agent.path("b")}));
    agent
        .with_daemon(async || {
            agent.server.wait_until("the job is done", |state| state.runs_are(1, "completed")).await?;
            let is_failed = |state: &super::fake_server::ServerState| state.transfers[&lost]["status"] == "failed";
            agent.server.wait_until("the lost transfer is given up", is_failed).await
        })
        .await?;
    let reason = agent.server.change(|state| state.transfers[&lost]["errorMessage"].clone());
    assert!(reason.as_str().is_some_and(|reason| reason.contains("was damaged")), "{reason}");
    // The journal of an earlier version, too. Set aside, so that the next start does not warn again.
    assert!(agent.states()?.is_empty() && agent.open_items()?.is_empty());
    assert!(agent.state_dir().join("errands.json.damaged").exists());
    assert!(folder.join(format!("{lost}.json.damaged")).exists());
    Ok(())
}

#[tokio::test]
async fn a_run_whose_transfer_state_is_lost_continues_as_the_same_transfer() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), test_bytes(3_000_000))?;
    agent.server.send_job(json!({"source": agent.path("a"), "destination": agent.path("b")}));
    let slow = RunArgs { max_rate: Some(200_000), ..TestAgent::run_args() };
    let moving = |update: &Value| update["bytesTransferred"].as_u64() > Some(0);
    agent
        .with_daemon_args(&slow, async || {
            agent.server.wait_until("bytes move", |state| state.updates.iter().any(moving)).await
        })
        .await?;
    assert!(truncate_files(agent.state_dir().join("transfers"), |name| name.contains(".json"))? > 0);
    agent
        .with_daemon(async || agent.server.wait_until("the job is done", |state| state.runs_are(1, "completed")).await)
        .await?;
    assert_eq!(agent.server.only_transfer()?["status"], "completed");
    assert_eq!(fs::read(agent.path("b"))?, test_bytes(3_000_000));
    Ok(())
}

#[tokio::test]
async fn a_truncated_journal_does_not_repeat_a_step() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::create_dir(agent.path("in"))?;
    fs::write(agent.path("in/a"), "first")?;
    let args = RunArgs { allowed_dirs: vec![agent.path("in")], ..TestAgent::run_args() };
    agent.server.change(|state| state.repeats_directives = true);
    let (_, directive) = agent.server.send_step(json!({"type": "delete", "path": agent.path("in/a")}));
    let sent = agent.server.change(|state| state.directives.clone());
    let acknowledged =
        async || agent.server.wait_until("it is acknowledged", |state| state.acknowledged.contains(&directive)).await;
    agent.with_daemon_args(&args, acknowledged).await?;
    assert!(!agent.path("in/a").exists());

    // The file was lost, and the server sends the directive again.
    assert_eq!(truncate_files(agent.state_dir(), |name| name == "journal.log")?, 1);
    fs::write(agent.path("in/a"), "second")?;
    agent.server.change(|state| {
        state.acknowledged.clear();
        state.directives = sent;
    });
    agent.with_daemon_args(&args, acknowledged).await?;
    assert!(agent.path("in/a").exists());
    Ok(())
}

#[tokio::test]
async fn a_truncated_registration_is_restored_at_the_start() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    let content = fs::read(agent.state_dir().join("agent.json"))?;
    for torn in ["agent.json", "agent.json.bak"] {
        assert_eq!(truncate_files(agent.state_dir(), |name| name == torn)?, 1);
        agent.with_daemon(async || Ok(())).await?;
        for name in ["agent.json", "agent.json.bak"] {
            assert_eq!(fs::read(agent.state_dir().join(name))?, content, "{name} after {torn} was torn");
        }
    }
    Ok(())
}

#[test]
fn a_missing_previous_version_of_a_transfer_is_created_and_used() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let store = TransferStore::open(dir.path())?;
    let id = Uuid::new_v4();
    let state = json!({
        "id": id, "idempotencyKey": Uuid::new_v4(), "source": "/a", "destination": "/b", "direction": "push", "size": 0,
        "attempt": 1, "options": {"verify": "sha256", "overwrite": false, "maxRate": null}, "phase": "copying",
    });
    let path = dir.path().join(format!("transfers/{id}.json"));
    fs::write(&path, state.to_string())?;
    let previous = dir.path().join(format!("transfers/{id}.json.bak"));
    for damaged in [None, Some("[]"), Some("{}")] {
        if let Some(damaged) = damaged {
            fs::write(&previous, damaged)?;
        }
        assert!(store.prune()?.is_empty());
        assert_eq!(fs::read(&previous)?, fs::read(&path)?, "{damaged:?}");
    }

    fs::write(&path, "")?;
    assert!(store.prune()?.is_empty());
    assert_eq!(serde_json::from_slice::<Value>(&fs::read(&path)?)?["id"], json!(id));
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn an_error_about_a_state_file_names_it_and_says_what_to_do() -> anyhow::Result<()> {
    for name in ["journal.log", "errands.json", "daemon.lock", "transfers/.guard", "transfers/stray.lock"] {
        let agent = TestAgent::start().await?;
        fs::create_dir_all(agent.state_dir().join(name))?;
        let ran = crate::command::run::run(&agent.settings(), &TestAgent::run_args()).await;
        let looked = crate::command::status::status(&agent.settings(), StatusArgs { json: true });
        // `status` takes no locks of transfers.
        let outcomes = if name.starts_with("transfers/") { vec![ran] } else { vec![ran, looked] };
        for outcome in outcomes {
            let error = outcome.map_err(|error| format!("{error:#}")).err().unwrap_or_default();
            assert!(error.contains(&format!("{name}: ")), "{name}: {error}");
            assert!(error.ends_with("there is a folder instead of a file: move the folder away"), "{name}: {error}");
        }
    }
    Ok(())
}
