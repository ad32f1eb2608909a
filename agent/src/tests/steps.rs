//! Steps of pipelines: carried out once, inside the allowed folders and nowhere else.

mod interruptions;

mod allowed_folders;

use std::fs;

use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use super::{Stage, sha256, some_bytes};
use crate::command::args::RunArgs;
use crate::random::random_uuid;
use crate::work::journal::Journal;
use crate::work::task::{Step, Task, WorkItem};

/// An agent that may work in the folder `in`.
async fn set() -> anyhow::Result<(Stage, RunArgs)> {
    let stage = Stage::set().await?;
    fs::create_dir(stage.path("in"))?;
    let args = RunArgs { allowed_dirs: vec![stage.path("in")], ..Stage::run_args() };
    Ok((stage, args))
}

/// Has one step done and gives what the server then shows of it.
async fn do_step(stage: &Stage, args: &RunArgs, step: Value) -> anyhow::Result<Value> {
    let (run, _) = stage.server.send_step(step);
    let is_over = |status: &Value| status != "queued" && status != "running";
    stage
        .with_daemon_of(args, async || {
            stage.server.until("the step is over", |world| is_over(&world.step(run)["status"])).await
        })
        .await?;
    Ok(stage.server.change(|world| world.step(run)))
}

#[tokio::test]
async fn a_transfer_step_is_a_transfer_of_its_run() -> anyhow::Result<()> {
    let (stage, args) = set().await?;
    fs::create_dir(stage.path("in/orders"))?;
    fs::write(stage.path("in/orders/a"), some_bytes(3000))?;
    let step = json!({"id": "fetch", "type": "transfer", "source": stage.path("in/orders"), "destination": stage.path("in/new/"), "protocol": "local", "direction": "pull", "verify": "sha256"});
    let step = do_step(&stage, &args, step).await?;
    assert_eq!(
        (&step["status"], &step["bytesTransferred"], &step["progress"]),
        (&json!("completed"), &json!(3000), &json!(100.0))
    );
    assert_eq!(fs::read(stage.path("in/new/orders/a"))?, some_bytes(3000));
    let transfer = stage.server.only_transfer()?;
    assert_eq!((&transfer["stepId"], &transfer["status"]), (&json!("fetch"), &json!("completed")));
    assert!(transfer["pipelineRunId"].is_string());
    assert!(stage.states()?.is_empty() && stage.open_items()?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_file_is_checked_compressed_and_comes_back_the_same() -> anyhow::Result<()> {
    for (format, ending) in [("gzip", "gz"), ("zstd", "zst")] {
        let (stage, args) = set().await?;
        let path = |name: &str| stage.path(name).to_string_lossy().into_owned();
        fs::write(stage.path("in/a"), some_bytes(500_000))?;
        let expected = sha256(&stage.path("in/a"))?;
        let steps = [
            json!({"type": "checksum", "path": path("in/a"), "expected": expected}),
            json!({"type": "compress", "path": path("in/a"), "format": format}),
            json!({"type": "delete", "path": path("in/a")}),
            json!({"type": "decompress", "path": path(&format!("in/a.{ending}"))}),
            json!({"type": "rename", "from": path("in/a"), "to": path("in/done/")}),
            json!({"type": "checksum", "path": path("in/done/a"), "expected": format!("sha256:{expected}")}),
        ];
        for step in steps {
            let done = do_step(&stage, &args, step.clone()).await?;
            assert_eq!(done["status"], "completed", "{step}: {done}");
        }
        assert!(stage.path("in/done/a").exists() && !stage.path("in/a").exists());
    }
    Ok(())
}

#[tokio::test]
async fn the_name_of_an_archive_tells_its_format_in_upper_case() -> anyhow::Result<()> {
    let (stage, args) = set().await?;
    let path = |name: &str| stage.path(name).to_string_lossy().into_owned();
    fs::write(stage.path("in/a"), "text")?;
    let steps = [
        json!({"type": "compress", "path": path("in/a"), "output": path("in/B.ZST")}),
        json!({"type": "decompress", "path": path("in/B.ZST")}),
    ];
    for step in steps {
        let done = do_step(&stage, &args, step.clone()).await?;
        assert_eq!(done["status"], "completed", "{step}: {done}");
    }
    assert!(fs::read(stage.path("in/B.ZST"))?.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]));
    assert_eq!(fs::read_to_string(stage.path("in/B"))?, "text");
    Ok(())
}

#[tokio::test]
async fn a_folder_that_stands_where_a_copy_would_grow_is_left_alone() -> anyhow::Result<()> {
    let (stage, args) = set().await?;
    fs::write(stage.path("in/a"), "text")?;
    fs::create_dir(stage.path("in/b.mftplus-part"))?;
    fs::write(stage.path("in/b.mftplus-part/precious"), "kept")?;
    let step = json!({"type": "transfer", "source": stage.path("in/a"), "destination": stage.path("in/b")});
    let step = do_step(&stage, &args, step).await?;
    assert_eq!(step["status"], "failed");
    assert!(step["errorMessage"].as_str().is_some_and(|reason| reason.contains("b.mftplus-part is a folder")));
    assert_eq!(fs::read_to_string(stage.path("in/b.mftplus-part/precious"))?, "kept");
    Ok(())
}

