//! Sources and destinations that are not plain files with plain names, and destinations that another copy writes to.
#![cfg(unix)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use serde_json::json;

use super::{Stage, sha256, some_bytes};
use crate::command::copy as copy_command;
use crate::exit::Exit;
use crate::random::random_uuid;
use crate::storage::allowed_roots::FileAccess;
use crate::transfer::control::Control;
use crate::transfer::copy::copy;
use crate::transfer::error::CopyError;
use crate::transfer::part::reserve;
use crate::transfer::plan::Plan;
use crate::transfer::state::CopyOptions;

fn pipe(path: &Path) -> anyhow::Result<()> {
    let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR);
    Ok(rustix::fs::mknodat(rustix::fs::CWD, path, kind, mode, 0)?)
}

#[tokio::test]
async fn a_folder_and_a_pattern_leave_out_pipes_sockets_and_copies_that_still_run() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::create_dir_all(stage.path("in/folder.mftplus-part"))?;
    fs::write(stage.path("in/folder.mftplus-part/half"), "half")?;
    fs::write(stage.path("in/a.csv"), "whole")?;
    fs::write(stage.path("in/b.csv.mftplus-part"), "half")?;
    pipe(&stage.path("in/pipe.csv"))?;
    let _listener = std::os::unix::net::UnixListener::bind(stage.path("in/socket.csv"))?;
    assert_eq!(stage.copy("in", "out").await?, Exit::Done);
    stage.server.make_due(json!({"source": stage.path("in/*"), "destination": stage.path("picked")}));
    stage
        .with_daemon(async || stage.server.until("it is completed", |world| world.runs_are(1, "completed")).await)
        .await?;
    for copied in ["out", "picked"] {
        let names: Vec<_> = fs::read_dir(stage.path(copied))?
            .map(|entry| Ok(entry?.file_name()))
            .collect::<Result<_, std::io::Error>>()?;
        assert_eq!(names, ["a.csv"], "{copied}");
    }
    Ok(())
}

#[tokio::test]
async fn the_checksum_of_a_folder_is_the_same_while_a_copy_grows_in_it() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::create_dir(stage.path("in"))?;
    fs::write(stage.path("in/a"), "text")?;
    let folder = FileAccess::Unrestricted.destination(&stage.path("in"))?;
    let control = Control::new(random_uuid(), 1, 0, false);
    let before = crate::work::step::files::checksum(&folder, &control)?;
    fs::write(stage.path("in/b.mftplus-part"), "half")?;
    assert_eq!(crate::work::step::files::checksum(&folder, &control)?, before);
    Ok(())
}

#[tokio::test]
async fn a_pipe_as_destination_is_refused_by_name_and_stays() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::write(stage.path("a"), "text")?;
    fs::create_dir(stage.path("in"))?;
    fs::write(stage.path("in/pipe"), "text")?;
    fs::create_dir_all(stage.path("out/in"))?;
    pipe(&stage.path("out/pipe"))?;
    pipe(&stage.path("out/in/pipe"))?;
    // By hand no transfer is made of it, neither as the pipe itself nor as a folder that would replace it.
    for (source, destination) in [("a", "out/pipe"), ("in/pipe", "out"), ("in", "out")] {
        let mut args = stage.args(source, destination);
        args.overwrite = true;
        assert_eq!(copy_command::copy(&stage.settings(), &args).await?, Exit::Failed, "{source} to {destination}");
    }
    assert!(stage.server.change(|world| world.transfers.is_empty()) && stage.states()?.is_empty());

    let path = |name: &str| FileAccess::Unrestricted.destination(&stage.path(name));
    let renamed = crate::work::step::files::rename(&path("a")?, &path("out/pipe")?, None);
    let error = renamed.map_err(|error| error.to_string());
    assert!(error.is_err_and(|error| error.contains("/out/pipe is a pipe, which must not be replaced")));

    // Jobs replace what is there without a flag.
    stage.server.make_due(json!({"source": stage.path("a"), "destination": stage.path("out/pipe")}));
    stage.with_daemon(async || stage.server.until("it failed", |world| world.runs_are(1, "failed")).await).await?;
    let reason = stage.server.change(|world| world.only_run())["errorMessage"].to_string();
    assert!(reason.contains("/out/pipe is a pipe"), "{reason}");
    for kept in ["out/pipe", "out/in/pipe"] {
        assert!(!fs::symlink_metadata(stage.path(kept))?.is_file(), "{kept}");
    }
    assert_eq!(fs::read_dir(stage.path("out"))?.count(), 2);
    assert_eq!(fs::read_to_string(stage.path("a"))?, "text");
    Ok(())
}

