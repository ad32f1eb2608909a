//! Exports: lists that are streamed as CSV or NDJSON, page by page, each read in a transaction of its own.

use std::{mem, sync::Arc};

use axum::{
    body::Body,
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture, stream};
use serde::Serialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Api, ApiState, caller::KeptCredentials, envelope::Failure, list_memory_budget::Share};
use crate::{
    actor::Actor,
    error::{Error, Result},
    model::{Page, PageRequest, PageStart},
};

/// The maximum number of rows of an export.
const MAX_ROWS: usize = 1_000_000;
/// The number of rows that are read at once.
pub(super) const PAGE: u64 = 500;
/// The memory that is reserved for each row of a page, in bytes.
const ROW: usize = 8 * 1024;
/// The maximum length of a file name without its extension.
const MAX_NAME: usize = 120;

const STOPPING: Error = Error::Unavailable("the server is shutting down: the export is incomplete");

/// An item of a list that can be exported.
pub(super) trait Exported: Serialize + Send + 'static {
    /// The name of the list, with which the file name begins.
    const NAME: &'static str;
    /// The columns of CSV: names of fields of the JSON object. A field of a nested object is written as
    /// `network.latencyMs`.
    const COLUMNS: &'static [&'static str];

    fn id(&self) -> Uuid;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Csv,
    Ndjson,
}

/// An export in the format that the header `Accept` of a request names.
pub(super) struct Export {
    format: Format,
    /// The query, for the file name.
    query: String,
    credentials: KeptCredentials,
}

/// The export that the request asks for; `None` if it asks for a page as JSON.
pub(super) struct MaybeExport(pub(super) Option<Export>);

impl FromRequestParts<ApiState> for MaybeExport {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &ApiState) -> Result<Self, Failure> {
        Ok(Self(wanted(&parts.headers).map(|format| Export {
            format,
            query: parts.uri.query().unwrap_or_default().to_owned(),
            credentials: KeptCredentials::of(parts),
        })))
    }
}

/// The format that `Accept` prefers: of several with the same quality the first one.
fn wanted(headers: &HeaderMap) -> Option<Format> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut best = (0.0, None);
    for range in values.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let format = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "text/csv" => Some(Format::Csv),
            "application/x-ndjson" => Some(Format::Ndjson),
            _ => None,
        };
        let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
        if quality > best.0 {
            best = (quality, format);
        }
    }
    best.1
}

impl Export {
    /// Builds the answer. `list` reads its rows page by page, newest first.
    pub(super) async fn response<T: Exported>(
        self,
        api: &Api,
        actor: &Actor,
        list: impl Fn(PageRequest) -> BoxFuture<'static, Result<Page<T>>> + Send + 'static,
    ) -> Result<Response, Failure> {
        let pages = move |after: Option<Uuid>| {
            let start = after.map_or(PageStart::Page(1), PageStart::OlderThan);
            let reading = list(PageRequest { start, limit: PAGE, is_counted: false });
            async move {
                let page = reading.await?;
                let next = page.items.last().filter(|_| page.has_more).map(Exported::id);
                Ok::<_, Error>((page.items, next))
            }
            .boxed()
        };
        self.pages(api, actor, pages).await
    }

    /// Builds the answer. `list` reads one page: it gets the position at which the page begins, `None` for the first
    /// page, and returns the rows and the position of the next page, if there is one. The first page is read before the
    /// answer begins, so that its errors are ordinary error answers.
    pub(super) async fn pages<T: Exported, P: Send + 'static>(
        self,
        api: &Api,
        actor: &Actor,
        list: impl Fn(Option<P>) -> PageFuture<T, P> + Send + 'static,
    ) -> Result<Response, Failure> {
        let share = api.exports.reserve(actor, PAGE, ROW).await?;
        let (items, next) = list(None).await?;
        let (content_type, extension) = match self.format {
            Format::Csv => ("text/csv; charset=utf-8", "csv"),
            Format::Ndjson => ("application/x-ndjson", "ndjson"),
        };
        let name = format!("attachment; filename=\"{}.{extension}\"", file_name(T::NAME, &self.query));
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
            (header::CONTENT_DISPOSITION, HeaderValue::from_str(&name).map_err(Error::internal)?),
        ];
        let caller = Arc::new((Arc::clone(&api.cp), self.credentials, actor.clone()));
        let check = move || {
            let caller = Arc::clone(&caller);
            async move {
                let (cp, credentials, actor) = &*caller;
                credentials.check(cp, actor).await
            }
            .boxed()
        };
        let rows = Rows {
            format: self.format,
            check: Box::new(check),
            list: Box::new(list),
            next: Next::First(items, next),
            left: MAX_ROWS,
            stop: api.cp.stop().clone(),
            _share: Some(share),
        };
        let pieces = stream::unfold(Some(rows), |rows| async move {
            let mut rows = rows?;
            match rows.piece().await {
                Ok(piece) => piece.map(|piece| (Ok(piece), Some(rows))),
                // The answer has begun, so the error can only be shown by ending the connection.
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "an export is incomplete");
                    Some((Err(error), None))
                }
            }
        });
        Ok((headers, Body::from_stream(pieces)).into_response())
    }
}

