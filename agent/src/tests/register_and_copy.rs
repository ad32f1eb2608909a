//! `register` and `copy` without interruptions, and with wrong usage.

use std::collections::BTreeSet;
use std::fs;

use serde_json::json;

use super::{TestAgent, sha256, test_bytes};
use crate::command::copy as copy_command;
use crate::command::copy_args::CopyArgs;
use crate::exit::Exit;
use crate::storage::usage_error::UsageError;
use crate::transfer::copy_rules::{AfterSuccess, OnExists};

#[tokio::test]
async fn a_file_is_copied_with_progress_and_its_checksum() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), test_bytes(2_000_000))?;
    let mut args = agent.args("a", "b");
    args.max_rate = Some(1_500_000);
    assert_eq!(copy_command::copy(&agent.settings(), &args).await?, Exit::Done);

    assert_eq!(fs::read(agent.path("a"))?, fs::read(agent.path("b"))?);
    let transfer = agent.server.only_transfer()?;
    assert_eq!(transfer["status"], "completed");
    assert_eq!(transfer["source"], json!(agent.path("a")));
    assert_eq!(transfer["destination"], json!(agent.path("b")));
    assert_eq!((&transfer["progress"], &transfer["bytesTransferred"]), (&json!(100.0), &json!(2_000_000)));
    assert_eq!(transfer["checksumSha256"], json!(sha256(&agent.path("a"))?));
    let steps: BTreeSet<String> =
        agent.server.change(|state| state.updates.iter().map(|update| update["progress"].to_string()).collect());
    assert!(steps.len() >= 5, "{steps:?}");
    assert!(agent.states()?.is_empty());
    Ok(())
}

#[tokio::test]
async fn answers_without_a_body_confirm_reports() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    agent.server.change(|state| state.sends_minimal_answers = true);
    fs::write(agent.path("a"), test_bytes(2_000))?;
    assert_eq!(agent.copy("a", "b").await?, Exit::Done);
    assert_eq!(agent.server.only_transfer()?["status"], "completed");
    let count = agent.server.change(|state| state.minimal_answers);
    assert!(count >= 2, "{count}");
    Ok(())
}

#[tokio::test]
async fn the_first_report_of_a_transfer_has_the_status_running() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("empty"), "")?;
    assert_eq!(agent.copy("empty", "copy").await?, Exit::Done);
    let statuses: Vec<_> =
        agent.server.change(|state| state.updates.iter().map(|update| update["status"].clone()).collect());
    assert_eq!(statuses.first(), Some(&json!("running")));
    assert_eq!(statuses.last(), Some(&json!("completed")));
    Ok(())
}

#[tokio::test]
async fn a_folder_is_one_transfer_with_the_checksum_of_its_manifest() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::create_dir_all(agent.path("folder/sub/empty"))?;
    fs::write(agent.path("folder/z"), "last")?;
    fs::write(agent.path("folder/sub/a"), test_bytes(3000))?;
    fs::create_dir(agent.path("out"))?;
    assert_eq!(agent.copy("folder", "out").await?, Exit::Done);

    let manifest =
        format!("{}  sub/a\n{}  z\n", sha256(&agent.path("folder/sub/a"))?, sha256(&agent.path("folder/z"))?);
    fs::write(agent.path("manifest"), manifest)?;
    let transfer = agent.server.only_transfer()?;
    assert_eq!(transfer["checksumSha256"], json!(sha256(&agent.path("manifest"))?));
    assert_eq!((&transfer["bytesTotal"], &transfer["bytesTransferred"]), (&json!(3004), &json!(3004)));
    assert_eq!(transfer["destination"], json!(agent.path("out/folder")));
    assert_eq!(fs::read_to_string(agent.path("out/folder/z"))?, "last");
    assert!(agent.path("out/folder/sub/empty").is_dir());
    assert!(!agent.path("out/folder.mftplus-part").exists());
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn a_copy_keeps_the_modification_time_and_permissions() -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), "text")?;
    fs::set_permissions(agent.path("a"), fs::Permissions::from_mode(0o440))?;
    assert_eq!(agent.copy("a", "b").await?, Exit::Done);
    let (source, copy) = (fs::metadata(agent.path("a"))?, fs::metadata(agent.path("b"))?);
    assert_eq!(copy.permissions().mode() & 0o777, 0o440);
    assert_eq!(copy.modified()?, source.modified()?);
    Ok(())
}

#[tokio::test]
async fn an_existing_file_is_not_replaced_and_no_transfer_is_created() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), "new")?;
    fs::write(agent.path("b"), "old")?;
    assert_eq!(agent.copy("a", "b").await?, Exit::Failed);
    assert_eq!(fs::read_to_string(agent.path("b"))?, "old");
    assert!(agent.server.change(|state| state.transfers.is_empty()));
    assert!(agent.states()?.is_empty());

    let mut args = agent.args("a", "b");
    args.overwrite = true;
    assert_eq!(copy_command::copy(&agent.settings(), &args).await?, Exit::Done);
    assert_eq!(fs::read_to_string(agent.path("b"))?, "new");
    Ok(())
}

