//! Finds the settings of a connection for the address in a path or URL: by the name of an endpoint, or by the host.

use std::path::{Path, PathBuf};

use mftplus_protocol::wire::Protocol;
use secrecy::SecretString;
use url::Url;

use crate::config::credentials_and_endpoints::{
    CredentialsSection, EndpointSection, FTP_PORT, Fingerprint, IMPLICIT_PORT, SFTP_PORT, Timeout, Tls,
};
use crate::config::file::ConfigFile;
use crate::config::proxy::EndpointProxy;
use crate::config::resolved_endpoint::{
    Credentials, Endpoint, EndpointSettings, FtpSettings, FtpTls, HostKeyRule, SftpSettings, Timeouts,
};
use crate::config::secret::SecretSource;
use crate::config::section_names;
use crate::config::{ConfigError, file_permissions};

/// The name of a file of known host keys.
const KNOWN_HOSTS: &str = "known_hosts";

/// The server that a path or URL names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Address {
    /// The protocol in the URL; `None` if only the name of an endpoint is given.
    pub(crate) protocol: Option<Protocol>,
    /// A host, without the brackets of IPv6, or the name of an endpoint.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) user: Option<String>,
    /// The root folder of the connection: `/`, or empty for the login folder.
    pub(crate) root: String,
}

/// The server that an [`Address`] refers to.
struct Target<'a> {
    protocol: Protocol,
    host: String,
    port: u16,
    /// The endpoint, with its name.
    section: Option<(&'a str, &'a EndpointSection)>,
    /// The user in the URL.
    user: Option<String>,
}

impl ConfigFile {
    /// The protocol of an address: that of its endpoint, or the one in the URL. Fails if the two differ or neither
    /// exists.
    pub(crate) fn protocol_of(&self, address: &Address) -> Result<Protocol, ConfigError> {
        let name = address.host.to_ascii_lowercase();
        let own = self.endpoint_named(&name).and_then(|(_, section)| section.protocol);
        match (own, address.protocol) {
            (Some(own), Some(given)) if own != given => {
                Err(ConfigError(format!("the endpoint `{name}` is on {own}: write {own}://{name}/path")))
            }
            (Some(protocol), _) | (None, Some(protocol @ (Protocol::Sftp | Protocol::Ftp | Protocol::Ftps))) => {
                Ok(protocol)
            }
            (None, None | Some(Protocol::Local)) => Err(ConfigError(format!(
                "there is no endpoint `{name}`: add the table [endpoints.{name}], or write a URL such as sftp://{name}/path"
            ))),
        }
    }

    /// Returns the settings of the connection to `address`, with its secrets loaded. `credentials` names a set to use
    /// instead of the endpoint's own. Blocks, because secrets may come from files and commands.
    pub(crate) fn resolve(
        &self,
        address: &Address,
        credentials: Option<&str>,
        state_dir: &Path,
    ) -> Result<Endpoint, ConfigError> {
        let target = self.target(address, credentials)?;
        let found = self.credentials_for(&target, credentials)?;
        let credentials = load(found, &target)?;
        Ok(self.endpoint(target, credentials, address.root.clone(), state_dir))
    }

    /// Returns the settings of a connection that does not sign in, so that no credentials need be configured.
    pub(crate) fn resolve_without_user(&self, address: &Address, state_dir: &Path) -> Result<Endpoint, ConfigError> {
        let target = self.target(address, None)?;
        let no_credentials =
            Credentials { user: String::new(), password: None, key_file: None, passphrase: None, use_agent: false };
        Ok(self.endpoint(target, no_credentials, address.root.clone(), state_dir))
    }

    fn endpoint(&self, target: Target<'_>, credentials: Credentials, root: String, state_dir: &Path) -> Endpoint {
        let absent = EndpointSection::default();
        let section = target.section.map_or(&absent, |(_, section)| section);
        let timeouts = timeouts(section);
        let Target { protocol, host, port, .. } = target;
        let settings = if protocol == Protocol::Sftp {
            EndpointSettings::Sftp(SftpSettings {
                host,
                port,
                credentials,
                host_key: host_key_rule(section, state_dir),
                legacy_algorithms: section.legacy_algorithms.unwrap_or_default(),
                timeouts,
                proxy: self.socks_proxy_of(section),
                root,
            })
        } else {
            EndpointSettings::Ftp(FtpSettings {
                host,
                port,
                credentials,
                tls: ftp_tls(protocol, section.tls, port),
                ca_file: section.ca_file.clone(),
                mode: section.mode.unwrap_or_default(),
                timeouts,
                root,
            })
        };
        Endpoint { upload: section.upload, settings }
    }

