//! `copy` when the server, the person or the machine gets in its way.

use std::fs;
use std::time::Duration;

use serde_json::json;

use super::server::Fault;
use super::{Stage, some_bytes};
use crate::command::copy as copy_command;
use crate::exit::Exit;
use crate::server::wire::{Direction, PartOf};
use crate::session::Settings;
use crate::transfer::state::{CopyOptions, CopyResult, Phase, TransferState};

/// So slow that no test sees the end of it.
const CRAWL: u64 = 200_000;

/// Copies at a crawl while `story` is told, which begins when the first bytes were reported.
async fn copy_slowly(stage: &Stage, story: impl AsyncFnOnce(&Settings) -> anyhow::Result<()>) -> anyhow::Result<Exit> {
    fs::write(stage.path("a"), some_bytes(20_000_000))?;
    let settings = stage.settings();
    let mut args = stage.args("a", "b");
    args.max_rate = Some(CRAWL);
    let told = async {
        let moving = |update: &serde_json::Value| update["bytesTransferred"].as_u64() > Some(0);
        stage.server.until("bytes move", |world| world.updates.iter().any(moving)).await?;
        story(&settings).await
    };
    let (exit, told) = tokio::join!(copy_command::copy(&settings, &args), told);
    told?;
    exit
}

#[tokio::test]
async fn a_stopped_copy_continues_as_the_same_transfer() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    let stop = async |settings: &Settings| {
        settings.stop.cancel();
        Ok(())
    };
    assert_eq!(copy_slowly(&stage, stop).await?, Exit::Cancelled);
    let kept = fs::metadata(stage.path("b.mftplus-part"))?.len();
    assert!(kept > 0 && !stage.path("b").exists());
    assert_eq!(stage.server.only_transfer()?["status"], "running");

    stage.server.change(|world| world.updates.clear());
    assert_eq!(stage.copy("a", "b").await?, Exit::Done);
    assert_eq!(fs::read(stage.path("a"))?, fs::read(stage.path("b"))?);
    assert_eq!(stage.server.only_transfer()?["status"], "completed");
    Ok(())
}

#[tokio::test]
async fn a_part_that_differs_from_the_source_is_not_trusted() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::write(stage.path("a"), some_bytes(3_000_000))?;
    let mut part = some_bytes(2_500_000);
    part[1_500_000] ^= 1;
    fs::write(stage.path("b.mftplus-part"), part)?;
    assert_eq!(stage.copy("a", "b").await?, Exit::Done);
    assert_eq!(fs::read(stage.path("a"))?, fs::read(stage.path("b"))?);
    Ok(())
}

#[tokio::test]
async fn a_cancelled_copy_stops_and_leaves_nothing() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    let cancel = async |_: &Settings| {
        let id = stage.server.only_transfer()?["id"].clone();
        stage.server.direct("cancelTransfer", &json!({"transferId": id}));
        Ok(())
    };
    assert_eq!(copy_slowly(&stage, cancel).await?, Exit::Cancelled);
    assert_eq!(stage.server.only_transfer()?["status"], "cancelled");
    assert_eq!(stage.server.change(|world| (world.acknowledged.len(), world.directives.len())), (1, 0));
    assert!(!stage.path("b").exists() && !stage.path("b.mftplus-part").exists());
    assert!(stage.states()?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_transfer_that_is_over_on_the_server_stops() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    let end = async |_: &Settings| {
        stage
            .server
            .change(|world| world.transfers.values_mut().for_each(|transfer| transfer["status"] = json!("cancelled")));
        Ok(())
    };
    assert_eq!(copy_slowly(&stage, end).await?, Exit::Cancelled);
    assert!(!stage.path("b.mftplus-part").exists());
    Ok(())
}

#[tokio::test]
async fn a_key_that_is_refused_stops_the_copy_with_a_clear_message() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    let revoke = async |_: &Settings| {
        stage.server.change(|world| world.rejects_keys = true);
        Ok(())
    };
    let error = copy_slowly(&stage, revoke).await.map_err(|error| error.to_string());
    assert!(error.is_err_and(|error| error.contains("register again")));
    assert_eq!(stage.states()?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_transfer_failed_by_its_lease_goes_on_as_a_new_attempt() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    let expire = async |settings: &Settings| {
        stage
            .server
            .change(|world| world.transfers.values_mut().for_each(|transfer| transfer["status"] = json!("failed")));
        stage.server.until("it runs again", |world| world.all("status", &json!("running"))).await?;
        settings.stop.cancel();
        Ok(())
    };
    assert_eq!(copy_slowly(&stage, expire).await?, Exit::Cancelled);
    assert_eq!(stage.copy("a", "b").await?, Exit::Done);
    let transfer = stage.server.only_transfer()?;
    assert_eq!((&transfer["status"], &transfer["attempt"]), (&json!("completed"), &json!(2)));
    Ok(())
}

