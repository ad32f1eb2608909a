//! Checks of the tables of credentials and endpoints that serde cannot express.

use std::collections::BTreeMap;

use mftplus_protocol::wire::Protocol;

use crate::config::ConfigError;
use crate::config::credentials_and_endpoints::{CredentialsSection, EndpointSection};
use crate::config::section_names;
use crate::config::source_text::SourceText;

pub(in crate::config) type CredentialsTable = BTreeMap<String, CredentialsSection>;
pub(in crate::config) type EndpointsTable = BTreeMap<String, EndpointSection>;

/// Checks the name and content of each table, and that each endpoint's credentials exist. The error has the position in
/// `source`.
pub(in crate::config) fn check(
    source: &SourceText<'_>,
    credentials: &CredentialsTable,
    endpoints: &EndpointsTable,
) -> Result<(), ConfigError> {
    for (name, section) in credentials {
        let problem = |(key, message): (&str, &str)| source.problem(&["credentials", name.as_str(), key], message);
        check_name(credentials, name).and_then(|()| check_credentials(section)).map_err(problem)?;
    }
    for (name, section) in endpoints {
        let problem = |(key, message): (&str, &str)| source.problem(&["endpoints", name.as_str(), key], message);
        check_name(endpoints, name).and_then(|()| check_endpoint(section)).map_err(problem)?;
        if let Some(missing) =
            section.credentials.as_deref().filter(|name| section_names::find(credentials, name).is_none())
        {
            return Err(problem(("credentials", &format!("there is no table [credentials.{missing}]"))));
        }
    }
    Ok(())
}

/// The key that is wrong, and what to do; the empty key is the table itself.
type Wrong = (&'static str, &'static str);

fn check_name<T>(tables: &BTreeMap<String, T>, name: &str) -> Result<(), Wrong> {
    section_names::check(tables, name).map_err(|message| ("", message))
}

fn check_credentials(section: &CredentialsSection) -> Result<(), Wrong> {
    if section.user.as_deref().is_none_or(str::is_empty) {
        return Err(("user", "credentials need a `user`"));
    }
    if section.password().len() > 1 {
        return Err(("password", "give one of `password`, `password-file`, `password-command` and `password-env`"));
    }
    if section.passphrase().len() > 1 {
        return Err((
            "passphrase",
            "give one of `passphrase`, `passphrase-file`, `passphrase-command` and `passphrase-env`",
        ));
    }
    if !section.passphrase().is_empty() && section.key_file.is_none() {
        return Err(("key-file", "a passphrase needs a `key-file`"));
    }
    Ok(())
}

fn check_endpoint(section: &EndpointSection) -> Result<(), Wrong> {
    let Some(protocol) = section.protocol else {
        return Err(("protocol", "an endpoint needs a `protocol`: sftp, ftp or ftps"));
    };
    if section.host.as_deref().is_none_or(str::is_empty) {
        return Err(("host", "an endpoint needs a `host`"));
    }
    if section.host.as_deref().is_some_and(|host| host.contains(['/', '@', ' '])) {
        return Err(("host", "must be a name or an address alone"));
    }
    if section.port == Some(0) {
        return Err(("port", "must be a number from 1 to 65535"));
    }
    if section.host_key.is_some() && section.known_hosts.is_some() {
        return Err(("known-hosts", "give `host-key` or `known-hosts`, not both"));
    }
    let sftp_keys = [
        ("host-key", section.host_key.is_some()),
        ("known-hosts", section.known_hosts.is_some()),
        ("legacy-algorithms", section.legacy_algorithms.is_some()),
        ("proxy", section.proxy.is_some()),
    ];
    let tls_keys = [("tls", section.tls.is_some()), ("ca-file", section.ca_file.is_some())];
    let mode_keys = [("mode", section.mode.is_some())];
    let misplaced = |keys: &[(&'static str, bool)], reason: &'static str| {
        keys.iter().find(|(_, is_set)| *is_set).map_or(Ok(()), |(key, _)| Err((*key, reason)))
    };
    match protocol {
        Protocol::Local => Err(("protocol", "must be sftp, ftp or ftps")),
        Protocol::Sftp => {
            misplaced(&tls_keys, "this key is for protocol ftps")?;
            misplaced(&mode_keys, "this key is for the protocols ftp and ftps")
        }
        Protocol::Ftp => {
            misplaced(&sftp_keys, "this key is for protocol sftp")?;
            misplaced(&tls_keys, "this key is for protocol ftps: write protocol = \"ftps\"")
        }
        Protocol::Ftps => misplaced(&sftp_keys, "this key is for protocol sftp"),
    }
}