    fn target(&self, address: &Address, credentials: Option<&str>) -> Result<Target<'_>, ConfigError> {
        let protocol = self.protocol_of(address)?;
        let (host, user) = (address.host.to_ascii_lowercase(), address.user.clone());
        if let Some((name, section)) = self.endpoint_named(&host) {
            let port = section.port();
            if address.port.is_some_and(|given| given != port) {
                return Err(ConfigError(format!(
                    "the endpoint `{name}` has port {port}: write {protocol}://{name}/path"
                )));
            }
            let host = section.host.clone().unwrap_or_default();
            return Ok(Target { protocol, host, port, section: Some((name, section)), user });
        }
        let port = address.port.unwrap_or(if protocol == Protocol::Sftp { SFTP_PORT } else { FTP_PORT });
        let section = self.endpoint_on(&host, protocol, port, credentials, user.as_deref())?;
        Ok(Target { protocol, host, port, section, user })
    }

    /// The endpoint with this host, protocol and port, if there is one. Of several, the one with these credentials and
    /// this user.
    fn endpoint_on(
        &self,
        host: &str,
        protocol: Protocol,
        port: u16,
        credentials: Option<&str>,
        user: Option<&str>,
    ) -> Result<Option<(&str, &EndpointSection)>, ConfigError> {
        let mut found: Vec<(&str, &EndpointSection)> = self
            .endpoints
            .iter()
            .filter(|(_, section)| section.is_on(host) && section.protocol == Some(protocol) && section.port() == port)
            .map(|(name, section)| (name.as_str(), section))
            .collect();
        if found.len() > 1 {
            found.retain(|(_, section)| {
                let own = section.credentials.as_deref();
                credentials.is_none_or(|name| own.is_some_and(|own| section_names::is_same(own, name)))
                    && user.is_none_or(|user| self.user_of(own) == Some(user))
            });
        }
        match found[..] {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            [(first, _), (second, _), ..] => Err(ConfigError(format!(
                "the endpoints `{first}` and `{second}` are both on {host}:{port}: write the name of one instead of the host"
            ))),
        }
    }

    /// The endpoint with this name, in upper or lower case, and its name as written in the file; `None` if there is
    /// none.
    pub(crate) fn endpoint_named(&self, name: &str) -> Option<(&str, &EndpointSection)> {
        section_names::find(&self.endpoints, name)
    }

    fn credentials_named(&self, name: &str) -> Option<(&str, &CredentialsSection)> {
        section_names::find(&self.credentials, name)
    }

    fn user_of(&self, credentials: Option<&str>) -> Option<&str> {
        self.credentials_named(credentials?)?.1.user.as_deref()
    }

    /// The credentials with the name `named`, else those of the endpoint, else the only set whose `hosts` include the
    /// target's host.
    fn credentials_for(
        &self,
        target: &Target<'_>,
        named: Option<&str>,
    ) -> Result<Option<(&str, &CredentialsSection)>, ConfigError> {
        let own = target.section.and_then(|(_, section)| section.credentials.as_deref());
        let host = &target.host;
        if let Some(name) = named.or(own) {
            let Some((name, section)) = self.credentials_named(name) else {
                return Err(ConfigError(format!(
                    "there are no credentials `{name}`: add the table [credentials.{name}]"
                )));
            };
            // The control plane may send both the name and the host, so a password is sent only to hosts that the
            // configuration allows for it.
            let names_it = |other: &EndpointSection| {
                other.credentials.as_deref().is_some_and(|other| section_names::is_same(other, name))
            };
            let is_of_an_endpoint = || self.endpoints.values().any(|other| other.is_on(host) && names_it(other));
            if !section.is_for(host) && !is_of_an_endpoint() {
                return Err(ConfigError(format!(
                    "the credentials `{name}` are not for {host}: add it to `hosts` in [credentials.{name}]"
                )));
            }
            if let (Some(given), Some(user)) = (&target.user, &section.user)
                && given != user
            {
                return Err(ConfigError(format!("the credentials `{name}` are those of `{user}`, not of `{given}`")));
            }
            return Ok(Some((name, section)));
        }
        let is_meant = |section: &CredentialsSection| {
            section.is_for(host) && (target.user.is_none() || target.user == section.user)
        };
        let mut found = self.credentials.iter().filter(|(_, section)| is_meant(section));
        match (found.next(), found.next()) {
            (Some((first, _)), Some((second, _))) => Err(ConfigError(format!(
                "the credentials `{first}` and `{second}` are both for {host}: name one of them"
            ))),
            (first, _) => Ok(first.map(|(name, section)| (name.as_str(), section))),
        }
    }

    fn socks_proxy_of(&self, section: &EndpointSection) -> Option<Url> {
        match &section.proxy {
            Some(EndpointProxy::Direct) => None,
            Some(EndpointProxy::Socks(proxy)) => Some(proxy.expose().clone()),
            None => self.socks_proxy.as_ref().map(|proxy| proxy.expose().clone()),
        }
    }
}