#[tokio::test]
async fn a_copy_between_local_paths_keeps_the_rules_of_its_flags() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    for folder in ["in", "out"] {
        fs::create_dir(agent.path(folder))?;
    }
    for name in ["a", "b"] {
        fs::write(agent.path("in").join(name), "new")?;
        fs::write(agent.path("out").join(name), "old")?;
    }
    let copy = async |args: CopyArgs| copy_command::copy(&agent.settings(), &args).await;
    let after_success = AfterSuccess::MoveTo("done".to_owned());
    let renaming = CopyArgs { on_exists: OnExists::Rename, after_success, ..agent.args("in/a", "out") };
    assert_eq!(copy(renaming).await?, Exit::Done);
    assert_eq!(fs::read_to_string(agent.path("out/a"))?, "old");
    assert_eq!(fs::read_to_string(agent.path("out/a (1)"))?, "new");
    assert!(agent.path("in/done/a").is_file() && !agent.path("in/a").exists());
    // What was skipped is no success.
    let after_success = AfterSuccess::Delete;
    let skipping = CopyArgs { on_exists: OnExists::Skip, after_success, ..agent.args("in/b", "out/b") };
    assert_eq!(copy(skipping.clone()).await?, Exit::Done);
    assert_eq!(fs::read_to_string(agent.path("out/b"))?, "old");
    assert!(agent.path("in/b").is_file());
    // A folder goes into an existing one, as without rules.
    assert_eq!(
        copy(CopyArgs { sources: vec![agent.path("in")], destination: agent.path("out"), ..skipping }).await?,
        Exit::Done
    );
    assert_eq!(fs::read_to_string(agent.path("out/in/done/a"))?, "new");
    assert!(agent.path("in").is_dir() && !agent.path("in/b").exists() && !agent.path("in/done/a").exists());
    assert!(agent.server.change(|state| state.all("status", &json!("completed"))));
    Ok(())
}

#[tokio::test]
async fn a_pattern_is_one_transfer_of_the_files_that_match() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::create_dir_all(agent.path("in/folder.csv"))?;
    for name in ["a.csv", "b.csv", ".hidden.csv", "c.txt"] {
        fs::write(agent.path("in").join(name), name)?;
    }
    assert_eq!(agent.copy("in/*.csv", "out/").await?, Exit::Done);
    let mut names: Vec<_> =
        fs::read_dir(agent.path("out"))?.map(|entry| Ok(entry?.file_name())).collect::<anyhow::Result<_>>()?;
    names.sort();
    assert_eq!(names, ["a.csv", "b.csv"]);
    let transfer = agent.server.only_transfer()?;
    assert_eq!((&transfer["status"], &transfer["bytesTransferred"]), (&json!("completed"), &json!(10)));
    assert_eq!(transfer["source"], json!(agent.path("in/*.csv")));

    // What exists is not replaced without a flag, file by file.
    fs::write(agent.path("in/a.csv"), "newer")?;
    assert_eq!(agent.copy("in/a*.csv", "out").await?, Exit::Failed);
    assert_eq!(fs::read_to_string(agent.path("out/a.csv"))?, "a.csv");
    let args = CopyArgs { overwrite: true, ..agent.args("in/a*.csv", "out") };
    assert_eq!(copy_command::copy(&agent.settings(), &args).await?, Exit::Done);
    assert_eq!(fs::read_to_string(agent.path("out/a.csv"))?, "newer");
    Ok(())
}

#[tokio::test]
async fn a_pattern_that_no_file_matches_is_wrong_usage_and_creates_nothing() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::create_dir_all(agent.path("in/folder.csv"))?;
    fs::write(agent.path("in/.hidden.csv"), "")?;
    let refused = agent.copy("in/*.csv", "out/").await;
    let error = refused.err().ok_or_else(|| anyhow::anyhow!("it was accepted"))?;
    assert!(error.is::<UsageError>() && error.to_string().starts_with("no file matches "), "{error}");
    assert!(!agent.path("out").exists());
    assert!(agent.server.change(|state| state.transfers.is_empty()));
    Ok(())
}

#[tokio::test]
async fn credentials_for_a_copy_on_this_machine_are_wrong_usage() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), "text")?;
    let args = CopyArgs { credentials: Some("partner".to_owned()), ..agent.args("a", "b") };
    let refused = copy_command::copy(&agent.settings(), &args).await;
    assert!(refused.is_err_and(|error| error.is::<UsageError>()));
    assert!(!agent.path("b").exists());
    Ok(())
}

#[tokio::test]
async fn a_copy_sends_heartbeats_if_no_daemon_runs() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), test_bytes(200_000))?;
    let mut args = agent.args("a", "b");
    args.max_rate = Some(400_000);
    assert_eq!(copy_command::copy(&agent.settings(), &args).await?, Exit::Done);
    let heartbeats = agent.server.change(|state| state.heartbeats.clone());
    assert!(
        heartbeats.first().is_some_and(|first| first["load"].as_f64().is_some() && first["memory"].as_u64().is_some())
    );
    assert_eq!(heartbeats.last().map(|last| last["status"].clone()), Some(json!("offline")));
    Ok(())
}

#[tokio::test]
async fn a_second_registration_needs_force() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    let before = fs::read(agent.state_dir().join("agent.json"))?;
    assert!(agent.register(false).await.is_err());
    assert_eq!(fs::read(agent.state_dir().join("agent.json"))?, before);
    assert_eq!(agent.register(true).await?, Exit::Done);
    assert_ne!(fs::read(agent.state_dir().join("agent.json"))?, before);
    Ok(())
}
