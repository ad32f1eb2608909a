//! Job runs: each is claimed and carried out once, can be cancelled, and is always reported.

mod waiting;

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::fake_server::Fault;
use super::{TestAgent, test_bytes, wait_for_path};
use crate::command::args::RunArgs;
use crate::command::run as run_command;
use crate::server::wire::{CopyRuleFields, Direction, Job, PartOf, RunEnd, Status, TransferDetails};
use crate::transfer::claimed_state_files::TransferStore;
use crate::transfer::state::{CopyOptions, FinalReport, Phase, TransferState};
use crate::work::journal::Journal;
use crate::work::work_item::{Task, WorkItem};

/// A rate in bytes per second at which no copy of a test completes.
const SLOW_RATE: Option<u64> = Some(200_000);

fn slow_args() -> RunArgs {
    RunArgs { max_rate: SLOW_RATE, ..TestAgent::run_args() }
}

async fn wait_until_completed(agent: &TestAgent, runs: usize) -> anyhow::Result<()> {
    agent.server.wait_until("all runs are completed", |state| state.runs_are(runs, "completed")).await
}

/// Waits until the copy of a run has reported bytes; returns the run.
async fn wait_until_copying(agent: &TestAgent) -> anyhow::Result<Value> {
    let moving = |update: &Value| update["bytesTransferred"].as_u64() > Some(0);
    agent.server.wait_until("bytes move", |state| state.updates.iter().any(moving)).await?;
    Ok(agent.server.change(|state| state.runs.values().next().cloned().unwrap_or_default()))
}

#[tokio::test]
async fn a_job_copies_its_folder_and_its_run_reports_the_bytes() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::create_dir_all(agent.path("in/sub"))?;
    fs::write(agent.path("in/sub/a"), test_bytes(3000))?;
    let (_, directive) = agent
        .server
        .send_job(json!({"source": agent.path("in"), "destination": agent.path("out"), "direction": "pull"}));
    agent.with_daemon(async || wait_until_completed(&agent, 1).await).await?;

    assert_eq!(fs::read(agent.path("out/sub/a"))?, test_bytes(3000));
    let (run, transfer) = (agent.server.change(|state| state.only_run()), agent.server.only_transfer()?);
    assert_eq!((&run["directiveId"], &run["bytesTransferred"]), (&json!(directive), &json!(3000)));
    assert_eq!((&transfer["status"], &transfer["jobRunId"]), (&json!("completed"), &run["id"]));
    assert_eq!(transfer["direction"], "pull");
    assert!(agent.states()?.is_empty() && agent.open_items()?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_second_run_replaces_the_files_of_the_first_and_keeps_others() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::create_dir_all(agent.path("in"))?;
    fs::write(agent.path("in/a"), "first")?;
    let job = json!({"source": agent.path("in"), "destination": agent.path("out")});
    agent.server.send_job(job.clone());
    agent
        .with_daemon(async || {
            wait_until_completed(&agent, 1).await?;
            fs::write(agent.path("in/a"), "second")?;
            fs::write(agent.path("out/theirs"), "kept")?;
            agent.server.send_job(job.clone());
            wait_until_completed(&agent, 2).await
        })
        .await?;
    assert_eq!(fs::read_to_string(agent.path("out/a"))?, "second");
    assert_eq!(fs::read_to_string(agent.path("out/theirs"))?, "kept");
    Ok(())
}

#[tokio::test]
async fn a_pattern_is_one_transfer_of_all_matching_files() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::create_dir_all(agent.path("in/folder.csv"))?;
    for name in ["a.csv", "b.csv", "c.txt"] {
        fs::write(agent.path("in").join(name), name)?;
    }
    agent.server.send_job(json!({"source": agent.path("in/*.csv"), "destination": agent.path("out")}));
    agent.with_daemon(async || wait_until_completed(&agent, 1).await).await?;
    let mut names: Vec<_> =
        fs::read_dir(agent.path("out"))?.map(|entry| Ok(entry?.file_name())).collect::<anyhow::Result<_>>()?;
    names.sort();
    assert_eq!(names, ["a.csv", "b.csv"]);
    assert_eq!(agent.server.only_transfer()?["bytesTransferred"], 10);
    Ok(())
}

#[tokio::test]
async fn a_repeated_directive_starts_no_second_run() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), "text")?;
    agent.server.change(|state| state.repeats_directives = true);
    let (_, directive) = agent.server.send_job(json!({"source": agent.path("a"), "destination": agent.path("b")}));
    let sent = agent.server.change(|state| state.directives.clone());
    let acknowledged =
        async || agent.server.wait_until("it is acknowledged", |state| state.acknowledged.contains(&directive)).await;
    agent.with_daemon(acknowledged).await?;

    // The next process does not run it either.
    agent.server.change(|state| {
        state.acknowledged.clear();
        state.directives = sent;
    });
    agent.with_daemon(acknowledged).await?;
    let (claims, runs) = agent.server.change(|state| (state.claims.clone(), state.runs.len()));
    assert_eq!((claims, runs), (vec![json!(directive)], 1));
    agent.server.only_transfer()?;
    Ok(())
}

