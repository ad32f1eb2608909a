//! The dashboard: the files that `cargo xtask` has built, served from the binary, and `index.html` for every address of
//! a page.
//!
//! The layer of the dashboard receives each request before the API does. It answers requests for files and pages, and
//! passes all others on. No crate for static files is used, because the rules for pages, security headers and the 404
//! of the API would have to be written in any case.

mod file;

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, Method, Uri, header},
    middleware,
    response::{IntoResponse, Response},
    routing::future::RouteFuture,
};
use futures_util::future::Either;
use tower::{Layer, Service};

use self::file::{Embedded, File};
use crate::transport::{accepts, compress, protect};

include!(concat!(env!("OUT_DIR"), "/dashboard.rs"));

/// The answer of a binary that was built without the dashboard.
const ABSENT: &str = "This MFTPlus server was built without the dashboard. The reference of its API is at api/docs \
    below this address. `cargo xtask up` builds a server with the dashboard; after that, so does `cargo build \
    --release -p backend --features dashboard`.\n";

/// The paths of the API, each with all paths below it.
const OF_THE_API: [&str; 6] = ["/api", "/graphql", "/graphiql", "/metrics", "/mftplus-api.yaml", "/openapi.json"];

/// The content security policy of every answer: only the server's own files, and WebAssembly.
const POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; font-src 'self'; \
     img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// Returns the layer that serves the dashboard of this binary before the API. `base` is the base path at which browsers
/// reach the server, without a slash at its end; empty at the root of a host.
#[must_use]
pub fn layer(base: &str) -> Dashboard {
    Site::new(FILES, base).layer()
}

/// The layer that handles the requests for files and pages, and leaves all others to the API.
#[derive(Clone)]
pub struct Dashboard(Arc<Pages>);

struct Pages {
    site: Arc<Site>,
    /// Answers the requests that the site takes.
    router: Router,
}

impl<S> Layer<S> for Dashboard {
    type Service = InFront<S>;

    fn layer(&self, api: S) -> InFront<S> {
        InFront { pages: Arc::clone(&self.0), api }
    }
}

/// The service that answers requests for the dashboard and passes all others to the API.
#[derive(Clone)]
pub struct InFront<S> {
    pages: Arc<Pages>,
    api: S,
}

impl<S> Service<Request> for InFront<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<RouteFuture<Infallible>, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.api.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if self.pages.site.takes(&request) {
            Either::Left(self.pages.router.clone().call(request))
        } else {
            Either::Right(self.api.call(request))
        }
    }
}

/// The files by their paths.
struct Site(HashMap<String, Embedded>);

impl Site {
    fn new(files: &[File], base: &str) -> Self {
        Self(files.iter().map(|file| (format!("/{}", file.path), Embedded::new(file, base))).collect())
    }

    fn layer(self) -> Dashboard {
        let site = Arc::new(self);
        let answering = Arc::clone(&site);
        let router = Router::new()
            .fallback(move |request: Request| async move { answering.answer(request.uri(), request.headers()) })
            // Files without a compressed form beside them, and browsers that speak plain HTTP with another host: those
            // offer no Brotli.
            .layer(middleware::from_fn(compress));
        Dashboard(Arc::new(Pages { site, router }))
    }

    /// Whether a request is for a file or a page. A request that accepts HTML is for a page: the dashboard knows its
    /// own addresses.
    fn takes(&self, request: &Request) -> bool {
        let path = request.uri().path();
        let is_page =
            || !self.0.is_empty() && !is_of_the_api(path) && accepts(request.headers(), &header::ACCEPT, "text/html");
        matches!(*request.method(), Method::GET | Method::HEAD)
            && (path == "/" || self.0.contains_key(path) || is_page())
    }

    fn answer(&self, uri: &Uri, headers: &HeaderMap) -> Response {
        let found = self.0.get(uri.path()).or_else(|| self.0.get("/index.html"));
        let mut response = match found {
            Some(file) => file.answer(headers),
            None => ABSENT.into_response(),
        };
        protect(response.headers_mut(), POLICY);
        response
    }
}

