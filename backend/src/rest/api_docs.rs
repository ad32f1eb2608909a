//! The OpenAPI document, and the page that shows it. They are not in the envelope and not described by the document.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError},
};

use axum::{
    Router,
    extract::RawPathParams,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, serve};

use super::{ApiState, document, envelope::Failure};
use crate::{
    error::Error,
    transport::{ContentEncoding, FixedBody, protect},
};

/// The content security policy of the page: its own files, and the `style` attributes and images that Swagger UI
/// creates.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// The OpenAPI document as JSON and as YAML.
#[derive(Clone)]
struct Texts {
    yaml: FixedBody,
    json: FixedBody,
}

impl Texts {
    fn of(document: &OpenApi) -> Self {
        Self {
            yaml: FixedBody::new(document.to_yaml().unwrap_or_default()),
            json: FixedBody::new(document.to_json().unwrap_or_default()),
        }
    }

    /// The OpenAPI document for a server below this base path.
    fn below(base: &str) -> Self {
        static AT_THE_ROOT: LazyLock<Texts> = LazyLock::new(|| Texts::of(document()));
        if base.is_empty() {
            return AT_THE_ROOT.clone();
        }
        let mut document = document().clone();
        document.servers.iter_mut().flatten().for_each(|server| base.clone_into(&mut server.url));
        Self::of(&document)
    }
}

/// The texts of a server below a base path, from the first request for one of them on.
struct Documents {
    base: String,
    texts: OnceLock<Texts>,
}

impl Documents {
    fn texts(&self) -> &Texts {
        self.texts.get_or_init(|| Texts::below(&self.base))
    }
}

/// The page, or a file that it loads.
#[derive(Clone)]
struct File {
    content_type: HeaderValue,
    is_gzipped: bool,
    body: FixedBody,
}

/// The files that the page loads, by their names, each from the first request for it on.
#[derive(Clone)]
struct Files {
    config: Arc<Config<'static>>,
    found: Arc<Mutex<HashMap<String, File>>>,
}

/// The routes of the documents.
pub(super) fn router(base: &str) -> Router<ApiState> {
    let documents = Arc::new(Documents { base: base.to_owned(), texts: OnceLock::new() });
    // Without the validator the page asks no other host for anything. Paths are relative to the page, so that it works
    // below any base path.
    let config = Arc::new(Config::from("../openapi.json").validator_url("none"));
    let page = page(&config);
    let files = Files { config, found: Arc::default() };
    Router::new()
        .route("/mftplus-api.yaml", text("text/yaml; charset=utf-8", &documents, |texts| &texts.yaml))
        .route("/openapi.json", text("application/json", &documents, |texts| &texts.json))
        .route("/api/docs", get(move |headers: HeaderMap| answer(page, ContentEncoding::accepted(&headers))))
        .route(
            "/api/docs/{part}",
            get(move |path: RawPathParams, headers: HeaderMap| {
                let name = path.iter().next().map_or("", |(_, name)| name);
                answer(files.find(name), ContentEncoding::accepted(&headers))
            }),
        )
}

fn text(
    content_type: &'static str,
    documents: &Arc<Documents>,
    choose: fn(&Texts) -> &FixedBody,
) -> MethodRouter<ApiState> {
    let documents = Arc::clone(documents);
    get(move |headers: HeaderMap| async move {
        let text = choose(documents.texts());
        text.response(HeaderValue::from_static(content_type), ContentEncoding::accepted(&headers)).await
    })
}

/// The answer with the page or a file of it, for a client that accepts this encoding.
async fn answer(file: Option<File>, encoding: Option<ContentEncoding>) -> Response {
    let mut response = match file {
        Some(File { content_type, is_gzipped, body }) => {
            let mut response = body.response(content_type, encoding.filter(|_| !is_gzipped)).await;
            if is_gzipped {
                response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            response
        }
        None => Failure(Error::NotFound("page")).into_response(),
    };
    protect(response.headers_mut(), POLICY);
    response
}

/// The page, with paths relative to its own.
fn page(config: &Arc<Config<'static>>) -> Option<File> {
    let file = serve("index.html", Arc::clone(config)).ok().flatten()?;
    let html = String::from_utf8_lossy(&file.bytes).replace("\"./", "\"docs/");
    let html = html.replace("href=\"index.css\"", "href=\"docs/index.css\"");
    let html = html.replace("<title>Swagger UI</title>", "<title>MFTPlus API reference</title>");
    let content_type = HeaderValue::from_static("text/html; charset=utf-8");
    Some(File { content_type, is_gzipped: false, body: FixedBody::new(html) })
}

impl Files {
    fn find(&self, name: &str) -> Option<File> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = found.get(name) {
            return Some(file.clone());
        }
        let served = serve(name, Arc::clone(&self.config)).ok().flatten()?;
        let content_type = HeaderValue::from_str(&served.content_type);
        let file = File {
            content_type: content_type.unwrap_or(HeaderValue::from_static("application/octet-stream")),
            is_gzipped: served.gzpipped,
            body: FixedBody::new(served.bytes.into_owned()),
        };
        found.insert(name.to_owned(), file.clone());
        Some(file)
    }
}