#[tokio::test]
async fn a_cancelled_run_stops_its_copy_and_leaves_no_files() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), test_bytes(20_000_000))?;
    agent.server.send_job(json!({"source": agent.path("a"), "destination": agent.path("b")}));
    agent
        .with_daemon_args(&slow_args(), async || {
            let run = wait_until_copying(&agent).await?;
            let directive = agent.server.send_directive("cancelJobRun", &json!({"runId": run["id"]}));
            agent.server.wait_until("it is acknowledged", |state| state.acknowledged.contains(&directive)).await
        })
        .await?;
    assert_eq!(agent.server.change(|state| state.only_run())["status"], "cancelled");
    assert_eq!(agent.server.only_transfer()?["status"], "cancelled");
    assert!(!agent.path("b").exists() && !agent.path("b.mftplus-part").exists());
    assert!(agent.states()?.is_empty() && agent.open_items()?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_cancellation_of_an_ended_run_is_acknowledged() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    let directive = agent.server.send_directive("cancelJobRun", &json!({"runId": Uuid::new_v4()}));
    agent
        .with_daemon(async || {
            agent.server.wait_until("it is acknowledged", |state| state.acknowledged.contains(&directive)).await
        })
        .await
}

#[tokio::test]
async fn a_job_that_the_server_rejects_is_dropped_and_the_next_one_runs() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), "text")?;
    let job = json!({"source": agent.path("a"), "destination": agent.path("b")});
    agent.server.change(|state| state.rejects_jobs = true);
    let (_, directive) = agent.server.send_job(job.clone());
    agent
        .with_daemon(async || {
            agent.server.wait_until("it is acknowledged", |state| state.acknowledged.contains(&directive)).await?;
            assert!(agent.server.change(|state| state.runs.is_empty()) && !agent.path("b").exists());
            agent.server.change(|state| state.rejects_jobs = false);
            agent.server.send_job(job);
            wait_until_completed(&agent, 1).await
        })
        .await
}

#[tokio::test]
async fn a_stop_does_not_wait_for_the_answer_to_an_acknowledgement() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    agent.server.change(|state| {
        state.rejects_jobs = true;
        state.holds_acknowledgements = true;
    });
    let (_, directive) = agent.server.send_job(json!({"source": agent.path("a"), "destination": agent.path("b")}));
    let daemon = agent.with_daemon(async || {
        agent.server.wait_until("it is acknowledged", |state| state.acknowledged.contains(&directive)).await
    });
    // A request may take 30 seconds.
    tokio::time::timeout(Duration::from_secs(20), daemon).await??;
    assert!(agent.open_items()?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_run_whose_source_cannot_be_copied_fails_with_the_reason() -> anyhow::Result<()> {
    let reasons = [
        (json!({"protocol": "sftp", "source": "partner:/a", "destination": "/b"}), "there is no endpoint `partner`"),
        (json!({"source": "reports", "destination": "/b"}), "not an absolute local path"),
        (json!({"source": "/no/such/folder", "destination": "/b"}), "cannot reach /no/such/folder"),
    ];
    for (job, expected) in reasons {
        let agent = TestAgent::start().await?;
        agent.server.send_job(job);
        agent
            .with_daemon(async || agent.server.wait_until("it failed", |state| state.runs_are(1, "failed")).await)
            .await?;
        let reason = agent.server.change(|state| state.only_run())["errorMessage"].to_string();
        assert!(reason.contains(expected), "{reason}");
        assert!(agent.server.change(|state| state.transfers.is_empty()));
    }
    Ok(())
}

#[tokio::test]
async fn a_run_continues_without_the_server_and_is_reported_by_the_next_process() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), "text")?;
    agent.server.change(|state| state.after_creating = Fault::BecomesUnavailable);
    agent.server.send_job(json!({"source": agent.path("a"), "destination": agent.path("b")}));
    agent.with_daemon(async || wait_for_path(&agent.path("b")).await).await?;
    assert_eq!(agent.server.change(|state| state.only_run())["status"], "running");

    agent.server.change(|state| state.is_unavailable = false);
    agent.with_daemon(async || wait_until_completed(&agent, 1).await).await?;
    assert_eq!(agent.server.only_transfer()?["status"], "completed");
    assert_eq!(agent.server.change(|state| state.claims.len()), 1);
    Ok(())
}

#[tokio::test]
async fn a_stopped_run_continues_as_the_same_run_and_transfer() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), test_bytes(3_000_000))?;
    agent.server.send_job(json!({"source": agent.path("a"), "destination": agent.path("b")}));
    agent.with_daemon_args(&slow_args(), async || wait_until_copying(&agent).await.map(drop)).await?;
    assert_eq!(agent.server.change(|state| state.only_run())["status"], "running");
    assert!(fs::metadata(agent.path("b.mftplus-part"))?.len() > 0);

    agent.with_daemon(async || wait_until_completed(&agent, 1).await).await?;
    assert_eq!(fs::read(agent.path("b"))?, test_bytes(3_000_000));
    assert_eq!(agent.server.only_transfer()?["status"], "completed");
    assert_eq!(agent.server.change(|state| state.claims.len()), 1);
    Ok(())
}

