//! FTP storages: against a scripted server, and against vsftpd and pure-ftpd.

mod real_servers;
mod scripted_server;
pub(super) mod server_process;

use std::io::{self, Read as _};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use self::scripted_server::{End, Files, Script, ScriptedServer};
use crate::config::resolved_endpoint::FtpSettings;
use crate::storage::error::{StorageError, StorageErrorKind};
use crate::storage::ftp::pool::Pools;
use crate::storage::ftp::{self, FtpStorage};
use crate::storage::storage_path::StoragePath;
use crate::storage::transfer_storage::TransferStorage as _;

/// What a transfer needs to reach a server.
struct Client {
    // Dropped first, with the connections that run on it.
    pools: Pools,
    runtime: Runtime,
}

impl Client {
    fn new() -> io::Result<Self> {
        Ok(Self { pools: Pools::default(), runtime: Runtime::new()? })
    }

    fn open(&self, settings: &FtpSettings) -> Result<FtpStorage, StorageError> {
        ftp::open(settings, &self.pools, self.runtime.handle().clone(), CancellationToken::new())
    }
}

fn path(path: &str) -> StoragePath {
    StoragePath::new(path.as_bytes()).expect("a path")
}

fn read(storage: &FtpStorage, name: &str, offset: u64) -> anyhow::Result<Vec<u8>> {
    let mut content = Vec::new();
    storage.open_read(&path(name), offset)?.read_to_end(&mut content)?;
    Ok(content)
}

fn files(files: &[(&str, &str)]) -> Files {
    files.iter().map(|(path, content)| ((*path).to_owned(), (*content).to_owned())).collect()
}

fn kind_of<T>(result: Result<T, StorageError>) -> Option<StorageErrorKind> {
    result.err().map(|error| error.kind())
}

#[test]
fn a_file_is_complete_only_with_the_final_reply() -> anyhow::Result<()> {
    let client = Client::new()?;
    for (end, expected) in [
        (End::Reply("226 done"), None),
        (End::Reply("426 aborted"), Some(StorageErrorKind::Disconnected)),
        (End::Reply("451 No space left on device"), Some(StorageErrorKind::NoSpace)),
        (End::Disconnect, Some(StorageErrorKind::Disconnected)),
        (End::Silence, Some(StorageErrorKind::TimedOut)),
    ] {
        let server = ScriptedServer::start(Script { end, ..Script::default() })?;
        let storage = client.open(&server.settings())?;
        let mut content = Vec::new();
        let result = storage.open_read(&path("a"), 0)?.read_to_end(&mut content);
        let result = result.map_err(|error| StorageError::from_io("read", "a", &error));
        assert_eq!(kind_of(result), expected, "{end:?}");
        assert_eq!(content, scripted_server::CONTENT, "{end:?}");
    }
    Ok(())
}

#[test]
fn one_login_serves_all_files_and_the_next_transfer() -> anyhow::Result<()> {
    let client = Client::new()?;
    let server = ScriptedServer::start(Script::default())?;
    for _ in 0..2 {
        let storage = client.open(&server.settings())?;
        for _ in 0..10 {
            assert_eq!(read(&storage, "a", 0)?, scripted_server::CONTENT);
        }
    }
    assert_eq!(server.logins(), 1);
    // Another user does not get this connection.
    let mut settings = server.settings();
    settings.credentials.user = "other".to_owned();
    client.open(&settings)?;
    assert_eq!(server.logins(), 2);
    Ok(())
}

#[test]
fn a_connection_that_failed_in_the_middle_is_not_used_again() -> anyhow::Result<()> {
    let client = Client::new()?;
    let server = ScriptedServer::start(Script { end: End::Reply("451 failed"), ..Script::default() })?;
    let storage = client.open(&server.settings())?;
    for logins in 1..4 {
        assert!(read(&storage, "a", 0).is_err());
        assert_eq!(server.logins(), logins);
    }
    Ok(())
}

#[test]
fn data_connections_ignore_the_address_that_a_server_offers() -> anyhow::Result<()> {
    let client = Client::new()?;
    for has_epsv in [true, false] {
        let server = ScriptedServer::start(Script { has_epsv, ..Script::default() })?;
        let storage = client.open(&server.settings())?;
        assert_eq!(read(&storage, "a", 0)?, scripted_server::CONTENT, "EPSV {has_epsv}");
    }
    Ok(())
}

#[test]
fn a_server_that_does_not_rename_over_a_file_never_loses_the_old_one() -> anyhow::Result<()> {
    let client = Client::new()?;
    let before = files(&[("/part", "new"), ("/there", "old")]);
    for (refused_rename, after) in [
        (None, files(&[("/there", "new")])),
        // The old file cannot be moved aside.
        (Some(2), before.clone()),
        // The new one cannot take its place.
        (Some(3), before.clone()),
    ] {
        let idle = Duration::from_mins(1);
        let server = ScriptedServer::start(Script { refused_rename, idle, ..Script::default() })?;
        server.set_files(before.clone());
        let renamed = client.open(&server.settings())?.rename(&path("part"), &path("there"), true);
        assert_eq!(renamed.is_ok(), refused_rename.is_none(), "{refused_rename:?}: {renamed:?}");
        assert_eq!(server.files(), after, "{refused_rename:?}");
    }
    Ok(())
}

