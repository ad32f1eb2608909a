//! A file of the dashboard: its bytes and its HTTP headers.

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

use crate::transport::accepts;

const HTML: &str = "text/html; charset=utf-8";

/// A file as it is stored in the binary.
pub(super) struct File {
    /// The path of the file, relative to the folder with the built dashboard.
    pub(super) path: &'static str,
    /// The bytes of the file.
    pub(super) plain: &'static [u8],
    /// The bytes of the file, compressed with Brotli; `None` if there is no compressed form.
    pub(super) brotli: Option<&'static [u8]>,
}

/// A file with its HTTP headers.
pub(super) struct Embedded {
    plain: Bytes,
    brotli: Option<&'static [u8]>,
    content_type: &'static str,
    cache_control: &'static str,
    /// The entity tag of the file. It is weak, because it stands for every encoding of the file.
    etag: String,
}

impl Embedded {
    /// Prepares a file for a server below the base path `base`. A page refers to its files from the root of the host,
    /// so the base path is added to these references; scripts and style sheets use relative references.
    pub(super) fn new(file: &File, base: &str) -> Self {
        let (plain, brotli) = if base.is_empty() || content_type(file.path) != HTML {
            (Bytes::from_static(file.plain), file.brotli)
        } else {
            let page = String::from_utf8_lossy(file.plain).replace("=\"/", &format!("=\"{base}/"));
            (Bytes::from(page), None)
        };
        let digest = Sha256::digest(&plain);
        let start = u64::from_be_bytes(digest.first_chunk().copied().unwrap_or_default());
        Self {
            plain,
            brotli,
            content_type: content_type(file.path),
            // A file whose name holds a digest never changes; any other is asked for again.
            cache_control: if holds_digest(file.path) { "public, max-age=31536000, immutable" } else { "no-cache" },
            etag: format!("W/\"{start:016x}\""),
        }
    }

    /// Returns the response to a request with these headers: the file, or 304 if the client has this version already.
    pub(super) fn answer(&self, headers: &HeaderMap) -> Response {
        let mut response = if self.is_known(headers) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let brotli = self.brotli.filter(|_| accepts(headers, &header::ACCEPT_ENCODING, "br"));
            let body = brotli.map_or_else(|| self.plain.clone(), Bytes::from_static);
            let mut response = body.into_response();
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
            if brotli.is_some() {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
            }
            response
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(self.cache_control));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if let Ok(etag) = HeaderValue::from_str(&self.etag) {
            headers.insert(header::ETAG, etag);
        }
        response
    }

    /// Whether the client has this version of the file already.
    fn is_known(&self, headers: &HeaderMap) -> bool {
        let named = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        named.flat_map(|value| value.split(',')).any(|tag| tag.trim() == self.etag)
    }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => HTML,
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

/// Whether a name is like `frontend-fc3aeca7c4757da0_bg.wasm`: Trunk writes up to 16 digits, without leading zeros.
fn holds_digest(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let digits = name.rsplit_once('-').map_or("", |(_, rest)| rest.split(['.', '_']).next().unwrap_or(""));
    (12..=16).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsStr, fs, path::Path};

    use super::*;

    #[test]
    fn digests_are_found_in_names() {
        let hold = ["frontend-fc3aeca7c4757da0_bg.wasm", "theme-34c93eb5a5ac6af.js", "snippets/a/b-34c93eb5a5ac6af.js"];
        assert!(hold.into_iter().all(holds_digest));
        let hold_not = ["index.html", "snippets/leptos-34c93eb5a5ac6af/inline0.js", "two-words.css", "a-beef.js"];
        assert!(!hold_not.into_iter().any(holds_digest));
    }

    #[test]
    fn the_name_of_the_font_holds_the_digest_of_its_bytes() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../frontend");
        let entries = fs::read_dir(folder.join("fonts")).unwrap().map(|entry| entry.unwrap().path());
        let fonts: Vec<_> = entries.filter(|path| path.extension().is_some_and(|ending| ending == "woff2")).collect();
        let [font] = fonts.as_slice() else { panic!("{fonts:?}") };
        let digest = Sha256::digest(fs::read(font).unwrap());
        let start = u64::from_be_bytes(*digest.first_chunk().unwrap());
        let name = format!("inter-{start:016x}.woff2");
        assert_eq!(font.file_name(), Some(OsStr::new(&name)));
        assert!(holds_digest(&name));
        let read = |file| fs::read_to_string(folder.join(file)).unwrap();
        let (page, styles) = (read("index.html"), read("styles/base.css"));
        assert!(page.contains(&format!("rel=\"copy-file\" href=\"fonts/{name}\"")), "{name}");
        assert!(page.contains(&format!("rel=\"preload\" href=\"/{name}\" as=\"font\"")), "{name}");
        assert!(styles.contains(&format!("url(\"{name}\")")), "{name}");
    }
}