fn is_of_the_api(path: &str) -> bool {
    OF_THE_API
        .iter()
        .any(|prefix| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

#[cfg(test)]
mod tests {
    use axum::{
        body::to_bytes,
        http::{HeaderName, StatusCode},
    };
    use rstest::rstest;
    use tower::ServiceExt;

    use super::*;

    const SAMPLE: &[File] = &[
        File { path: "index.html", plain: b"<!doctype html>", brotli: None },
        File { path: "frontend-34c93eb5a5ac6af.js", plain: b"plain", brotli: Some(b"small") },
    ];

    async fn ask(files: &'static [File], method: Method, path: &str, headers: &[(HeaderName, &str)]) -> Response {
        let api = Router::new().fallback(|| async { (StatusCode::NOT_FOUND, "the API's") });
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let request = request.body(axum::body::Body::empty()).unwrap();
        api.layer(Site::new(files, "").layer()).oneshot(request).await.unwrap()
    }

    async fn text(response: Response) -> String {
        String::from_utf8(to_bytes(response.into_body(), 9999).await.unwrap().to_vec()).unwrap()
    }

    #[rstest]
    #[case::root("/", "*/*")]
    #[case::page("/transfers/0192?x=1", "text/html,application/xhtml+xml;q=0.9")]
    #[case::like_the_api("/apiary", "text/html")]
    #[tokio::test]
    async fn addresses_of_pages_get_the_page(#[case] path: &str, #[case] accept: &str) {
        let response = ask(SAMPLE, Method::GET, path, &[(header::ACCEPT, accept)]).await;
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-cache");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src"), "{policy}");
        assert_eq!(text(response).await, "<!doctype html>");
    }

    #[rstest]
    #[case(Method::GET, "/api/nothing", "text/html")]
    #[case(Method::GET, "/api", "text/html")]
    #[case(Method::GET, "/graphql", "text/html")]
    #[case(Method::GET, "/graphql/ws", "text/html")]
    #[case(Method::GET, "/metrics", "text/html")]
    #[case(Method::GET, "/openapi.json", "text/html")]
    #[case(Method::GET, "/mftplus-api.yaml", "text/html")]
    #[case(Method::GET, "/nothing.js", "*/*")]
    #[case(Method::GET, "/nothing", "text/html;q=0, */*")]
    #[case(Method::POST, "/transfers", "text/html")]
    #[tokio::test]
    async fn everything_else_is_the_apis(#[case] method: Method, #[case] path: &str, #[case] accept: &str) {
        let response = ask(SAMPLE, method, path, &[(header::ACCEPT, accept)]).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert!(!response.headers().contains_key(header::CONTENT_SECURITY_POLICY));
        assert_eq!(text(response).await, "the API's");
    }

    #[tokio::test]
    async fn a_binary_without_the_dashboard_says_how_to_get_it() {
        let response = ask(&[], Method::GET, "/", &[]).await;
        assert_eq!(response.status(), StatusCode::OK);
        let text = text(response).await;
        assert!(text.contains("cargo xtask up") && text.lines().count() == 1, "{text}");
        assert_eq!(ask(&[], Method::GET, "/agents", &[(header::ACCEPT, "text/html")]).await.status(), 404);
    }

    #[tokio::test]
    async fn files_with_a_digest_are_kept_for_ever_and_come_compressed() {
        const PATH: &str = "/frontend-34c93eb5a5ac6af.js";
        let response = ask(SAMPLE, Method::GET, PATH, &[(header::ACCEPT_ENCODING, "gzip, br")]).await;
        assert_eq!(response.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert_eq!(response.headers()[header::CONTENT_ENCODING], "br");
        assert_eq!(response.headers()[header::VARY], "accept-encoding");
        let etag = response.headers()[header::ETAG].to_str().unwrap().to_owned();
        assert_eq!(text(response).await, "small");

        let response = ask(SAMPLE, Method::GET, PATH, &[(header::ACCEPT_ENCODING, "br;q=0")]).await;
        assert!(!response.headers().contains_key(header::CONTENT_ENCODING));
        assert_eq!(text(response).await, "plain");

        let response = ask(SAMPLE, Method::GET, PATH, &[(header::IF_NONE_MATCH, &format!("\"x\", {etag}"))]).await;
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(text(response).await, "");
    }

    #[tokio::test]
    async fn fonts_are_kept_for_ever_and_travel_as_they_are() {
        const FONT: &[File] = &[File { path: "inter-bab4e35dfa4b3efb.woff2", plain: &[7; 4000], brotli: None }];
        let accepted = [(header::ACCEPT_ENCODING, "br, gzip"), (header::ACCEPT, "*/*")];
        let response = ask(FONT, Method::GET, "/inter-bab4e35dfa4b3efb.woff2", &accepted).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "font/woff2");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert!(!response.headers().contains_key(header::CONTENT_ENCODING));
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("; font-src 'self';"), "{policy}");
        assert_eq!(text(response).await.len(), 4000);
    }

    #[tokio::test]
    async fn the_page_refers_to_its_files_below_the_base_path() {
        const PAGE: &[File] = &[File {
            path: "index.html",
            plain:
                b"<link href=\"/a.css\"><a href=\"https://example.com/\"><meta data-base=\"/\" data-script=\"/b.js\">",
            brotli: Some(b"not for this path"),
        }];
        let request = Request::builder().uri("/").header(header::ACCEPT_ENCODING, "br");
        let request = request.body(axum::body::Body::empty()).unwrap();
        let response = Router::new().layer(Site::new(PAGE, "/mft").layer()).oneshot(request).await.unwrap();
        // Small as it is, it travels as it stands.
        assert_eq!(
            text(response).await,
            "<link href=\"/mft/a.css\"><a href=\"https://example.com/\"><meta data-base=\"/mft/\" data-script=\"/mft/b.js\">"
        );
    }
}
