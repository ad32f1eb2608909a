//! Compression of responses for clients that accept it.

use std::{io, sync::Arc};

use async_compression::{
    Level,
    brotli::EncoderParams,
    tokio::bufread::{BrotliEncoder, GzipEncoder},
};
use axum::{
    body::{Body, HttpBody, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use bytes::Bytes;
use futures_util::TryStreamExt;
use tokio::sync::OnceCell;
use tokio_util::io::{ReaderStream, StreamReader};

use super::accepts;

/// The size in bytes above which responses are compressed.
const MIN_SIZE: u64 = 1024;
/// The quality of both encodings. Higher ones take a multiple of the time for a few per cent of the size.
const QUALITY: Level = Level::Precise(4);
/// The logarithm of the window of Brotli in bytes, which bounds the memory of a response that is being compressed.
const WINDOW: i32 = 18;
/// The maximum size of the pieces of a compressed body, in bytes.
const PIECE: usize = 16 * 1024;
/// The start of media types that are compressed by themselves, or whose parts must not wait for further ones.
const UNSUITABLE: [&str; 3] = ["text/event-stream", "image/", "font/"];

/// An encoding with which the server can compress a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentEncoding {
    /// `br`.
    Brotli,
    /// `gzip`.
    Gzip,
}

impl ContentEncoding {
    /// Chooses the encoding for a client with these request headers: Brotli if the client accepts it, otherwise gzip.
    /// Returns `None` if the client accepts neither.
    #[must_use]
    pub fn accepted(headers: &HeaderMap) -> Option<Self> {
        let is_accepted = |encoding: &Self| accepts(headers, &header::ACCEPT_ENCODING, encoding.as_str());
        [Self::Brotli, Self::Gzip].into_iter().find(is_accepted)
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }
}

/// Middleware that compresses responses as [`compressed`] does, with an encoding that the client accepts.
pub async fn compress(request: Request, next: Next) -> Response {
    let encoding = ContentEncoding::accepted(request.headers());
    compressed(next.run(request).await, encoding)
}

/// Compresses a response with `encoding` while it is sent; with `None` it is sent uncompressed. Responses of 1 KiB or
/// less, already compressed responses, event streams, images and fonts stay as they are.
#[must_use]
pub fn compressed(response: Response, encoding: Option<ContentEncoding>) -> Response {
    if !is_suitable(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    if !varies(&parts.headers) {
        parts.headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    let Some(encoding) = encoding else { return Response::from_parts(parts, body) };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding.as_str()));
    let plain = StreamReader::new(body.into_data_stream().map_err(io::Error::other));
    let body = match encoding {
        ContentEncoding::Brotli => {
            let params = EncoderParams::default().quality(QUALITY).window_size(WINDOW).text_mode();
            Body::from_stream(ReaderStream::with_capacity(BrotliEncoder::with_params(plain, params), PIECE))
        }
        ContentEncoding::Gzip => {
            Body::from_stream(ReaderStream::with_capacity(GzipEncoder::with_quality(plain, QUALITY), PIECE))
        }
    };
    Response::from_parts(parts, body)
}

/// A response body that never changes. It is compressed once for each encoding, and not for every response.
#[derive(Clone, Debug)]
pub struct FixedBody(Arc<Forms>);

#[derive(Debug)]
struct Forms {
    plain: Bytes,
    brotli: OnceCell<Bytes>,
    gzip: OnceCell<Bytes>,
}

impl FixedBody {
    /// Creates a body of these bytes.
    #[must_use]
    pub fn new(plain: impl Into<Bytes>) -> Self {
        Self(Arc::new(Forms { plain: plain.into(), brotli: OnceCell::new(), gzip: OnceCell::new() }))
    }

    /// Builds a response with this body for a client that accepts `encoding`. The body is compressed under the
    /// conditions of [`compressed`].
    pub async fn response(&self, content_type: HeaderValue, encoding: Option<ContentEncoding>) -> Response {
        let Forms { plain, brotli, gzip } = &*self.0;
        let mut response = Response::new(Body::from(plain.clone()));
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        let Some(encoding) = encoding.filter(|_| is_suitable(&response)) else { return response };
        let form = match encoding {
            ContentEncoding::Brotli => brotli,
            ContentEncoding::Gzip => gzip,
        };
        let compressing = || {
            let plain = Response::new(Body::from(plain.clone()));
            to_bytes(compressed(plain, Some(encoding)).into_body(), usize::MAX)
        };
        // Compressing bytes in memory does not fail.
        let Ok(bytes) = form.get_or_try_init(compressing).await else { return response };
        *response.body_mut() = Body::from(bytes.clone());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding.as_str()));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        response
    }
}

fn is_suitable(response: &Response) -> bool {
    let headers = response.headers();
    let media_type = headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    response.body().size_hint().exact().is_none_or(|size| size > MIN_SIZE)
        && !headers.contains_key(header::CONTENT_ENCODING)
        && !UNSUITABLE.iter().any(|start| media_type.starts_with(start.as_bytes()))
}