#[test]
fn every_file_is_tried_and_each_that_cannot_be_copied_is_named() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let (source, part) =
        (dir.path().join("in"), FileAccess::Unrestricted.destination(&dir.path().join("out.mftplus-part"))?);
    fs::create_dir(&source)?;
    for number in 0..30 {
        fs::write(source.join(format!("{number:02}")), "text")?;
    }
    let plan = Plan::of(&FileAccess::Unrestricted.source(&source)?)?;
    for number in 5..20 {
        fs::remove_file(source.join(format!("{number:02}")))?;
    }
    // One that became a pipe must not be waited at.
    fs::remove_file(source.join("03"))?;
    pipe(&source.join("03"))?;
    let reserved = reserve(&part, true)?;
    let control = Control::new(random_uuid(), 1, 0, true);
    let Err(error) = copy(&plan, (&part, &reserved), CopyOptions::default(), &control) else {
        anyhow::bail!("it was copied");
    };
    assert!(matches!(error, CopyError::Several(_)));
    let error = error.to_string();
    assert!(
        error.contains("16 of its entries") && error.contains("/in/05: ") && error.contains("/in/03 is not a file"),
        "{error}"
    );
    assert!(error.ends_with("and 6 more") && !error.contains("/in/20"), "{error}");
    assert!(part.as_path().join("29").exists(), "the rest was not tried");
    Ok(())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_whose_size_is_not_known_beforehand_is_refused_with_the_true_reason() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    let mut args = stage.args("a", "b");
    args.sources = vec!["/proc/version".into()];
    assert_eq!(copy_command::copy(&stage.settings(), &args).await?, Exit::Failed);
    let transfer = stage.server.only_transfer()?;
    let reason = transfer["errorMessage"].as_str().unwrap_or_default();
    assert!(reason.starts_with("/proc/version has more or fewer bytes than its size says"), "{reason}");
    assert!(!stage.path("b").exists());
    Ok(())
}

#[tokio::test]
async fn a_name_of_any_bytes_is_copied_as_it_is() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    let name = OsStr::from_bytes(b"caf\xe9\nnotes.csv");
    fs::create_dir(stage.path("in"))?;
    fs::write(stage.path("in").join(name), some_bytes(3000))?;
    let mut args = stage.args("in", "out");
    args.sources = vec![stage.path("in").join(name)];
    args.destination = stage.path("out/");
    assert_eq!(copy_command::copy(&stage.settings(), &args).await?, Exit::Done);
    assert_eq!(fs::read(stage.path("out").join(name))?, some_bytes(3000));
    let transfer = stage.server.only_transfer()?;
    let shown = format!("file://{}", stage.path("in/caf%E9%0Anotes.csv").display());
    assert_eq!((&transfer["source"], &transfer["status"]), (&json!(shown), &json!("completed")));

    // As part of a folder, by a pattern, and asked for by the text that the server was told.
    assert_eq!(stage.copy("in", "folder").await?, Exit::Done);
    stage.server.make_due(json!({"source": stage.path("in/*.csv"), "destination": stage.path("picked")}));
    stage.server.make_due(json!({"source": shown, "destination": stage.path("named/")}));
    stage
        .with_daemon(async || stage.server.until("both are completed", |world| world.runs_are(2, "completed")).await)
        .await?;
    for copied in ["folder", "picked", "named"] {
        assert_eq!(fs::read(stage.path(copied).join(name))?, some_bytes(3000), "{copied}");
    }
    Ok(())
}

