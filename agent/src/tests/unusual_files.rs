//! Unusual sources and destinations: special files, names that are not UTF-8, sparse files, and destinations in use.
#![cfg(unix)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{TestAgent, sha256, test_bytes};
use crate::command::copy as copy_command;
use crate::command::copy_args::CopyArgs;
use crate::exit::Exit;
use crate::storage::allowed_roots::FileAccess;
use crate::transfer::control::Control;
use crate::transfer::copy_rules::{AfterSuccess, OnExists, SymlinkRule};
use crate::transfer::error::CopyError;
use crate::transfer::local_copy::copy;
use crate::transfer::part_lock::reserve;
use crate::transfer::source_entries::Plan;
use crate::transfer::state::CopyOptions;

fn pipe(path: &Path) -> anyhow::Result<()> {
    let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR);
    Ok(rustix::fs::mknodat(rustix::fs::CWD, path, kind, mode, 0)?)
}

#[tokio::test]
async fn folders_and_patterns_leave_out_pipes_sockets_and_part_files() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::create_dir_all(agent.path("in/folder.mftplus-part"))?;
    fs::write(agent.path("in/folder.mftplus-part/half"), "half")?;
    fs::write(agent.path("in/a.csv"), "whole")?;
    fs::write(agent.path("in/b.csv.mftplus-part"), "half")?;
    pipe(&agent.path("in/pipe.csv"))?;
    let _listener = std::os::unix::net::UnixListener::bind(agent.path("in/socket.csv"))?;
    assert_eq!(agent.copy("in", "out").await?, Exit::Done);
    agent.server.send_job(json!({"source": agent.path("in/*"), "destination": agent.path("picked")}));
    agent
        .with_daemon(async || agent.server.wait_until("it is completed", |state| state.runs_are(1, "completed")).await)
        .await?;
    for copied in ["out", "picked"] {
        let names: Vec<_> = fs::read_dir(agent.path(copied))?
            .map(|entry| Ok(entry?.file_name()))
            .collect::<Result<_, std::io::Error>>()?;
        assert_eq!(names, ["a.csv"], "{copied}");
    }
    let warned = |transfer: &Value| transfer["errorMessage"].as_str().is_some_and(|text| text.contains("pipe.csv"));
    assert!(agent.server.change(|state| state.transfers.values().all(warned)), "a warning is missing");
    Ok(())
}

#[tokio::test]
async fn a_part_file_is_no_source_even_by_its_name() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::create_dir_all(agent.path("in/folder.mftplus-part"))?;
    fs::write(agent.path("in/a.mftplus-part"), "half")?;
    for source in ["in/a.mftplus-part", "in/folder.mftplus-part"] {
        // Links are followed by another way of copying.
        for symlinks in [SymlinkRule::Keep, SymlinkRule::Follow] {
            let mut args = agent.args(source, "out");
            args.symlinks = symlinks;
            assert_eq!(copy_command::copy(&agent.settings(), &args).await?, Exit::Failed, "{source} {symlinks:?}");
        }
    }
    agent.server.send_job(json!({"source": agent.path("in/a.mftplus-part"), "destination": agent.path("out")}));
    agent.with_daemon(async || agent.server.wait_until("it failed", |state| state.runs_are(1, "failed")).await).await?;
    let reason = agent.server.change(|state| state.only_run())["errorMessage"].to_string();
    assert!(reason.contains("is the part file of a copy that is not complete"), "{reason}");
    assert!(!agent.path("out").exists());
    Ok(())
}

#[tokio::test]
async fn part_files_do_not_change_the_checksum_of_a_folder() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::create_dir(agent.path("in"))?;
    fs::write(agent.path("in/a"), "text")?;
    let folder = FileAccess::Unrestricted.destination(&agent.path("in"))?;
    let control = Control::new(Uuid::new_v4(), 1, 0, false);
    let before = crate::work::step::checksum::checksum(&folder, &control)?;
    fs::write(agent.path("in/b.mftplus-part"), "half")?;
    assert_eq!(crate::work::step::checksum::checksum(&folder, &control)?, before);
    Ok(())
}

