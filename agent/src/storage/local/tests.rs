//! Tests of local storages.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::LocalStorage;
use crate::storage::allowed_roots::FileAccess;
use crate::storage::error::StorageErrorKind;
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::{Attributes, EntryKind, TransferStorage};

fn storage(folder: &Path) -> anyhow::Result<(LocalStorage, StoragePath)> {
    Ok(LocalStorage::holding(&FileAccess::Unrestricted.destination(folder)?)?)
}

fn write(storage: &LocalStorage, path: &StoragePath, offset: u64, content: &[u8]) -> anyhow::Result<()> {
    let mut file = storage.open_write(path, offset)?;
    file.write_all(content)?;
    Ok(file.finish(true)?)
}

#[test]
fn a_file_is_continued_published_and_read_from_an_offset() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let (storage, base) = storage(&fs::canonicalize(dir.path())?)?;
    let (part, done) = (base.join(b"a.part")?, base.join(b"a")?);
    write(&storage, &part, 0, b"first, wrong")?;
    write(&storage, &part, 7, b"second")?;
    storage.rename(&part, &done, false)?;
    let mut rest = String::new();
    storage.open_read(&done, 7)?.read_to_string(&mut rest)?;
    assert_eq!((rest.as_str(), storage.metadata(&done)?.size), ("second", 13));
    assert_eq!(storage.display(&done), fs::canonicalize(dir.path())?.join("a").to_string_lossy());
    let beyond = storage.open_write(&done, 14).err().map(|error| error.kind());
    assert_eq!(beyond, Some(StorageErrorKind::Other));
    Ok(())
}

#[test]
fn a_file_that_is_synced_while_it_is_written_is_whole() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let (storage, base) = storage(dir.path())?;
    let chunk = vec![1_u8; 1 << 20];
    let mut file = storage.open_write(&base.join(b"a")?, 0)?;
    for _ in 0..70 {
        file.write_all(&chunk)?;
    }
    file.finish(true)?;
    assert!(fs::read(dir.path().join("a"))? == chunk.repeat(70));
    Ok(())
}

#[test]
fn blocks_of_zeros_become_holes_wherever_a_copy_is_continued() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let (storage, base) = storage(dir.path())?;
    let mut content = vec![0_u8; 8 << 20];
    content[3_000_001..3_000_011].copy_from_slice(b"0123456789");
    content[3_999_999] = 1;
    for split in [0, 4096, 3_000_005, 3_500_000, 5_000_000, content.len()] {
        let path = base.join(split.to_string().as_bytes())?;
        write(&storage, &path, 0, &content[..split])?;
        assert_eq!(storage.metadata(&path)?.size, split as u64);
        write(&storage, &path, split as u64, &content[split..])?;
        let copy = dir.path().join(split.to_string());
        assert!(fs::read(&copy)? == content, "{split}");
        let blocks = fs::metadata(&copy)?.blocks();
        assert!(blocks * 512 < 1 << 20, "{split}: {blocks} blocks");
    }
    Ok(())
}

#[test]
fn an_existing_file_is_replaced_only_if_that_is_asked_for() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let (storage, base) = storage(dir.path())?;
    let (one, other) = (base.join(b"one")?, base.join(b"other")?);
    write(&storage, &one, 0, b"1")?;
    write(&storage, &other, 0, b"2")?;
    let refused = storage.rename(&one, &other, false).err().map(|error| error.kind());
    assert_eq!(refused, Some(StorageErrorKind::AlreadyExists));
    assert_eq!(fs::read(dir.path().join("other"))?, b"2");
    storage.rename(&one, &other, true)?;
    assert_eq!(fs::read(dir.path().join("other"))?, b"1");
    let missing = storage.rename(&one, &other, false).err().map(|error| error.kind());
    assert_eq!(missing, Some(StorageErrorKind::NotFound));
    Ok(())
}

#[test]
fn a_file_or_folder_is_moved_to_a_free_name_only() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let path = |name: &str| FileAccess::Unrestricted.destination(&dir.path().join(name));
    fs::create_dir_all(dir.path().join("folder/in"))?;
    for name in ["one", "other"] {
        fs::write(dir.path().join(name), name)?;
    }
    for from in ["one", "folder"] {
        let refused = path(from)?.rename_to_free(&path("other")?).err().map(|error| error.kind());
        assert_eq!(refused, Some(io::ErrorKind::AlreadyExists), "{from}");
        path(from)?.rename_to_free(&path(&format!("{from}.moved"))?)?;
        let missing = path(from)?.rename_to_free(&path("free")?).err().map(|error| error.kind());
        assert_eq!(missing, Some(io::ErrorKind::NotFound), "{from}");
    }
    assert_eq!(fs::read(dir.path().join("other"))?, b"other");
    assert!(dir.path().join("one.moved").is_file() && dir.path().join("folder.moved/in").is_dir());
    Ok(())
}

#[test]
fn entries_have_their_kinds_and_attributes_are_set() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let (storage, base) = storage(dir.path())?;
    storage.create_folder(&base.join(b"folder")?.join(b"inner")?)?;
    storage.create_folder(&base.join(b"folder")?)?;
    storage.create_link(&base.join(b"link")?, b"\xff/../nowhere")?;
    write(&storage, &base.join(b"\xe9\n")?, 0, b"four")?;
    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    storage.set_attributes(&base.join(b"\xe9\n")?, Attributes { modified: Some(modified), mode: Some(0o440) })?;
    let mut entries = storage.list(&base)?;
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    let found: Vec<_> = entries.iter().map(|entry| (entry.name.as_slice(), entry.metadata.kind)).collect();
    assert_eq!(found, [(&b"folder"[..], EntryKind::Folder), (b"link", EntryKind::Link), (b"\xe9\n", EntryKind::File)]);
    let file = entries[2].metadata;
    assert_eq!((file.size, file.modified, file.mode), (4, Some(modified), Some(0o440)));
    assert_eq!(storage.read_link(&base.join(b"link")?)?, b"\xff/../nowhere");
    assert!(storage.free_space(&base).is_some_and(|free| free > 0));
    storage.remove(&base.join(b"folder")?)?;
    assert_eq!(
        storage.symlink_metadata(&base.join(b"folder")?).err().map(|e| e.kind()),
        Some(StorageErrorKind::NotFound)
    );
    Ok(())
}

#[test]
fn a_file_with_a_second_name_is_replaced_and_not_written_through() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let (storage, base) = storage(dir.path())?;
    fs::write(dir.path().join("precious"), "kept")?;
    fs::hard_link(dir.path().join("precious"), dir.path().join("hard"))?;
    std::os::unix::fs::symlink("precious", dir.path().join("soft"))?;
    for name in [&b"hard"[..], b"soft"] {
        write(&storage, &base.join(name)?, 0, b"new")?;
    }
    assert_eq!(fs::read_to_string(dir.path().join("precious"))?, "kept");
    assert_eq!(fs::read_to_string(dir.path().join("soft"))?, "new");
    Ok(())
}

#[test]
fn a_folder_is_published_with_all_its_content() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let (storage, base) = storage(dir.path())?;
    storage.create_folder(&base.join(b"part")?.join(b"in")?)?;
    write(&storage, &base.join(b"part")?.join(b"in")?.join(b"a")?, 0, b"text")?;
    storage.create_link(&base.join(b"part")?.join(b"link")?, b"in")?;
    storage.rename(&base.join(b"part")?, &base.join(b"whole")?, false)?;
    assert_eq!(fs::read_to_string(dir.path().join("whole/in/a"))?, "text");
    assert!(!dir.path().join("part").exists());
    Ok(())
}
