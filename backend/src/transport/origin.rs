//! Decides by its origin whether a web page may send requests to this server from a browser.

use std::sync::Arc;

use axum::http::{Extensions, HeaderMap, header};
use ipnet::IpNet;
use url::{Origin, Url};

use super::{PublicUrl, TlsSession, trusted_peer};

/// The settings that decide which origins are allowed.
#[derive(Clone, Debug)]
pub struct OriginPolicy {
    /// The allowed origins in addition to the server's own.
    pub allowed: Arc<[String]>,
    /// The public URL of the server, if configured. Its origin is the server's own.
    pub public_url: Option<PublicUrl>,
    /// Proxies whose `X-Forwarded-Proto` is trusted.
    pub trusted_proxies: Arc<[IpNet]>,
}

impl OriginPolicy {
    /// Whether the origin of the request is the server's own or an allowed one. A request without an `Origin` header
    /// does not come from a page and is allowed.
    ///
    /// The server's own origins are that of the public URL and that of the `Host` header. The scheme is compared if the
    /// server knows it: from `X-Forwarded-Proto` of a trusted proxy, from the public URL if that has the same host, or
    /// from a connection with TLS. Otherwise `http` and `https` both match, with the default port of the scheme if the
    /// host names none.
    #[must_use]
    pub fn allows(&self, headers: &HeaderMap, extensions: &Extensions) -> bool {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let Some(origin) = origins.next() else { return true };
        let Some(origin) = origin.to_str().ok().filter(|_| origins.next().is_none()).and_then(parse_origin) else {
            return false;
        };
        let public = self.public_url.as_ref().and_then(|url| Url::parse(url.origin()).ok());
        let mut allowed = self.allowed.iter().filter_map(|text| parse_origin(text));
        if public.as_ref() == Some(&origin) || allowed.any(|allowed| allowed == origin) {
            return true;
        }
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let Some(own) = host.and_then(|host| parse_origin(&format!("{}://{host}", origin.scheme()))) else {
            return false;
        };
        let has_public_host = public.as_ref().is_some_and(|public| public.host() == own.host());
        let public_scheme = || public.as_ref().filter(|_| has_public_host).map(Url::scheme);
        let tls_scheme = || extensions.get::<TlsSession>().map(|_| "https");
        let scheme = self.forwarded_scheme(headers, extensions).or_else(public_scheme).or_else(tls_scheme);
        own == origin && scheme.is_none_or(|scheme| scheme.eq_ignore_ascii_case(origin.scheme()))
    }

    /// Whether a trusted proxy says in `X-Forwarded-Proto` that the client's connection to it uses TLS.
    #[must_use]
    pub fn is_tls_at_proxy(&self, headers: &HeaderMap, extensions: &Extensions) -> bool {
        self.forwarded_scheme(headers, extensions).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
    }

    /// The client's scheme according to a trusted proxy; `None` if the header holds different values.
    fn forwarded_scheme<'a>(&self, headers: &'a HeaderMap, extensions: &Extensions) -> Option<&'a str> {
        trusted_peer(extensions, &self.trusted_proxies)?;
        let values = headers.get_all("x-forwarded-proto").iter().filter_map(|value| value.to_str().ok());
        let mut schemes = values.flat_map(|value| value.split(',')).map(str::trim);
        let first = schemes.next()?;
        schemes.all(|scheme| scheme.eq_ignore_ascii_case(first)).then_some(first)
    }
}

