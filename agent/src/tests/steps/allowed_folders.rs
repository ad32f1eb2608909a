//! Steps and jobs stay inside the allowed folders.

use std::fs;

use serde_json::{Value, json};

use super::{TestAgent, run_step, setup};

#[tokio::test]
async fn a_step_without_allowed_folders_fails_and_names_the_flag() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), "text")?;
    let step = run_step(&agent, &TestAgent::run_args(), json!({"type": "delete", "path": agent.path("a")})).await?;
    assert_eq!(step["status"], "failed");
    assert!(step["errorMessage"].as_str().is_some_and(|reason| reason.contains("--allow-dir")));
    assert!(agent.path("a").exists());
    Ok(())
}

/// Steps that would read or change `outside`, a path that is not allowed.
fn steps_with_outside_path(outside: &str, inside: &str) -> Vec<Value> {
    vec![
        json!({"type": "delete", "path": outside}),
        json!({"type": "rename", "from": outside, "to": format!("{inside}/stolen")}),
        json!({"type": "rename", "from": format!("{inside}/a"), "to": outside}),
        json!({"type": "checksum", "path": outside}),
        json!({"type": "compress", "path": outside, "output": format!("{inside}/stolen")}),
        json!({"type": "compress", "path": format!("{inside}/a"), "output": outside}),
        json!({"type": "transfer", "source": outside, "destination": format!("{inside}/stolen")}),
        json!({"type": "transfer", "source": format!("{inside}/a"), "destination": outside}),
    ]
}

#[cfg(unix)]
#[tokio::test]
async fn steps_neither_read_nor_change_paths_outside_the_allowed_folders() -> anyhow::Result<()> {
    let (agent, args) = setup().await?;
    let inside = agent.path("in").to_string_lossy().into_owned();
    fs::create_dir(agent.path("out"))?;
    fs::write(agent.path("out/secret"), "secret")?;
    fs::write(agent.path("in/a"), "ours")?;
    std::os::unix::fs::symlink(agent.path("out"), agent.path("in/absolute"))?;
    std::os::unix::fs::symlink("../out", agent.path("in/relative"))?;
    let outside = agent.path("out/secret").to_string_lossy().into_owned();
    let ways = [
        outside,
        format!("{inside}/../out/secret"),
        format!("{inside}/absolute/secret"),
        format!("{inside}/relative/secret"),
    ];
    let runs: Vec<_> = ways
        .iter()
        .flat_map(|way| steps_with_outside_path(way, &inside))
        .map(|step| agent.server.send_step(step).0)
        .collect();
    agent
        .with_daemon_args(&args, async || {
            agent.server.wait_until("all have failed", |state| state.steps_are("failed")).await
        })
        .await?;
    assert_eq!(runs.len(), 32);
    assert_eq!(fs::read_to_string(agent.path("out/secret"))?, "secret");
    assert_eq!(fs::read_dir(agent.path("out"))?.count(), 1);
    assert_eq!(fs::read_to_string(agent.path("in/a"))?, "ours");
    assert!(!agent.path("in/stolen").exists());
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn deleting_a_folder_keeps_the_targets_of_its_links() -> anyhow::Result<()> {
    let (agent, args) = setup().await?;
    fs::create_dir_all(agent.path("in/old"))?;
    fs::create_dir(agent.path("out"))?;
    fs::write(agent.path("out/kept"), "")?;
    std::os::unix::fs::symlink(agent.path("out"), agent.path("in/old/link"))?;
    let step = run_step(&agent, &args, json!({"type": "delete", "path": agent.path("in/old")})).await?;
    assert_eq!(step["status"], "completed");
    assert!(!agent.path("in/old").exists() && agent.path("out/kept").exists());

    // The allowed folder itself stays.
    let step = run_step(&agent, &args, json!({"type": "delete", "path": agent.path("in")})).await?;
    assert_eq!(step["status"], "failed");
    assert!(agent.path("in").exists());
    Ok(())
}

#[tokio::test]
async fn jobs_stay_inside_the_allowed_folders() -> anyhow::Result<()> {
    let (agent, args) = setup().await?;
    fs::create_dir(agent.path("in/from"))?;
    fs::write(agent.path("in/from/a"), "text")?;
    agent.server.send_job(json!({"source": agent.path("in/from"), "destination": agent.path("out")}));
    agent
        .with_daemon_args(&args, async || {
            agent.server.wait_until("it failed", |state| state.runs_are(1, "failed")).await?;
            let reason = agent.server.change(|state| state.only_run())["errorMessage"].to_string();
            assert!(reason.contains("--allow-dir") && !agent.path("out").exists(), "{reason}");
            agent.server.change(|state| state.runs.clear());
            // Into the allowed folder itself.
            agent.server.send_job(json!({"source": agent.path("in/from/*"), "destination": agent.path("in")}));
            agent.server.wait_until("it is completed", |state| state.runs_are(1, "completed")).await
        })
        .await?;
    assert_eq!(fs::read_to_string(agent.path("in/a"))?, "text");
    assert_eq!(fs::read_dir(agent.path("in"))?.count(), 2);
    Ok(())
}
