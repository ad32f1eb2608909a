//! Steps and jobs stay inside the allowed folders.

use std::fs;

use serde_json::{Value, json};

use super::{Stage, do_step, set};

#[tokio::test]
async fn without_an_allowed_folder_a_step_fails_and_names_the_setting() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::write(stage.path("a"), "text")?;
    let step = do_step(&stage, &Stage::run_args(), json!({"type": "delete", "path": stage.path("a")})).await?;
    assert_eq!(step["status"], "failed");
    assert!(step["errorMessage"].as_str().is_some_and(|reason| reason.contains("--allow-dir")));
    assert!(stage.path("a").exists());
    Ok(())
}

/// What a step could do to what lies outside, with `{}` for a path there.
fn reaching(outside: &str, inside: &str) -> Vec<Value> {
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
async fn nothing_outside_is_read_or_changed_by_any_way_round() -> anyhow::Result<()> {
    let (stage, args) = set().await?;
    let inside = stage.path("in").to_string_lossy().into_owned();
    fs::create_dir(stage.path("out"))?;
    fs::write(stage.path("out/secret"), "secret")?;
    fs::write(stage.path("in/a"), "ours")?;
    std::os::unix::fs::symlink(stage.path("out"), stage.path("in/absolute"))?;
    std::os::unix::fs::symlink("../out", stage.path("in/relative"))?;
    let outside = stage.path("out/secret").to_string_lossy().into_owned();
    let ways = [
        outside,
        format!("{inside}/../out/secret"),
        format!("{inside}/absolute/secret"),
        format!("{inside}/relative/secret"),
    ];
    let runs: Vec<_> =
        ways.iter().flat_map(|way| reaching(way, &inside)).map(|step| stage.server.send_step(step).0).collect();
    stage
        .with_daemon_of(&args, async || stage.server.until("all have failed", |world| world.steps_are("failed")).await)
        .await?;
    assert_eq!(runs.len(), 32);
    assert_eq!(fs::read_to_string(stage.path("out/secret"))?, "secret");
    assert_eq!(fs::read_dir(stage.path("out"))?.count(), 1);
    assert_eq!(fs::read_to_string(stage.path("in/a"))?, "ours");
    assert!(!stage.path("in/stolen").exists());
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn deleting_a_folder_leaves_what_its_links_point_to() -> anyhow::Result<()> {
    let (stage, args) = set().await?;
    fs::create_dir_all(stage.path("in/old"))?;
    fs::create_dir(stage.path("out"))?;
    fs::write(stage.path("out/kept"), "")?;
    std::os::unix::fs::symlink(stage.path("out"), stage.path("in/old/link"))?;
    let step = do_step(&stage, &args, json!({"type": "delete", "path": stage.path("in/old")})).await?;
    assert_eq!(step["status"], "completed");
    assert!(!stage.path("in/old").exists() && stage.path("out/kept").exists());

    // The allowed folder itself stays.
    let step = do_step(&stage, &args, json!({"type": "delete", "path": stage.path("in")})).await?;
    assert_eq!(step["status"], "failed");
    assert!(stage.path("in").exists());
    Ok(())
}

#[tokio::test]
async fn jobs_stay_inside_the_allowed_folders_too() -> anyhow::Result<()> {
    let (stage, args) = set().await?;
    fs::create_dir(stage.path("in/from"))?;
    fs::write(stage.path("in/from/a"), "text")?;
    stage.server.make_due(json!({"source": stage.path("in/from"), "destination": stage.path("out")}));
    stage
        .with_daemon_of(&args, async || {
            stage.server.until("it failed", |world| world.runs_are(1, "failed")).await?;
            let reason = stage.server.change(|world| world.only_run())["errorMessage"].to_string();
            assert!(reason.contains("--allow-dir") && !stage.path("out").exists(), "{reason}");
            stage.server.change(|world| world.runs.clear());
            // Into the allowed folder itself.
            stage.server.make_due(json!({"source": stage.path("in/from/*"), "destination": stage.path("in")}));
            stage.server.until("it is completed", |world| world.runs_are(1, "completed")).await
        })
        .await?;
    assert_eq!(fs::read_to_string(stage.path("in/a"))?, "text");
    assert_eq!(fs::read_dir(stage.path("in"))?.count(), 2);
    Ok(())
}