#[test]
fn two_names_that_are_no_text_are_two_lines_of_the_manifest() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let checksum = || {
        let control = Control::new(random_uuid(), 1, 0, false);
        anyhow::Ok(crate::work::step::files::checksum(&FileAccess::Unrestricted.destination(dir.path())?, &control)?)
    };
    fs::write(dir.path().join(OsStr::from_bytes(b"\xe9")), "one")?;
    let one = checksum()?;
    fs::write(dir.path().join(OsStr::from_bytes(b"\xe8")), "one")?;
    assert_ne!(checksum()?, one);
    Ok(())
}

#[tokio::test]
async fn the_longest_name_is_copied() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    for length in [243, 255] {
        let name = "n".repeat(length);
        fs::write(stage.path(&name), "text")?;
        assert_eq!(stage.copy(&name, &format!("out/{name}")).await?, Exit::Done);
        assert_eq!(fs::read_to_string(stage.path("out").join(&name))?, "text");
    }
    assert_eq!(fs::read_dir(stage.path("out"))?.count(), 2);
    Ok(())
}

#[tokio::test]
async fn holes_stay_holes_and_the_checksum_is_of_the_whole() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    let size = 16 << 20;
    let file = fs::File::create(stage.path("a"))?;
    file.set_len(size)?;
    std::os::unix::fs::FileExt::write_all_at(&file, &some_bytes(10_000), 10_000_001)?;
    assert_eq!(stage.copy("a", "b").await?, Exit::Done);
    let copied = fs::metadata(stage.path("b"))?;
    assert_eq!(copied.len(), size);
    assert!(copied.blocks() * 512 < 1 << 20, "{} blocks", copied.blocks());
    let transfer = stage.server.only_transfer()?;
    assert_eq!(transfer["checksumSha256"], json!(sha256(&stage.path("a"))?));
    assert_eq!((&transfer["bytesTransferred"], sha256(&stage.path("b"))?), (&json!(size), sha256(&stage.path("a"))?));

    // What an interrupted copy left is continued, wherever it ended.
    for kept in [4096, 10_000_100, size - 1] {
        fs::copy(stage.path("b"), stage.path("c.mftplus-part"))?;
        fs::OpenOptions::new().write(true).open(stage.path("c.mftplus-part"))?.set_len(kept)?;
        let mut args = stage.args("a", "c");
        args.overwrite = true;
        assert_eq!(copy_command::copy(&stage.settings(), &args).await?, Exit::Done);
        assert_eq!(sha256(&stage.path("c"))?, sha256(&stage.path("a"))?, "{kept}");
    }
    Ok(())
}

#[tokio::test]
async fn a_second_copy_to_the_same_destination_is_told_what_is_the_matter() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    fs::write(stage.path("a"), some_bytes(5000))?;
    // As another agent on this machine would hold it.
    let part = FileAccess::Unrestricted.destination(&stage.path("b.mftplus-part"))?;
    let theirs = reserve(&part, false)?;
    fs::write(part.as_path(), "theirs")?;
    assert_eq!(stage.copy("a", "b").await?, Exit::Failed);
    let transfer = stage.server.only_transfer()?;
    let reason = transfer["errorMessage"].as_str().unwrap_or_default();
    assert!(reason.contains("another copy to the same destination is running"), "{reason}");
    assert_eq!(fs::read_to_string(part.as_path())?, "theirs");
    drop(theirs);
    stage.server.change(|world| world.transfers.clear());
    assert_eq!(stage.copy("a", "b").await?, Exit::Done);
    assert_eq!(fs::read(stage.path("b"))?, some_bytes(5000));
    Ok(())
}
