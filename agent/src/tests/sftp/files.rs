//! Files and folders.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::time::{Duration, UNIX_EPOCH};

use super::server_process::SshServer;
use super::{Fixture, kind_of, path, pull, push};
use crate::storage::error::StorageErrorKind as Kind;
use crate::storage::transfer_storage::{Attributes, EntryKind, TransferStorage as _};
use crate::tests::{sha256, test_bytes};

#[test]
#[ignore = "needs OpenSSH"]
fn a_file_is_pushed_and_pulled_with_equal_checksums() -> anyhow::Result<()> {
    let fixture = Fixture::start()?;
    let storage = fixture.storage()?;
    for size in [0, 1, 64 * 1024, 9 * 1024 * 1024 + 17] {
        let bytes = test_bytes(size);
        let local = fixture.server.path("local");
        fs::write(&local, &bytes)?;
        push(&storage, "copy", 0, &bytes)?;
        assert_eq!(sha256(&fixture.server.data("copy"))?, sha256(&local)?, "{size}");
        assert!(pull(&storage, "copy", 0)? == bytes, "{size} bytes are not read as they were written");
        let found = storage.metadata(&path("copy")?)?;
        assert_eq!((found.kind, found.size, found.mode), (EntryKind::File, bytes.len() as u64, Some(0o600)));
    }
    Ok(())
}

#[test]
#[ignore = "needs OpenSSH"]
fn reading_and_writing_go_on_at_an_offset() -> anyhow::Result<()> {
    let fixture = Fixture::start()?;
    let storage = fixture.storage()?;
    let bytes = test_bytes(3 * 1024 * 1024);
    let half = bytes.len() / 2;
    // What stands behind the offset is of an earlier attempt and must not stay.
    fs::write(fixture.server.data("part"), [&bytes[..half], vec![0_u8; 5_000_000].as_slice()].concat())?;
    push(&storage, "part", half as u64, &bytes[half..])?;
    assert!(fs::read(fixture.server.data("part"))? == bytes, "the file is not whole");
    assert!(pull(&storage, "part", half as u64)? == bytes[half..], "the second half is another one");
    assert_eq!(pull(&storage, "part", bytes.len() as u64)?, b"");
    // Nor may a gap come into being.
    let beyond = storage.open_write(&path("part")?, bytes.len() as u64 + 1).map(drop);
    assert_eq!(kind_of(beyond), Some(Kind::Other));
    Ok(())
}

#[test]
#[ignore = "needs OpenSSH"]
fn a_folder_of_1000_files_is_listed_and_removed() -> anyhow::Result<()> {
    let fixture = Fixture::start()?;
    let storage = fixture.storage()?;
    let folder = fixture.server.data("folder");
    fs::create_dir(&folder)?;
    for number in 0..1000 {
        fs::write(folder.join(format!("file {number}.csv")), number.to_string())?;
    }
    fs::create_dir_all(folder.join("inner/deep"))?;
    fs::write(fixture.server.data("kept"), "kept")?;
    symlink(fixture.server.data(""), folder.join("link"))?;
    let mut entries = storage.list(&path("folder")?)?;
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    let of_kind = |kind| entries.iter().filter(|entry| entry.metadata.kind == kind).count();
    assert_eq!((of_kind(EntryKind::File), of_kind(EntryKind::Folder), of_kind(EntryKind::Link)), (1000, 1, 1));
    let (name, size) = (entries[999].name.as_slice(), entries[999].metadata.size);
    assert_eq!((name, size), (&b"file 999.csv"[..], 3));
    storage.remove(&path("folder")?)?;
    assert!(!folder.exists() && fixture.server.data("kept").exists(), "the link was followed");
    assert_eq!(kind_of(storage.list(&path("folder")?)), Some(Kind::NotFound));
    Ok(())
}

#[test]
#[ignore = "needs OpenSSH"]
fn a_rename_replaces_only_what_may_be_replaced() -> anyhow::Result<()> {
    let fixture = Fixture::start()?;
    let storage = fixture.storage()?;
    assert!(storage.capabilities().replaces_atomically && storage.capabilities().fsync);
    push(&storage, "part", 0, b"new")?;
    push(&storage, "there", 0, b"old")?;
    let (part, there) = (path("part")?, path("there")?);
    assert_eq!(kind_of(storage.rename(&part, &there, false)), Some(Kind::AlreadyExists));
    assert_eq!(fs::read(fixture.server.data("there"))?, b"old");
    storage.rename(&part, &there, true)?;
    assert_eq!(fs::read(fixture.server.data("there"))?, b"new");
    for replace in [true, false] {
        assert_eq!(kind_of(storage.rename(&part, &there, replace)), Some(Kind::NotFound), "replace {replace}");
    }
    storage.rename(&there, &path("elsewhere")?, false)?;
    assert_eq!(fs::read(fixture.server.data("elsewhere"))?, b"new");
    Ok(())
}

