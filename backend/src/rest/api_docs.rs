//! The OpenAPI document, and the page that shows it. They are not in the envelope and not described by the document.

use std::sync::{Arc, LazyLock};

use axum::{
    Router,
    extract::RawPathParams,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, serve};

use super::{ApiState, document, envelope::Failure};
use crate::{error::Error, transport::protect};

/// The content security policy of the page: its own files, and the `style` attributes and images that Swagger UI
/// creates.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// The OpenAPI document as JSON and as YAML.
#[derive(Clone)]
struct Texts {
    yaml: Arc<str>,
    json: Arc<str>,
}

impl Texts {
    fn of(document: &OpenApi) -> Self {
        Self {
            yaml: document.to_yaml().unwrap_or_default().into(),
            json: document.to_json().unwrap_or_default().into(),
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

/// The routes of the documents.
pub(super) fn router(base: &str) -> Router<ApiState> {
    let Texts { yaml, json } = Texts::below(base);
    // Without the validator the page asks no other host for anything. Paths are relative to the page, so that it works
    // below any base path.
    let config = Arc::new(Config::from("../openapi.json").validator_url("none"));
    let parts = Arc::clone(&config);
    Router::new()
        .route("/mftplus-api.yaml", text("text/yaml; charset=utf-8", yaml))
        .route("/openapi.json", text("application/json", json))
        .route("/api/docs", get(move || async move { protected(page(&config)) }))
        .route("/api/docs/{part}", get(move |path: RawPathParams| async move { protected(part(&path, &parts)) }))
}

fn text(content_type: &'static str, text: Arc<str>) -> axum::routing::MethodRouter<ApiState> {
    get(move || async move { ([(header::CONTENT_TYPE, content_type)], text.to_string()) })
}

fn protected(mut response: Response) -> Response {
    protect(response.headers_mut(), POLICY);
    response
}

/// The HTML of the page, with paths relative to its own.
fn page(config: &Arc<Config<'static>>) -> Response {
    match serve("index.html", Arc::clone(config)) {
        Ok(Some(file)) => {
            let html = String::from_utf8_lossy(&file.bytes).replace("\"./", "\"docs/");
            let html = html.replace("href=\"index.css\"", "href=\"docs/index.css\"");
            let html = html.replace("<title>Swagger UI</title>", "<title>MFTPlus API reference</title>");
            ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
        }
        _ => Failure(Error::NotFound("page")).into_response(),
    }
}

fn part(path: &RawPathParams, config: &Arc<Config<'static>>) -> Response {
    let name = path.iter().next().map_or("", |(_, name)| name);
    match serve(name, Arc::clone(config)) {
        Ok(Some(file)) => {
            let content_type = HeaderValue::from_str(&file.content_type);
            let content_type = content_type.unwrap_or(HeaderValue::from_static("application/octet-stream"));
            let mut response = ([(header::CONTENT_TYPE, content_type)], file.bytes.into_owned()).into_response();
            if file.gzpipped {
                response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            response
        }
        _ => Failure(Error::NotFound("page")).into_response(),
    }
}
