//! Jobs: runs that are claimed, done once, cancelled, and reported whatever happens.

use std::fs;

use serde_json::{Value, json};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::server::Fault;
use super::{Stage, some_bytes, until_there};
use crate::command::args::RunArgs;
use crate::random::random_uuid;
use crate::server::wire::{Direction, Job, PartOf, RunEnd, Status};
use crate::transfer::state::{CopyOptions, FinalReport, Phase, TransferState};
use crate::work::journal::Journal;
use crate::work::task::{Task, WorkItem};

/// So slow that no test sees the end of it.
const CRAWL: Option<u64> = Some(200_000);

fn crawling() -> RunArgs {
    RunArgs { max_rate: CRAWL, ..Stage::run_args() }
}

async fn until_completed(stage: &Stage, runs: usize) -> anyhow::Result<()> {
    stage.server.until("all runs are completed", |world| world.runs_are(runs, "completed")).await
}

/// Waits until a run's copy has moved bytes, and gives the run.
async fn until_moving(stage: &Stage) -> anyhow::Result<Value> {
    let moving = |update: &Value| update["bytesTransferred"].as_u64() > Some(0);
    stage.server.until("bytes move", |world| world.updates.iter().any(moving)).await?;
    Ok(stage.server.change(|world| world.runs.values().next().cloned().unwrap_or_default()))
}

#[tokio::test]
async fn a_job_copies_its_folder_and_the_run_says_how_much() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::create_dir_all(stage.path("in/sub"))?;
    fs::write(stage.path("in/sub/a"), some_bytes(3000))?;
    let (_, directive) = stage
        .server
        .make_due(json!({"source": stage.path("in"), "destination": stage.path("out"), "direction": "pull"}));
    stage.with_daemon(async || until_completed(&stage, 1).await).await?;

    assert_eq!(fs::read(stage.path("out/sub/a"))?, some_bytes(3000));
    let (run, transfer) = (stage.server.change(|world| world.only_run()), stage.server.only_transfer()?);
    assert_eq!((&run["directiveId"], &run["bytesTransferred"]), (&json!(directive), &json!(3000)));
    assert_eq!((&transfer["status"], &transfer["jobRunId"]), (&json!("completed"), &run["id"]));
    assert_eq!(transfer["direction"], "pull");
    assert!(stage.states()?.is_empty() && stage.open_items()?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_second_run_replaces_what_the_first_wrote_and_leaves_the_rest() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::create_dir_all(stage.path("in"))?;
    fs::write(stage.path("in/a"), "first")?;
    let job = json!({"source": stage.path("in"), "destination": stage.path("out")});
    stage.server.make_due(job.clone());
    stage
        .with_daemon(async || {
            until_completed(&stage, 1).await?;
            fs::write(stage.path("in/a"), "second")?;
            fs::write(stage.path("out/theirs"), "kept")?;
            stage.server.make_due(job.clone());
            until_completed(&stage, 2).await
        })
        .await?;
    assert_eq!(fs::read_to_string(stage.path("out/a"))?, "second");
    assert_eq!(fs::read_to_string(stage.path("out/theirs"))?, "kept");
    Ok(())
}

#[tokio::test]
async fn a_pattern_is_one_transfer_of_all_that_fits() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::create_dir_all(stage.path("in/folder.csv"))?;
    for name in ["a.csv", "b.csv", "c.txt"] {
        fs::write(stage.path("in").join(name), name)?;
    }
    stage.server.make_due(json!({"source": stage.path("in/*.csv"), "destination": stage.path("out")}));
    stage.with_daemon(async || until_completed(&stage, 1).await).await?;
    let mut names: Vec<_> =
        fs::read_dir(stage.path("out"))?.map(|entry| Ok(entry?.file_name())).collect::<anyhow::Result<_>>()?;
    names.sort();
    assert_eq!(names, ["a.csv", "b.csv"]);
    assert_eq!(stage.server.only_transfer()?["bytesTransferred"], 10);
    Ok(())
}

#[tokio::test]
async fn a_directive_that_comes_again_makes_no_second_run() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::write(stage.path("a"), "text")?;
    stage.server.change(|world| world.repeats_directives = true);
    let (_, directive) = stage.server.make_due(json!({"source": stage.path("a"), "destination": stage.path("b")}));
    let sent = stage.server.change(|world| world.directives.clone());
    let acknowledged =
        async || stage.server.until("it is acknowledged", |world| world.acknowledged.contains(&directive)).await;
    stage.with_daemon(acknowledged).await?;

    // Not by the next process either.
    stage.server.change(|world| {
        world.acknowledged.clear();
        world.directives = sent;
    });
    stage.with_daemon(acknowledged).await?;
    let (claims, runs) = stage.server.change(|world| (world.claims.clone(), world.runs.len()));
    assert_eq!((claims, runs), (vec![json!(directive)], 1));
    stage.server.only_transfer()?;
    Ok(())
}