/// Parses an origin into a URL without a path, which normalises spelling and default ports for comparison. `None` for
/// any other text, such as `null`.
#[must_use]
pub fn parse_origin(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let is_bare = !text.split_once("://")?.1.contains(['/', '\\', '?', '#', '@']);
    (is_bare && matches!(url.origin(), Origin::Tuple(..))).then_some(url)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::{extract::ConnectInfo, http::HeaderValue};

    use super::*;

    const PROXY: &str = "10.0.0.1:50000";
    const CLIENT: &str = "192.0.2.1:50000";

    fn allows(public_url: Option<&str>, peer: &str, headers: &[(&'static str, &str)]) -> bool {
        let policy = OriginPolicy {
            allowed: Arc::from(["https://dash.example.com:443".to_owned()]),
            public_url: public_url.map(|url| url.parse().expect("a public URL")),
            trusted_proxies: Arc::from(["10.0.0.0/8".parse::<IpNet>().expect("a network")]),
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).expect("a value"));
        }
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo::<SocketAddr>(peer.parse().expect("an address")));
        policy.allows(&map, &extensions)
    }

    #[rstest::rstest]
    #[case("fleet.example.com", "https://fleet.example.com", true)]
    #[case("fleet.example.com", "http://fleet.example.com", true)]
    #[case("fleet.example.com:443", "https://fleet.example.com", true)]
    #[case("fleet.example.com", "https://fleet.example.com:443", true)]
    #[case("fleet.example.com:80", "http://fleet.example.com", true)]
    #[case("Fleet.Example.com", "https://fleet.example.COM", true)]
    #[case("[::1]:8080", "http://[0:0::1]:8080", true)]
    #[case("fleet.example.com:443", "http://fleet.example.com", false)]
    #[case("fleet.example.com:8443", "https://fleet.example.com", false)]
    #[case("fleet.example.com", "https://fleet.example.com:8443", false)]
    #[case("fleet.example.com", "https://evil.example.com", false)]
    #[case("fleet.example.com", "https://fleet.example.com.evil.example", false)]
    #[case("fleet.example.com", "null", false)]
    #[case("fleet.example.com", "https://fleet.example.com/path", false)]
    #[case("fleet.example.com", "https://x@fleet.example.com", false)]
    #[case("x@fleet.example.com", "https://fleet.example.com", false)]
    #[case("fleet.example.com", "ftp://fleet.example.com", false)]
    #[case("other.example.com", "https://dash.example.com", true)]
    #[case("other.example.com", "http://dash.example.com", false)]
    fn without_a_known_scheme_the_host_is_that_of_either(#[case] host: &str, #[case] origin: &str, #[case] may: bool) {
        assert_eq!(allows(None, CLIENT, &[("host", host), ("origin", origin)]), may);
    }

    #[rstest::rstest]
    #[case::a_proxy_says(PROXY, &["https"], "https://h", true)]
    #[case::another_scheme(PROXY, &["https"], "http://h", false)]
    #[case::in_capitals(PROXY, &["HTTPS"], "https://h", true)]
    #[case::several_agree(PROXY, &["https, https", "https"], "http://h", false)]
    #[case::contradictions_say_nothing(PROXY, &["http, https"], "https://h", true)]
    #[case::a_client_says_nothing(CLIENT, &["https"], "http://h", true)]
    fn the_scheme_that_a_trusted_proxy_names_counts(
        #[case] peer: &str,
        #[case] schemes: &[&str],
        #[case] origin: &str,
        #[case] may: bool,
    ) {
        let mut headers = vec![("host", "h"), ("origin", origin)];
        headers.extend(schemes.iter().map(|scheme| ("x-forwarded-proto", *scheme)));
        assert_eq!(allows(None, peer, &headers), may);
    }

    #[rstest::rstest]
    #[case::whatever_the_host("127.0.0.1:8080", "https://fleet.example.com", true)]
    #[case::not_by_another_scheme("fleet.example.com", "http://fleet.example.com", false)]
    #[case::nor_at_another_port("fleet.example.com", "https://fleet.example.com:444", false)]
    #[case::without_the_proxy("127.0.0.1:8080", "http://127.0.0.1:8080", true)]
    fn the_public_url_is_the_servers_own(#[case] host: &str, #[case] origin: &str, #[case] may: bool) {
        let public = Some("https://fleet.example.com/mft/");
        assert_eq!(allows(public, CLIENT, &[("host", host), ("origin", origin)]), may);
    }

    #[test]
    fn a_request_without_an_origin_is_no_pages_and_one_with_two_is_refused() {
        assert!(allows(None, CLIENT, &[("host", "h")]));
        assert!(!allows(None, CLIENT, &[("host", "h"), ("origin", "http://h"), ("origin", "http://h")]));
        assert!(!allows(None, CLIENT, &[("origin", "http://h")]));
    }
}
