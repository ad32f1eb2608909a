//! Against vsftpd and pure-ftpd.

use std::io::{Read as _, Write as _};
use std::time::{Duration, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};

use super::server_process::{Certificates, FtpServer, Kind};
use super::{Client, kind_of, path, read};
use crate::config::resolved_endpoint::{FtpMode, FtpSettings, FtpTls};
use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::ftp::FtpStorage;
use crate::storage::transfer_storage::{Attributes, EntryKind, TransferStorage as _};

/// The storages under test, with the servers of all kinds.
fn with_each_server(test: impl Fn(&FtpServer, &FtpStorage)) -> anyhow::Result<()> {
    let certificates = Certificates::create()?;
    let client = Client::new()?;
    for kind in Kind::ALL {
        let server = FtpServer::start(kind, &certificates)?;
        for mode in [FtpMode::Passive, FtpMode::Active] {
            println!("{kind:?}, {mode:?}");
            let settings = FtpSettings { mode, ..server.settings() };
            test(&server, &client.open(&settings)?);
            server.clear()?;
        }
    }
    Ok(())
}

/// Bytes without a pattern that a shift would hide.
fn content(length: usize) -> Vec<u8> {
    let mut content = Vec::with_capacity(length + 32);
    let mut block = Sha256::digest(b"content");
    while content.len() < length {
        content.extend_from_slice(block.as_slice());
        block = Sha256::digest(block);
    }
    content.truncate(length);
    content
}

fn write(storage: &FtpStorage, name: &str, offset: u64, content: &[u8]) -> Result<(), StorageError> {
    let mut file = storage.open_write(&path(name), offset)?;
    file.write_all(content).map_err(|error| StorageError::from_io("write", name, &error))?;
    file.finish(true)
}

#[test]
#[ignore = "needs vsftpd and pure-ftpd, and root"]
fn files_are_pushed_and_pulled_with_equal_checksums() -> anyhow::Result<()> {
    with_each_server(|server, storage| {
        storage.create_folder(&path("in")).expect("a folder");
        storage.create_folder(&path("in")).expect("a folder that is there");
        for (name, length) in [
            ("in/a.csv", 3 * 1024 * 1024 + 1),
            ("in/empty", 0),
            ("in/two  spaces", 1),
            ("in/-la", 2),
            ("in/\u{e9}*[x]", 3),
            ("in/.hidden", 4),
        ] {
            let content = content(length);
            write(storage, name, 0, &content).expect(name);
            assert_eq!(Sha256::digest(server.read(name)), Sha256::digest(&content), "{name} on the server");
            assert_eq!(Sha256::digest(read(storage, name, 0).expect(name)), Sha256::digest(&content), "{name}");
            let metadata = storage.metadata(&path(name)).expect(name);
            assert_eq!((metadata.kind, metadata.size), (EntryKind::File, length as u64), "{name}");
            assert!(metadata.modified.is_some(), "{name}");
        }
        let mut names: Vec<Vec<u8>> =
            storage.list(&path("in")).expect("a listing").into_iter().map(|entry| entry.name).collect();
        names.sort();
        let expected =
            ["-la", ".hidden", "a.csv", "empty", "two  spaces", "\u{e9}*[x]"].map(|name| name.as_bytes().to_vec());
        assert_eq!(names, expected);
        assert_eq!(storage.metadata(&path("in")).map(|metadata| metadata.kind), Ok(EntryKind::Folder));
        assert_eq!(kind_of(storage.metadata(&path("in/none"))), Some(StorageErrorKind::NotFound));
        assert_eq!(kind_of(storage.open_read(&path("in/none"), 0)), Some(StorageErrorKind::NotFound));
        assert_eq!(kind_of(storage.open_read(&path("in"), 0)), Some(StorageErrorKind::IsAFolder));
        assert_eq!(kind_of(storage.list(&path("none"))), Some(StorageErrorKind::NotFound));
    })
}

#[test]
#[ignore = "needs vsftpd and pure-ftpd, and root"]
fn a_transfer_resumes_at_an_offset_in_both_directions() -> anyhow::Result<()> {
    with_each_server(|server, storage| {
        assert!(storage.capabilities().resumes);
        let content = content(700_000);
        write(storage, "part", 0, &content[..300_000]).expect("the begin");
        write(storage, "part", 300_000, &content[300_000..]).expect("the rest");
        assert_eq!(server.read("part"), content);
        assert_eq!(read(storage, "part", 650_000).expect("the end"), content[650_000..]);
        assert_eq!(read(storage, "part", 700_000).expect("nothing"), b"");
        // What stands behind the offset is overwritten.
        write(storage, "part", 100_000, &content[100_000..]).expect("the rest again");
        assert_eq!(server.read("part"), content);
        assert!(write(storage, "part", 800_000, b"x").is_err());
    })
}