#[test]
fn a_stop_does_not_come_between_the_renames_that_replace_a_file() -> anyhow::Result<()> {
    let client = Client::new()?;
    let server = ScriptedServer::start(Script { idle: Duration::from_mins(1), ..Script::default() })?;
    server.set_files(files(&[("/part", "new"), ("/there", "old")]));
    let stop = CancellationToken::new();
    server.stop_at_rename(2, stop.clone());
    let storage = ftp::open(&server.settings(), &client.pools, client.runtime.handle().clone(), stop.clone())?;
    storage.rename(&path("part"), &path("there"), true)?;
    assert!(stop.is_cancelled());
    assert_eq!(server.files(), files(&[("/there", "new")]));
    Ok(())
}

/// More than the network holds while the server reads nothing.
const LARGE: usize = 32 << 20;

#[test]
fn a_file_is_written_until_the_server_refuses_it_or_falls_silent() -> anyhow::Result<()> {
    let client = Client::new()?;
    let content = "x".repeat(LARGE);
    for (end, expected) in [
        (End::Reply("226 done"), None),
        (End::Reply("452 No space left on device"), Some(StorageErrorKind::NoSpace)),
        (End::Disconnect, Some(StorageErrorKind::Disconnected)),
        (End::Silence, Some(StorageErrorKind::TimedOut)),
    ] {
        let server = ScriptedServer::start(Script { end, ..Script::default() })?;
        let storage = client.open(&server.settings())?;
        let mut file = storage.open_write(&path("a"), 0)?;
        let written = file.write_all(content.as_bytes());
        let written = written.map_err(|error| StorageError::from_io("write", "a", &error));
        assert_eq!(kind_of(written), expected, "{end:?}");
        // After an error the file cannot be continued.
        assert_eq!(file.finish(true).is_ok(), expected.is_none(), "{end:?}");
        assert_eq!(server.files().get("/a") == Some(&content), expected.is_none(), "{end:?}");
    }
    Ok(())
}

#[test]
fn stopping_a_transfer_ends_a_write_that_waits() -> anyhow::Result<()> {
    let client = Client::new()?;
    let server =
        ScriptedServer::start(Script { end: End::Silence, idle: Duration::from_mins(1), ..Script::default() })?;
    let stop = CancellationToken::new();
    server.stop_in_silence(stop.clone());
    let storage = ftp::open(&server.settings(), &client.pools, client.runtime.handle().clone(), stop)?;
    let mut file = storage.open_write(&path("a"), 0)?;
    let result = file.write_all(&vec![0; LARGE]).map_err(|error| StorageError::from_io("write", "a", &error));
    assert_eq!(kind_of(result), Some(StorageErrorKind::Stopped));
    Ok(())
}

#[test]
fn stopping_a_transfer_ends_a_read_that_waits() -> anyhow::Result<()> {
    let client = Client::new()?;
    let server =
        ScriptedServer::start(Script { end: End::Silence, idle: Duration::from_mins(1), ..Script::default() })?;
    let stop = CancellationToken::new();
    let storage = ftp::open(&server.settings(), &client.pools, client.runtime.handle().clone(), stop.clone())?;
    let mut file = storage.open_read(&path("a"), 0)?;
    file.read_exact(&mut [0; scripted_server::CONTENT.len()])?;
    stop.cancel();
    let result = file.read_to_end(&mut Vec::new()).map_err(|error| StorageError::from_io("read", "a", &error));
    assert_eq!(kind_of(result), Some(StorageErrorKind::Stopped));
    Ok(())
}

#[test]
fn names_that_ftp_cannot_carry_are_refused_before_anything_is_sent() -> anyhow::Result<()> {
    let client = Client::new()?;
    let server = ScriptedServer::start(Script::default())?;
    let storage = client.open(&server.settings())?;
    let before = server.commands();
    for name in [&b"a\r\nDELE b"[..], b"a\nb", b"caf\xe9"] {
        let path = StoragePath::new(name)?;
        let other = StoragePath::new(b"other")?;
        for refused in [
            kind_of(storage.open_write(&path, 0)),
            kind_of(storage.open_read(&path, 0)),
            kind_of(storage.list(&path)),
            kind_of(storage.remove(&path)),
            kind_of(storage.rename(&other, &path, true)),
            kind_of(storage.create_folder(&path)),
        ] {
            assert_eq!(refused, Some(StorageErrorKind::InvalidName), "{name:?}");
        }
    }
    assert_eq!(server.commands(), before);
    Ok(())
}

/// suppaftp logs commands, passwords among them, at the level TRACE.
#[test]
fn the_trace_of_commands_is_not_compiled_in() {
    assert!(log::STATIC_MAX_LEVEL < log::LevelFilter::Trace);
}
