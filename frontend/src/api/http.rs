//! Sends POST requests with a JSON body to the server.

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, RequestInit, Response};

use crate::{base_path, browser};

/// An HTTP response with any status.
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The header `Retry-After`, in seconds.
    pub(crate) retry_after: Option<u32>,
    pub(crate) body: String,
}

/// The server did not respond.
pub(crate) struct NoResponse;

impl From<JsValue> for NoResponse {
    fn from(_: JsValue) -> Self {
        Self
    }
}

/// Sends a JSON body to a path of the API, with an access token if there is one.
pub(crate) async fn post(path: &str, body: &str, token: Option<&str>) -> Result<Reply, NoResponse> {
    let headers = Headers::new()?;
    headers.set("content-type", "application/json")?;
    headers.set("accept", "application/graphql-response+json, application/json")?;
    if let Some(token) = token {
        headers.set("authorization", &format!("Bearer {token}"))?;
    }
    let request = RequestInit::new();
    request.set_method("POST");
    request.set_headers(&headers);
    request.set_body(&JsValue::from_str(body));
    let address = base_path::href(path);
    let response = JsFuture::from(leptos::prelude::window().fetch_with_str_and_init(&address, &request)).await?;
    let response: Response = response.unchecked_into();
    if let Some(date) = response.headers().get("date")? {
        browser::learn_server_clock(&date);
    }
    let retry_after = response.headers().get("retry-after")?.and_then(|seconds| seconds.parse().ok());
    let body = JsFuture::from(response.text()?).await?.as_string().unwrap_or_default();
    Ok(Reply { status: response.status(), retry_after, body })
}
