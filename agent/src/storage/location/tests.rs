//! Tests of how locations are read.

use std::path::PathBuf;

use mftplus_protocol::wire::Protocol;

use super::{Location, RemoteLocation};

fn remote(text: &str) -> anyhow::Result<RemoteLocation> {
    match Location::parse(text)? {
        Location::Remote(remote) => Ok(remote),
        Location::Local(path) => anyhow::bail!("{text} is the local path {}", path.display()),
    }
}

#[test]
fn a_url_is_taken_apart() -> anyhow::Result<()> {
    let found = remote("SFTP://orders@[::1]:2222/out/a%20b%FF.csv")?;
    assert_eq!((found.protocol, found.host.as_str(), found.port), (Some(Protocol::Sftp), "::1", Some(2222)));
    assert_eq!((found.user.as_deref(), found.path.as_bytes()), (Some("orders"), &b"out/a b\xff.csv"[..]));
    assert!(!found.is_below_login && !found.is_folder && !found.is_pattern);
    let found = remote("ftps://partner/~/in/")?;
    assert_eq!((found.protocol, found.path.as_bytes()), (Some(Protocol::Ftps), &b"in"[..]));
    assert!(found.is_below_login && found.is_folder);
    let folders = remote("ftp://h/in/*/")?;
    assert!(folders.is_pattern && folders.is_folder);
    assert!(remote("ftp://h/in/*.csv")?.is_pattern && !remote("ftp://h/in/%2A.csv")?.is_pattern);
    assert_eq!(remote("sftp://h")?.path.as_bytes(), b"");
    Ok(())
}

#[test]
fn an_endpoint_stands_before_a_path() -> anyhow::Result<()> {
    let found = remote("partner-1:/out/100%.csv")?;
    assert_eq!((found.protocol, found.host.as_str(), found.path.as_bytes()), (None, "partner-1", &b"out/100%.csv"[..]));
    assert!(remote("partner:/out/?.csv")?.is_pattern);
    let named = Location::on_endpoint(Some(Protocol::Ftp), "partner", "/out/")?;
    assert!(matches!(&named, Location::Remote(remote) if remote.host == "partner" && remote.is_folder));
    let own = Location::on_endpoint(None, "partner", "sftp://other/a")?;
    assert!(matches!(&own, Location::Remote(remote) if remote.host == "other") && own.is_remote());
    Ok(())
}

#[test]
fn local_paths_stay_local() -> anyhow::Result<()> {
    for (text, path) in [("/data/a:b", "/data/a:b"), ("file:///data/a%20b", "/data/a b"), ("/data/in/", "/data/in/")] {
        assert_eq!(Location::parse(text)?, Location::Local(PathBuf::from(path)), "{text}");
    }
    Ok(())
}

#[test]
fn what_cannot_be_reached_is_refused_in_a_sentence_without_a_password() {
    for text in [
        "s3://b/a",
        "local:///a",
        "sftp:///a",
        "sftp://h:x/a",
        "sftp://h/../a",
        "sftp://h/%2e%2e/a",
        "ftp://h/a?b",
        "a/b",
    ] {
        assert!(Location::parse(text).is_err(), "{text}");
    }
    let error = Location::parse("sftp://me:secret@h/a").map_err(|error| error.to_string());
    assert!(error.is_err_and(|error| error.contains("`credentials`") && !error.contains("secret")));
    for text in ["sftp://me:a?secret@h/a", "ftp://me:a/secret@h/a", "s3://me:secret@h/a", "sftp://me:a#@secret@h/.."] {
        let error = Location::parse(text).map_err(|error| error.to_string());
        assert!(error.is_err_and(|error| error.contains("…@h/") && !error.contains("secret")), "{text}");
    }
}
