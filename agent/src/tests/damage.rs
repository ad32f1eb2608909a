//! Files of state that a power loss left empty or torn.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Stage, some_bytes};
use crate::command::args::{RunArgs, StatusArgs};
use crate::random::random_uuid;
use crate::transfer::store::TransferStore;

/// Empties every file of state in a folder, with the versions before.
fn tear(folder: PathBuf, is_meant: impl Fn(&str) -> bool) -> anyhow::Result<usize> {
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
async fn empty_files_of_state_neither_stop_nor_nag_the_daemon() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    let lost = stage.server.change(|world| world.add_transfer(json!({"status": "running"})));
    let folder = stage.state_dir().join("transfers");
    fs::create_dir_all(&folder)?;
    fs::write(stage.state_dir().join("errands.json"), "")?;
    for name in [lost.to_string(), format!("new-{}", random_uuid())] {
        fs::write(folder.join(format!("{name}.json")), "")?;
    }
    fs::write(stage.path("a"), "text")?;
    stage.server.make_due(json!({"source": stage.path("a"), "destination": stage.path("b")}));
    stage
        .with_daemon(async || {
            stage.server.until("the job is done", |world| world.runs_are(1, "completed")).await?;
            let is_failed = |world: &super::server::World| world.transfers[&lost]["status"] == "failed";
            stage.server.until("the lost transfer is given up", is_failed).await
        })
        .await?;
    let reason = stage.server.change(|world| world.transfers[&lost]["errorMessage"].clone());
    assert!(reason.as_str().is_some_and(|reason| reason.contains("was damaged")), "{reason}");
    // Set aside once: the next start finds nothing to say.
    assert!(stage.states()?.is_empty() && stage.open_items()?.is_empty());
    assert!(stage.state_dir().join("errands.json.damaged").exists());
    assert!(folder.join(format!("{lost}.json.damaged")).exists());
    Ok(())
}

#[tokio::test]
async fn a_copy_of_a_run_whose_file_was_torn_goes_on_as_the_same_transfer() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::write(stage.path("a"), some_bytes(3_000_000))?;
    stage.server.make_due(json!({"source": stage.path("a"), "destination": stage.path("b")}));
    let slow = RunArgs { max_rate: Some(200_000), ..Stage::run_args() };
    let moving = |update: &Value| update["bytesTransferred"].as_u64() > Some(0);
    stage
        .with_daemon_of(&slow, async || {
            stage.server.until("bytes move", |world| world.updates.iter().any(moving)).await
        })
        .await?;
    assert!(tear(stage.state_dir().join("transfers"), |name| name.contains(".json"))? > 0);
    stage
        .with_daemon(async || stage.server.until("the job is done", |world| world.runs_are(1, "completed")).await)
        .await?;
    assert_eq!(stage.server.only_transfer()?["status"], "completed");
    assert_eq!(fs::read(stage.path("b"))?, some_bytes(3_000_000));
    Ok(())
}

#[tokio::test]
async fn a_torn_memory_does_not_have_a_step_done_twice() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::create_dir(stage.path("in"))?;
    fs::write(stage.path("in/a"), "first")?;
    let args = RunArgs { allowed_dirs: vec![stage.path("in")], ..Stage::run_args() };
    stage.server.change(|world| world.repeats_directives = true);
    let (_, directive) = stage.server.send_step(json!({"type": "delete", "path": stage.path("in/a")}));
    let sent = stage.server.change(|world| world.directives.clone());
    let acknowledged =
        async || stage.server.until("it is acknowledged", |world| world.acknowledged.contains(&directive)).await;
    stage.with_daemon_of(&args, acknowledged).await?;
    assert!(!stage.path("in/a").exists());

    // The last write was torn, and the server repeats itself.
    assert_eq!(tear(stage.state_dir(), |name| name == "errands.json")?, 1);
    fs::write(stage.path("in/a"), "second")?;
    stage.server.change(|world| {
        world.acknowledged.clear();
        world.directives = sent;
    });
    stage.with_daemon_of(&args, acknowledged).await?;
    assert!(stage.path("in/a").exists());
    Ok(())
}

#[tokio::test]
async fn a_registration_that_was_torn_is_whole_after_the_start() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    let content = fs::read(stage.state_dir().join("agent.json"))?;
    for torn in ["agent.json", "agent.json.bak"] {
        assert_eq!(tear(stage.state_dir(), |name| name == torn)?, 1);
        stage.with_daemon(async || Ok(())).await?;
        for name in ["agent.json", "agent.json.bak"] {
            assert_eq!(fs::read(stage.state_dir().join(name))?, content, "{name} after {torn} was torn");
        }
    }
    Ok(())
}

#[test]
fn a_transfer_whose_version_before_is_missing_gets_one_and_is_restored_from_it() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let store = TransferStore::open(dir.path())?;
    let id = random_uuid();
    let state = json!({
        "id": id, "idempotencyKey": random_uuid(), "source": "/a", "destination": "/b", "direction": "push", "size": 0,
        "attempt": 1, "options": {"verify": "sha256", "overwrite": false, "maxRate": null}, "phase": "copying",
    });
    let path = dir.path().join(format!("transfers/{id}.json"));
    fs::write(&path, state.to_string())?;
    assert!(store.prune()?.is_empty());
    assert_eq!(fs::read(dir.path().join(format!("transfers/{id}.json.bak")))?, fs::read(&path)?);

    fs::write(&path, "")?;
    assert!(store.prune()?.is_empty());
    assert_eq!(serde_json::from_slice::<Value>(&fs::read(&path)?)?["id"], json!(id));
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_of_state_that_cannot_be_used_is_named_with_what_to_do() -> anyhow::Result<()> {
    for name in ["errands.json", "daemon.lock", "transfers/.guard", "transfers/stray.lock"] {
        let stage = Stage::set().await?;
        fs::create_dir_all(stage.state_dir().join(name))?;
        let ran = crate::command::run::run(&stage.settings(), &Stage::run_args()).await;
        let looked = crate::command::status::status(&stage.settings(), StatusArgs { json: true });
        // Who only looks needs no locks of transfers.
        let outcomes = if name.starts_with("transfers/") { vec![ran] } else { vec![ran, looked] };
        for outcome in outcomes {
            let error = outcome.map_err(|error| format!("{error:#}")).err().unwrap_or_default();
            assert!(error.contains(&format!("{name}: ")), "{name}: {error}");
            assert!(error.ends_with("there is a folder instead of a file: move the folder away"), "{name}: {error}");
        }
    }
    Ok(())
}
