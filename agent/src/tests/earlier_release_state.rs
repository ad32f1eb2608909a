//! State folders of earlier releases with unfinished work, kept in `agent/src/tests/earlier_releases/`: this version
//! finishes that work.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use uuid::Uuid;

use super::{TestAgent, changed_lines, test_bytes};
use crate::command::args::RunArgs;
use crate::command::copy as copy_command;
use crate::storage::record_log::{push_line, read_records};
use crate::work::journal::Journal;

/// The releases whose state folders are kept, and forms of them that no release has had yet.
const RELEASES: [&str; 2] = ["0.1.0", "append-only-journal"];
/// The placeholder for the folder of the test in the kept files.
const ROOT: &str = "{root}";
/// A rate in bytes per second at which no copy of a test completes.
const SLOW_RATE: Option<u64> = Some(200_000);
/// The size of each file that is copied, in bytes.
const SIZE: usize = 3_000_000;

fn folder(release: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/earlier_releases").join(release)
}

fn args(agent: &TestAgent, max_rate: Option<u64>) -> RunArgs {
    RunArgs { allowed_dirs: vec![agent.path("in")], max_rate, ..TestAgent::run_args() }
}

/// A registered agent with the files to copy.
async fn setup() -> anyhow::Result<TestAgent> {
    let agent = TestAgent::start().await?;
    fs::create_dir(agent.path("in"))?;
    for name in ["by-hand", "in/by-job", "in/by-step"] {
        fs::write(agent.path(name), test_bytes(SIZE))?;
    }
    Ok(agent)
}

#[tokio::test]
#[ignore = "makes the test data of a release, once: see agent/src/tests/earlier_releases/README.md"]
async fn a_state_folder_is_frozen() -> anyhow::Result<()> {
    let agent = setup().await?;
    let moving = |transfers: usize| {
        move |state: &super::fake_server::ServerState| {
            let moves = |update: &Value| update["bytesTransferred"].as_u64() > Some(0);
            let ids: std::collections::BTreeSet<_> =
                state.updates.iter().filter(|update| moves(update)).map(|update| update["id"].to_string()).collect();
            ids.len() == transfers
        }
    };
    let settings = agent.settings();
    let copy = crate::command::copy_args::CopyArgs { max_rate: SLOW_RATE, ..agent.args("by-hand", "by-hand.copy") };
    let begun = async {
        agent.server.wait_until("bytes move", moving(1)).await?;
        settings.stop.cancel();
        anyhow::Ok(())
    };
    let (_, begun) = tokio::join!(copy_command::copy(&settings, &copy), begun);
    begun?;
    agent.server.send_job(json!({"source": agent.path("in/by-job"), "destination": agent.path("in/by-job.copy")}));
    agent.server.send_step(json!({
        "type": "transfer", "source": agent.path("in/by-step"), "destination": agent.path("in/by-step.copy"),
        "protocol": "local", "direction": "push", "verify": "sha256", "timeoutSeconds": 3600,
    }));
    // A finished step: it is in the journal as finished.
    let done = json!({"type": "checksum", "path": agent.path("in/by-step")});
    let (run, _) = agent.server.send_step(done);
    agent
        .with_daemon_args(&args(&agent, SLOW_RATE), async || {
            agent.server.wait_until("it is done", |state| state.step(run)["status"] == "completed").await?;
            agent.server.wait_until("bytes move", moving(3)).await
        })
        .await?;
    let target = folder(env!("CARGO_PKG_VERSION"));
    for name in ["agent.json", "journal.log", "transfers"] {
        keep(&agent, &agent.state_dir().join(name), &target.join(name))?;
    }
    let state = agent.server.change(
        |state| json!({"transfers": state.transfers, "runs": state.runs, "steps": state.steps, "key": state.key}),
    );
    fs::write(target.join("fake_server.json"), format!("{state:#}\n").replace(&root(&agent), ROOT))?;
    Ok(())
}

fn root(agent: &TestAgent) -> String {
    agent.path("").to_string_lossy().trim_end_matches('/').to_owned()
}

fn keep(agent: &TestAgent, from: &Path, to: &Path) -> anyhow::Result<()> {
    if from.is_dir() {
        for entry in fs::read_dir(from)? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == "json") {
                keep(agent, &path, &to.join(path.file_name().unwrap_or_default()))?;
            }
        }
        return Ok(());
    }
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    if from.extension().is_some_and(|ending| ending == "log") {
        return Ok(fs::write(to, changed_lines(from, |json| Ok(json.replace(&root(agent), ROOT)))?)?);
    }
    Ok(fs::write(to, fs::read_to_string(from)?.replace(&root(agent), ROOT) + "\n")?)
}