#[tokio::test]
async fn a_pipe_as_destination_is_rejected_and_kept() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), "text")?;
    fs::create_dir(agent.path("in"))?;
    fs::write(agent.path("in/pipe"), "text")?;
    fs::create_dir_all(agent.path("out/in"))?;
    pipe(&agent.path("out/pipe"))?;
    pipe(&agent.path("out/in/pipe"))?;
    // `copy` creates no transfer, neither for the pipe itself nor for a folder that would replace it.
    for (source, destination) in [("a", "out/pipe"), ("in/pipe", "out"), ("in", "out")] {
        let mut args = agent.args(source, destination);
        args.overwrite = true;
        assert_eq!(copy_command::copy(&agent.settings(), &args).await?, Exit::Failed, "{source} to {destination}");
    }
    assert!(agent.server.change(|state| state.transfers.is_empty()) && agent.states()?.is_empty());

    let path = |name: &str| FileAccess::Unrestricted.destination(&agent.path(name));
    let renamed = crate::work::step::rename_and_delete::rename(&path("a")?, &path("out/pipe")?, None);
    let error = renamed.map_err(|error| error.to_string());
    assert!(error.is_err_and(|error| error.contains("/out/pipe is a pipe, which must not be replaced")));

    // Jobs replace existing files without a flag.
    agent.server.send_job(json!({"source": agent.path("a"), "destination": agent.path("out/pipe")}));
    agent.with_daemon(async || agent.server.wait_until("it failed", |state| state.runs_are(1, "failed")).await).await?;
    let reason = agent.server.change(|state| state.only_run())["errorMessage"].to_string();
    assert!(reason.contains("/out/pipe is a pipe"), "{reason}");
    for kept in ["out/pipe", "out/in/pipe"] {
        assert!(!fs::symlink_metadata(agent.path(kept))?.is_file(), "{kept}");
    }
    assert_eq!(fs::read_dir(agent.path("out"))?.count(), 2);
    assert_eq!(fs::read_to_string(agent.path("a"))?, "text");
    Ok(())
}

#[test]
fn every_file_is_tried_and_each_failure_is_named() -> anyhow::Result<()> {
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
    // The copy must not wait for a file that became a pipe.
    fs::remove_file(source.join("03"))?;
    pipe(&source.join("03"))?;
    let reserved = reserve(&part, true)?;
    let control = Control::new(Uuid::new_v4(), 1, 0, true);
    let Err(error) = copy(&plan, &part, &reserved, CopyOptions::default(), &control) else {
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
async fn a_file_of_unknown_size_is_rejected_with_the_reason() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    let mut args = agent.args("a", "b");
    args.sources = vec!["/proc/version".into()];
    assert_eq!(copy_command::copy(&agent.settings(), &args).await?, Exit::Failed);
    let transfer = agent.server.only_transfer()?;
    let reason = transfer["errorMessage"].as_str().unwrap_or_default();
    assert!(reason.starts_with("/proc/version has more or fewer bytes than its size says"), "{reason}");
    assert!(!agent.path("b").exists());
    Ok(())
}

#[tokio::test]
async fn a_file_name_of_any_bytes_is_kept() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    let name = OsStr::from_bytes(b"caf\xe9\nnotes.csv");
    fs::create_dir(agent.path("in"))?;
    fs::write(agent.path("in").join(name), test_bytes(3000))?;
    let mut args = agent.args("in", "out");
    args.sources = vec![agent.path("in").join(name)];
    args.destination = agent.path("out/");
    assert_eq!(copy_command::copy(&agent.settings(), &args).await?, Exit::Done);
    assert_eq!(fs::read(agent.path("out").join(name))?, test_bytes(3000));
    let transfer = agent.server.only_transfer()?;
    let shown = format!("file://{}", agent.path("in/caf%E9%0Anotes.csv").display());
    assert_eq!((&transfer["source"], &transfer["status"]), (&json!(shown), &json!("completed")));

    // In a folder, by a pattern, and by the path that was reported to the server.
    assert_eq!(agent.copy("in", "folder").await?, Exit::Done);
    agent.server.send_job(json!({"source": agent.path("in/*.csv"), "destination": agent.path("picked")}));
    agent.server.send_job(json!({"source": shown, "destination": agent.path("named/")}));
    agent
        .with_daemon(async || {
            agent.server.wait_until("both are completed", |state| state.runs_are(2, "completed")).await
        })
        .await?;
    for copied in ["folder", "picked", "named"] {
        assert_eq!(fs::read(agent.path(copied).join(name))?, test_bytes(3000), "{copied}");
    }
    Ok(())
}

