//! `copy` with interruptions: a stop, a cancellation, an unavailable server, a killed process.

use std::fs;
use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::fake_server::Fault;
use super::{TestAgent, sha256, test_bytes, wait_for_path};
use crate::command::args::RunArgs;
use crate::command::copy as copy_command;
use crate::exit::Exit;
use crate::server::wire::{CopyRuleFields, Direction, Job, PartOf};
use crate::transfer::state::{CopyOptions, CopyResult, Phase, TransferState};
use crate::work::agent::Settings;
use crate::work::journal::Journal;
use crate::work::work_item::{Task, WorkItem};

/// A rate in bytes per second at which no copy of a test completes.
const SLOW_RATE: u64 = 200_000;

/// Runs a slow copy, and `test` once the first bytes are reported.
async fn copy_slowly(
    agent: &TestAgent,
    test: impl AsyncFnOnce(&Settings) -> anyhow::Result<()>,
) -> anyhow::Result<Exit> {
    fs::write(agent.path("a"), test_bytes(20_000_000))?;
    let settings = agent.settings();
    let mut args = agent.args("a", "b");
    args.max_rate = Some(SLOW_RATE);
    let result = async {
        let moving = |update: &serde_json::Value| update["bytesTransferred"].as_u64() > Some(0);
        agent.server.wait_until("bytes move", |state| state.updates.iter().any(moving)).await?;
        test(&settings).await
    };
    let (exit, result) = tokio::join!(copy_command::copy(&settings, &args), result);
    result?;
    exit
}

#[tokio::test]
async fn a_stopped_copy_continues_as_the_same_transfer() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    let stop = async |settings: &Settings| {
        settings.stop.cancel();
        Ok(())
    };
    assert_eq!(copy_slowly(&agent, stop).await?, Exit::Cancelled);
    let kept = fs::metadata(agent.path("b.mftplus-part"))?.len();
    assert!(kept > 0 && !agent.path("b").exists());
    assert_eq!(agent.server.only_transfer()?["status"], "running");

    agent.server.change(|state| state.updates.clear());
    assert_eq!(agent.copy("a", "b").await?, Exit::Done);
    assert_eq!(fs::read(agent.path("a"))?, fs::read(agent.path("b"))?);
    assert_eq!(agent.server.only_transfer()?["status"], "completed");
    Ok(())
}

#[tokio::test]
async fn a_part_file_that_differs_from_the_source_is_copied_again() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), test_bytes(3_000_000))?;
    let mut part = test_bytes(2_500_000);
    part[1_500_000] ^= 1;
    fs::write(agent.path("b.mftplus-part"), part)?;
    assert_eq!(agent.copy("a", "b").await?, Exit::Done);
    assert_eq!(fs::read(agent.path("a"))?, fs::read(agent.path("b"))?);
    Ok(())
}

#[tokio::test]
async fn a_cancelled_copy_stops_and_leaves_no_files() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    let cancel = async |_: &Settings| {
        let id = agent.server.only_transfer()?["id"].clone();
        agent.server.send_directive("cancelTransfer", &json!({"transferId": id}));
        Ok(())
    };
    assert_eq!(copy_slowly(&agent, cancel).await?, Exit::Cancelled);
    assert_eq!(agent.server.only_transfer()?["status"], "cancelled");
    assert_eq!(agent.server.change(|state| (state.acknowledged.len(), state.directives.len())), (1, 0));
    assert!(!agent.path("b").exists() && !agent.path("b.mftplus-part").exists());
    assert!(agent.states()?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_copy_stops_if_its_transfer_has_ended_on_the_server() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    let end = async |_: &Settings| {
        agent
            .server
            .change(|state| state.transfers.values_mut().for_each(|transfer| transfer["status"] = json!("cancelled")));
        Ok(())
    };
    assert_eq!(copy_slowly(&agent, end).await?, Exit::Cancelled);
    assert!(!agent.path("b.mftplus-part").exists());
    Ok(())
}

#[tokio::test]
async fn a_rejected_key_stops_the_copy_with_an_error_that_says_what_to_do() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    let revoke = async |_: &Settings| {
        agent.server.change(|state| state.rejects_keys = true);
        Ok(())
    };
    let error = copy_slowly(&agent, revoke).await.map_err(|error| error.to_string());
    assert!(error.is_err_and(|error| error.contains("register again")));
    assert_eq!(agent.states()?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_transfer_whose_lease_has_ended_continues_as_a_new_attempt() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    let expire = async |settings: &Settings| {
        agent
            .server
            .change(|state| state.transfers.values_mut().for_each(|transfer| transfer["status"] = json!("failed")));
        agent.server.wait_until("it runs again", |state| state.all("status", &json!("running"))).await?;
        settings.stop.cancel();
        Ok(())
    };
    assert_eq!(copy_slowly(&agent, expire).await?, Exit::Cancelled);
    assert_eq!(agent.copy("a", "b").await?, Exit::Done);
    let transfer = agent.server.only_transfer()?;
    assert_eq!((&transfer["status"], &transfer["attempt"]), (&json!("completed"), &json!(2)));
    Ok(())
}