#[tokio::test]
async fn jobs_beyond_the_bound_wait_in_order() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    for name in ["1", "2", "3"] {
        fs::write(stage.path(name), name)?;
        stage.server.make_due(json!({"source": stage.path(name), "destination": stage.path("out/")}));
    }
    let one_at_a_time = RunArgs { max_jobs: 1, ..Stage::run_args() };
    stage.with_daemon_of(&one_at_a_time, async || until_completed(&stage, 3).await).await?;
    let order: Vec<Value> = stage.server.change(|world| {
        let is_end = |update: &&Value| update["status"] == "completed";
        let id = |update: &Value| update["id"].as_str().and_then(|id| id.parse::<Uuid>().ok()).unwrap_or_default();
        world.updates.iter().filter(is_end).map(|update| world.transfers[&id(update)]["source"].clone()).collect()
    });
    assert_eq!(order, [json!(stage.path("1")), json!(stage.path("2")), json!(stage.path("3"))]);
    Ok(())
}

#[tokio::test]
async fn a_cancelled_run_stops_its_copy_and_leaves_nothing() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::write(stage.path("a"), some_bytes(20_000_000))?;
    stage.server.make_due(json!({"source": stage.path("a"), "destination": stage.path("b")}));
    stage
        .with_daemon_of(&crawling(), async || {
            let run = until_moving(&stage).await?;
            let directive = stage.server.direct("cancelJobRun", &json!({"runId": run["id"]}));
            stage.server.until("it is acknowledged", |world| world.acknowledged.contains(&directive)).await
        })
        .await?;
    assert_eq!(stage.server.change(|world| world.only_run())["status"], "cancelled");
    assert_eq!(stage.server.only_transfer()?["status"], "cancelled");
    assert!(!stage.path("b").exists() && !stage.path("b.mftplus-part").exists());
    assert!(stage.states()?.is_empty() && stage.open_items()?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_run_that_waits_for_its_turn_is_cancelled_at_once() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::write(stage.path("a"), some_bytes(20_000_000))?;
    fs::write(stage.path("c"), "text")?;
    stage.server.make_due(json!({"source": stage.path("a"), "destination": stage.path("b")}));
    stage
        .with_daemon_of(&RunArgs { max_jobs: 1, ..crawling() }, async || {
            let first = until_moving(&stage).await?["id"].clone();
            stage.server.make_due(json!({"source": stage.path("c"), "destination": stage.path("d")}));
            stage.server.until("the second is claimed", |world| world.runs.len() == 2).await?;
            let second = stage.server.change(|world| world.runs.values().find(|run| run["id"] != first).cloned());
            let second = second.unwrap_or_default()["id"].clone();
            stage.server.direct("cancelJobRun", &json!({"runId": second}));
            let is_cancelled = |run: &Value| run["id"] == second && run["status"] == "cancelled";
            stage.server.until("it is cancelled", |world| world.runs.values().any(is_cancelled)).await
        })
        .await?;
    assert!(!stage.path("d").exists());
    stage.server.only_transfer()?;
    Ok(())
}

#[tokio::test]
async fn a_cancel_of_a_run_that_is_over_is_acknowledged() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    let directive = stage.server.direct("cancelJobRun", &json!({"runId": random_uuid()}));
    stage
        .with_daemon(async || {
            stage.server.until("it is acknowledged", |world| world.acknowledged.contains(&directive)).await
        })
        .await
}

#[tokio::test]
async fn a_job_that_is_gone_is_forgotten_and_the_next_one_runs() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::write(stage.path("a"), "text")?;
    let job = json!({"source": stage.path("a"), "destination": stage.path("b")});
    stage.server.change(|world| world.refuses_jobs = true);
    let (_, directive) = stage.server.make_due(job.clone());
    stage
        .with_daemon(async || {
            stage.server.until("it is acknowledged", |world| world.acknowledged.contains(&directive)).await?;
            assert!(stage.server.change(|world| world.runs.is_empty()) && !stage.path("b").exists());
            stage.server.change(|world| world.refuses_jobs = false);
            stage.server.make_due(job);
            until_completed(&stage, 1).await
        })
        .await
}

#[tokio::test]
async fn what_cannot_be_copied_fails_the_run_with_the_reason() -> anyhow::Result<()> {
    let reasons = [
        (json!({"protocol": "sftp", "source": "sftp://host/a", "destination": "/b"}), "protocol sftp is not supported"),
        (json!({"source": "reports", "destination": "/b"}), "not an absolute local path"),
        (json!({"source": "/no/such/folder", "destination": "/b"}), "cannot reach /no/such/folder"),
    ];
    for (job, expected) in reasons {
        let stage = Stage::set().await?;
        stage.server.make_due(job);
        stage.with_daemon(async || stage.server.until("it failed", |world| world.runs_are(1, "failed")).await).await?;
        let reason = stage.server.change(|world| world.only_run())["errorMessage"].to_string();
        assert!(reason.contains(expected), "{reason}");
        assert!(stage.server.change(|world| world.transfers.is_empty()));
    }
    Ok(())
}

