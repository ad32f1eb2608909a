//! Parses the source and the destination of a copy: paths, URLs and names of endpoints. Nothing is opened here.

use std::path::PathBuf;

use mftplus_protocol::copy_rules::is_config_name;
use mftplus_protocol::wire::Protocol;
use percent_encoding::percent_decode_str;

use crate::storage::job_paths::local_path;
use crate::storage::path_text::from_file_url;
use crate::storage::storage_path::StoragePath;
use crate::storage::usage_error::UsageError;

/// Where the source or the destination of a copy is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// An absolute path on this machine, with a separator at its end if it was written with one.
    Local(PathBuf),
    Remote(RemoteLocation),
}

/// A path on a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemoteLocation {
    /// The protocol in the URL; `None` if only the name of an endpoint is given.
    pub(crate) protocol: Option<Protocol>,
    /// A host, or the name of an endpoint of the configuration.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) user: Option<String>,
    /// Whether the path is relative to the login folder (`/~/`) instead of the root of the server.
    pub(crate) is_below_login: bool,
    pub(crate) path: StoragePath,
    /// Whether the path was written with `/` at its end, or is empty.
    pub(crate) is_folder: bool,
    /// Whether the last name contains a wildcard that is not percent-encoded.
    pub(crate) is_pattern: bool,
}

impl Location {
    /// Parses a path, a `file:` URL, a URL of a server such as `sftp://host/path`, or `NAME:/path` with the name of an
    /// endpoint.
    pub(crate) fn parse(text: &str) -> Result<Self, UsageError> {
        if from_file_url(text).is_none() {
            if let Some((scheme, rest)) = text.split_once("://") {
                return match Protocol::from_name(&scheme.to_ascii_lowercase()) {
                    Some(protocol) if protocol != Protocol::Local => of_url(protocol, rest, text).map(Self::Remote),
                    _ => Err(UsageError(format!(
                        "`{}` has the scheme {scheme}, which this agent does not support; write a path, or a URL with sftp, ftp, ftps or file",
                        without_password(text)
                    ))),
                };
            }
            if let Some((name, path)) = text.split_once(':')
                && is_endpoint_name(name)
                && path.starts_with('/')
            {
                let is_pattern = last_part(path).contains(['*', '?']);
                return of_path(None, name, path.as_bytes(), is_pattern, text).map(Self::Remote);
            }
        }
        local_path(text).map(Self::Local)
    }

    /// The location of the path `text` on the endpoint `name`, for a job that names its endpoint separately. Any `text`
    /// that is a URL or does not begin with `/` is parsed as in [`Self::parse`].
    pub(crate) fn on_endpoint(protocol: Option<Protocol>, name: &str, text: &str) -> Result<Self, UsageError> {
        if text.contains("://") || !text.starts_with('/') {
            return Self::parse(text);
        }
        let is_pattern = last_part(text).contains(['*', '?']);
        of_path(protocol, name, text.as_bytes(), is_pattern, text).map(Self::Remote)
    }

    pub(crate) fn is_remote(&self) -> bool {
        matches!(self, Self::Remote(_))
    }
}

fn of_url(protocol: Protocol, rest: &str, text: &str) -> Result<RemoteLocation, UsageError> {
    let text = &without_password(text);
    let wrong = |problem: &str| UsageError(format!("`{text}` {problem}"));
    if rest.contains(['?', '#']) {
        return Err(wrong("has a `?` or `#`, which ends the path of a URL: write %3F or %23"));
    }
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    if user.is_some_and(|user| user.contains(':')) {
        let shown = format!("{protocol}://{host}{path}");
        return Err(UsageError(format!(
            "the URL of `{shown}` contains a password: name a `credentials` set of the agent instead"
        )));
    }
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (host, None),
    };
    let port =
        port.map(str::parse::<u16>).transpose().map_err(|_| wrong("has no valid port: write one from 1 to 65535"))?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if host.is_empty() || port == Some(0) {
        return Err(wrong("names no host: write the protocol, ://, a host or an endpoint's name, and the path"));
    }
    let is_pattern = last_part(path).contains('*');
    let decoded: Vec<u8> = percent_decode_str(path).collect();
    let location = of_path(Some(protocol), host, &decoded, is_pattern, text)?;
    let user = user.map(|user| percent_decode_str(user).decode_utf8_lossy().into_owned());
    Ok(RemoteLocation { port, user: user.filter(|user| !user.is_empty()), ..location })
}

fn of_path(
    protocol: Option<Protocol>,
    host: &str,
    path: &[u8],
    is_pattern: bool,
    text: &str,
) -> Result<RemoteLocation, UsageError> {
    let (path, is_below_login) = match path.strip_prefix(b"/~") {
        Some(rest) if matches!(rest.first(), None | Some(b'/')) => (rest, true),
        _ => (path, false),
    };
    let is_folder = path.is_empty() || path.ends_with(b"/");
    let path = StoragePath::new(path).map_err(|_| {
        UsageError(format!("`{text}` goes up (`..`) or contains the character NUL; write the path without that"))
    })?;
    let host = host.to_owned();
    Ok(RemoteLocation { protocol, host, port: None, user: None, is_below_login, path, is_folder, is_pattern })
}

/// A URL for messages, without its user and password. The password may contain characters such as `/` and `@`.
fn without_password(url: &str) -> String {
    match url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?))) {
        Some((scheme, (user, rest))) if user.contains(':') => format!("{scheme}://…@{rest}"),
        _ => url.to_owned(),
    }
}

/// The last name of a path, without slashes at its end.
fn last_part(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether `name` can be the name of an endpoint. A single letter is the drive of a Windows path.
fn is_endpoint_name(name: &str) -> bool {
    name.len() > 1 && is_config_name(name)
}

#[cfg(test)]
mod tests;
