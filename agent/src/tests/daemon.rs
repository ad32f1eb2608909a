//! The daemon and what the server wants of it.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use super::server::World;
use super::{Stage, some_bytes};
use crate::exit::Exit;
use crate::identity::Registration;
use crate::server::connection::Timing;
use crate::session::daemon_lock;
use crate::transfer::store::lock;

#[tokio::test]
async fn the_daemon_beats_with_real_figures_and_says_goodbye() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    stage.with_daemon(async || stage.server.until("a heartbeat", |world| !world.heartbeats.is_empty()).await).await?;
    let heartbeats = stage.server.change(|world| world.heartbeats.clone());
    let statuses: Vec<&Value> = heartbeats.iter().map(|heartbeat| &heartbeat["status"]).collect();
    assert_eq!((statuses.first(), statuses.last()), (Some(&&json!("online")), Some(&&json!("offline"))));
    assert!(heartbeats[0]["memory"].as_u64() > Some(0));
    Ok(())
}

#[tokio::test]
async fn a_process_with_a_copied_state_stops_with_a_code_of_its_own_and_without_a_goodbye() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    stage.server.change(|world| world.has_another = true);
    let exit = crate::command::run::run(&stage.settings(), &Stage::run_args()).await?;
    assert_eq!(exit, Exit::Duplicate);
    let heartbeats = stage.server.change(|world| world.heartbeats.clone());
    assert!(heartbeats.iter().all(|heartbeat| heartbeat["instanceId"].is_string() && heartbeat["status"] != "offline"));
    Ok(())
}

#[tokio::test]
async fn a_daemon_names_itself_anew_at_each_start_and_a_copy_does_not() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    for count in 1..=2 {
        stage
            .with_daemon(async || {
                stage.server.until("a heartbeat", |world| world.heartbeats.len() >= count * 2 - 1).await
            })
            .await?;
    }
    let names = |world: &mut World| -> BTreeSet<String> {
        world.heartbeats.iter().map(|heartbeat| heartbeat["instanceId"].to_string()).collect()
    };
    assert_eq!(stage.server.change(names).len(), 2);
    stage.server.change(|world| world.heartbeats.clear());
    fs::write(stage.path("a"), "text")?;
    stage.copy("a", "b").await?;
    assert_eq!(stage.server.change(names), BTreeSet::from(["null".to_owned()]));
    Ok(())
}

#[tokio::test]
async fn a_retry_copies_again_what_only_the_server_remembers() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::write(stage.path("a"), some_bytes(5000))?;
    let failed = json!({"source": stage.path("a"), "destination": stage.path("b"), "status": "queued", "attempt": 2});
    let id = stage.server.change(|world| world.add_transfer(failed));
    let directive = stage.server.direct("retryTransfer", &json!({"transferId": id, "attempt": 2}));
    stage
        .with_daemon(async || {
            stage.server.until("it is completed", |world| world.all("status", &json!("completed"))).await
        })
        .await?;
    assert_eq!(fs::read(stage.path("a"))?, fs::read(stage.path("b"))?);
    assert_eq!(stage.server.only_transfer()?["attempt"], 2);
    assert!(stage.server.change(|world| world.acknowledged.contains(&directive)));
    Ok(())
}

#[tokio::test]
async fn a_retry_of_another_protocol_fails_with_a_reason() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    let remote = json!({"source": "sftp://example.com/a", "destination": "/b", "protocol": "sftp", "attempt": 2});
    let id = stage.server.change(|world| world.add_transfer(remote));
    stage.server.direct("retryTransfer", &json!({"transferId": id, "attempt": 2}));
    stage
        .with_daemon(async || stage.server.until("it is acknowledged", |world| !world.acknowledged.is_empty()).await)
        .await?;
    let transfer = stage.server.only_transfer()?;
    assert_eq!(transfer["status"], "failed");
    assert!(transfer["errorMessage"].as_str().is_some_and(|reason| reason.contains("protocol sftp is not supported")));
    Ok(())
}

#[tokio::test]
async fn a_transfer_nobody_works_on_is_cancelled_all_the_same() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    let id = stage.server.change(|world| world.add_transfer(json!({"status": "running", "attempt": 3})));
    stage.server.direct("cancelTransfer", &json!({"transferId": id}));
    stage
        .with_daemon(async || {
            stage.server.until("it is cancelled", |world| world.all("status", &json!("cancelled"))).await
        })
        .await
}

#[tokio::test]
async fn a_new_key_is_stored_before_it_is_used() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    let directive = stage.server.direct("rotateKey", &json!({}));
    stage
        .with_daemon(async || {
            stage.server.until("it is acknowledged", |world| world.acknowledged.contains(&directive)).await
        })
        .await?;
    let key = stage.server.change(|world| world.key.clone());
    let stored = Registration::load(&stage.state_dir())?.map(|stored| stored.api_key.expose().to_owned());
    assert_eq!((key.as_str(), stored), ("mft_ak_2", Some(key.clone())));
    Ok(())
}

#[tokio::test]
async fn a_heartbeat_interval_is_kept_and_an_unknown_wish_left_alone() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    let unknown = stage.server.direct("danceTheTango", &json!({}));
    let known = stage.server.direct("setHeartbeatInterval", &json!({"seconds": 7}));
    stage
        .with_daemon(async || {
            stage.server.until("it is acknowledged", |world| world.acknowledged.contains(&known)).await
        })
        .await?;
    assert_eq!(Registration::load(&stage.state_dir())?.and_then(|stored| stored.heartbeat_seconds), Some(7));
    assert!(stage.server.change(|world| !world.acknowledged.contains(&unknown)));
    Ok(())
}

#[tokio::test]
async fn a_wish_that_stays_open_does_not_delay_the_next_one() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    let hour = Duration::from_hours(1);
    let mut settings = stage.settings();
    // Nothing but the poll tells of wishes, and a full pause would outlast the test.
    settings.timing = Timing { heartbeat: hour, poll: hour, ..settings.timing };
    stage
        .with_daemon_in(settings, &Stage::run_args(), async || {
            let polls = stage.server.change(|world| world.polls);
            stage.server.direct("danceTheTango", &json!({}));
            stage.server.until("the agent has seen it again", |world| world.polls > polls + 2).await?;
            let known = stage.server.direct("setHeartbeatInterval", &json!({"seconds": 7}));
            stage.server.until("the next is acknowledged", |world| world.acknowledged.contains(&known)).await
        })
        .await
}

#[tokio::test]
async fn two_daemons_do_not_share_a_state_folder() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    let _held = lock(&daemon_lock(&stage.state_dir()))?;
    let refused = stage.with_daemon(async || Ok(())).await.map_err(|error| error.to_string());
    assert!(refused.is_err_and(|error| error.contains("another daemon")));
    Ok(())
}