/// An agent of this version with the state folder of `release`; `transform` is applied to each state file, and to each line
/// of the journal.
async fn restored(release: &str, transform: impl Fn(Value) -> Value) -> anyhow::Result<TestAgent> {
    let agent = setup().await?;
    let root = root(&agent);
    let restore = |from: &Path, to: &Path| -> anyhow::Result<()> {
        let content = transform(serde_json::from_str(&fs::read_to_string(from)?.replace(ROOT, &root))?);
        Ok(fs::write(to, serde_json::to_vec(&content)?)?)
    };
    let (frozen, home) = (folder(release), agent.state_dir());
    fs::create_dir_all(home.join("transfers"))?;
    for name in ["agent.json", "errands.json"] {
        if frozen.join(name).exists() {
            restore(&frozen.join(name), &home.join(name))?;
        }
    }
    let journal = frozen.join("journal.log");
    if journal.exists() {
        assert_eq!(changed_lines(&journal, |json| Ok(json.to_owned()))?, fs::read(&journal)?, "every line is valid");
        let change = |json: &str| -> anyhow::Result<String> {
            Ok(transform(serde_json::from_str(&json.replace(ROOT, &root))?).to_string())
        };
        fs::write(agent.journal(), changed_lines(&journal, change)?)?;
    }
    for entry in fs::read_dir(frozen.join("transfers"))? {
        let path = entry?.path();
        restore(&path, &home.join("transfers").join(path.file_name().unwrap_or_default()))?;
    }
    for name in ["by-hand", "in/by-job", "in/by-step"] {
        fs::write(agent.path(&format!("{name}.copy.mftplus-part")), test_bytes(SIZE / 3))?;
    }
    let state: Value =
        serde_json::from_str(&fs::read_to_string(frozen.join("fake_server.json"))?.replace(ROOT, &root))?;
    let known = |name: &str| serde_json::from_value::<BTreeMap<Uuid, Value>>(state[name].clone());
    let (transfers, runs, steps) = (known("transfers")?, known("runs")?, known("steps")?);
    agent.server.change(|now| {
        (now.transfers, now.runs, now.steps) = (transfers, runs, steps);
        now.key = state["key"].as_str().unwrap_or_default().to_owned();
    });
    Ok(agent)
}

/// Runs the daemon until all unfinished work is completed.
async fn finish(agent: &TestAgent) -> anyhow::Result<()> {
    agent
        .with_daemon_args(&args(agent, None), async || {
            let is_done = |state: &super::fake_server::ServerState| {
                state.transfers.len() == 3
                    && state.all("status", &json!("completed"))
                    && state.runs_are(1, "completed")
                    && state.steps_are("completed")
            };
            agent.server.wait_until("all is done", is_done).await
        })
        .await?;
    for name in ["by-hand", "in/by-job", "in/by-step"] {
        assert_eq!(fs::read(agent.path(&format!("{name}.copy")))?, test_bytes(SIZE), "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn the_unfinished_work_of_an_earlier_release_is_completed() -> anyhow::Result<()> {
    for release in RELEASES {
        let agent = restored(release, |state| state).await?;
        assert!(agent.states()?.len() == 3 && agent.open_items()?.len() == 2, "{release}");
        finish(&agent).await?;
        assert!(agent.states()?.is_empty() && agent.open_items()?.is_empty(), "{release}");
    }
    Ok(())
}

/// Adds a field to every object, except to those whose only key names a variant.
fn with_added_fields(state: Value) -> Value {
    match state {
        Value::Object(fields) if fields.len() == 1 => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, with_added_fields(value))).collect())
        }
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (name, with_added_fields(value)));
            Value::Object(fields.chain([("addedLater".to_owned(), json!({"deep": [1, null]}))]).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(with_added_fields).collect()),
        other => other,
    }
}

#[tokio::test]
async fn unknown_fields_are_ignored_and_unknown_work_items_are_kept() -> anyhow::Result<()> {
    let song = json!({"directive": Uuid::nil(), "task": {"song": {"verses": 3}}, "transferKey": Uuid::nil()});
    let transform = |state: Value| {
        let mut state = with_added_fields(state);
        if let Some(open) = state.get_mut("open").and_then(Value::as_array_mut) {
            open.insert(0, song.clone());
        }
        state
    };
    for release in RELEASES {
        let agent = restored(release, transform).await?;
        if agent.journal().exists() {
            let mut lines = fs::read(agent.journal())?;
            push_line(&mut lines, json!({"put": {"key": "song", "item": song}}).to_string().as_bytes())?;
            fs::write(agent.journal(), lines)?;
        }
        let unread = agent.state_dir().join("transfers").join(format!("{}.json", Uuid::nil()));
        fs::write(&unread, json!({"id": Uuid::nil(), "phase": "singing"}).to_string())?;
        finish(&agent).await?;
        assert!(agent.open_items()?.is_empty() && !agent.state_dir().join("errands.json").exists(), "{release}");
        let kept: Vec<Value> = read_records(&agent.journal())?
            .iter()
            .map(|json| Ok(serde_json::from_slice(json)?))
            .collect::<anyhow::Result<_>>()?;
        assert_eq!(kept.iter().filter(|record| record["put"]["item"] == song).count(), 1, "{release}");
        let journal = Journal::new(&agent.state_dir());
        assert_eq!(journal.load().await?, Vec::<String>::new(), "this version has nothing to do");
    }
    Ok(())
}