#[test]
fn two_names_that_are_not_utf8_have_different_manifest_lines() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let checksum = || {
        let control = Control::new(Uuid::new_v4(), 1, 0, false);
        anyhow::Ok(crate::work::step::checksum::checksum(&FileAccess::Unrestricted.destination(dir.path())?, &control)?)
    };
    fs::write(dir.path().join(OsStr::from_bytes(b"\xe9")), "one")?;
    let one = checksum()?;
    fs::write(dir.path().join(OsStr::from_bytes(b"\xe8")), "one")?;
    assert_ne!(checksum()?, one);
    Ok(())
}

#[tokio::test]
async fn the_longest_name_is_copied() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    for length in [243, 255] {
        let name = "n".repeat(length);
        fs::write(agent.path(&name), "text")?;
        assert_eq!(agent.copy(&name, &format!("out/{name}")).await?, Exit::Done);
        assert_eq!(fs::read_to_string(agent.path("out").join(&name))?, "text");
    }
    assert_eq!(fs::read_dir(agent.path("out"))?.count(), 2);
    Ok(())
}

#[tokio::test]
async fn the_longest_name_gets_a_number_where_it_is_taken() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    let (name, numbered) = (format!("{}.csv", "n".repeat(251)), format!("{} (1).csv", "n".repeat(247)));
    fs::write(agent.path(&name), "new")?;
    for folder in ["out", "done"] {
        fs::create_dir(agent.path(folder))?;
        fs::write(agent.path(folder).join(&name), "old")?;
    }
    let mut args = agent.args(&name, &format!("out/{name}"));
    args.on_exists = OnExists::Rename;
    args.after_success = AfterSuccess::MoveTo("done".to_owned());
    assert_eq!(copy_command::copy(&agent.settings(), &args).await?, Exit::Done);
    for folder in ["out", "done"] {
        assert_eq!(fs::read_to_string(agent.path(folder).join(&name))?, "old", "{folder}");
        assert_eq!(fs::read_to_string(agent.path(folder).join(&numbered))?, "new", "{folder}");
    }
    assert!(!agent.path(&name).exists());
    Ok(())
}

#[tokio::test]
async fn sparse_files_stay_sparse_and_the_checksum_covers_their_holes() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    let size = 16 << 20;
    let file = fs::File::create(agent.path("a"))?;
    file.set_len(size)?;
    std::os::unix::fs::FileExt::write_all_at(&file, &test_bytes(10_000), 10_000_001)?;
    assert_eq!(agent.copy("a", "b").await?, Exit::Done);
    let copied = fs::metadata(agent.path("b"))?;
    assert_eq!(copied.len(), size);
    assert!(copied.blocks() * 512 < 1 << 20, "{} blocks", copied.blocks());
    let transfer = agent.server.only_transfer()?;
    assert_eq!(transfer["checksumSha256"], json!(sha256(&agent.path("a"))?));
    assert_eq!((&transfer["bytesTransferred"], sha256(&agent.path("b"))?), (&json!(size), sha256(&agent.path("a"))?));

    // An interrupted copy continues, wherever it ended.
    for kept in [4096, 10_000_100, size - 1] {
        fs::copy(agent.path("b"), agent.path("c.mftplus-part"))?;
        fs::OpenOptions::new().write(true).open(agent.path("c.mftplus-part"))?.set_len(kept)?;
        let mut args = agent.args("a", "c");
        args.overwrite = true;
        assert_eq!(copy_command::copy(&agent.settings(), &args).await?, Exit::Done);
        assert_eq!(sha256(&agent.path("c"))?, sha256(&agent.path("a"))?, "{kept}");
    }
    Ok(())
}

#[tokio::test]
async fn a_second_copy_to_the_same_destination_fails_with_the_reason() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    fs::write(agent.path("a"), test_bytes(5000))?;
    // As another agent on this machine would lock it.
    let part = FileAccess::Unrestricted.destination(&agent.path("b.mftplus-part"))?;
    let theirs = reserve(&part, false)?;
    fs::write(part.as_path(), "theirs")?;
    assert_eq!(agent.copy("a", "b").await?, Exit::Failed);
    let transfer = agent.server.only_transfer()?;
    let reason = transfer["errorMessage"].as_str().unwrap_or_default();
    assert!(reason.contains("another copy to the same destination is running"), "{reason}");
    assert_eq!(fs::read_to_string(part.as_path())?, "theirs");
    drop(theirs);
    agent.server.change(|state| state.transfers.clear());
    assert_eq!(agent.copy("a", "b").await?, Exit::Done);
    assert_eq!(fs::read(agent.path("b"))?, test_bytes(5000));
    Ok(())
}