/// The items of a page, and the place at which the next one begins.
type PageFuture<T, P> = BoxFuture<'static, Result<(Vec<T>, Option<P>)>>;

/// The rows of an export that are not written yet. They are dropped when the client closes the connection.
struct Rows<T, P> {
    format: Format,
    /// Checks before each page but the first that the caller may still read the list.
    check: Box<dyn Fn() -> BoxFuture<'static, Result<()>> + Send>,
    list: Box<dyn Fn(Option<P>) -> PageFuture<T, P> + Send>,
    next: Next<T, P>,
    /// The number of rows that may still be written.
    left: usize,
    stop: CancellationToken,
    /// The share of a page in the memory budget of exports.
    _share: Option<Share>,
}

/// The page to be written next.
enum Next<T, P> {
    /// The first one, which was read already, with the place of the second one.
    First(Vec<T>, Option<P>),
    /// The one that begins at this place.
    After(P),
    End,
}

impl<T: Exported, P> Rows<T, P> {
    /// The rows of the next page; `None` at the end.
    async fn piece(&mut self) -> Result<Option<Bytes>> {
        if self.stop.is_cancelled() {
            return Err(STOPPING);
        }
        let mut piece = Vec::new();
        let (items, next) = match mem::replace(&mut self.next, Next::End) {
            Next::First(items, next) => {
                if self.format == Format::Csv {
                    piece.extend_from_slice(T::COLUMNS.join(",").as_bytes());
                    piece.extend_from_slice(b"\r\n");
                }
                (items, next)
            }
            Next::After(place) => {
                let checking = (self.check)();
                checking.await?;
                let reading = (self.list)(Some(place));
                reading.await?
            }
            Next::End => return Ok(None),
        };
        let written = items.len().min(self.left);
        for item in &items[..written] {
            self.write(&mut piece, item)?;
        }
        self.left -= written;
        if let Some(place) = next
            && self.left > 0
        {
            self.next = Next::After(place);
        }
        Ok((!piece.is_empty()).then(|| piece.into()))
    }

    fn write(&self, piece: &mut Vec<u8>, item: &T) -> Result<()> {
        if self.format == Format::Ndjson {
            serde_json::to_writer(&mut *piece, item).map_err(Error::internal)?;
            piece.push(b'\n');
            return Ok(());
        }
        let item = serde_json::to_value(item).map_err(Error::internal)?;
        for (index, column) in T::COLUMNS.iter().enumerate() {
            if index > 0 {
                piece.push(b',');
            }
            let value = column.split('.').try_fold(&item, |value, field| value.get(field));
            piece.extend_from_slice(cell(value).as_bytes());
        }
        piece.extend_from_slice(b"\r\n");
        Ok(())
    }
}

/// A cell of CSV.
fn cell(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => return String::new(),
        Some(Value::String(text)) => text,
        Some(other) => return other.to_string(),
    };
    // Programs for spreadsheets would take it for a formula.
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let lead = if is_formula { "'" } else { "" };
    if text.contains(['"', ',', '\r', '\n']) {
        return format!("\"{lead}{}\"", text.replace('"', "\"\""));
    }
    format!("{lead}{text}")
}

