//! The state folder that an earlier release left behind with work in flight, as `agent/src/tests/frozen/` keeps it, is read
//! and finished by this one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::{Stage, some_bytes};
use crate::command::args::RunArgs;
use crate::command::copy as copy_command;
use crate::work::journal::Journal;

/// The releases that are kept.
const RELEASES: [&str; 1] = ["0.1.0"];
/// In frozen files, the folder of the test.
const ROOT: &str = "{root}";
/// So slow that no test sees the end of it.
const CRAWL: Option<u64> = Some(200_000);
/// What is copied.
const SIZE: usize = 3_000_000;

fn folder(release: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/frozen").join(release)
}

fn args(stage: &Stage, max_rate: Option<u64>) -> RunArgs {
    RunArgs { allowed_dirs: vec![stage.path("in")], max_rate, ..Stage::run_args() }
}

/// A server that knows no agent's work yet, and what there is to copy.
async fn set() -> anyhow::Result<Stage> {
    let stage = Stage::set().await?;
    fs::create_dir(stage.path("in"))?;
    for name in ["by-hand", "in/by-job", "in/by-step"] {
        fs::write(stage.path(name), some_bytes(SIZE))?;
    }
    Ok(stage)
}

#[tokio::test]
#[ignore = "makes the test data of a release, once: see agent/src/tests/frozen/README.md"]
async fn a_state_folder_is_frozen() -> anyhow::Result<()> {
    let stage = set().await?;
    let moving = |transfers: usize| {
        move |world: &super::server::World| {
            let moves = |update: &Value| update["bytesTransferred"].as_u64() > Some(0);
            let ids: std::collections::BTreeSet<_> =
                world.updates.iter().filter(|update| moves(update)).map(|update| update["id"].to_string()).collect();
            ids.len() == transfers
        }
    };
    let settings = stage.settings();
    let copy = crate::command::args::CopyArgs { max_rate: CRAWL, ..stage.args("by-hand", "by-hand.copy") };
    let begun = async {
        stage.server.until("bytes move", moving(1)).await?;
        settings.stop.cancel();
        anyhow::Ok(())
    };
    let (_, begun) = tokio::join!(copy_command::copy(&settings, &copy), begun);
    begun?;
    stage.server.make_due(json!({"source": stage.path("in/by-job"), "destination": stage.path("in/by-job.copy")}));
    stage.server.send_step(json!({
        "type": "transfer", "source": stage.path("in/by-step"), "destination": stage.path("in/by-step.copy"),
        "protocol": "local", "direction": "push", "verify": "sha256", "timeoutSeconds": 3600,
    }));
    // Of one that is done nothing is heard any more, and of another the server has yet to hear.
    let done = json!({"type": "checksum", "path": stage.path("in/by-step")});
    let (run, _) = stage.server.send_step(done);
    stage
        .with_daemon_of(&args(&stage, CRAWL), async || {
            stage.server.until("it is done", |world| world.step(run)["status"] == "completed").await?;
            stage.server.until("bytes move", moving(3)).await
        })
        .await?;
    let target = folder(env!("CARGO_PKG_VERSION"));
    for name in ["agent.json", "errands.json", "transfers"] {
        keep(&stage, &stage.state_dir().join(name), &target.join(name))?;
    }
    let world = stage.server.change(
        |world| json!({"transfers": world.transfers, "runs": world.runs, "steps": world.steps, "key": world.key}),
    );
    fs::write(target.join("server.json"), format!("{world:#}\n").replace(&root(&stage), ROOT))?;
    Ok(())
}

fn root(stage: &Stage) -> String {
    stage.path("").to_string_lossy().trim_end_matches('/').to_owned()
}

fn keep(stage: &Stage, from: &Path, to: &Path) -> anyhow::Result<()> {
    if from.is_dir() {
        for entry in fs::read_dir(from)? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == "json") {
                keep(stage, &path, &to.join(path.file_name().unwrap_or_default()))?;
            }
        }
        return Ok(());
    }
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    Ok(fs::write(to, fs::read_to_string(from)?.replace(&root(stage), ROOT) + "\n")?)
}

