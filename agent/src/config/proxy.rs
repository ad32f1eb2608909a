//! Addresses of proxies, which may contain a password.

use std::fmt;

use serde::{Deserialize, Deserializer};
use url::Url;

/// The address of a proxy. Its `Debug` and `Display` output contains neither user nor password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ProxyUrl(Url);

impl ProxyUrl {
    /// The full address, including user and password.
    pub(crate) fn expose(&self) -> &Url {
        &self.0
    }

    fn parse(text: &str, schemes: &[&str]) -> Result<Self, String> {
        let url = Url::parse(text).ok().filter(|url| schemes.contains(&url.scheme()) && url.has_host());
        // The text is not shown: it may hold a password.
        url.map(Self).ok_or_else(|| format!("must be the address of a proxy, as {}://host:port", schemes[0]))
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or_default())?;
        self.0.port().map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Deserializes the address of an HTTP proxy.
pub(super) fn http<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ProxyUrl>, D::Error> {
    let text = String::deserialize(deserializer)?;
    ProxyUrl::parse(&text, &["http", "https"]).map(Some).map_err(serde::de::Error::custom)
}

/// The setting `proxy` of one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EndpointProxy {
    /// No proxy, even if `socks-proxy` is configured for all SFTP servers.
    Direct,
    Socks(ProxyUrl),
}

/// Deserializes the address of a SOCKS proxy.
pub(super) fn socks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ProxyUrl>, D::Error> {
    let text = String::deserialize(deserializer)?;
    ProxyUrl::parse(&text, &["socks5", "socks5h"]).map(Some).map_err(serde::de::Error::custom)
}

/// Deserializes the address of a SOCKS proxy, or `none` for [`EndpointProxy::Direct`].
pub(super) fn endpoint<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<EndpointProxy>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text == "none" {
        return Ok(Some(EndpointProxy::Direct));
    }
    let proxy = ProxyUrl::parse(&text, &["socks5", "socks5h"]).map_err(serde::de::Error::custom)?;
    Ok(Some(EndpointProxy::Socks(proxy)))
}

#[cfg(test)]
mod tests {
    use super::ProxyUrl;

    #[test]
    fn a_proxy_does_not_print_its_password() -> Result<(), String> {
        let proxy = ProxyUrl::parse("http://user:secret@proxy.example:3128", &["http"])?;
        assert_eq!(format!("{proxy} {proxy:?}"), "http://proxy.example:3128 http://proxy.example:3128");
        let refused = ProxyUrl::parse("http:/user:secret@", &["socks5"]).err().unwrap_or_default();
        assert_eq!(refused, "must be the address of a proxy, as socks5://host:port");
        Ok(())
    }
}
