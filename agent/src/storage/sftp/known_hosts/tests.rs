use std::fs;

use russh::keys::{Certificate, PublicKey};

use super::{KnownHosts, Verdict, append, line_for};

const ONE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAFaVChtiXB+m420fngKew5BFwBIMC5Zrqe5m+cHYNg/";
const TWO: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAQdv+TNdKGMhwd2iKnYz8wgQY6jvYRAG5BbDZ1GNqnF";
const AUTHORITY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPSoVFlX+LaJRVw63kTtGpTfHLEIZV4cy5kW8h1p4p6M";
const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBFL62mC7DHY3MUhcezaiq+X4yWxxholmH6Yq/BmvfvDaazmVJMzdoytCluhmVfmuAo4/Z0eczOikkZ+0i8jbroQ=";
/// Of the key `ONE`, signed by `AUTHORITY`, for `sftp.example.com` and `*.eu.example.com`, without an end.
const CERTIFICATE: &str = "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIKnqSUbTQZg3l4LNZ/wuD017hd8uzsM5fGyjgAowJ/UtAAAAIAFaVChtiXB+m420fngKew5BFwBIMC5Zrqe5m+cHYNg/AAAAAAAAAAAAAAACAAAABGhvc3QAAAAoAAAAEHNmdHAuZXhhbXBsZS5jb20AAAAQKi5ldS5leGFtcGxlLmNvbQAAAAAAAAAA//////////8AAAAAAAAAAAAAAAAAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIPSoVFlX+LaJRVw63kTtGpTfHLEIZV4cy5kW8h1p4p6MAAAAUwAAAAtzc2gtZWQyNTUxOQAAAEAxOvl1dD9Z15bFQaI2eMK5VhCtsKC5aaPEq7fRgLrUb9rTcTnhqcazjktBE4gXKY6NX8tv0yrGIYSgjRNk7DYN";
/// The same for `sftp.example.com`, valid in 2020 only.
const EXPIRED: &str = "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIKkAscKx35/xmPA0UMxscP80E4Cex1xAFMMufYWtXdZdAAAAIAFaVChtiXB+m420fngKew5BFwBIMC5Zrqe5m+cHYNg/AAAAAAAAAAAAAAACAAAABGhvc3QAAAAUAAAAEHNmdHAuZXhhbXBsZS5jb20AAAAAXgvhAAAAAABf7mYAAAAAAAAAAAAAAAAAAAAAMwAAAAtzc2gtZWQyNTUxOQAAACD0qFRZV/i2iUVcOt5E7RqU3xyxCGVeHMuZFvIdaeKejAAAAFMAAAALc3NoLWVkMjU1MTkAAABAkRmHwwQRh2PsXrdwIKGDdFJ7rR/czwWKjWP7lgZqeJEkfQauS53mlEJkabFSfbYINpz4gUbGs6XzrqcJDOh6CA==";
/// Of the key `TWO`, signed by `AUTHORITY`, but of a user.
const OF_A_USER: &str = "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIM/wcMldrVLaw7F8CFyGUGNStUTCLjQir17pmI87U0GOAAAAIAQdv+TNdKGMhwd2iKnYz8wgQY6jvYRAG5BbDZ1GNqnFAAAAAAAAAAAAAAABAAAABHVzZXIAAAAUAAAAEHNmdHAuZXhhbXBsZS5jb20AAAAAAAAAAP//////////AAAAAAAAAIIAAAAVcGVybWl0LVgxMS1mb3J3YXJkaW5nAAAAAAAAABdwZXJtaXQtYWdlbnQtZm9yd2FyZGluZwAAAAAAAAAWcGVybWl0LXBvcnQtZm9yd2FyZGluZwAAAAAAAAAKcGVybWl0LXB0eQAAAAAAAAAOcGVybWl0LXVzZXItcmMAAAAAAAAAAAAAADMAAAALc3NoLWVkMjU1MTkAAAAg9KhUWVf4tolFXDreRO0alN8csQhlXhzLmRbyHWninowAAABTAAAAC3NzaC1lZDI1NTE5AAAAQPOE7KUTQNl4x6tPdc9rAWeME+wf/P9UiddOuynxcFKrBF4gx78w73I0PiT/68UB+ceFN1SdfjUVP7Y299oLDA8=";

fn key(text: &str) -> anyhow::Result<PublicKey> {
    Ok(PublicKey::from_openssh(text)?)
}

fn known(lines: &[String]) -> KnownHosts {
    let mut known = KnownHosts::default();
    known.add("known_hosts", &lines.join("\n"));
    known
}

#[test]
fn a_key_is_known_for_the_host_and_port_of_its_line() -> anyhow::Result<()> {
    let known = known(&[
        "# a comment".to_owned(),
        String::new(),
        format!("sftp.example.com,192.0.2.1 {ONE} the comment of a key"),
        format!("[sftp.example.com]:2222\t{TWO}"),
    ]);
    let changed = |line| Verdict::Changed { place: format!("known_hosts:{line}") };
    for (host, port, shown, verdict) in [
        ("sftp.example.com", 22, ONE, Verdict::Known),
        ("SFTP.Example.COM", 22, ONE, Verdict::Known),
        ("192.0.2.1", 22, ONE, Verdict::Known),
        ("sftp.example.com", 22, TWO, changed(3)),
        ("sftp.example.com", 2222, TWO, Verdict::Known),
        ("sftp.example.com", 2222, ONE, changed(4)),
        // Without a line for the port, that of the host alone serves.
        ("sftp.example.com", 2022, ONE, Verdict::Known),
        ("sftp.example.com", 2022, TWO, Verdict::Unknown),
        ("other.example.com", 22, ONE, Verdict::Unknown),
    ] {
        assert_eq!(known.check(host, port, &key(shown)?), verdict, "{host} {port} {shown}");
    }
    Ok(())
}

