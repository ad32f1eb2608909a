//! The API's description, and the page that shows it. Outside the envelope and outside the described routes.

use std::sync::Arc;

use axum::{
    Router,
    http::header,
    response::IntoResponse,
    routing::get,
};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::Api;

/// The routes of the documents.
pub(super) fn router(document: &OpenApi) -> Router<Api> {
    let yaml: Arc<str> = document.to_yaml().unwrap_or_default().into();
    let yaml = get(move || {
        let yaml = Arc::clone(&yaml);
        async move { ([(header::CONTENT_TYPE, "text/yaml; charset=utf-8")], yaml.to_string()).into_response() }
    });
    let page = SwaggerUi::new("/api/docs")
        .url("/openapi.json", document.clone())
        // What the page would otherwise ask another host for.
        .config(Config::default().validator_url("none"));
    Router::from(page).route("/mftplus-api.yaml", yaml)
}
