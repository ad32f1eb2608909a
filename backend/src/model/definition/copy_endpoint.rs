//! Endpoints: the sources and destinations of copies, as a URL, a path or a mapping.

use std::collections::BTreeMap;

use mftplus_protocol::{characters::is_forbidden_in_names, location::local_file};
use serde::{Deserialize, Serialize};

use super::{
    filled_text_checks::{fill_message, first_hidden, without_secrets},
    grammar::{ENDPOINT_TEXT, MAX_LOCATION},
    nearest::nearest,
    template::Template,
    yaml::shown,
};
use crate::model::transfer::Protocol;

/// An endpoint as it is written in a definition, with placeholders for parameters.
#[derive(Clone, Debug, PartialEq)]
pub enum EndpointTemplate {
    /// A URL or a path.
    Text(Template),
    /// A mapping.
    Parts(EndpointParts),
}

/// The values of the mapping of an endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointParts {
    pub(super) protocol: Protocol,
    pub(super) host: Option<Template>,
    pub(super) port: Option<u16>,
    pub(super) path: Template,
    pub(super) pattern: Option<Template>,
    pub(super) credentials: Option<String>,
}

/// An endpoint with its parameters filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// The endpoint as one URL or path, without secrets.
    pub location: String,
    /// The protocol of the endpoint.
    pub protocol: Protocol,
    /// The host name of the server; `None` for an endpoint on the agent's machine.
    pub host: Option<String>,
    /// The port of the server; `None` for the default port of the protocol.
    pub port: Option<u16>,
    /// The user name, if the URL has one.
    pub user: Option<String>,
    /// The path on the server or on the agent's machine.
    pub path: String,
    /// The file name pattern that selects files of the folder; `None` for all files.
    pub pattern: Option<String>,
    /// The name of a set of credentials in the agent's configuration.
    pub credentials: Option<String>,
}

/// The protocols that have URLs.
const SCHEMES: [(&str, Protocol); 3] = [("sftp", Protocol::Sftp), ("ftp", Protocol::Ftp), ("ftps", Protocol::Ftps)];

impl EndpointTemplate {
    /// The names of the parameters in the placeholders of the endpoint.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &str> {
        let templates = match self {
            Self::Text(text) => [Some(text), None, None],
            Self::Parts(EndpointParts { host, path, pattern, .. }) => [host.as_ref(), Some(path), pattern.as_ref()],
        };
        templates.into_iter().flatten().flat_map(Template::parameters)
    }

    /// Fills in the parameters, and parses the result.
    ///
    /// # Errors
    ///
    /// A message that says what is wrong with the text after its parameters were filled in.
    pub fn fill(&self, parameters: &BTreeMap<String, String>) -> Result<Endpoint, String> {
        let fill = |template: &Template| {
            let filled =
                template.fill(parameters, MAX_LOCATION).map_err(|error| fill_message(error, &ENDPOINT_TEXT))?;
            if filled.trim().is_empty() {
                return Err(format!("must be 1 to {MAX_LOCATION} characters long with its parameters filled in"));
            }
            first_hidden(&filled, false).map_or(Ok(filled), Err)
        };
        let endpoint = match self {
            Self::Text(template) => {
                let text = fill(template)?;
                without_secrets(&text)?;
                parse(&text)?
            }
            Self::Parts(parts) => {
                let host = parts.host.as_ref().map(fill).transpose()?;
                if let Some(host) = &host {
                    check_host(host)?;
                }
                let pattern = parts.pattern.as_ref().map(fill).transpose()?;
                let path = fill(&parts.path)?;
                without_secrets(&path)?;
                if path.contains("://") {
                    return Err("has a URL as its path: write the path alone".to_owned());
                }
                let EndpointParts { protocol, port, credentials, .. } = parts.clone();
                let mut endpoint =
                    Endpoint { location: String::new(), protocol, host, port, user: None, path, pattern, credentials };
                endpoint.location = endpoint.to_text();
                endpoint
            }
        };
        Ok(endpoint)
    }
}

impl Endpoint {
    /// Whether the endpoint is on the agent's machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.protocol == Protocol::Local
    }

    /// Removes the pattern, for use as a destination, which has none.
    #[must_use]
    pub fn without_pattern(mut self) -> Self {
        if self.pattern.take().is_some() {
            self.location = self.to_text();
        }
        self
    }

    /// Replaces the host, the port and the user by the name of an endpoint in the agent's configuration, which
    /// specifies them. An endpoint on the agent's machine is not changed.
    #[must_use]
    pub fn on_endpoint(mut self, name: &str) -> Self {
        if !self.is_local() {
            (self.host, self.port, self.user) = (Some(name.to_owned()), None, None);
            self.location = self.to_text();
        }
        self
    }

    /// The parts as one URL or path.
    fn to_text(&self) -> String {
        let mut path = self.path.clone();
        if let Some(pattern) = &self.pattern {
            if !path.ends_with(['/', '\\']) {
                path.push('/');
            }
            path.push_str(pattern);
        }
        let Some(host) = &self.host else { return path };
        let port = self.port.map_or_else(String::new, |port| format!(":{port}"));
        let slash = if path.starts_with('/') { "" } else { "/" };
        format!("{}://{host}{port}{slash}{path}", self.protocol)
    }
}

