//! Host keys of OpenSSH against pinned fingerprints and files `known_hosts`, among them some that its own tools wrote.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::server_process::{SshServer, keygen, make_key};
use super::{Fixture, kind_of};
use crate::config::resolved_endpoint::{HostKeyRule, SftpSettings};
use crate::storage::error::StorageErrorKind as Kind;
use crate::storage::sftp;
use crate::storage::sftp::known_hosts;
use crate::storage::sftp::transport::Target;

#[test]
#[ignore = "needs OpenSSH"]
fn an_unknown_host_key_is_refused_until_its_line_is_added() -> anyhow::Result<()> {
    let fixture = Fixture::start()?;
    let file = fixture.server.path("known_hosts");
    let host_key = HostKeyRule::KnownHosts(vec![file.clone()]);
    let settings = SftpSettings { host_key, ..fixture.server.settings() };
    let (kind, sentence) = fixture.refusal(&settings)?;
    assert_eq!(kind, Kind::HostKey, "{sentence}");
    let shown = sftp::host_key(&Target::of(&settings), fixture.runtime.handle())?;
    assert_eq!(shown.fingerprint, fixture.server.fingerprint);
    assert!(sentence.contains(&shown.fingerprint) && sentence.ends_with(&shown.line), "{sentence}");
    known_hosts::append(&file, &shown.line)?;
    fixture.open(&settings)?;
    Ok(())
}

#[test]
#[ignore = "needs OpenSSH"]
fn a_pinned_fingerprint_of_another_key_is_refused() -> anyhow::Result<()> {
    let fixture = Fixture::start()?;
    let host_key = HostKeyRule::Fingerprint(format!("SHA256:{}", "A".repeat(43)));
    let settings = SftpSettings { host_key, ..fixture.server.settings() };
    assert_eq!(kind_of(fixture.open(&settings)), Some(Kind::HostKey));
    Ok(())
}

#[test]
#[ignore = "needs OpenSSH"]
fn a_changed_host_key_is_refused_with_its_fingerprint_and_the_line_to_write() -> anyhow::Result<()> {
    let fixture = Fixture::start()?;
    make_key(&fixture.server.path("other"), "")?;
    let name = fixture.name();
    let lines = format!("# partners\n{name} {}\n", fixture.public_key("other.pub")?);
    let (kind, sentence) = fixture.refusal(&fixture.knowing("changed", &lines)?)?;
    assert_eq!(kind, Kind::HostKey);
    assert!(sentence.contains(&fixture.server.fingerprint), "{sentence}");
    let place = format!("{}:2 has another key for {name}", fixture.server.path("changed").display());
    assert!(sentence.contains(&place), "{sentence}");
    let line = format!("{name} {}", fixture.public_key("host_key.pub")?);
    assert!(sentence.ends_with(&line), "{sentence}");
    fixture.open(&fixture.knowing("replaced", &line)?)?;
    Ok(())
}

#[test]
#[ignore = "needs OpenSSH"]
fn hashed_names_with_a_port_are_those_of_ssh_keygen() -> anyhow::Result<()> {
    let fixture = Fixture::start()?;
    let key = fixture.public_key("host_key.pub")?;
    let hashed = |file: &str, name: &str| -> anyhow::Result<String> {
        let path = fixture.server.path(file);
        fs::write(&path, format!("{name} {key}\n"))?;
        keygen(Command::new("ssh-keygen").args(["-q", "-H", "-f"]).arg(&path))?;
        let lines = fs::read_to_string(&path)?;
        anyhow::ensure!(lines.starts_with("|1|") && !lines.contains("127.0.0.1"), "{lines}");
        Ok(lines)
    };
    let lines = hashed("plain", &fixture.name())?;
    fixture.open(&fixture.knowing("hashed", &lines)?)?;
    let lines = hashed("plain_elsewhere", "[127.0.0.1]:1")?;
    let (kind, sentence) = fixture.refusal(&fixture.knowing("hashed_elsewhere", &lines)?)?;
    assert_eq!(kind, Kind::HostKey);
    assert!(sentence.contains("which is not known for"), "{sentence}");
    Ok(())
}

#[test]
#[ignore = "needs OpenSSH"]
fn a_revoked_host_key_is_refused_though_it_is_known() -> anyhow::Result<()> {
    let fixture = Fixture::start()?;
    let (name, key) = (fixture.name(), fixture.public_key("host_key.pub")?);
    let known = format!("{name} {key}\n");
    fixture.open(&fixture.knowing("known", &known)?)?;
    let (kind, sentence) = fixture.refusal(&fixture.knowing("revoked", &format!("{known}@revoked * {key}\n"))?)?;
    assert_eq!(kind, Kind::HostKey);
    let place = format!("{}:2 revokes", fixture.server.path("revoked").display());
    assert!(sentence.contains(&place) && sentence.contains(&fixture.server.fingerprint), "{sentence}");
    Ok(())
}

/// Signs a certificate of the server's host key for `host`.
fn certify(folder: &Path, host: &str) -> anyhow::Result<()> {
    let mut command = Command::new("ssh-keygen");
    command.arg("-s").arg(folder.join("authority")).args(["-q", "-I", "host", "-h", "-n", host]);
    keygen(command.arg(folder.join("host_key.pub")))
}

#[test]
#[ignore = "needs OpenSSH"]
fn a_certificate_of_a_known_authority_stands_for_the_host_key() -> anyhow::Result<()> {
    let server = SshServer::start_with(|folder| {
        make_key(&folder.join("authority"), "")?;
        certify(folder, "127.0.0.1")?;
        Ok(format!("HostCertificate {}", folder.join("host_key-cert.pub").display()))
    })?;
    let mut fixture = Fixture::on(server)?;
    let authority = format!("@cert-authority 127.0.0.1 {}\n", fixture.public_key("authority.pub")?);
    fixture.open(&fixture.knowing("trusted", &authority)?)?;

    let other = format!("@cert-authority 127.0.0.1 {}\n", fixture.public_key("user_key.pub")?);
    let revoked = format!("{authority}@revoked * {}\n", fixture.public_key("authority.pub")?);
    let elsewhere = authority.replace("127.0.0.1", "sftp.partner.example");
    for (file, lines, part) in [
        ("other", other, "its certificate does not count"),
        ("revoked", revoked, "is revoked in"),
        ("elsewhere", elsewhere, "which is not known for"),
    ] {
        let (kind, sentence) = fixture.refusal(&fixture.knowing(file, &lines)?)?;
        assert!(kind == Kind::HostKey && sentence.contains(part), "{file}: {sentence}");
    }

    certify(&fixture.server.path(""), "sftp.partner.example")?;
    fixture.server.kill();
    fixture.server.restart()?;
    let (kind, sentence) = fixture.refusal(&fixture.knowing("of_another_host", &authority)?)?;
    assert!(kind == Kind::HostKey && sentence.contains("it is not for 127.0.0.1"), "{sentence}");
    Ok(())
}