/// The file name without its extension: the name of the list, and the filters and the order of the query.
fn file_name(list: &str, query: &str) -> String {
    let mut name = list.to_owned();
    for (parameter, value) in form_urlencoded::parse(query.as_bytes()) {
        if !matches!(parameter.as_ref(), "page" | "limit" | "offset") {
            name.push('_');
            let safe = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
            name.extend(format!("{parameter}-{value}").chars().map(safe));
        }
    }
    name.chars().take(MAX_NAME).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[derive(Serialize)]
    struct Row {
        number: u32,
        inner: Value,
    }

    impl Exported for Row {
        const NAME: &'static str = "rows";
        const COLUMNS: &'static [&'static str] = &["number", "inner.text"];

        fn id(&self) -> Uuid {
            Uuid::from_u128(u128::from(self.number))
        }
    }

    /// Two rows, and the number with which the next page begins.
    fn page(first: u32) -> (Vec<Row>, Option<u32>) {
        let rows = (first..first + 2).map(|number| Row { number, inner: json!({ "text": "a" }) }).collect();
        (rows, (first < 4).then_some(first + 2))
    }

    /// A list of six rows, read by two.
    fn rows(format: Format, left: usize) -> Rows<Row, u32> {
        let list = |first: Option<u32>| {
            let first = first.expect("the first page was read");
            std::future::ready(Ok::<_, Error>(page(first))).boxed()
        };
        let (items, next) = page(0);
        let (next, stop) = (Next::First(items, next), CancellationToken::new());
        let check = Box::new(|| std::future::ready(Ok::<_, Error>(())).boxed());
        Rows { format, check, list: Box::new(list), next, left, stop, _share: None }
    }

    async fn all(mut rows: Rows<Row, u32>) -> String {
        let mut written = Vec::new();
        while let Some(piece) = rows.piece().await.expect("a piece") {
            written.extend_from_slice(&piece);
        }
        String::from_utf8(written).expect("text")
    }

    #[tokio::test]
    async fn all_pages_are_written_up_to_the_maximum() {
        assert_eq!(all(rows(Format::Csv, 3)).await, "number,inner.text\r\n0,a\r\n1,a\r\n2,a\r\n");
        let six: Vec<String> =
            (0..6).map(|number| format!("{{\"number\":{number},\"inner\":{{\"text\":\"a\"}}}}\n")).collect();
        assert_eq!(all(rows(Format::Ndjson, 100)).await, six.concat());
        assert_eq!(all(rows(Format::Ndjson, 4)).await, six[..4].concat());
    }

    #[tokio::test]
    async fn an_export_fails_when_the_server_shuts_down() {
        let mut rows = rows(Format::Csv, 100);
        rows.piece().await.expect("the first page");
        rows.stop.cancel();
        assert!(matches!(rows.piece().await, Err(Error::Unavailable(_))));
    }

    #[rstest]
    #[case(json!(null), "")]
    #[case(json!(1.5), "1.5")]
    #[case(json!(true), "true")]
    #[case(json!("plain text"), "plain text")]
    #[case(json!("a,b"), "\"a,b\"")]
    #[case(json!("a \"b\"\nc"), "\"a \"\"b\"\"\nc\"")]
    #[case(json!("=1+1"), "'=1+1")]
    #[case(json!("+1"), "'+1")]
    #[case(json!("-1"), "'-1")]
    #[case(json!("@sum"), "'@sum")]
    #[case(json!("\t=1"), "'\t=1")]
    #[case(json!("\r=1"), "\"'\r=1\"")]
    #[case(json!("=\"a\",b"), "\"'=\"\"a\"\",b\"")]
    fn a_cell_is_quoted_and_never_a_formula(#[case] value: Value, #[case] expected: &str) {
        assert_eq!(cell(Some(&value)), expected);
    }

    #[rstest]
    #[case(&["text/csv"], Some(Format::Csv))]
    #[case(&["Application/X-NDJSON;q=0.9, application/json;q=0.1"], Some(Format::Ndjson))]
    #[case(&["application/json", "text/csv"], None)]
    #[case(&["text/csv;q=0.5", "*/*"], None)]
    #[case(&["text/csv;q=0"], None)]
    #[case(&["*/*"], None)]
    #[case(&[], None)]
    fn the_preferred_media_type_counts(#[case] accept: &[&'static str], #[case] format: Option<Format>) {
        let values = accept.iter().map(|value| (header::ACCEPT, HeaderValue::from_static(value)));
        assert_eq!(
            wanted(&values.fold(HeaderMap::new(), |mut headers, (name, value)| {
                headers.append(name, value);
                headers
            })),
            format
        );
    }

    #[rstest]
    #[case("", "transfers")]
    #[case("page=2&limit=5", "transfers")]
    #[case("status=failed&q=a%2F..%22b&sort=-size", "transfers_status-failed_q-a----b_sort--size")]
    fn a_file_name_has_the_filter_in_safe_characters(#[case] query: &str, #[case] expected: &str) {
        assert_eq!(file_name("transfers", query), expected);
        assert!(file_name("transfers", &"q=x&".repeat(1000)).len() <= MAX_NAME);
    }
}
