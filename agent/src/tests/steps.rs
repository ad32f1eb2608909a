//! Pipeline steps: each is carried out once, and inside the allowed folders only.

mod interruptions;

mod allowed_folders;

use std::fs;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{TestAgent, sha256, test_bytes};
use crate::command::args::RunArgs;
use crate::work::journal::Journal;
use crate::work::work_item::{Step, Task, WorkItem};

/// An agent whose only allowed folder is `in`, with the arguments of its daemon.
async fn setup() -> anyhow::Result<(TestAgent, RunArgs)> {
    let agent = TestAgent::start().await?;
    fs::create_dir(agent.path("in"))?;
    let args = RunArgs { allowed_dirs: vec![agent.path("in")], ..TestAgent::run_args() };
    Ok((agent, args))
}

/// Runs one step; returns the server's view of it.
async fn run_step(agent: &TestAgent, args: &RunArgs, step: Value) -> anyhow::Result<Value> {
    let (run, _) = agent.server.send_step(step);
    let is_over = |status: &Value| status != "queued" && status != "running";
    agent
        .with_daemon_args(args, async || {
            agent.server.wait_until("the step is over", |state| is_over(&state.step(run)["status"])).await
        })
        .await?;
    Ok(agent.server.change(|state| state.step(run)))
}

#[tokio::test]
async fn a_transfer_step_is_a_transfer_of_its_run() -> anyhow::Result<()> {
    let (agent, args) = setup().await?;
    fs::create_dir(agent.path("in/orders"))?;
    fs::write(agent.path("in/orders/a"), test_bytes(3000))?;
    let step = json!({"id": "fetch", "type": "transfer", "source": agent.path("in/orders"), "destination": agent.path("in/new/"), "protocol": "local", "direction": "pull", "verify": "sha256"});
    let step = run_step(&agent, &args, step).await?;
    assert_eq!(
        (&step["status"], &step["bytesTransferred"], &step["progress"]),
        (&json!("completed"), &json!(3000), &json!(100.0))
    );
    assert_eq!(fs::read(agent.path("in/new/orders/a"))?, test_bytes(3000));
    let transfer = agent.server.only_transfer()?;
    assert_eq!((&transfer["stepId"], &transfer["status"]), (&json!("fetch"), &json!("completed")));
    assert!(transfer["pipelineRunId"].is_string());
    assert!(agent.states()?.is_empty() && agent.open_items()?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_transfer_step_follows_its_rules() -> anyhow::Result<()> {
    let (agent, args) = setup().await?;
    for (name, content) in [("in/out/a.csv", "new"), ("in/to/a.csv", "old")] {
        fs::create_dir_all(agent.path(name).parent().unwrap_or(&agent.root))?;
        fs::write(agent.path(name), content)?;
    }
    let step = |on_exists: &str| json!({"type": "transfer", "source": agent.path("in/out/*.csv"), "destination": agent.path("in/to"), "protocol": "local", "direction": "push", "onExists": on_exists, "afterSuccess": "moveTo:done"});
    let refused = run_step(&agent, &args, step("ask")).await?;
    assert!(refused["errorMessage"].as_str().is_some_and(|reason| reason.contains("`onExists: ask`")), "{refused}");
    let done = run_step(&agent, &args, step("rename")).await?;
    assert_eq!((&done["status"], &done["bytesTransferred"]), (&json!("completed"), &json!(3)), "{done}");
    for (name, content) in [("in/to/a.csv", "old"), ("in/to/a (1).csv", "new"), ("in/out/done/a.csv", "new")] {
        assert_eq!(fs::read_to_string(agent.path(name))?, content, "{name}");
    }
    assert!(!agent.path("in/out/a.csv").exists() && agent.states()?.is_empty());
    assert_eq!(agent.server.only_transfer()?["status"], "completed");
    Ok(())
}

#[tokio::test]
async fn a_compressed_file_is_identical_after_decompression() -> anyhow::Result<()> {
    for (format, ending) in [("gzip", "gz"), ("zstd", "zst")] {
        let (agent, args) = setup().await?;
        let path = |name: &str| agent.path(name).to_string_lossy().into_owned();
        fs::write(agent.path("in/a"), test_bytes(500_000))?;
        let expected = sha256(&agent.path("in/a"))?;
        let steps = [
            json!({"type": "checksum", "path": path("in/a"), "expected": expected}),
            json!({"type": "compress", "path": path("in/a"), "format": format}),
            json!({"type": "delete", "path": path("in/a")}),
            json!({"type": "decompress", "path": path(&format!("in/a.{ending}"))}),
            json!({"type": "rename", "from": path("in/a"), "to": path("in/done/")}),
            json!({"type": "checksum", "path": path("in/done/a"), "expected": format!("sha256:{expected}")}),
        ];
        for step in steps {
            let done = run_step(&agent, &args, step.clone()).await?;
            assert_eq!(done["status"], "completed", "{step}: {done}");
        }
        assert!(agent.path("in/done/a").exists() && !agent.path("in/a").exists());
    }
    Ok(())
}

#[tokio::test]
async fn the_name_of_an_archive_determines_its_format_in_upper_case() -> anyhow::Result<()> {
    let (agent, args) = setup().await?;
    let path = |name: &str| agent.path(name).to_string_lossy().into_owned();
    fs::write(agent.path("in/a"), "text")?;
    let steps = [
        json!({"type": "compress", "path": path("in/a"), "output": path("in/B.ZST")}),
        json!({"type": "decompress", "path": path("in/B.ZST")}),
    ];
    for step in steps {
        let done = run_step(&agent, &args, step.clone()).await?;
        assert_eq!(done["status"], "completed", "{step}: {done}");
    }
    assert!(fs::read(agent.path("in/B.ZST"))?.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]));
    assert_eq!(fs::read_to_string(agent.path("in/B"))?, "text");
    Ok(())
}

