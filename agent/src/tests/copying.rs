//! `register` and `copy` while nothing goes wrong, or only the person does.

use std::collections::BTreeSet;
use std::fs;

use serde_json::json;

use super::{Stage, sha256, some_bytes};
use crate::command::copy as copy_command;
use crate::exit::Exit;

#[tokio::test]
async fn a_file_is_copied_with_progress_and_its_checksum() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::write(stage.path("a"), some_bytes(2_000_000))?;
    let mut args = stage.args("a", "b");
    args.max_rate = Some(1_500_000);
    assert_eq!(copy_command::copy(&stage.settings(), &args).await?, Exit::Done);

    assert_eq!(fs::read(stage.path("a"))?, fs::read(stage.path("b"))?);
    let transfer = stage.server.only_transfer()?;
    assert_eq!(transfer["status"], "completed");
    assert_eq!(transfer["source"], json!(stage.path("a")));
    assert_eq!(transfer["destination"], json!(stage.path("b")));
    assert_eq!((&transfer["progress"], &transfer["bytesTransferred"]), (&json!(100.0), &json!(2_000_000)));
    assert_eq!(transfer["checksumSha256"], json!(sha256(&stage.path("a"))?));
    let steps: BTreeSet<String> =
        stage.server.change(|world| world.updates.iter().map(|update| update["progress"].to_string()).collect());
    assert!(steps.len() >= 5, "{steps:?}");
    assert!(stage.states()?.is_empty());
    Ok(())
}

#[tokio::test]
async fn the_first_word_about_a_transfer_is_that_it_runs() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::write(stage.path("empty"), "")?;
    assert_eq!(stage.copy("empty", "copy").await?, Exit::Done);
    let statuses: Vec<_> =
        stage.server.change(|world| world.updates.iter().map(|update| update["status"].clone()).collect());
    assert_eq!(statuses.first(), Some(&json!("running")));
    assert_eq!(statuses.last(), Some(&json!("completed")));
    Ok(())
}

#[tokio::test]
async fn a_folder_is_one_transfer_with_the_checksum_of_its_manifest() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::create_dir_all(stage.path("folder/sub/empty"))?;
    fs::write(stage.path("folder/z"), "last")?;
    fs::write(stage.path("folder/sub/a"), some_bytes(3000))?;
    fs::create_dir(stage.path("out"))?;
    assert_eq!(stage.copy("folder", "out").await?, Exit::Done);

    let manifest =
        format!("{}  sub/a\n{}  z\n", sha256(&stage.path("folder/sub/a"))?, sha256(&stage.path("folder/z"))?);
    fs::write(stage.path("manifest"), manifest)?;
    let transfer = stage.server.only_transfer()?;
    assert_eq!(transfer["checksumSha256"], json!(sha256(&stage.path("manifest"))?));
    assert_eq!((&transfer["bytesTotal"], &transfer["bytesTransferred"]), (&json!(3004), &json!(3004)));
    assert_eq!(transfer["destination"], json!(stage.path("out/folder")));
    assert_eq!(fs::read_to_string(stage.path("out/folder/z"))?, "last");
    assert!(stage.path("out/folder/sub/empty").is_dir());
    assert!(!stage.path("out/folder.mftplus-part").exists());
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn a_copy_keeps_its_time_and_permissions() -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let stage = Stage::set().await?;
    fs::write(stage.path("a"), "text")?;
    fs::set_permissions(stage.path("a"), fs::Permissions::from_mode(0o440))?;
    assert_eq!(stage.copy("a", "b").await?, Exit::Done);
    let (source, copy) = (fs::metadata(stage.path("a"))?, fs::metadata(stage.path("b"))?);
    assert_eq!(copy.permissions().mode() & 0o777, 0o440);
    assert_eq!(copy.modified()?, source.modified()?);
    Ok(())
}

#[tokio::test]
async fn what_exists_is_not_replaced_and_no_transfer_is_made() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::write(stage.path("a"), "new")?;
    fs::write(stage.path("b"), "old")?;
    assert_eq!(stage.copy("a", "b").await?, Exit::Failed);
    assert_eq!(fs::read_to_string(stage.path("b"))?, "old");
    assert!(stage.server.change(|world| world.transfers.is_empty()));
    assert!(stage.states()?.is_empty());

    let mut args = stage.args("a", "b");
    args.overwrite = true;
    assert_eq!(copy_command::copy(&stage.settings(), &args).await?, Exit::Done);
    assert_eq!(fs::read_to_string(stage.path("b"))?, "new");
    Ok(())
}

#[tokio::test]
async fn a_copy_stands_in_for_a_missing_daemon_with_heartbeats() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::write(stage.path("a"), some_bytes(200_000))?;
    let mut args = stage.args("a", "b");
    args.max_rate = Some(400_000);
    assert_eq!(copy_command::copy(&stage.settings(), &args).await?, Exit::Done);
    let heartbeats = stage.server.change(|world| world.heartbeats.clone());
    assert!(
        heartbeats.first().is_some_and(|first| first["load"].as_f64().is_some() && first["memory"].as_u64().is_some())
    );
    assert_eq!(heartbeats.last().map(|last| last["status"].clone()), Some(json!("offline")));
    Ok(())
}

#[tokio::test]
async fn a_second_registration_needs_force() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    let before = fs::read(stage.state_dir().join("agent.json"))?;
    assert!(stage.register(false).await.is_err());
    assert_eq!(fs::read(stage.state_dir().join("agent.json"))?, before);
    assert_eq!(stage.register(true).await?, Exit::Done);
    assert_ne!(fs::read(stage.state_dir().join("agent.json"))?, before);
    Ok(())
}