#[tokio::test]
async fn a_final_report_survives_the_server_being_away() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::write(stage.path("a"), "text")?;
    stage.server.change(|world| world.after_creating = Fault::GoesAway);
    let mut args = stage.args("a", "b");
    args.report_timeout = Duration::from_millis(300);
    assert_eq!(copy_command::copy(&stage.settings(), &args).await?, Exit::Done);
    assert_eq!(fs::read_to_string(stage.path("b"))?, "text");
    assert_eq!((stage.states()?.len(), &stage.server.only_transfer()?["status"]), (1, &json!("queued")));

    stage.server.change(|world| world.is_away = false);
    stage.with_daemon(async || is_completed(&stage).await).await?;
    assert!(stage.states()?.is_empty());
    Ok(())
}

#[tokio::test]
async fn an_answer_that_gets_lost_makes_no_second_transfer() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::write(stage.path("a"), "text")?;
    stage.server.change(|world| world.after_creating = Fault::LosesAnswer);
    assert_eq!(stage.copy("a", "b").await?, Exit::Done);
    assert_eq!(stage.server.only_transfer()?["status"], "completed");
    Ok(())
}

#[tokio::test]
async fn without_a_server_nothing_is_copied_and_the_person_is_told_what_to_do() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::write(stage.path("a"), "text")?;
    stage.server.change(|world| world.is_away = true);
    let mut args = stage.args("a", "b");
    args.report_timeout = Duration::from_millis(100);
    assert_eq!(copy_command::copy(&stage.settings(), &args).await?, Exit::Failed);
    assert!(!stage.path("b").exists());

    stage.server.change(|world| world.is_away = false);
    assert_eq!(stage.copy("a", "b").await?, Exit::Done);
    assert!(stage.states()?.is_empty());
    Ok(())
}

/// Leaves behind what a killed process would have left.
fn leave_state(stage: &Stage, source: &str, phase: Phase, copied: Option<CopyResult>) -> anyhow::Result<()> {
    let id = stage.server.change(|world| world.add_transfer(json!({"status": "running"})));
    let killed = TransferState {
        id: Some(id),
        idempotency_key: id,
        source: stage.path(source).to_string_lossy().into_owned(),
        destination: stage.path("b").to_string_lossy().into_owned(),
        direction: Direction::Push,
        size: 4,
        attempt: 1,
        options: CopyOptions::default(),
        part_of: PartOf::default(),
        phase,
        copied,
        report: None,
    };
    fs::create_dir_all(stage.state_dir().join("transfers"))?;
    Ok(killed.write(&stage.state_dir().join(format!("transfers/{id}.json")))?)
}

async fn is_completed(stage: &Stage) -> anyhow::Result<()> {
    stage.server.until("it is completed", |world| world.all("status", &json!("completed"))).await
}

#[tokio::test]
async fn the_daemon_continues_what_a_killed_process_began() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::write(stage.path("a"), some_bytes(3_000_000))?;
    fs::write(stage.path("b.mftplus-part"), some_bytes(1_234_567))?;
    leave_state(&stage, "a", Phase::Copying, None)?;
    stage.with_daemon(async || is_completed(&stage).await).await?;
    assert_eq!(fs::read(stage.path("a"))?, fs::read(stage.path("b"))?);
    assert_eq!(stage.server.only_transfer()?["bytesTransferred"], 3_000_000);
    Ok(())
}

#[tokio::test]
async fn a_process_killed_after_the_last_rename_still_reports_success() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::write(stage.path("b"), "text")?;
    let copied = CopyResult { bytes: 4, checksum: Some("of the text".into()) };
    leave_state(&stage, "gone meanwhile", Phase::Publishing, Some(copied))?;
    stage.with_daemon(async || is_completed(&stage).await).await?;
    assert_eq!(stage.server.only_transfer()?["checksumSha256"], "of the text");
    Ok(())
}
