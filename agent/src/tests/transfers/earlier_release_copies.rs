//! Copies through storages that an earlier release began, kept in `agent/src/tests/earlier_releases/`: this version
//! finishes them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use serde_json::{Value, json};
use uuid::Uuid;

use super::remote_server::Kind;
use super::{LONGEST, Setup};
use crate::tests::{TestAgent, sha256, test_bytes};
use crate::transfer::state::TransferState;

/// The folder of the states.
const FOLDER: &str = "src/tests/earlier_releases/0.1.0-streams";

/// Bytes of the large file of each state.
const SIZE: usize = 6_000_000;

/// Bytes of it that have arrived.
const GOOD: usize = 4 << 20;

/// When all sources were modified, in seconds since 1970.
const MODIFIED: u64 = 1_700_000_000;

fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER).join(name)
}

/// The path as the states have it: without the first separator.
fn bare(path: &Path) -> String {
    path.to_string_lossy().trim_matches('/').to_owned()
}

/// Writes a file of a source.
fn write_source(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::create_dir_all(path.parent().context("it is in a folder")?)?;
    fs::write(path, bytes)?;
    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(MODIFIED);
    Ok(File::options().write(true).open(path)?.set_modified(modified)?)
}

/// Gives the agent the state `name` as its own, and the server the transfer. `remote` is the folder of the other side.
fn restore(agent: &TestAgent, name: &str, remote: &Path) -> anyhow::Result<()> {
    let text = fs::read_to_string(kept(&format!("{name}.json")))?;
    let text = text.replace("{root}", &bare(&agent.root)).replace("{remote}", &bare(remote));
    let state: Value = serde_json::from_str(&text)?;
    let id: Uuid = serde_json::from_value(state["id"].clone())?;
    let transfers = agent.state_dir().join("transfers");
    fs::create_dir_all(&transfers)?;
    fs::write(transfers.join(format!("{id}.json")), text)?;
    let staged = kept(&format!("{name}.staged"));
    if staged.exists() {
        fs::copy(staged, transfers.join(format!("{id}.staged")))?;
    }
    let transfer = json!({
        "id": id, "source": state["source"], "destination": state["destination"], "direction": state["direction"],
        "protocol": state["stream"]["protocol"], "status": "running", "attempt": 1, "progress": 0, "bytesTransferred": 0,
    });
    agent.server.change(|server| server.transfers.insert(id, transfer));
    Ok(())
}

/// Waits until the transfer is completed; returns it.
async fn completed(agent: &TestAgent) -> anyhow::Result<Value> {
    let is_completed = |server: &super::ServerState| server.all("status", &json!("completed"));
    agent.server.wait_within(LONGEST, "the transfer is completed", is_completed).await?;
    agent.server.only_transfer()
}

/// Whether `whole` has everything that `part` has.
fn has_all(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(key, part)| whole.get(key).is_some_and(|whole| has_all(whole, part)))
        }
        _ => whole == part,
    }
}

#[test]
fn every_field_of_the_kept_states_is_read_and_written_again() -> anyhow::Result<()> {
    for name in ["sftp", "ftp", "local"] {
        let kept: Value = serde_json::from_str(&fs::read_to_string(kept(&format!("{name}.json")))?)?;
        let written = serde_json::to_value(serde_json::from_value::<TransferState>(kept.clone())?)?;
        assert!(has_all(&written, &kept), "{name}: {written:#}");
    }
    Ok(())
}

#[tokio::test]
async fn a_copy_that_an_earlier_release_verified_is_published_and_its_source_is_moved() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    let bytes = test_bytes(SIZE);
    write_source(&agent.path("out/big"), &bytes)?;
    fs::create_dir(agent.path("in"))?;
    fs::write(agent.path("in/big.mftplus-part"), &bytes)?;
    restore(&agent, "local", &agent.path("out"))?;
    let transfer = agent.with_daemon(async || completed(&agent).await).await?;
    assert!(fs::read(agent.path("in/big"))? == bytes, "{transfer}");
    assert_eq!(transfer["checksumSha256"], json!(sha256(&agent.path("in/big"))?));
    assert!(agent.path("out/done/big").is_file() && !agent.path("out/big").exists());
    assert!(!agent.path("in/big.mftplus-part").exists() && agent.states()?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs OpenSSH"]
async fn a_folder_that_an_earlier_release_pulled_by_sftp_is_completed_from_where_it_was() -> anyhow::Result<()> {
    let setup = Setup::start(Kind::Sftp).await?;
    let (bytes, small) = (test_bytes(SIZE), test_bytes(1000));
    write_source(&setup.remote.path("tree/big"), &bytes)?;
    write_source(&setup.remote.path("tree/a"), &small)?;
    let part = setup.agent.path("tree.mftplus-part");
    fs::create_dir(&part)?;
    write_source(&part.join("a"), &small)?;
    fs::write(part.join("big"), &bytes[..GOOD + 5])?;
    restore(&setup.agent, "sftp", &setup.remote.path(""))?;
    let transfer = setup.with_daemon(async || completed(&setup.agent).await).await?;
    for (name, expected) in [("a", &small), ("big", &bytes)] {
        let copy = setup.agent.path("tree").join(name);
        assert!(fs::read(&copy)? == *expected, "{name}: {transfer}");
        assert_eq!(fs::metadata(&copy)?.modified()?, SystemTime::UNIX_EPOCH + Duration::from_secs(MODIFIED), "{name}");
        assert!(!setup.remote.path("tree").join(name).exists(), "{name} is not deleted");
    }
    assert!(!part.exists() && setup.agent.states()?.is_empty());
    assert!(setup.proxy.passed() < SIZE as u64 / 2, "{} bytes passed", setup.proxy.passed());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs vsftpd, and root"]
async fn a_file_that_an_earlier_release_pulled_by_ftp_is_completed_from_where_it_was_as_root() -> anyhow::Result<()> {
    let setup = Setup::start(Kind::Ftp).await?;
    let bytes = test_bytes(SIZE);
    write_source(&setup.remote.path("big"), &bytes)?;
    fs::write(setup.agent.path("big"), "of somebody else")?;
    let part = setup.agent.path("big (1).mftplus-part");
    fs::write(&part, &bytes[..GOOD + 5])?;
    restore(&setup.agent, "ftp", &setup.remote.path(""))?;
    let transfer = setup.with_daemon(async || completed(&setup.agent).await).await?;
    assert!(fs::read(setup.agent.path("big (1)"))? == bytes, "{transfer}");
    assert_eq!(fs::read_to_string(setup.agent.path("big"))?, "of somebody else");
    assert!(!part.exists() && setup.agent.states()?.is_empty());
    assert!(setup.proxy.passed() < SIZE as u64 / 2, "{} bytes passed", setup.proxy.passed());
    Ok(())
}