#[tokio::test]
async fn a_run_goes_on_while_the_server_is_away_and_is_reported_by_the_next_process() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::write(stage.path("a"), "text")?;
    stage.server.change(|world| world.after_creating = Fault::GoesAway);
    stage.server.make_due(json!({"source": stage.path("a"), "destination": stage.path("b")}));
    stage.with_daemon(async || until_there(&stage.path("b")).await).await?;
    assert_eq!(stage.server.change(|world| world.only_run())["status"], "running");

    stage.server.change(|world| world.is_away = false);
    stage.with_daemon(async || until_completed(&stage, 1).await).await?;
    assert_eq!(stage.server.only_transfer()?["status"], "completed");
    assert_eq!(stage.server.change(|world| world.claims.len()), 1);
    Ok(())
}

#[tokio::test]
async fn a_stopped_run_continues_as_the_same_run_and_transfer() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::write(stage.path("a"), some_bytes(3_000_000))?;
    stage.server.make_due(json!({"source": stage.path("a"), "destination": stage.path("b")}));
    stage.with_daemon_of(&crawling(), async || until_moving(&stage).await.map(drop)).await?;
    assert_eq!(stage.server.change(|world| world.only_run())["status"], "running");
    assert!(fs::metadata(stage.path("b.mftplus-part"))?.len() > 0);

    stage.with_daemon(async || until_completed(&stage, 1).await).await?;
    assert_eq!(fs::read(stage.path("b"))?, some_bytes(3_000_000));
    assert_eq!(stage.server.only_transfer()?["status"], "completed");
    assert_eq!(stage.server.change(|world| world.claims.len()), 1);
    Ok(())
}

/// Leaves behind what a process would have left that was killed in a run of a job from `a` to `b`.
async fn leave_behind(
    stage: &Stage,
    end: Option<RunEnd>,
    phase: Phase,
    report: Option<FinalReport>,
) -> anyhow::Result<()> {
    let path = |name| stage.path(name).to_string_lossy().into_owned();
    let (source, destination, direction) = (path("a"), path("b"), Direction::Push);
    let (id, run) = stage.server.change(|world| {
        let (run, directive) = (random_uuid(), random_uuid());
        world.runs.insert(run, json!({"id": run, "directiveId": directive, "status": "running"}));
        (world.add_transfer(json!({"status": "running", "jobRunId": run})), run)
    });
    let (idempotency_key, attempt, part_of) = (random_uuid(), 1, PartOf { job_run_id: Some(run), ..PartOf::default() });
    let options = CopyOptions { overwrite: true, ..CopyOptions::default() };
    let job = Job {
        id: random_uuid(),
        name: "nightly".into(),
        source: source.clone(),
        destination: destination.clone(),
        protocol: "local".into(),
        direction,
    };
    let task = Task::Job { job, run: Some(run) };
    let item = WorkItem {
        directive: random_uuid(),
        task,
        transfer_key: idempotency_key,
        is_cancelled: false,
        directives_to_acknowledge: Vec::new(),
        end,
    };
    Journal::new(&stage.state_dir(), TaskTracker::new()).add(item).await?;
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
    };
    fs::create_dir_all(stage.state_dir().join("transfers"))?;
    Ok(killed.write(&stage.state_dir().join(format!("transfers/{id}.json")))?)
}

#[tokio::test]
async fn a_run_that_was_killed_continues_from_its_part() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::write(stage.path("a"), some_bytes(3_000_000))?;
    fs::write(stage.path("b"), "of the run before")?;
    fs::write(stage.path("b.mftplus-part"), some_bytes(1_234_567))?;
    leave_behind(&stage, None, Phase::Copying, None).await?;
    stage.with_daemon(async || until_completed(&stage, 1).await).await?;
    assert_eq!(fs::read(stage.path("b"))?, some_bytes(3_000_000));
    assert!(stage.server.change(|world| world.claims.is_empty()));
    Ok(())
}

#[tokio::test]
async fn a_run_that_was_killed_after_its_end_was_written_down_reports_that_end() -> anyhow::Result<()> {
    let failure = FinalReport {
        status: Status::Failed,
        bytes_transferred: 7,
        attempt: 1,
        checksum_sha256: None,
        error: Some("the disk is full".into()),
    };
    let end = RunEnd { status: Status::Failed, bytes_transferred: 7, error_message: failure.error.clone() };
    for end in [Some(end), None] {
        let stage = Stage::set().await?;
        leave_behind(&stage, end, Phase::Reporting, Some(failure.clone())).await?;
        stage.with_daemon(async || stage.server.until("it failed", |world| world.runs_are(1, "failed")).await).await?;
        assert_eq!(stage.server.change(|world| world.only_run())["errorMessage"], "the disk is full");
        assert_eq!(stage.server.only_transfer()?["errorMessage"], "the disk is full");
        assert!(stage.open_items()?.is_empty());
    }
    Ok(())
}
