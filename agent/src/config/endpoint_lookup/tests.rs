//! Tests of the way from an address to the settings of its connection.

use std::path::{Path, PathBuf};
use std::time::Duration;

use mftplus_protocol::wire::Protocol;
use secrecy::ExposeSecret;

use super::Address;
use crate::config::file::ConfigFile;
use crate::config::resolved_endpoint::{
    Endpoint, EndpointSettings, FtpMode, FtpSettings, FtpTls, HostKeyRule, SftpSettings, Upload,
};

const FILE: &str = r#"
    socks-proxy = "socks5://proxy.example:1080"

    [credentials.partner]
    user = "orders"
    password = "hidden"
    hosts = ["backup.partner.example"]

    [credentials.other]
    user = "other"
    password = "hidden too"
    hosts = ["*.partner.example"]

    [credentials.bank]
    user = "bank"
    key-file = "missing-key"

    [endpoints.partner]
    protocol = "sftp"
    host = "sftp.partner.example"
    port = 2222
    credentials = "partner"
    host-key = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    legacy-algorithms = true
    connect-timeout = "5s"
    upload = "direct"

    [endpoints.inside]
    protocol = "sftp"
    host = "10.0.0.1"
    proxy = "none"
    known-hosts = "hosts"

    [endpoints.mirror]
    protocol = "ftps"
    host = "ftp.partner.example"
    tls = "implicit"
    ca-file = "ca.pem"
    mode = "active"
    credentials = "OTHER"

    [endpoints.twin-1]
    protocol = "ftp"
    host = "twin.example"
    credentials = "partner"

    [endpoints.twin-2]
    protocol = "ftp"
    host = "twin.example"
    credentials = "other"
"#;

/// The address `[protocol://][user@]host[:port]`.
fn address(text: &str) -> Address {
    let (protocol, rest) =
        text.split_once("://").map_or((None, text), |(word, rest)| (Protocol::from_name(word), rest));
    let (user, rest) = rest.split_once('@').map_or((None, rest), |(user, rest)| (Some(user.to_owned()), rest));
    let (host, port) = rest.split_once(':').map_or((rest, None), |(host, port)| (host, port.parse().ok()));
    Address { protocol, host: host.to_owned(), port, user, root: "/".to_owned() }
}

fn resolve(text: &str, credentials: Option<&str>) -> anyhow::Result<Endpoint> {
    let file = ConfigFile::parse("agent.toml", Path::new("/etc/mftplus"), FILE)?;
    let address = address(text);
    let endpoint = file.resolve(&address, credentials, Path::new("/state"))?;
    let is_sftp = matches!(endpoint.settings, EndpointSettings::Sftp(_));
    assert_eq!(file.protocol_of(&address).is_ok_and(|protocol| protocol == Protocol::Sftp), is_sftp, "{text}");
    Ok(endpoint)
}

fn sftp(url: &str) -> anyhow::Result<SftpSettings> {
    match resolve(url, None)?.settings {
        EndpointSettings::Sftp(settings) => Ok(settings),
        EndpointSettings::Ftp(settings) => anyhow::bail!("{settings:?}"),
    }
}

fn ftp(url: &str, credentials: Option<&str>) -> anyhow::Result<FtpSettings> {
    match resolve(url, credentials)?.settings {
        EndpointSettings::Ftp(settings) => Ok(settings),
        EndpointSettings::Sftp(settings) => anyhow::bail!("{settings:?}"),
    }
}

fn problem(url: &str, credentials: Option<&str>) -> String {
    resolve(url, credentials).map_or_else(|error| error.to_string(), |found| format!("found {found:?}"))
}

#[test]
fn an_endpoint_is_found_by_its_name_and_by_its_host() -> anyhow::Result<()> {
    for url in ["partner", "sftp://PARTNER", "sftp://partner:2222", "sftp://SFTP.partner.example:2222"] {
        assert_eq!(resolve(url, None)?.upload, Upload::Direct, "{url}");
        let settings = sftp(url)?;
        assert_eq!((settings.host.as_str(), settings.port), ("sftp.partner.example", 2222));
        assert_eq!(settings.credentials.user, "orders");
        assert_eq!(settings.credentials.password.as_ref().map(ExposeSecret::expose_secret), Some("hidden"));
        assert!(!settings.credentials.use_agent && settings.legacy_algorithms);
        assert_eq!(settings.host_key, HostKeyRule::Fingerprint(format!("SHA256:{}", "A".repeat(43))));
        assert_eq!(
            (settings.timeouts.connect, settings.timeouts.idle),
            (Duration::from_secs(5), Duration::from_mins(1))
        );
        assert_eq!(settings.proxy.as_ref().map(url::Url::as_str), Some("socks5://proxy.example:1080"));
        assert_eq!(settings.root, "/");
    }
    let settings = ftp("ftps://mirror", None)?;
    assert_eq!((settings.port, settings.tls, settings.mode), (990, FtpTls::Implicit, FtpMode::Active));
    assert_eq!(settings.ca_file, Some(PathBuf::from("/etc/mftplus/ca.pem")));
    assert_eq!(settings.credentials.user, "other");
    Ok(())
}

