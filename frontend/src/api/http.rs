//! Sends requests to the server: POST with a JSON body, and GET for a file.

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, Headers, RequestInit, Response};

use crate::{base_path, browser};

/// An HTTP response with any status.
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The header `Retry-After`, in seconds.
    pub(crate) retry_after: Option<u32>,
    pub(crate) body: String,
}

/// A file that the server has sent.
pub(crate) struct File {
    pub(crate) content: Blob,
    /// The name that the server gives the file.
    pub(crate) name: String,
}

/// The error of a request to which no response arrived.
pub(crate) struct NoResponse;

impl From<JsValue> for NoResponse {
    fn from(_: JsValue) -> Self {
        Self
    }
}

/// Sends a JSON body to a path of the API, with an access token and an idempotency key if they are given.
pub(crate) async fn post(path: &str, body: &str, token: Option<&str>, key: Option<&str>) -> Result<Reply, NoResponse> {
    let headers = headers("application/graphql-response+json, application/json", token)?;
    headers.set("content-type", "application/json")?;
    if let Some(key) = key {
        headers.set("idempotency-key", key)?;
    }
    let request = RequestInit::new();
    request.set_method("POST");
    request.set_headers(&headers);
    request.set_body(&JsValue::from_str(body));
    read(&fetch(path, &request).await?).await
}

/// Gets a file of this media type. The inner `Err` is a response that is not such a file.
pub(crate) async fn download(
    path: &str,
    media_type: &str,
    token: Option<&str>,
) -> Result<Result<File, Reply>, NoResponse> {
    let headers = headers(media_type, token)?;
    let request = RequestInit::new();
    request.set_headers(&headers);
    let response = fetch(path, &request).await?;
    if !response.ok() {
        return Ok(Err(read(&response).await?));
    }
    let disposition = response.headers().get("content-disposition")?.unwrap_or_default();
    let content = JsFuture::from(response.blob()?).await?.unchecked_into();
    Ok(Ok(File { content, name: file_name(&disposition).to_owned() }))
}

fn headers(accept: &str, token: Option<&str>) -> Result<Headers, NoResponse> {
    let headers = Headers::new()?;
    headers.set("accept", accept)?;
    if let Some(token) = token {
        headers.set("authorization", &format!("Bearer {token}"))?;
    }
    Ok(headers)
}

async fn fetch(path: &str, request: &RequestInit) -> Result<Response, NoResponse> {
    let address = base_path::href(path);
    let response = JsFuture::from(leptos::prelude::window().fetch_with_str_and_init(&address, request)).await?;
    let response: Response = response.unchecked_into();
    if let Some(date) = response.headers().get("date")? {
        browser::set_server_clock(&date);
    }
    Ok(response)
}

async fn read(response: &Response) -> Result<Reply, NoResponse> {
    let retry_after = response.headers().get("retry-after")?.and_then(|seconds| seconds.parse().ok());
    let body = JsFuture::from(response.text()?).await?.as_string().unwrap_or_default();
    Ok(Reply { status: response.status(), retry_after, body })
}

/// The file name in the header `Content-Disposition`.
fn file_name(disposition: &str) -> &str {
    let name = disposition.split_once("filename=\"").and_then(|(_, rest)| rest.split_once('"'));
    name.map_or("export", |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn the_server_names_the_file() {
        assert_eq!(file_name("attachment; filename=\"transfers_status-failed.csv\""), "transfers_status-failed.csv");
        assert_eq!(file_name("attachment"), "export");
    }
}