/// Reads a URL or a path.
fn parse(text: &str) -> Result<Endpoint, String> {
    let endpoint = |protocol, host, port, user, path: &str| Endpoint {
        location: text.to_owned(),
        protocol,
        host,
        port,
        user,
        path: path.to_owned(),
        pattern: None,
        credentials: None,
    };
    if let Some(path) = local_file(text) {
        return Ok(endpoint(Protocol::Local, None, None, None, &path?));
    }
    let is_scheme =
        |scheme: &str| scheme.len() > 1 && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let Some((scheme, rest)) = text.split_once("://").filter(|(scheme, _)| is_scheme(scheme)) else {
        return Ok(endpoint(Protocol::Local, None, None, None, text));
    };
    let scheme = scheme.to_ascii_lowercase();
    let Some((_, protocol)) = SCHEMES.iter().find(|(name, _)| *name == scheme) else { return Err(no_scheme(&scheme)) };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (user, server) = match authority.rsplit_once('@') {
        Some((user, server)) => (Some(user.to_owned()), server),
        None => (None, authority),
    };
    // The port comes after the last colon, unless that is within the brackets of an IPv6 address.
    let (host, port) = match server.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
        Some((host, port)) => {
            let number = port.parse::<u16>().ok().filter(|port| *port > 0);
            let number =
                number.ok_or_else(|| format!("has the port `{}`: write a number from 1 to 65535", shown(port)))?;
            (host, Some(number))
        }
        None => (server, None),
    };
    check_host(host)?;
    if path.is_empty() {
        return Err(format!("has no path: write one, such as {scheme}://{host}/exports/"));
    }
    Ok(endpoint(*protocol, Some(host.to_owned()), port, user, path))
}

fn check_host(host: &str) -> Result<(), String> {
    let name = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let is_one = |c: char| {
        (c.is_alphanumeric() && !is_forbidden_in_names(c))
            || matches!(c, '-' | '.' | '_')
            || (c == ':' && name.len() < host.len())
    };
    if !name.is_empty() && name.chars().all(is_one) {
        return Ok(());
    }
    if name.is_empty() {
        return Err("has no host: write one after the `//`, such as ftp.example.com".to_owned());
    }
    Err(format!("has the host `{}`: write a name such as ftp.example.com, or an address", shown(host)))
}

fn no_scheme(scheme: &str) -> String {
    let names: Vec<&str> = SCHEMES.iter().map(|(name, _)| *name).collect();
    match (scheme, nearest(scheme, &names)) {
        ("local", _) => "is a URL of the agent's own machine: write the path alone".to_owned(),
        ("http" | "https" | "s3", _) | (_, None | Some((_, false))) => {
            format!(
                "begins with {}://, which agents do not support: write {}:// or a path",
                shown(scheme),
                names.join("://, ")
            )
        }
        (_, Some((meant, true))) => format!("begins with {}://: did you mean {meant}://?", shown(scheme)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("/data/in/", "local", None, None, "/data/in/")]
    #[case(r"C:\data\in", "local", None, None, r"C:\data\in")]
    #[case("C://data", "local", None, None, "C://data")]
    #[case("file:///data/a%20b.csv", "local", None, None, "/data/a b.csv")]
    #[case("sftp://ftp.example.com/a/*.csv", "sftp", Some("ftp.example.com"), None, "/a/*.csv")]
    #[case("FTP://joe@h:2121/a", "ftp", Some("h"), Some(2121), "/a")]
    #[case("ftps://[2001:db8::1]/a", "ftps", Some("[2001:db8::1]"), None, "/a")]
    #[case("ftps://[2001:db8::1]:990/a", "ftps", Some("[2001:db8::1]"), Some(990), "/a")]
    fn an_endpoint_is_a_path_or_a_url(
        #[case] text: &str,
        #[case] protocol: &str,
        #[case] host: Option<&str>,
        #[case] port: Option<u16>,
        #[case] path: &str,
    ) {
        let endpoint = parse(text).unwrap();
        let found = (endpoint.protocol.to_string(), endpoint.host.as_deref(), endpoint.port, endpoint.path.as_str());
        assert_eq!(found, (protocol.to_owned(), host, port, path));
        assert_eq!(endpoint.location, text);
    }

    #[rstest::rstest]
    #[case("stfp://h/a")]
    #[case("https://h/a")]
    #[case("local:///a")]
    #[case("file://h/a")]
    #[case("file:///a?b")]
    #[case("sftp:///a")]
    #[case("sftp://h")]
    #[case("sftp://h:0/a")]
    #[case("sftp://h:x/a")]
    #[case("sftp://a b/c")]
    #[case("sftp://2001:db8::1/a")]
    fn other_texts_are_refused(#[case] text: &str) {
        assert!(parse(text).is_err(), "{:?}", parse(text));
    }
}
