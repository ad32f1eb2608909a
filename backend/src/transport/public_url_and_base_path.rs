//! The URL at which clients reach this server through a proxy: `MFTPLUS_PUBLIC_URL`.

use std::{fmt, str::FromStr};

use axum::{
    Router,
    extract::Request,
    http::{Uri, uri::PathAndQuery},
};
use tower::{ServiceBuilder, util::MapRequestLayer};
use url::Url;

/// First segments of the server's own paths. A base path must not begin with one, because it would hide that path.
const RESERVED: [&str; 5] = ["api", "graphql", "metrics", "mftplus-api.yaml", "openapi.json"];

/// The absolute URL of this server for its clients, such as `https://fleet.example.com/mft`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    path: String,
}

impl PublicUrl {
    /// Returns scheme, host and port, as in the `Origin` header of a browser.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether clients reach the server over TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.origin.starts_with("https:")
    }

    /// Returns the base path without a trailing slash; empty at the root of the host.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Wraps `router` so that it serves requests with and without the base path: the proxy may remove the path or keep
    /// it.
    pub fn serve(&self, router: Router) -> Router {
        if self.path.is_empty() {
            return router;
        }
        let base = self.path.clone();
        let without_base = MapRequestLayer::new(move |mut request: Request| {
            if let Some(uri) = without(&base, request.uri()) {
                *request.uri_mut() = uri;
            }
            request
        });
        // Wrapped around the router: a layer of the router would run after routing.
        Router::new().fallback_service(ServiceBuilder::new().layer(without_base).service(router))
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

impl FromStr for PublicUrl {
    type Err = &'static str;

    /// Parses the URL.
    ///
    /// # Errors
    ///
    /// A message without the name of the setting, which the caller puts before it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "must be a URL such as https://fleet.example.com or https://example.com/mft";
        let url = Url::parse(text.trim()).map_err(|_| FORM)?;
        if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
            return Err(FORM);
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err("must have no user, password, query or fragment");
        }
        let path = url.path().trim_end_matches('/');
        let is_plain = |segment: &str| {
            !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
        };
        if !path.split('/').skip(1).all(is_plain) {
            return Err("may have letters, digits, `-`, `.`, `_` and `~` between the slashes of its path");
        }
        if path.split('/').nth(1).is_some_and(|first| RESERVED.contains(&first)) {
            return Err("may not have a path of the API, such as /api: choose another one");
        }
        Ok(Self { origin: url.origin().ascii_serialization(), path: path.to_owned() })
    }
}

/// Removes the base path from a URI; `None` if the path of the URI does not begin with it.
fn without(base: &str, uri: &Uri) -> Option<Uri> {
    let rest = uri.path_and_query()?.as_str().strip_prefix(base)?;
    let rest = match rest.chars().next() {
        None => "/".to_owned(),
        Some('?') => format!("/{rest}"),
        Some('/') => rest.to_owned(),
        Some(_) => return None,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(rest).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use axum::{body::to_bytes, http::StatusCode};
    use rstest::rstest;
    use tower::ServiceExt;

    use super::*;

    #[rstest]
    #[case("https://fleet.example.com", "https://fleet.example.com", "")]
    #[case("https://Fleet.example.com:443/", "https://fleet.example.com", "")]
    #[case(" http://[::1]:8080/mft/ ", "http://[::1]:8080", "/mft")]
    #[case("https://example.com/tools/mft", "https://example.com", "/tools/mft")]
    fn is_read_into_origin_and_base_path(#[case] text: &str, #[case] origin: &str, #[case] path: &str) {
        let url: PublicUrl = text.parse().unwrap();
        assert_eq!((url.origin(), url.path()), (origin, path));
        assert_eq!(url.is_tls(), text.starts_with("https"));
    }

    #[rstest]
    #[case("fleet.example.com")]
    #[case("/mft")]
    #[case("ftp://fleet.example.com")]
    #[case("https://user:password@fleet.example.com")]
    #[case("https://fleet.example.com/?x=1")]
    #[case("https://fleet.example.com/#x")]
    #[case("https://fleet.example.com/a//b")]
    #[case("https://fleet.example.com/a%22b")]
    #[case("https://fleet.example.com/api")]
    #[case("https://fleet.example.com/graphql/x")]
    fn anything_else_is_refused(#[case] text: &str) {
        text.parse::<PublicUrl>().unwrap_err();
    }

    #[rstest]
    #[case("/mft/api/agents?page=2", "/api/agents?page=2")]
    #[case("/api/agents?page=2", "/api/agents?page=2")]
    #[case("/mft", "/")]
    #[case("/mft?x=1", "/?x=1")]
    #[case("/mft/", "/")]
    #[case("/mftplus/api/agents", "/mftplus/api/agents")]
    #[tokio::test]
    async fn the_base_path_is_removed(#[case] asked: &str, #[case] served: &str) {
        let echo = |uri: Uri| async move { uri.to_string() };
        let url: PublicUrl = "https://example.com/mft".parse().unwrap();
        let request = Request::builder().uri(asked).body(axum::body::Body::empty()).unwrap();
        let response = url.serve(Router::new().fallback(echo)).oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(to_bytes(response.into_body(), 999).await.unwrap(), served);
    }
}