/// Writes the state files of a process that was killed during a run of a job from `a` to `b`.
async fn simulate_killed_job(
    agent: &TestAgent,
    end: Option<RunEnd>,
    phase: Phase,
    report: Option<FinalReport>,
) -> anyhow::Result<()> {
    let path = |name| agent.path(name).to_string_lossy().into_owned();
    let (source, destination, direction) = (path("a"), path("b"), Direction::Push);
    let (id, run) = agent.server.change(|state| {
        let (run, directive) = (Uuid::new_v4(), Uuid::new_v4());
        state.runs.insert(run, json!({"id": run, "directiveId": directive, "status": "running"}));
        (state.add_transfer(json!({"status": "running", "jobRunId": run})), run)
    });
    let (idempotency_key, attempt, part_of) =
        (Uuid::new_v4(), 1, PartOf { job_run_id: Some(run), ..PartOf::default() });
    let options = CopyOptions { overwrite: true, ..CopyOptions::default() };
    let job = Job {
        id: Uuid::new_v4(),
        name: "nightly".into(),
        source: source.clone(),
        destination: destination.clone(),
        protocol: "local".into(),
        direction,
        verify: None,
        rules: CopyRuleFields::default(),
    };
    let task = Task::Job { job, run: Some(run) };
    let item = WorkItem {
        directive: Uuid::new_v4(),
        task,
        transfer_key: idempotency_key,
        is_cancelled: false,
        directives_to_acknowledge: Vec::new(),
        end,
    };
    Journal::new(&agent.state_dir()).add(item).await?;
    let killed = TransferState {
        id: Some(id),
        idempotency_key,
        source,
        destination,
        direction,
        size: 0,
        attempt,
        options,
        part_of,
        phase,
        copied: None,
        report,
        stream: None,
    };
    fs::create_dir_all(agent.state_dir().join("transfers"))?;
    Ok(killed.write(&agent.state_dir().join(format!("transfers/{id}.json")))?)
}

#[tokio::test]
async fn a_killed_run_continues_from_its_part_file() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), test_bytes(3_000_000))?;
    fs::write(agent.path("b"), "of the run before")?;
    fs::write(agent.path("b.mftplus-part"), test_bytes(1_234_567))?;
    simulate_killed_job(&agent, None, Phase::Copying, None).await?;
    agent.with_daemon(async || wait_until_completed(&agent, 1).await).await?;
    assert_eq!(fs::read(agent.path("b"))?, test_bytes(3_000_000));
    assert!(agent.server.change(|state| state.claims.is_empty()));
    Ok(())
}

#[tokio::test]
async fn a_killed_run_whose_end_was_recorded_reports_that_end() -> anyhow::Result<()> {
    let failure = FinalReport {
        status: Status::Failed,
        bytes_transferred: 7,
        attempt: 1,
        details: TransferDetails::default(),
        error: Some("the disk is full".into()),
    };
    let end = RunEnd { status: Status::Failed, bytes_transferred: 7, error_message: failure.error.clone() };
    for end in [Some(end), None] {
        let agent = TestAgent::start().await?;
        simulate_killed_job(&agent, end, Phase::Reporting, Some(failure.clone())).await?;
        agent
            .with_daemon(async || agent.server.wait_until("it failed", |state| state.runs_are(1, "failed")).await)
            .await?;
        assert_eq!(agent.server.change(|state| state.only_run())["errorMessage"], "the disk is full");
        assert_eq!(agent.server.only_transfer()?["errorMessage"], "the disk is full");
        assert!(agent.open_items()?.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn a_killed_run_that_was_completed_is_not_reported_as_cancelled() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("b"), "text")?;
    let (status, details) = (Status::Completed, TransferDetails::default());
    let report = FinalReport { status, bytes_transferred: 4, attempt: 1, details, error: None };
    simulate_killed_job(&agent, None, Phase::Reporting, Some(report)).await?;
    let journal = Journal::new(&agent.state_dir());
    for key in journal.load().await? {
        journal.cancel(&key, None).await?;
    }
    agent.with_daemon(async || wait_until_completed(&agent, 1).await).await?;
    assert_eq!(agent.server.only_transfer()?["status"], "completed");
    assert!(agent.path("b").exists() && agent.open_items()?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_daemon_that_cannot_start_stops_the_copies_it_has_resumed() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), test_bytes(20_000_000))?;
    simulate_killed_job(&agent, None, Phase::Copying, None).await?;
    fs::create_dir(agent.state_dir().join("transfers/stray.lock"))?;
    assert!(run_command::run(&agent.settings(), &slow_args()).await.is_err());
    assert!(!TransferStore::open(&agent.state_dir())?.is_at_work()?);
    Ok(())
}