#[tokio::test]
async fn the_path_of_a_checksum_is_no_pattern() -> anyhow::Result<()> {
    let (stage, args) = set().await?;
    fs::write(stage.path("in/a.csv"), "text")?;
    let step = do_step(&stage, &args, json!({"type": "checksum", "path": stage.path("in/*.csv")})).await?;
    assert_eq!(step["status"], "failed");
    Ok(())
}

#[tokio::test]
async fn a_checksum_that_differs_fails_and_says_both() -> anyhow::Result<()> {
    let (stage, args) = set().await?;
    fs::write(stage.path("in/a"), "abc")?;
    let step =
        do_step(&stage, &args, json!({"type": "checksum", "path": stage.path("in/a"), "expected": "00ff"})).await?;
    let reason = step["errorMessage"].as_str().unwrap_or_default();
    assert_eq!(step["status"], "failed");
    assert!(reason.contains("ba7816bf") && reason.contains("00ff"), "{reason}");
    Ok(())
}

#[tokio::test]
async fn a_step_that_comes_again_is_not_done_again() -> anyhow::Result<()> {
    let (stage, args) = set().await?;
    fs::write(stage.path("in/a"), "first")?;
    stage.server.change(|world| world.repeats_directives = true);
    let (run, directive) = stage.server.send_step(json!({"type": "delete", "path": stage.path("in/a")}));
    let sent = stage.server.change(|world| world.directives.clone());
    let acknowledged =
        async || stage.server.until("it is acknowledged", |world| world.acknowledged.contains(&directive)).await;
    stage.with_daemon_of(&args, acknowledged).await?;
    assert!(!stage.path("in/a").exists());

    fs::write(stage.path("in/a"), "second")?;
    stage.server.change(|world| {
        world.acknowledged.clear();
        world.directives = sent;
    });
    stage.with_daemon_of(&args, acknowledged).await?;
    assert!(stage.path("in/a").exists());

    // Another attempt is another matter.
    stage.server.change(|world| world.steps.clear());
    stage.server.send_step_of(run, json!({"attempt": 2, "type": "delete", "path": stage.path("in/a")}));
    stage
        .with_daemon_of(&args, async || stage.server.until("it is done", |world| world.steps_are("completed")).await)
        .await?;
    assert!(!stage.path("in/a").exists());
    Ok(())
}

/// Leaves behind what a process would have left that was killed in a step.
async fn leave_behind(stage: &Stage, order: Value, mark: Option<String>) -> anyhow::Result<()> {
    let run = random_uuid();
    stage.server.change(|world| world.steps.insert(run, json!({"id": "step", "attempt": 1, "status": "running"})));
    let step = Step { pipeline: random_uuid(), run, name: "step".into(), attempt: 1, instruction: order, mark };
    let journal = Journal::new(&stage.state_dir(), TaskTracker::new());
    Ok(journal.add(WorkItem::new(random_uuid(), Task::Step(step))).await?)
}

#[cfg(unix)]
#[tokio::test]
async fn a_rename_that_was_done_before_the_kill_is_reported_as_done() -> anyhow::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let (stage, args) = set().await?;
    fs::write(stage.path("in/b"), "renamed")?;
    let there = fs::metadata(stage.path("in/b"))?;
    let order = json!({"type": "rename", "from": stage.path("in/a"), "to": stage.path("in/b")});
    leave_behind(&stage, order, Some(format!("{}:{}", there.dev(), there.ino()))).await?;
    stage
        .with_daemon_of(&args, async || stage.server.until("it is done", |world| world.steps_are("completed")).await)
        .await?;
    assert_eq!(fs::read_to_string(stage.path("in/b"))?, "renamed");
    Ok(())
}

#[tokio::test]
async fn a_compression_that_was_killed_begins_anew() -> anyhow::Result<()> {
    let (stage, args) = set().await?;
    fs::write(stage.path("in/a"), some_bytes(100_000))?;
    fs::write(stage.path("in/a.gz.mftplus-part"), "half of it")?;
    leave_behind(&stage, json!({"type": "compress", "path": stage.path("in/a")}), None).await?;
    stage
        .with_daemon_of(&args, async || stage.server.until("it is done", |world| world.steps_are("completed")).await)
        .await?;
    assert!(!stage.path("in/a.gz.mftplus-part").exists());
    let step = do_step(
        &stage,
        &args,
        json!({"type": "decompress", "path": stage.path("in/a.gz"), "output": stage.path("in/b")}),
    )
    .await?;
    assert_eq!(step["status"], "completed");
    assert_eq!(fs::read(stage.path("in/b"))?, some_bytes(100_000));
    Ok(())
}