#[tokio::test]
async fn a_copy_with_rules_neither_writes_to_nor_removes_what_another_copy_writes() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    for folder in ["in/folder", "out", "old/folder"] {
        fs::create_dir_all(agent.path(folder))?;
    }
    for name in ["in/a.csv", "in/folder/a"] {
        fs::write(agent.path(name), "ours")?;
    }
    for (source, destination, part, is_folder) in [
        ("in/a.csv", "out/a.csv", "out/a.csv.mftplus-part", false),
        ("in/folder", "out/folder", "out/folder.mftplus-part", true),
        // A folder that is there gets the files one by one.
        ("in/folder", "old", "old/folder/a.mftplus-part", false),
    ] {
        let part = FileAccess::Unrestricted.destination(&agent.path(part))?;
        let theirs = reserve(&part, is_folder)?;
        let content = if is_folder { part.as_path().join("half") } else { part.as_path().to_owned() };
        fs::write(&content, "theirs")?;
        let args = CopyArgs { on_exists: OnExists::Skip, ..agent.args(source, destination) };
        assert_eq!(copy_command::copy(&agent.settings(), &args).await?, Exit::Failed, "{source}");
        let reason = agent.server.only_transfer()?["errorMessage"].to_string();
        assert!(reason.contains("another copy to the same destination is running"), "{reason}");
        assert_eq!(fs::read_to_string(&content)?, "theirs", "{source}");
        agent.server.change(|state| state.transfers.clear());
        drop(theirs);
        part.remove()?;
    }
    for empty in ["out", "old/folder"] {
        assert_eq!(fs::read_dir(agent.path(empty))?.count(), 0, "{empty}");
    }
    Ok(())
}

#[tokio::test]
async fn files_behind_links_are_copied_and_their_sources_left_alone() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    for folder in ["out", "elsewhere"] {
        fs::create_dir(agent.path(folder))?;
    }
    fs::write(agent.path("out/own"), "own")?;
    fs::write(agent.path("elsewhere/file"), "of another")?;
    symlink("../elsewhere", agent.path("out/folder"))?;
    symlink("../elsewhere/file", agent.path("out/link"))?;
    let (symlinks, after_success) = (SymlinkRule::Follow, AfterSuccess::Delete);
    let args = CopyArgs { symlinks, after_success, ..agent.args("out", "copy") };
    assert_eq!(copy_command::copy(&agent.settings(), &args).await?, Exit::Done);
    for (copied, content) in [("own", "own"), ("folder/file", "of another"), ("link", "of another")] {
        assert_eq!(fs::read_to_string(agent.path("copy").join(copied))?, content, "{copied}");
    }
    assert!(!agent.path("out/own").exists());
    assert!(fs::symlink_metadata(agent.path("out/link"))?.is_symlink());
    assert_eq!(fs::read_to_string(agent.path("out/folder/file"))?, "of another");
    Ok(())
}

#[tokio::test]
async fn a_link_that_is_the_source_is_followed_and_left_alone() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    for folder in ["out", "elsewhere"] {
        fs::create_dir(agent.path(folder))?;
    }
    fs::write(agent.path("elsewhere/file"), "of another")?;
    symlink(agent.path("elsewhere/file"), agent.path("out/absolute"))?;
    symlink("../elsewhere/file", agent.path("out/relative"))?;
    for link in ["absolute", "relative"] {
        let args = CopyArgs { after_success: AfterSuccess::Delete, ..agent.args(&format!("out/{link}"), link) };
        assert_eq!(copy_command::copy(&agent.settings(), &args).await?, Exit::Done, "{link}");
        assert_eq!(fs::read_to_string(agent.path(link))?, "of another", "{link}");
        assert!(fs::symlink_metadata(agent.path("out").join(link))?.is_symlink(), "{link}");
        assert_eq!(fs::read_to_string(agent.path("elsewhere/file"))?, "of another", "{link}");
    }
    Ok(())
}