/// Whether a response says that it depends on the encodings that its client accepts.
fn varies(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::VARY).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|name| name.trim().eq_ignore_ascii_case("accept-encoding"))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder};
    use futures_util::stream;
    use rstest::rstest;
    use tokio::io::AsyncReadExt;

    use super::*;

    const TEXT: &str = "0123456789abcdef";

    fn of(size: usize, content_type: &'static str) -> Response {
        let body = Body::from(TEXT.repeat(size.div_ceil(TEXT.len()))[..size].to_owned());
        Response::builder().header(header::CONTENT_TYPE, content_type).body(body).unwrap()
    }

    async fn bytes(response: Response) -> Vec<u8> {
        to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()
    }

    #[rstest]
    #[case(&[], None)]
    #[case(&["identity"], None)]
    #[case(&["gzip"], Some(ContentEncoding::Gzip))]
    #[case(&["gzip, deflate, br"], Some(ContentEncoding::Brotli))]
    #[case(&["gzip", "BR;q=0.5"], Some(ContentEncoding::Brotli))]
    #[case(&["gzip;q=0.3, br;q=0"], Some(ContentEncoding::Gzip))]
    #[case(&["identity;q=0"], None)]
    fn the_better_encoding_that_the_client_accepts_is_taken(
        #[case] values: &[&'static str],
        #[case] expected: Option<ContentEncoding>,
    ) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
        }
        assert_eq!(ContentEncoding::accepted(&headers), expected);
    }

    #[tokio::test]
    async fn a_compressed_response_has_the_same_content() {
        for size in [1025, 300_000] {
            let plain = bytes(of(size, "application/json")).await;
            for encoding in [ContentEncoding::Brotli, ContentEncoding::Gzip] {
                let response = compressed(of(size, "application/json"), Some(encoding));
                assert_eq!(response.headers()[header::CONTENT_ENCODING], encoding.as_str());
                assert_eq!(response.headers()[header::VARY], "Accept-Encoding");
                let sent = bytes(response).await;
                assert!(sent.len() < size / 4, "{size} became {}", sent.len());
                let mut content = Vec::new();
                match encoding {
                    ContentEncoding::Brotli => BrotliDecoder::new(&sent[..]).read_to_end(&mut content).await.unwrap(),
                    ContentEncoding::Gzip => GzipDecoder::new(&sent[..]).read_to_end(&mut content).await.unwrap(),
                };
                assert!(content == plain, "{encoding:?} of {size} bytes");
            }
        }
    }

    #[tokio::test]
    async fn a_fixed_body_is_compressed_once_for_each_encoding() {
        let text = TEXT.repeat(1000);
        let fixed = FixedBody::new(text.clone());
        let json = HeaderValue::from_static("application/json");
        for encoding in [ContentEncoding::Brotli, ContentEncoding::Gzip] {
            let expected = bytes(compressed(of(text.len(), "application/json"), Some(encoding))).await;
            for _ in 0..2 {
                let response = fixed.response(json.clone(), Some(encoding)).await;
                assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
                assert_eq!(response.headers()[header::CONTENT_ENCODING], encoding.as_str());
                assert_eq!(response.headers()[header::VARY], "Accept-Encoding");
                // A body that is compressed while it is sent has no known size.
                assert_eq!(response.body().size_hint().exact(), Some(expected.len() as u64));
                assert_eq!(bytes(response).await, expected);
            }
        }
        let plain = fixed.response(json.clone(), None).await;
        assert_eq!(bytes(plain).await, text.as_bytes());
        let small = FixedBody::new("small").response(json, Some(ContentEncoding::Gzip)).await;
        assert_eq!(bytes(small).await, b"small");
    }

    #[tokio::test]
    async fn a_response_of_unknown_size_is_compressed() {
        let pieces = stream::iter(vec![Ok::<_, Infallible>(TEXT); 1000]);
        let response = compressed(Response::new(Body::from_stream(pieces)), Some(ContentEncoding::Gzip));
        assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
        assert!(bytes(response).await.len() < TEXT.len() * 100);
    }

    #[tokio::test]
    async fn a_body_that_fails_ends_the_compressed_one_with_an_error() {
        let pieces = stream::iter([Ok("[1,"), Err(io::Error::other("the database is away"))]);
        let response = compressed(Response::new(Body::from_stream(pieces)), Some(ContentEncoding::Brotli));
        assert!(to_bytes(response.into_body(), usize::MAX).await.is_err());
    }

    #[rstest]
    #[case::small(of(1024, "application/json"))]
    #[case::empty(of(0, "application/json"))]
    #[case::events(of(5000, "text/event-stream"))]
    #[case::image(of(5000, "image/png"))]
    #[tokio::test]
    async fn other_responses_stay_as_they_are(#[case] response: Response) {
        let size = response.body().size_hint().exact();
        let response = compressed(response, Some(ContentEncoding::Brotli));
        assert!(!response.headers().contains_key(header::CONTENT_ENCODING));
        assert!(!response.headers().contains_key(header::VARY));
        assert_eq!(response.body().size_hint().exact(), size);
    }

    #[tokio::test]
    async fn a_response_is_not_compressed_twice() {
        let mut response = of(5000, "text/javascript");
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
        let response = compressed(response, Some(ContentEncoding::Gzip));
        assert_eq!(response.headers()[header::CONTENT_ENCODING], "br");
        assert_eq!(bytes(response).await.len(), 5000);
    }

    #[tokio::test]
    async fn a_large_response_varies_for_every_client() {
        let response = compressed(of(5000, "application/json"), None);
        assert_eq!(response.headers()[header::VARY], "Accept-Encoding");
        assert_eq!(response.body().size_hint().exact(), Some(5000));
        let mut response = of(5000, "text/html");
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("Origin, accept-encoding"));
        assert_eq!(compressed(response, None).headers().get_all(header::VARY).iter().count(), 1);
    }
}