#[test]
fn a_host_without_an_endpoint_gets_the_credentials_that_are_for_it() -> anyhow::Result<()> {
    let settings = sftp("sftp://files.partner.example")?;
    assert_eq!((settings.credentials.user.as_str(), settings.port), ("other", 22));
    assert!(
        matches!(&settings.host_key, HostKeyRule::KnownHosts(files) if files.last().is_some_and(|file| file == Path::new("/state/known_hosts")))
    );
    let both = problem("sftp://backup.partner.example", None);
    assert_eq!(both, "the credentials `other` and `partner` are both for backup.partner.example: name one of them");
    assert_eq!(sftp("sftp://orders@backup.partner.example")?.credentials.user, "orders");
    assert_eq!(ftp("ftp://backup.partner.example", Some("partner"))?.credentials.user, "orders");
    assert_eq!(ftp("ftps://backup.partner.example:990", Some("partner"))?.tls, FtpTls::Implicit);
    assert_eq!(ftp("ftps://backup.partner.example", Some("partner"))?.tls, FtpTls::Explicit);
    assert_eq!(ftp("ftp://backup.partner.example", Some("partner"))?.tls, FtpTls::None);
    Ok(())
}

#[test]
fn without_credentials_the_user_of_the_url_signs_in_with_the_keys_of_the_ssh_agent() -> anyhow::Result<()> {
    let settings = sftp("sftp://me@unknown.example:2200")?;
    assert_eq!((settings.host.as_str(), settings.port), ("unknown.example", 2200));
    assert_eq!((settings.credentials.user.as_str(), settings.credentials.use_agent), ("me", true));
    assert!(problem("sftp://unknown.example", None).starts_with("there are no credentials for unknown.example: "));
    // An endpoint has its own way, also without credentials.
    let settings = sftp("me@inside")?;
    assert_eq!(settings.proxy, None);
    assert_eq!(settings.host_key, HostKeyRule::KnownHosts(vec!["/etc/mftplus/hosts".into()]));
    Ok(())
}

#[test]
fn a_password_goes_only_to_hosts_that_the_configuration_allows() {
    let refused = problem("ftp://attacker.example", Some("partner"));
    assert!(refused.starts_with("the credentials `partner` are not for attacker.example: "), "{refused}");
    assert!(problem("ftp://attacker.example", Some("missing")).starts_with("there are no credentials `missing`: "));
    assert!(problem("sftp://inside", Some("partner")).starts_with("the credentials `partner` are not for 10.0.0.1: "));
    let other = problem("sftp://me@partner", None);
    assert_eq!(other, "the credentials `partner` are those of `orders`, not of `me`");
}

#[test]
fn of_several_endpoints_on_one_address_one_must_be_named() -> anyhow::Result<()> {
    assert!(problem("ftp://twin.example", None).contains("`twin-1` and `twin-2` are both on twin.example:21"));
    for (url, credentials) in
        [("ftp://twin-2", None), ("ftp://other@twin.example", None), ("ftp://twin.example", Some("Other"))]
    {
        assert_eq!(ftp(url, credentials)?.credentials.user, "other", "{url}");
    }
    Ok(())
}

#[test]
fn the_host_key_of_a_server_can_be_asked_for_without_credentials() -> anyhow::Result<()> {
    let file = ConfigFile::parse("agent.toml", Path::new("/"), FILE)?;
    for (text, port) in [("partner", 2222), ("sftp://unknown.example", 22)] {
        match file.resolve_without_user(&address(text), Path::new("/state"))?.settings {
            EndpointSettings::Sftp(settings) => {
                assert_eq!((settings.port, settings.credentials.user.as_str()), (port, ""), "{text}");
            }
            EndpointSettings::Ftp(settings) => anyhow::bail!("{settings:?}"),
        }
    }
    Ok(())
}

#[test]
fn an_address_must_fit_its_endpoint() {
    for (text, part) in [
        ("ftp://partner", "the endpoint `partner` is on sftp: write sftp://partner/path"),
        ("sftp://partner:22", "the endpoint `partner` has port 2222: write sftp://partner/path"),
        ("missing", "there is no endpoint `missing`: add the table [endpoints.missing], or write a URL"),
        ("local://a", "there is no endpoint `a`"),
    ] {
        let problem = problem(text, None);
        assert!(problem.contains(part), "{text}: {problem}");
    }
}

#[test]
fn a_secret_that_cannot_be_loaded_names_its_table() {
    let file = "[credentials.a]\nuser = 'u'\npassword-file = '/no/such/file'\nhosts = ['h']";
    let file = ConfigFile::parse("agent.toml", Path::new("/"), file);
    let refused = file.and_then(|file| file.resolve(&address("sftp://h"), None, Path::new("/state")));
    let refused = refused.err().map_or_else(String::new, |error| error.to_string());
    assert!(refused.starts_with("[credentials.a]: cannot read /no/such/file: "), "{refused}");
}
