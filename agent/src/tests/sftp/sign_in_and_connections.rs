//! Who may sign in, and what happens when a connection breaks or its server does not answer.

use std::fs;
use std::io::{Read as _, Write as _};
use std::time::Duration;

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::relay::Relay;
use super::server_process::{SshServer, make_key};
use super::{Fixture, kind_in, kind_of, path, pull, push};
use crate::config::resolved_endpoint::SftpSettings;
use crate::storage::error::{StorageError, StorageErrorKind as Kind};
use crate::storage::sftp;
use crate::storage::transfer_storage::TransferStorage as _;
use crate::tests::test_bytes;

#[test]
#[ignore = "needs OpenSSH"]
fn a_key_or_password_that_the_server_does_not_take_is_refused_at_once() -> anyhow::Result<()> {
    let fixture = Fixture::start()?;
    make_key(&fixture.server.path("stranger"), "")?;
    let mut settings = fixture.server.settings();
    settings.credentials.key_file = Some(fixture.server.path("stranger"));
    settings.credentials.password = Some(SecretString::from("never-shown".to_owned()));
    let error = fixture.open(&settings).err();
    assert_eq!(error.as_ref().map(StorageError::kind), Some(Kind::Authentication));
    let sentence = error.map(|error| error.to_string()).unwrap_or_default();
    assert!(sentence.contains("stranger is refused") && sentence.contains("it accepts publickey"), "{sentence}");
    assert!(!sentence.contains("never-shown"), "{sentence}");
    Ok(())
}

#[test]
#[ignore = "needs OpenSSH"]
fn a_server_that_ends_the_connection_instead_of_refusing_a_key_refuses_it_at_once() -> anyhow::Result<()> {
    let fixture = Fixture::on(SshServer::start_with(|_| Ok("MaxAuthTries 1".to_owned()))?)?;
    make_key(&fixture.server.path("stranger"), "")?;
    let mut settings = fixture.server.settings();
    settings.credentials.key_file = Some(fixture.server.path("stranger"));
    let (kind, sentence) = fixture.refusal(&settings)?;
    // A temporary error would be tried again, ten times.
    assert_eq!(kind, Kind::Authentication, "{sentence}");
    assert!(sentence.contains("Too many authentication failures"), "{sentence}");
    Ok(())
}

#[test]
#[ignore = "needs OpenSSH"]
fn an_encrypted_key_needs_its_passphrase() -> anyhow::Result<()> {
    let fixture = Fixture::start()?;
    make_key(&fixture.server.path("encrypted"), "correct")?;
    fs::copy(fixture.server.path("encrypted.pub"), fixture.server.path("authorized_keys"))?;
    let mut settings = fixture.server.settings();
    settings.credentials.key_file = Some(fixture.server.path("encrypted"));
    for (passphrase, expected) in
        [(None, Some(Kind::Authentication)), (Some("wrong"), Some(Kind::Authentication)), (Some("correct"), None)]
    {
        settings.credentials.passphrase = passphrase.map(|text| SecretString::from(text.to_owned()));
        assert_eq!(kind_of(fixture.open(&settings)), expected, "{passphrase:?}");
    }
    Ok(())
}

#[test]
#[ignore = "needs OpenSSH"]
fn a_second_transfer_uses_the_connection_of_the_first() -> anyhow::Result<()> {
    let fixture = Fixture::start()?;
    // It passes on one connection only.
    let relay = Relay::start(fixture.server.port)?;
    let settings = SftpSettings { port: relay.port, ..fixture.server.settings() };
    push(&fixture.open(&settings)?, "a", 0, b"content")?;
    assert_eq!(pull(&fixture.open(&settings)?, "a", 0)?, b"content");
    relay.cut();
    assert!(fixture.open(&settings).is_err(), "a lost connection was used");
    Ok(())
}

#[test]
#[ignore = "needs OpenSSH"]
fn a_connection_that_is_lost_while_a_file_is_read_or_written_is_an_error_of_its_kind() -> anyhow::Result<()> {
    let fixture = Fixture::start()?;
    fs::write(fixture.server.data("large"), test_bytes(32 * 1024 * 1024))?;
    let relay = Relay::start(fixture.server.port)?;
    let storage = fixture.open(&SftpSettings { port: relay.port, ..fixture.server.settings() })?;
    let mut reader = storage.open_read(&path("large")?, 0)?;
    reader.read_exact(&mut vec![0_u8; 1024 * 1024])?;
    relay.cut();
    let mut rest = Vec::new();
    let error = reader.read_to_end(&mut rest).err();
    assert_eq!(error.as_ref().and_then(kind_in), Some(Kind::Disconnected), "{error:?} after {} bytes", rest.len());
    assert_eq!(kind_of(storage.metadata(&path("large")?)), Some(Kind::Disconnected));

    let relay = Relay::start(fixture.server.port)?;
    let storage = fixture.open(&SftpSettings { port: relay.port, ..fixture.server.settings() })?;
    let mut writer = storage.open_write(&path("part")?, 0)?;
    let chunk = vec![1_u8; 1024 * 1024];
    writer.write_all(&chunk)?;
    relay.cut();
    let written = (0..64).try_for_each(|_| writer.write_all(&chunk));
    let error = written.err();
    assert_eq!(error.as_ref().and_then(kind_in), Some(Kind::Disconnected), "{error:?}");
    assert!(writer.finish(true).is_err(), "a file with a gap is not whole");
    Ok(())
}

#[test]
#[ignore = "needs OpenSSH"]
fn a_transfer_that_is_stopped_waits_for_nothing() -> anyhow::Result<()> {
    let fixture = Fixture::start()?;
    let stop = CancellationToken::new();
    let handle = fixture.runtime.handle().clone();
    let storage = sftp::open(&fixture.server.settings(), &fixture.pool, handle.clone(), stop.clone())?;
    stop.cancel();
    assert_eq!(kind_of(storage.metadata(&path("")?)), Some(Kind::Stopped));
    drop(storage);
    let stopped = sftp::open(&fixture.server.settings(), &fixture.pool, handle, stop);
    assert_eq!(kind_of(stopped), Some(Kind::Stopped));
    // The connection is as good as before.
    fixture.storage()?.list(&path("")?)?;
    Ok(())
}

#[test]
#[ignore = "needs OpenSSH"]
fn a_server_that_does_not_answer_is_given_up_after_the_timeout() -> anyhow::Result<()> {
    let fixture = Fixture::start()?;
    // It accepts connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0")?;
    let mut settings = SftpSettings { port: silent.local_addr()?.port(), ..fixture.server.settings() };
    settings.timeouts.connect = Duration::from_millis(300);
    assert_eq!(kind_of(fixture.open(&settings)), Some(Kind::TimedOut));
    let port = silent.local_addr()?.port();
    drop(silent);
    assert_eq!(kind_of(fixture.open(&SftpSettings { port, ..settings })), Some(Kind::Refused));
    Ok(())
}