#[test]
fn a_host_with_several_keys_is_known_by_each() -> anyhow::Result<()> {
    let known = known(&[format!("h {ECDSA}"), format!("h {ONE}")]);
    assert_eq!(known.check("h", 22, &key(ONE)?), Verdict::Known);
    assert_eq!(known.check("h", 22, &key(ECDSA)?), Verdict::Known);
    assert_eq!(known.check("h", 22, &key(TWO)?), Verdict::Changed { place: "known_hosts:1".to_owned() });
    let kinds: Vec<String> = known.algorithms("h", 22).iter().map(ToString::to_string).collect();
    assert_eq!(kinds, ["ecdsa-sha2-nistp256", "ssh-ed25519"]);
    assert!(known.algorithms("other", 22).is_empty());
    Ok(())
}

#[test]
fn a_revoked_key_is_refused_even_if_another_line_knows_it() -> anyhow::Result<()> {
    let known = known(&[format!("h {ONE}"), format!("@revoked * {ONE}")]);
    assert_eq!(known.check("h", 22, &key(ONE)?), Verdict::Revoked { place: "known_hosts:2".to_owned() });
    Ok(())
}

#[test]
fn lines_that_cannot_be_read_are_left_out() -> anyhow::Result<()> {
    let known = known(&[
        "h".to_owned(),
        "h ssh-ed25519".to_owned(),
        "h ssh-ed25519 AAAA".to_owned(),
        // The kind is not that of the key.
        format!("h {}", ONE.replace("ssh-ed25519 ", "ssh-rsa ")),
        format!("@new-marker h {ONE}"),
        "h 1024 35 1234567890".to_owned(),
        format!("h {TWO}"),
    ]);
    assert_eq!(known.lines.len(), 1);
    assert_eq!(known.check("h", 22, &key(TWO)?), Verdict::Known);
    Ok(())
}

#[test]
fn a_certificate_needs_a_known_authority_the_name_of_the_host_and_a_valid_time() -> anyhow::Result<()> {
    let authority = known(&[format!("@cert-authority *.example.com,!bad.example.com {AUTHORITY}")]);
    let certificate = Certificate::from_openssh(CERTIFICATE)?;
    assert_eq!(authority.check_certificate("sftp.example.com", 2222, &certificate), Ok(()));
    assert_eq!(authority.check_certificate("a.eu.example.com", 22, &certificate), Ok(()));
    assert!(authority.has_authority("sftp.example.com", 22) && !authority.has_authority("bad.example.com", 22));
    let refused = |known: &KnownHosts, host: &str, certificate: &str| -> anyhow::Result<String> {
        let checked = known.check_certificate(host, 22, &Certificate::from_openssh(certificate)?);
        checked.err().ok_or_else(|| anyhow::anyhow!("it was accepted for {host}"))
    };
    assert_eq!(refused(&authority, "www.example.com", CERTIFICATE)?, "it is not for www.example.com");
    assert!(refused(&authority, "bad.example.com", CERTIFICATE)?.contains("no line `@cert-authority`"));
    assert!(refused(&authority, "sftp.example.com", EXPIRED)?.contains("expired"));
    assert!(refused(&authority, "sftp.example.com", OF_A_USER)?.contains("of a user"));
    // A key is no authority because it is a host key.
    let plain = known(&[format!("sftp.example.com {AUTHORITY}")]);
    assert!(refused(&plain, "sftp.example.com", CERTIFICATE)?.contains("no line `@cert-authority`"));
    for revoked in [ONE, AUTHORITY] {
        let lines = [format!("@cert-authority * {AUTHORITY}"), format!("@revoked sftp.example.com {revoked}")];
        assert!(refused(&known(&lines), "sftp.example.com", CERTIFICATE)?.contains("is revoked in known_hosts:2"));
    }
    Ok(())
}

#[test]
fn several_files_are_read_as_one_and_may_be_missing() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let files = [dir.path().join("missing"), dir.path().join("one"), dir.path().join("two")];
    fs::write(&files[1], format!("a {ONE}\n"))?;
    fs::write(&files[2], format!("b {TWO}\n"))?;
    let known = KnownHosts::read(&files)?;
    assert_eq!(known.check("a", 22, &key(ONE)?), Verdict::Known);
    assert_eq!(known.check("b", 22, &key(TWO)?), Verdict::Known);
    // A folder is no file, which must not count as one without lines.
    assert!(KnownHosts::read(&[dir.path().to_owned()]).is_err());
    Ok(())
}

#[test]
fn an_appended_line_is_one_of_its_own_and_makes_the_key_known() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("new/known_hosts");
    append(&file, &line_for("h", 22, &key(&format!("{ONE} comment"))?))?;
    assert_eq!(fs::read_to_string(&file)?, format!("h {ONE}\n"));
    fs::write(&file, format!("a {ONE}"))?;
    append(&file, &line_for("h", 2222, &key(TWO)?))?;
    assert_eq!(fs::read_to_string(&file)?, format!("a {ONE}\n[h]:2222 {TWO}\n"));
    assert_eq!(KnownHosts::read(&[file])?.check("h", 2222, &key(TWO)?), Verdict::Known);
    Ok(())
}