#[tokio::test]
async fn a_folder_with_the_name_of_the_part_file_is_kept() -> anyhow::Result<()> {
    let (agent, args) = setup().await?;
    fs::write(agent.path("in/a"), "text")?;
    fs::create_dir(agent.path("in/b.mftplus-part"))?;
    fs::write(agent.path("in/b.mftplus-part/precious"), "kept")?;
    let step = json!({"type": "transfer", "source": agent.path("in/a"), "destination": agent.path("in/b")});
    let step = run_step(&agent, &args, step).await?;
    assert_eq!(step["status"], "failed");
    assert!(step["errorMessage"].as_str().is_some_and(|reason| reason.contains("b.mftplus-part is a folder")));
    assert_eq!(fs::read_to_string(agent.path("in/b.mftplus-part/precious"))?, "kept");
    Ok(())
}

#[tokio::test]
async fn the_path_of_a_checksum_step_is_not_a_pattern() -> anyhow::Result<()> {
    let (agent, args) = setup().await?;
    fs::write(agent.path("in/a.csv"), "text")?;
    let step = run_step(&agent, &args, json!({"type": "checksum", "path": agent.path("in/*.csv")})).await?;
    assert_eq!(step["status"], "failed");
    Ok(())
}

#[tokio::test]
async fn a_checksum_step_that_finds_another_checksum_reports_both() -> anyhow::Result<()> {
    let (agent, args) = setup().await?;
    fs::write(agent.path("in/a"), "abc")?;
    let step =
        run_step(&agent, &args, json!({"type": "checksum", "path": agent.path("in/a"), "expected": "00ff"})).await?;
    let reason = step["errorMessage"].as_str().unwrap_or_default();
    assert_eq!(step["status"], "failed");
    assert!(reason.contains("ba7816bf") && reason.contains("00ff"), "{reason}");
    Ok(())
}

#[tokio::test]
async fn a_repeated_step_is_not_carried_out_again() -> anyhow::Result<()> {
    let (agent, args) = setup().await?;
    fs::write(agent.path("in/a"), "first")?;
    agent.server.change(|state| state.repeats_directives = true);
    let (run, directive) = agent.server.send_step(json!({"type": "delete", "path": agent.path("in/a")}));
    let sent = agent.server.change(|state| state.directives.clone());
    let acknowledged =
        async || agent.server.wait_until("it is acknowledged", |state| state.acknowledged.contains(&directive)).await;
    agent.with_daemon_args(&args, acknowledged).await?;
    assert!(!agent.path("in/a").exists());

    fs::write(agent.path("in/a"), "second")?;
    agent.server.change(|state| {
        state.acknowledged.clear();
        state.directives = sent;
    });
    agent.with_daemon_args(&args, acknowledged).await?;
    assert!(agent.path("in/a").exists());

    // A further attempt is carried out.
    agent.server.change(|state| state.steps.clear());
    agent.server.send_attempt(run, json!({"attempt": 2, "type": "delete", "path": agent.path("in/a")}));
    agent
        .with_daemon_args(&args, async || {
            agent.server.wait_until("it is done", |state| state.steps_are("completed")).await
        })
        .await?;
    assert!(!agent.path("in/a").exists());
    Ok(())
}

/// Writes the journal of a process that was killed during a step.
async fn simulate_killed_step(agent: &TestAgent, order: Value, mark: Option<String>) -> anyhow::Result<()> {
    let run = Uuid::new_v4();
    agent.server.change(|state| state.steps.insert(run, json!({"id": "step", "attempt": 1, "status": "running"})));
    let step = Step { pipeline: Uuid::new_v4(), run, name: "step".into(), attempt: 1, instruction: order, mark };
    let journal = Journal::new(&agent.state_dir());
    Ok(journal.add(WorkItem::new(Uuid::new_v4(), Task::Step(step))).await?)
}

#[cfg(unix)]
#[tokio::test]
async fn a_rename_that_was_done_before_the_process_was_killed_is_reported_as_completed() -> anyhow::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let (agent, args) = setup().await?;
    fs::write(agent.path("in/b"), "renamed")?;
    let there = fs::metadata(agent.path("in/b"))?;
    let order = json!({"type": "rename", "from": agent.path("in/a"), "to": agent.path("in/b")});
    simulate_killed_step(&agent, order, Some(format!("{}:{}", there.dev(), there.ino()))).await?;
    agent
        .with_daemon_args(&args, async || {
            agent.server.wait_until("it is done", |state| state.steps_are("completed")).await
        })
        .await?;
    assert_eq!(fs::read_to_string(agent.path("in/b"))?, "renamed");
    Ok(())
}

#[tokio::test]
async fn a_killed_compression_starts_again() -> anyhow::Result<()> {
    let (agent, args) = setup().await?;
    fs::write(agent.path("in/a"), test_bytes(100_000))?;
    fs::write(agent.path("in/a.gz.mftplus-part"), "half of it")?;
    simulate_killed_step(&agent, json!({"type": "compress", "path": agent.path("in/a")}), None).await?;
    agent
        .with_daemon_args(&args, async || {
            agent.server.wait_until("it is done", |state| state.steps_are("completed")).await
        })
        .await?;
    assert!(!agent.path("in/a.gz.mftplus-part").exists());
    let step = run_step(
        &agent,
        &args,
        json!({"type": "decompress", "path": agent.path("in/a.gz"), "output": agent.path("in/b")}),
    )
    .await?;
    assert_eq!(step["status"], "completed");
    assert_eq!(fs::read(agent.path("in/b"))?, test_bytes(100_000));
    Ok(())
}