#[tokio::test]
async fn a_final_report_is_delivered_after_the_server_was_unavailable() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), "text")?;
    agent.server.change(|state| state.after_creating = Fault::BecomesUnavailable);
    let mut args = agent.args("a", "b");
    args.report_timeout = Duration::from_millis(300);
    assert_eq!(copy_command::copy(&agent.settings(), &args).await?, Exit::Done);
    assert_eq!(fs::read_to_string(agent.path("b"))?, "text");
    assert_eq!((agent.states()?.len(), &agent.server.only_transfer()?["status"]), (1, &json!("queued")));

    agent.server.change(|state| state.is_unavailable = false);
    agent.with_daemon(async || is_completed(&agent).await).await?;
    assert!(agent.states()?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_lost_response_creates_no_second_transfer() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), "text")?;
    agent.server.change(|state| state.after_creating = Fault::LosesResponse);
    assert_eq!(agent.copy("a", "b").await?, Exit::Done);
    assert_eq!(agent.server.only_transfer()?["status"], "completed");
    Ok(())
}

#[tokio::test]
async fn nothing_is_copied_while_the_server_is_unavailable() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), "text")?;
    agent.server.change(|state| state.is_unavailable = true);
    let mut args = agent.args("a", "b");
    args.report_timeout = Duration::from_millis(100);
    assert_eq!(copy_command::copy(&agent.settings(), &args).await?, Exit::Failed);
    assert!(!agent.path("b").exists());

    agent.server.change(|state| state.is_unavailable = false);
    assert_eq!(agent.copy("a", "b").await?, Exit::Done);
    assert!(agent.states()?.is_empty());
    Ok(())
}

/// Writes the state file of a process that was killed during a copy to `b`.
fn simulate_killed_copy(
    agent: &TestAgent,
    source: &str,
    phase: Phase,
    copied: Option<CopyResult>,
) -> anyhow::Result<()> {
    let id = agent.server.change(|state| state.add_transfer(json!({"status": "running"})));
    let killed = TransferState {
        id: Some(id),
        idempotency_key: id,
        source: agent.path(source).to_string_lossy().into_owned(),
        destination: agent.path("b").to_string_lossy().into_owned(),
        direction: Direction::Push,
        size: 4,
        attempt: 1,
        options: CopyOptions::default(),
        part_of: PartOf::default(),
        phase,
        copied,
        report: None,
        stream: None,
    };
    fs::create_dir_all(agent.state_dir().join("transfers"))?;
    Ok(killed.write(&agent.state_dir().join(format!("transfers/{id}.json")))?)
}

async fn is_completed(agent: &TestAgent) -> anyhow::Result<()> {
    agent.server.wait_until("it is completed", |state| state.all("status", &json!("completed"))).await
}

#[tokio::test]
async fn the_daemon_continues_the_copy_of_a_killed_process() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), test_bytes(3_000_000))?;
    fs::write(agent.path("b.mftplus-part"), test_bytes(1_234_567))?;
    simulate_killed_copy(&agent, "a", Phase::Copying, None)?;
    agent.with_daemon(async || is_completed(&agent).await).await?;
    assert_eq!(fs::read(agent.path("a"))?, fs::read(agent.path("b"))?);
    assert_eq!(agent.server.only_transfer()?["bytesTransferred"], 3_000_000);
    Ok(())
}

#[tokio::test]
async fn a_copy_that_was_published_before_the_process_was_killed_is_reported_as_completed() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("b"), "text")?;
    let checksum = sha256(&agent.path("b"))?;
    let copied = CopyResult { bytes: 4, checksum: Some(checksum.clone()), warning: None };
    simulate_killed_copy(&agent, "gone meanwhile", Phase::Publishing, Some(copied))?;
    agent.with_daemon(async || is_completed(&agent).await).await?;
    assert_eq!(agent.server.only_transfer()?["checksumSha256"], json!(checksum));
    Ok(())
}

#[tokio::test]
async fn what_another_copy_wrote_meanwhile_is_not_taken_for_the_verified_copy() -> anyhow::Result<()> {
    for (written, source, status, expected) in [
        ("b.mftplus-part", "a", "completed", Some("text")),
        ("b.mftplus-part", "gone meanwhile", "failed", None),
        ("b", "a", "failed", Some("else")),
        ("b", "gone meanwhile", "failed", Some("else")),
    ] {
        let agent = TestAgent::start().await?;
        fs::write(agent.path("a"), "text")?;
        // As many bytes as were copied.
        fs::write(agent.path(written), "else")?;
        let copied = CopyResult { bytes: 4, checksum: Some(sha256(&agent.path("a"))?), warning: None };
        simulate_killed_copy(&agent, source, Phase::Publishing, Some(copied))?;
        let ended = async || agent.server.wait_until(status, |state| state.all("status", &json!(status))).await;
        agent.with_daemon(ended).await?;
        assert_eq!(fs::read_to_string(agent.path("b")).ok().as_deref(), expected, "{written}, {source}");
    }
    Ok(())
}

#[tokio::test]
async fn a_copy_does_not_wait_for_an_earlier_job_while_the_server_is_unavailable() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), "text")?;
    let job = Job {
        id: Uuid::new_v4(),
        name: "nightly".into(),
        source: "/a".into(),
        destination: "/b".into(),
        protocol: "local".into(),
        direction: Direction::Push,
        verify: None,
        rules: CopyRuleFields::default(),
    };
    let journal = Journal::new(&agent.state_dir());
    journal.add(WorkItem::new(Uuid::new_v4(), Task::Job { job, run: None })).await?;
    simulate_killed_copy(&agent, "a", Phase::Copying, None)?;
    agent.server.change(|state| state.is_unavailable = true);
    let one_at_a_time = RunArgs { max_jobs: Some(1), ..TestAgent::run_args() };
    agent.with_daemon_args(&one_at_a_time, async || wait_for_path(&agent.path("b")).await).await
}
