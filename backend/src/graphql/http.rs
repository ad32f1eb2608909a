//! GraphQL over HTTP: media types, requests and the status of responses.

use std::any::Any;

use async_graphql::{Request, Response};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response as HttpResponse},
};
use bytes::Bytes;
use serde_json::{Map, Value as Json};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    Graphql,
    bounded_response_json::Payload,
    context::Caller,
    errors::{json, server_error},
    executor::Executed,
    idempotency::with_key,
    landing_page,
    request::{CheckedRequest, from_fields},
};
use crate::{
    error::{Code, Error, Result},
    rate_limits::Verdict,
    service::Credentials,
    transport::{
        self, client_address, discard_body, http_status, rate_limit_key, read_body, response_body, set_rate_limit,
        token,
    },
};

/// The error for a page of an origin that is not allowed.
const FOREIGN: Error = Error::Forbidden("pages of this origin may not send requests: see MFTPLUS_ALLOWED_ORIGINS");

/// The media types of responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Media {
    /// `application/json`, with status 200 for a refused document.
    Json,
    /// `application/graphql-response+json`, with status 400 for a refused document.
    GraphqlResponse,
}

/// A response before its headers are set.
struct Answer {
    status: StatusCode,
    body: Bytes,
    limited: Option<Verdict>,
    retry_after: Option<u64>,
}

/// The part of an HTTP request that holds the GraphQL request.
enum Source {
    /// The URL.
    Url,
    /// The body; `None` after it was read.
    Body(Option<Body>),
}

/// Answers a query in a URL; a browser that opens the URL without a query gets the landing page.
pub(super) async fn answer_get(State(graphql): State<Graphql>, parts: Parts, body: Body) -> HttpResponse {
    let response = if landing_page::is_wanted(&parts) {
        landing_page::show().await
    } else {
        answer(&graphql, &parts, &mut Source::Url).await
    };
    discard_body(body).await;
    response
}

/// Answers an operation in a body.
pub(super) async fn answer_post(State(graphql): State<Graphql>, parts: Parts, body: Body) -> HttpResponse {
    let mut source = Source::Body(Some(body));
    let response = answer(&graphql, &parts, &mut source).await;
    if let Source::Body(Some(body)) = source {
        // It was refused without being read.
        discard_body(body).await;
    }
    response
}

/// Refuses a method other than GET and POST.
pub(super) async fn refuse_method(body: Body) -> HttpResponse {
    discard_body(body).await;
    let mut response = written(Media::Json, StatusCode::METHOD_NOT_ALLOWED, refusal(&Error::MethodNotAllowed));
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, POST"));
    response
}

/// The response to a request whose handler panicked.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
pub(super) fn panicked(panic: Box<dyn Any + Send + 'static>) -> HttpResponse {
    written(Media::Json, StatusCode::INTERNAL_SERVER_ERROR, refusal(&transport::panicked(panic.as_ref())))
}

/// The response to a WebSocket upgrade that is refused with this status and message.
pub(super) fn refuse_upgrade(status: StatusCode, sentence: &str) -> HttpResponse {
    written(Media::Json, status, refusal(&Error::Invalid(sentence.to_owned())))
}

/// The response to a page of an origin that is not allowed.
pub(super) fn refuse_origin() -> HttpResponse {
    written(Media::Json, StatusCode::FORBIDDEN, refusal(&FOREIGN))
}

async fn answer(graphql: &Graphql, parts: &Parts, source: &mut Source) -> HttpResponse {
    let Some(media) = accepted(&parts.headers) else {
        let sentence = "accept application/graphql-response+json or application/json";
        return written(Media::Json, StatusCode::NOT_ACCEPTABLE, refusal(&Error::Invalid(sentence.to_owned())));
    };
    if !graphql.settings.origins.allows(&parts.headers, &parts.extensions) {
        return written(media, StatusCode::FORBIDDEN, refusal(&FOREIGN));
    }
    let answer = match carry_out(graphql, parts, media, source).await {
        Ok(answer) => answer,
        Err((error, limited)) => {
            let retry_after = error.retry_after_seconds();
            Answer { status: status(&error), body: refusal(&error), limited, retry_after }
        }
    };
    let mut response = written(media, answer.status, answer.body);
    let headers = response.headers_mut();
    if answer.status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    if let Some(seconds) = answer.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(verdict) = answer.limited {
        set_rate_limit(headers, &verdict);
    }
    response
}