#[test]
#[ignore = "needs OpenSSH"]
fn a_server_that_does_not_rename_over_a_file_never_loses_the_old_one() -> anyhow::Result<()> {
    let server = SshServer::start_with(|_| Ok("ForceCommand internal-sftp -P posix-rename".to_owned()))?;
    let fixture = Fixture::on(server)?;
    let storage = fixture.storage()?;
    assert!(!storage.capabilities().replaces_atomically);
    for (name, content) in [("part", "new"), ("there", "old")] {
        push(&storage, name, 0, content.as_bytes())?;
    }
    let (part, there) = (path("part")?, path("there")?);
    assert_eq!(kind_of(storage.rename(&part, &there, false)), Some(Kind::AlreadyExists));
    assert_eq!(fs::read(fixture.server.data("there"))?, b"old");
    storage.rename(&part, &there, true)?;
    assert_eq!(fs::read(fixture.server.data("there"))?, b"new");
    assert_eq!(fs::read_dir(fixture.server.data(""))?.count(), 1, "the old file is left");
    assert_eq!(kind_of(storage.rename(&part, &there, true)), Some(Kind::NotFound));

    // A folder cannot be moved into itself: what stands there is moved back.
    storage.create_folder(&path("folder")?)?;
    push(&storage, "folder/there", 0, b"old")?;
    assert!(storage.rename(&path("folder")?, &path("folder/there")?, true).is_err());
    assert_eq!(fs::read(fixture.server.data("folder/there"))?, b"old");
    assert_eq!(fs::read_dir(fixture.server.data("folder"))?.count(), 1);
    Ok(())
}

#[test]
#[ignore = "needs OpenSSH"]
fn folders_links_and_attributes_are_made_as_asked() -> anyhow::Result<()> {
    let fixture = Fixture::start()?;
    let storage = fixture.storage()?;
    for _ in 0..2 {
        storage.create_folder(&path("folder")?)?;
    }
    push(&storage, "folder/file", 0, b"content")?;
    assert_eq!(kind_of(storage.create_folder(&path("folder/file")?)), Some(Kind::NotAFolder));
    storage.create_link(&path("link")?, b"folder/file")?;
    assert_eq!(fs::read_link(fixture.server.data("link"))?.to_str(), Some("folder/file"));
    assert_eq!(storage.read_link(&path("link")?)?, b"folder/file");
    assert_eq!(storage.symlink_metadata(&path("link")?)?.kind, EntryKind::Link);
    assert_eq!(storage.metadata(&path("link")?)?.kind, EntryKind::File);
    let modified = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    storage.set_attributes(&path("folder/file")?, Attributes { modified: Some(modified), mode: Some(0o640) })?;
    let found = fs::metadata(fixture.server.data("folder/file"))?;
    assert_eq!((found.mtime(), found.permissions().mode() & 0o7777), (1_000_000_000, 0o640));
    assert_eq!(storage.metadata(&path("folder/file")?)?.modified, Some(modified));
    assert!(storage.free_space(&path("folder")?).is_some_and(|bytes| bytes > 0));
    // OpenSSH computes no digests.
    assert_eq!(storage.checksum(&path("folder/file")?)?, None);
    Ok(())
}

#[test]
#[ignore = "needs OpenSSH"]
fn a_name_that_is_not_utf8_is_refused_alone() -> anyhow::Result<()> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let fixture = Fixture::start()?;
    let storage = fixture.storage()?;
    fs::write(fixture.server.path("data").join(OsStr::from_bytes(b"caf\xe9")), "content")?;
    push(&storage, "line\nbreak", 0, b"content")?;
    for entry in storage.list(&path("")?)? {
        let opened = storage.open_read(&path(&String::from_utf8(entry.name.clone())?)?, 0).map(drop);
        let expected = if entry.name == b"line\nbreak" { None } else { Some(Kind::InvalidName) };
        assert_eq!(kind_of(opened), expected);
    }
    Ok(())
}