#[test]
#[ignore = "needs vsftpd and pure-ftpd, and root"]
fn a_folder_of_a_thousand_files_is_listed_and_removed() -> anyhow::Result<()> {
    with_each_server(|server, storage| {
        storage.create_folder(&path("many")).expect("a folder");
        storage.create_folder(&path("many/inner")).expect("a folder");
        for number in 0..1000 {
            server.write(&format!("many/{number:04}.csv"), &vec![b'x'; number]);
        }
        let entries = storage.list(&path("many")).expect("a listing");
        let files: Vec<_> = entries.iter().filter(|entry| entry.metadata.kind == EntryKind::File).collect();
        assert_eq!((entries.len(), files.len()), (1001, 1000));
        assert_eq!(files.iter().map(|entry| entry.metadata.size).sum::<u64>(), (0..1000).sum::<u64>());
        storage.remove(&path("many")).expect("removed");
        assert_eq!(kind_of(storage.metadata(&path("many"))), Some(StorageErrorKind::NotFound));
        assert_eq!(kind_of(storage.remove(&path("many"))), Some(StorageErrorKind::NotFound));
    })
}

#[test]
#[ignore = "needs vsftpd and pure-ftpd, and root"]
fn a_file_is_published_over_another_or_not() -> anyhow::Result<()> {
    with_each_server(|server, storage| {
        server.write("new", b"new");
        server.write("old", b"old");
        let refused = storage.rename(&path("new"), &path("old"), false);
        assert_eq!(kind_of(refused), Some(StorageErrorKind::AlreadyExists));
        assert_eq!(server.read("old"), b"old");
        storage.rename(&path("new"), &path("old"), true).expect("published");
        assert_eq!(server.read("old"), b"new");
        for replace in [true, false] {
            let missing = kind_of(storage.rename(&path("new"), &path("old"), replace));
            assert_eq!(missing, Some(StorageErrorKind::NotFound), "replace {replace}");
        }
        assert_eq!(server.read("old"), b"new");
        if storage.capabilities().times {
            let modified = UNIX_EPOCH + Duration::from_secs(1_709_209_859);
            let attributes = Attributes { modified: Some(modified), mode: None };
            storage.set_attributes(&path("old"), attributes).expect("a time");
            assert_eq!(storage.metadata(&path("old")).map(|metadata| metadata.modified), Ok(Some(modified)));
        }
        server.link("old", "link");
        let kinds = [storage.symlink_metadata(&path("link")), storage.metadata(&path("link"))];
        let kinds = kinds.map(|metadata| metadata.map(|metadata| metadata.kind));
        assert_eq!(kinds, [Ok(EntryKind::Link), Ok(EntryKind::File)]);
    })
}

/// Listings and other operations change the current folder of a connection.
#[test]
#[ignore = "needs vsftpd and pure-ftpd, and root"]
fn the_next_transfer_over_a_connection_begins_at_the_login_folder_too() -> anyhow::Result<()> {
    let certificates = Certificates::create()?;
    let client = Client::new()?;
    for kind in Kind::ALL {
        let server = FtpServer::start(kind, &certificates)?;
        let first = client.open(&server.settings())?;
        first.create_folder(&path("in"))?;
        write(&first, "in/a", 0, b"text")?;
        assert_eq!(first.list(&path("in"))?.len(), 1, "{kind:?}");
        drop(first);
        assert_eq!(read(&client.open(&server.settings())?, "in/a", 0)?, b"text", "{kind:?}");
    }
    Ok(())
}

#[test]
#[ignore = "needs vsftpd and pure-ftpd, and root"]
fn a_server_is_not_trusted_and_a_user_not_let_in_without_reason() -> anyhow::Result<()> {
    let (certificates, others) = (Certificates::create()?, Certificates::create()?);
    let client = Client::new()?;
    for kind in Kind::ALL {
        let server = FtpServer::start(kind, &certificates)?;
        let mut settings = server.settings();
        settings.credentials.password = Some("wrong".into());
        let refused = kind_of(client.open(&settings));
        assert_eq!(refused, Some(StorageErrorKind::Authentication), "{kind:?}");
        if settings.tls != FtpTls::None {
            let settings = FtpSettings { ca_file: Some(others.ca_file()), ..server.settings() };
            let refused = kind_of(client.open(&settings));
            assert_eq!(refused, Some(StorageErrorKind::Certificate), "{kind:?}");
        }
        let settings = server.settings();
        drop(server);
        assert_eq!(kind_of(client.open(&settings)), Some(StorageErrorKind::Refused), "{kind:?}");
    }
    Ok(())
}

#[test]
#[ignore = "needs vsftpd and pure-ftpd, and root"]
fn a_server_that_is_killed_in_the_middle_of_a_file_breaks_the_transfer() -> anyhow::Result<()> {
    let certificates = Certificates::create()?;
    let client = Client::new()?;
    for kind in Kind::ALL {
        let server = FtpServer::start(kind, &certificates)?;
        server.write("big", &content(64 * 1024 * 1024));
        let storage = client.open(&server.settings())?;
        let mut file = storage.open_read(&path("big"), 0)?;
        file.read_exact(&mut [0; 1000])?;
        let mut upload = storage.open_write(&path("up"), 0)?;
        upload.write_all(&content(1024 * 1024))?;
        drop(server);
        let broken = file.read_to_end(&mut Vec::new()).map_err(|error| StorageError::from_io("read", "big", &error));
        assert!(broken.is_err_and(|error| error.kind().is_temporary()), "{kind:?}");
        let broken = upload.write_all(&content(64 * 1024 * 1024));
        assert!(broken.is_err() || upload.finish(true).is_err(), "{kind:?}");
    }
    Ok(())
}