async fn carry_out(
    graphql: &Graphql,
    parts: &Parts,
    media: Media,
    source: &mut Source,
) -> Result<Answer, (Error, Option<Verdict>)> {
    let cp = &graphql.settings.cp;
    let address = rate_limit_key(client_address(parts, &graphql.settings.trusted_proxies));
    let (caller, refused) = match caller(graphql, &parts.headers, &address).await {
        Ok(caller) => {
            if let Some(actor) = &caller.actor {
                transport::authenticated(&parts.extensions, actor);
            }
            (caller, None)
        }
        // Counted like a request without a token, and then refused.
        Err(error) => (Caller { actor: None, address }, Some(error)),
    };
    let limited = caller.count(cp).await.map_err(|error| (error, None))?;
    if let Some(verdict) = limited.filter(|verdict| verdict.exceeded) {
        let wait = (verdict.resets_at - cp.now()).to_std().unwrap_or_default();
        return Err((Error::RateLimited(wait), limited));
    }
    if let Some(error) = refused {
        return Err((error, limited));
    }
    let may_mutate = matches!(source, Source::Body(_));
    let (request, share) =
        read_request(graphql, parts, source, caller.actor.is_some()).await.map_err(|error| (error, limited))?;
    let request = with_key(request, &parts.headers);
    let executed = match CheckedRequest::new(&graphql.documents, request, &caller).await {
        Err(error) => Executed::Refused(vec![error]),
        Ok(mut request) => {
            if !may_mutate && request.is_mutation() {
                return Err((Error::MethodNotAllowed, limited));
            }
            graphql.executor.execute(request, &caller).await.map_err(|error| (error, limited))?
        }
    };
    drop(share);
    Ok(match executed {
        Executed::Answered(body) => Answer { status: StatusCode::OK, body, limited, retry_after: None },
        Executed::Refused(errors) => {
            let status = if media == Media::GraphqlResponse { StatusCode::BAD_REQUEST } else { StatusCode::OK };
            Answer { status, body: json(&Payload::from(&Response::from_errors(errors))), limited, retry_after: None }
        }
    })
}

/// Reads the request, with its share of the memory budget for bodies. The caller was authenticated and counted before.
async fn read_request(
    graphql: &Graphql,
    parts: &Parts,
    source: &mut Source,
    is_authenticated: bool,
) -> Result<(Request, Option<OwnedSemaphorePermit>)> {
    match source {
        Source::Url => Ok((from_query(parts.uri.query().unwrap_or_default())?, None)),
        Source::Body(body) => {
            let body = body.take().unwrap_or_default();
            let received = read_body(body, &graphql.settings.bodies, is_authenticated).await?;
            Ok((from_body(&parts.headers, &received.bytes)?, received.share))
        }
    }
}

/// The caller, with or without a token. An API key is not accepted here.
async fn caller(graphql: &Graphql, headers: &HeaderMap, address: &str) -> Result<Caller> {
    let actor = match token(headers)? {
        Some(token) => Some(graphql.settings.cp.authenticate(Credentials::Token(token)).await?.actor),
        None if headers.contains_key("x-api-key") => {
            return Err(Error::Unauthenticated("GraphQL does not accept API keys: send a user's access token"));
        }
        None => None,
    };
    Ok(Caller { actor, address: address.to_owned() })
}

/// The media type that the client prefers.
fn accepted(headers: &HeaderMap) -> Option<Media> {
    let mut values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    if values.peek().is_none() {
        return Some(Media::Json);
    }
    let mut best: Option<(f32, Media)> = None;
    for range in values.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let media = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "application/graphql-response+json" => Media::GraphqlResponse,
            "application/json" | "application/*" | "*/*" => Media::Json,
            _ => continue,
        };
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |text| text.parse().unwrap_or(0.0));
        if quality > 0.0 && best.is_none_or(|(other, _)| quality > other) {
            best = Some((quality, media));
        }
    }
    best.map(|(_, media)| media)
}

fn from_query(query: &str) -> Result<Request> {
    let mut fields = Map::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = match name.as_ref() {
            "variables" | "extensions" => {
                serde_json::from_str(&value).map_err(|_| Error::Invalid(format!("`{name}` is not JSON")))?
            }
            _ => Json::String(value.into_owned()),
        };
        fields.insert(name.into_owned(), value);
    }
    from_fields(fields)
}

fn from_body(headers: &HeaderMap, bytes: &[u8]) -> Result<Request> {
    transport::check_encoding(headers)?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = kind.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    let is_utf8 = parts.filter_map(|part| part.split_once('=')).all(|(name, value)| {
        !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    if !is_json || !is_utf8 {
        return Err(transport::NOT_JSON);
    }
    match serde_json::from_slice(bytes) {
        Ok(Json::Object(fields)) => from_fields(fields),
        Ok(_) => Err(Error::Invalid("the body must be a JSON object; batches are not supported".to_owned())),
        Err(error) => Err(Error::Invalid(format!("the body is not JSON: {error}"))),
    }
}

/// The status of a request that was not executed.
fn status(error: &Error) -> StatusCode {
    match error.code() {
        // Not an HTTP error: the client sends its document next.
        Code::PersistedQueryNotSupported | Code::ResponseTooLarge => StatusCode::OK,
        code => http_status(code),
    }
}

fn refusal(error: &Error) -> Bytes {
    json(&Payload::from(&Response::from_errors(vec![server_error(error)])))
}

fn written(media: Media, status: StatusCode, body: Bytes) -> HttpResponse {
    let kind = match media {
        Media::Json => "application/json; charset=utf-8",
        Media::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, response_body(body)).into_response()
}