/// Loads the secrets. Without credentials, the user of the URL signs in with the keys of the SSH agent, or without a password.
fn load(found: Option<(&str, &CredentialsSection)>, target: &Target<'_>) -> Result<Credentials, ConfigError> {
    let Some((name, section)) = found else {
        let host = &target.host;
        let user = target.user.clone().ok_or_else(|| {
            ConfigError(format!("there are no credentials for {host}: add `hosts = [\"{host}\"]` to a table [credentials.NAME], or write {}://user@{host}/path", target.protocol))
        })?;
        return Ok(Credentials { user, password: None, key_file: None, passphrase: None, use_agent: true });
    };
    let in_table = |error: ConfigError| ConfigError(format!("[credentials.{name}]: {error}"));
    let secret = |sources: Vec<SecretSource>| -> Result<Option<SecretString>, ConfigError> {
        sources.first().map(SecretSource::load).transpose().map_err(in_table)
    };
    let password = secret(section.password())?;
    if let Some(path) = &section.key_file {
        file_permissions::check_secret(path).map_err(in_table)?;
    }
    Ok(Credentials {
        user: section.user.clone().unwrap_or_default(),
        use_agent: section.ssh_agent.unwrap_or(password.is_none() && section.key_file.is_none()),
        password,
        key_file: section.key_file.clone(),
        passphrase: secret(section.passphrase())?,
    })
}

fn host_key_rule(section: &EndpointSection, state_dir: &Path) -> HostKeyRule {
    match (&section.host_key, &section.known_hosts) {
        (Some(Fingerprint(fingerprint)), _) => HostKeyRule::Fingerprint(fingerprint.clone()),
        (None, Some(path)) => HostKeyRule::KnownHosts(vec![path.clone()]),
        (None, None) => HostKeyRule::KnownHosts(known_hosts(state_dir)),
    }
}

/// The files of known host keys if none is configured. The agent's own file is the last one; `trust` adds new keys to
/// it.
fn known_hosts(state_dir: &Path) -> Vec<PathBuf> {
    let machine = cfg!(unix).then(|| PathBuf::from("/etc/ssh/ssh_known_hosts"));
    let user = std::env::home_dir().map(|home| home.join(".ssh").join(KNOWN_HOSTS));
    machine.into_iter().chain(user).chain([state_dir.join(KNOWN_HOSTS)]).collect()
}

fn ftp_tls(protocol: Protocol, tls: Option<Tls>, port: u16) -> FtpTls {
    match (protocol, tls) {
        (Protocol::Ftps, Some(Tls::Implicit)) => FtpTls::Implicit,
        (Protocol::Ftps, None) if port == IMPLICIT_PORT => FtpTls::Implicit,
        (Protocol::Ftps, _) => FtpTls::Explicit,
        _ => FtpTls::None,
    }
}

fn timeouts(section: &EndpointSection) -> Timeouts {
    let usual = Timeouts::default();
    let or = |timeout: Option<Timeout>, usual| timeout.map_or(usual, |Timeout(duration)| duration);
    Timeouts {
        connect: or(section.connect_timeout, usual.connect),
        idle: or(section.idle_timeout, usual.idle),
        keep_alive: or(section.keep_alive, usual.keep_alive),
    }
}

#[cfg(test)]
mod tests;