/// An agent of this version in the middle of what an earlier one was at; `grow` changes each file of state before.
async fn thawed(release: &str, grow: impl Fn(Value) -> Value) -> anyhow::Result<Stage> {
    let stage = set().await?;
    let root = root(&stage);
    let thaw = |from: &Path, to: &Path| -> anyhow::Result<()> {
        let content = grow(serde_json::from_str(&fs::read_to_string(from)?.replace(ROOT, &root))?);
        Ok(fs::write(to, serde_json::to_vec(&content)?)?)
    };
    let (frozen, home) = (folder(release), stage.state_dir());
    fs::create_dir_all(home.join("transfers"))?;
    for name in ["agent.json", "errands.json"] {
        thaw(&frozen.join(name), &home.join(name))?;
    }
    for entry in fs::read_dir(frozen.join("transfers"))? {
        let path = entry?.path();
        thaw(&path, &home.join("transfers").join(path.file_name().unwrap_or_default()))?;
    }
    for name in ["by-hand", "in/by-job", "in/by-step"] {
        fs::write(stage.path(&format!("{name}.copy.mftplus-part")), some_bytes(SIZE / 3))?;
    }
    let world: Value = serde_json::from_str(&fs::read_to_string(frozen.join("server.json"))?.replace(ROOT, &root))?;
    let known = |name: &str| serde_json::from_value::<BTreeMap<Uuid, Value>>(world[name].clone());
    let (transfers, runs, steps) = (known("transfers")?, known("runs")?, known("steps")?);
    stage.server.change(|now| {
        (now.transfers, now.runs, now.steps) = (transfers, runs, steps);
        now.key = world["key"].as_str().unwrap_or_default().to_owned();
    });
    Ok(stage)
}

/// The daemon runs until all that was on its way is done.
async fn finish(stage: &Stage) -> anyhow::Result<()> {
    stage
        .with_daemon_of(&args(stage, None), async || {
            let is_done = |world: &super::server::World| {
                world.transfers.len() == 3
                    && world.all("status", &json!("completed"))
                    && world.runs_are(1, "completed")
                    && world.steps_are("completed")
            };
            stage.server.until("all is done", is_done).await
        })
        .await?;
    for name in ["by-hand", "in/by-job", "in/by-step"] {
        assert_eq!(fs::read(stage.path(&format!("{name}.copy")))?, some_bytes(SIZE), "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn what_an_earlier_release_was_at_is_finished() -> anyhow::Result<()> {
    for release in RELEASES {
        let stage = thawed(release, |state| state).await?;
        assert!(stage.states()?.len() == 3 && stage.open_items()?.len() == 2, "{release}");
        finish(&stage).await?;
        assert!(stage.states()?.is_empty() && stage.open_items()?.is_empty(), "{release}");
    }
    Ok(())
}

/// With one more field in every object but those whose only key names a variant.
fn grown(state: Value) -> Value {
    match state {
        Value::Object(fields) if fields.len() == 1 => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, grown(value))).collect())
        }
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (name, grown(value)));
            Value::Object(fields.chain([("addedLater".to_owned(), json!({"deep": [1, null]}))]).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(grown).collect()),
        other => other,
    }
}

#[tokio::test]
async fn what_a_newer_release_adds_is_passed_over_and_what_only_it_knows_is_kept_for_it() -> anyhow::Result<()> {
    let song = json!({"directive": Uuid::nil(), "task": {"song": {"verses": 3}}, "transferKey": Uuid::nil()});
    let grow = |state: Value| {
        let mut state = grown(state);
        if let Some(open) = state["open"].as_array_mut() {
            open.insert(0, song.clone());
        }
        state
    };
    let stage = thawed(RELEASES[0], grow).await?;
    let unread = stage.state_dir().join("transfers").join(format!("{}.json", Uuid::nil()));
    fs::write(&unread, json!({"id": Uuid::nil(), "phase": "singing"}).to_string())?;
    finish(&stage).await?;
    assert!(stage.open_items()?.is_empty());
    let kept: Value = serde_json::from_slice(&fs::read(stage.state_dir().join("errands.json"))?)?;
    assert_eq!(kept["open"], json!([song]));
    let journal = Journal::new(&stage.state_dir(), TaskTracker::new());
    assert_eq!(journal.load().await?, Vec::<String>::new(), "none of it is this version's to do");
    Ok(())
}
