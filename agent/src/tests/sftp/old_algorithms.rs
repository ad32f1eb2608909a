//! Servers that offer nothing but old algorithms, as those of partners who do not update them.

use std::process::Command;

use super::server_process::{SshServer, keygen};
use super::{Fixture, pull, push};
use crate::config::resolved_endpoint::SftpSettings;
use crate::storage::error::StorageErrorKind as Kind;
use crate::tests::test_bytes;

/// Lines of the server's configuration, and what the agent says of them.
const OLD: [(&str, &str); 4] = [
    ("KexAlgorithms diffie-hellman-group14-sha1", "old key exchanges (diffie-hellman-group14-sha1)"),
    ("HostKeyAlgorithms ssh-rsa", "old host keys (ssh-rsa)"),
    ("Ciphers aes128-cbc", "old ciphers (aes128-cbc)"),
    ("Ciphers aes128-ctr\nMACs hmac-sha1", "old message authentication codes (hmac-sha1)"),
];

/// All of them.
const OLD_IN_EVERY_WAY: &str =
    "KexAlgorithms diffie-hellman-group14-sha1\nHostKeyAlgorithms ssh-rsa\nCiphers aes128-cbc\nMACs hmac-sha1";

/// A server with these lines, and settings that know both of its host keys.
fn start(lines: &str) -> anyhow::Result<(Fixture, SftpSettings)> {
    let server = SshServer::start_with(|folder| {
        let file = folder.join("rsa_key");
        keygen(Command::new("ssh-keygen").args(["-q", "-t", "rsa", "-N", "", "-f"]).arg(&file))?;
        Ok(format!("HostKey {}\n{lines}", file.display()))
    })?;
    let fixture = Fixture::on(server)?;
    let name = fixture.name();
    let keys = [fixture.public_key("host_key.pub")?, fixture.public_key("rsa_key.pub")?];
    let settings = fixture.knowing("known", &keys.map(|key| format!("{name} {key}\n")).concat())?;
    Ok((fixture, settings))
}

/// Checks that files are copied once the setting allows it.
fn assert_copies(fixture: &Fixture, settings: SftpSettings) -> anyhow::Result<()> {
    let storage = fixture.open(&SftpSettings { legacy_algorithms: true, ..settings })?;
    let bytes = test_bytes(3_000_000);
    push(&storage, "copy", 0, &bytes)?;
    assert!(pull(&storage, "copy", 0)? == bytes, "the bytes are others");
    Ok(())
}

#[test]
#[ignore = "needs OpenSSH"]
fn old_algorithms_are_named_with_the_setting_that_allows_them_and_then_work() -> anyhow::Result<()> {
    for (lines, part) in OLD {
        let (fixture, settings) = start(lines)?;
        let (kind, sentence) = fixture.refusal(&settings)?;
        assert_eq!(kind, Kind::Unsupported, "{sentence}");
        assert!(sentence.contains(part) && sentence.contains("`legacy-algorithms = true`"), "{sentence}");
        assert_copies(&fixture, settings)?;
    }
    Ok(())
}

#[test]
#[ignore = "needs OpenSSH"]
fn a_server_that_is_old_in_every_way_is_reached_with_the_setting() -> anyhow::Result<()> {
    let (fixture, settings) = start(OLD_IN_EVERY_WAY)?;
    assert_eq!(fixture.refusal(&settings)?.0, Kind::Unsupported);
    assert_copies(&fixture, settings)
}
