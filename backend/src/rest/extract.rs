//! Extractors of the parts of a request. Each fails with an error of the contract.

use std::str::FromStr;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, RawPathParams, Request},
    http::{HeaderMap, header, request::Parts},
};
use serde_json::{Map, Value};

use super::{ApiState, envelope::Failure, middleware::RequestContext};
use crate::{
    error::Error,
    ids::{Named, PipelineId, RunId},
    model::{Fields, FromFields},
    transport,
};

/// A required body, parsed, with its bytes as they were sent.
pub(super) struct Body<T> {
    pub(super) input: T,
    pub(super) raw: Bytes,
}

/// An optional body, parsed, with its bytes as they were sent. An absent body has no fields.
pub(super) struct OptionalBody<T> {
    pub(super) input: T,
    pub(super) raw: Bytes,
}

/// The parameters of the query string.
pub(super) struct Query<T>(pub(super) T);

/// The id in the path. A path segment that is not an id is answered with 404.
pub(super) struct Id<T>(pub(super) T);

/// Two ids in the path, in the order of the path.
pub(super) struct Ids<A, B>(pub(super) A, pub(super) B);

/// The step in the path: its pipeline, its run and its id. A path segment that is not an id is answered with 404.
pub(super) struct StepPath {
    pub(super) pipeline: PipelineId,
    pub(super) run: RunId,
    pub(super) step: String,
}

/// The value of the header `Idempotency-Key`, if there is one.
pub(super) struct IdempotencyKey(pub(super) Option<String>);

/// Whether the client prefers an answer without a body: `Prefer: return=minimal` of RFC 7240.
pub(super) struct PrefersMinimal(pub(super) bool);

impl<T: FromFields> FromRequest<ApiState> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, api: &ApiState) -> Result<Self, Failure> {
        let (headers, raw) = received(request, api).await?;
        let input = T::read(object(&headers, &raw)?)?;
        Ok(Self { input, raw })
    }
}

impl<T: FromFields> FromRequest<ApiState> for OptionalBody<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, api: &ApiState) -> Result<Self, Failure> {
        let (headers, raw) = received(request, api).await?;
        let object = if raw.is_empty() { Map::new() } else { object(&headers, &raw)? };
        Ok(Self { input: T::read(object)?, raw })
    }
}

/// Reads the headers and the body. The extractor of the body is the last one, so the caller is authenticated and
/// counted before.
async fn received(request: Request, api: &ApiState) -> Result<(HeaderMap, Bytes), Failure> {
    let (parts, _) = request.into_parts();
    let context = parts.extensions.get::<RequestContext>();
    let raw = context.ok_or_else(|| Error::internal("a request without its body"))?.read(api).await?;
    Ok((parts.headers, raw))
}

fn object(headers: &HeaderMap, raw: &[u8]) -> Result<Map<String, Value>, Error> {
    transport::check_encoding(headers)?;
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = content_type.split(';').next().unwrap_or("").trim();
    let is_json = essence.eq_ignore_ascii_case("application/json")
        || (essence.len() > 5 && essence.to_ascii_lowercase().ends_with("+json"));
    if !is_json {
        return Err(transport::NOT_JSON);
    }
    match serde_json::from_slice(raw) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Error::Invalid("the body must be a JSON object".to_owned())),
        Err(error) => {
            Err(Error::Invalid(format!("the body is not valid JSON: line {}, column {}", error.line(), error.column())))
        }
    }
}

impl<T: FromFields> FromRequestParts<ApiState> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &ApiState) -> Result<Self, Failure> {
        let query = parts.uri.query().unwrap_or("");
        let mut fields = Fields::of_query(form_urlencoded::parse(query.as_bytes()).into_owned());
        let input = T::from_fields(&mut fields);
        Ok(Self(fields.finish(input)?))
    }
}

/// Two sets of parameters in one query.
impl<A: FromFields, B: FromFields> FromFields for (A, B) {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let (first, second) = (A::from_fields(fields), B::from_fields(fields));
        Some((first?, second?))
    }
}

impl<T: FromStr + Named> FromRequestParts<ApiState> for Id<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Failure> {
        let parameters = RawPathParams::from_request_parts(parts, state).await;
        let id = parameters.ok().and_then(|parameters| parameters.iter().next().and_then(|(_, id)| id.parse().ok()));
        Ok(Self(id.ok_or(Error::NotFound(T::NOUN))?))
    }
}

impl<A: FromStr + Named, B: FromStr + Named> FromRequestParts<ApiState> for Ids<A, B> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Failure> {
        let parameters = RawPathParams::from_request_parts(parts, state).await;
        let parameters = parameters.map_err(|_| Error::NotFound(A::NOUN))?;
        let mut ids = parameters.iter().map(|(_, id)| id);
        let first = ids.next().and_then(|id| id.parse().ok()).ok_or(Error::NotFound(A::NOUN))?;
        let second = ids.next().and_then(|id| id.parse().ok()).ok_or(Error::NotFound(B::NOUN))?;
        Ok(Self(first, second))
    }
}

impl FromRequestParts<ApiState> for StepPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Failure> {
        let missing = Error::NotFound("step");
        let Ok(parameters) = RawPathParams::from_request_parts(parts, state).await else { return Err(missing.into()) };
        let named = |name: &str| parameters.iter().find(|(found, _)| *found == name).map(|(_, value)| value);
        let path = (|| {
            let pipeline = named("id")?.parse().ok()?;
            let run = named("runId")?.parse().ok()?;
            Some(Self { pipeline, run, step: named("stepId")?.to_owned() })
        })();
        path.ok_or_else(|| missing.into())
    }
}

impl FromRequestParts<ApiState> for IdempotencyKey {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &ApiState) -> Result<Self, Failure> {
        Ok(Self(transport::idempotency_key(&parts.headers)))
    }
}

impl FromRequestParts<ApiState> for PrefersMinimal {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &ApiState) -> Result<Self, Failure> {
        Ok(Self(prefers_minimal(&parts.headers)))
    }
}

/// Whether the first preference `return` is `minimal`; further ones do not count.
fn prefers_minimal(headers: &HeaderMap) -> bool {
    let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut preferences = values.flat_map(|value| value.split(','));
    let chosen = preferences.find_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        name.trim().eq_ignore_ascii_case("return").then(|| value.trim().trim_matches('"'))
    });
    chosen.is_some_and(|value| value.eq_ignore_ascii_case("minimal"))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&["return=minimal"], true)]
    #[case(&["Return = \"minimal\"; x=1"], true)]
    #[case(&["respond-async, wait=10", "return=minimal"], true)]
    #[case(&["return=minimal, return=representation"], true)]
    #[case(&["return=representation, return=minimal"], false)]
    #[case(&["return=representation"], false)]
    #[case(&["return", "minimal", "x; return=minimal"], false)]
    #[case(&[], false)]
    fn the_first_preference_of_a_name_counts(#[case] values: &[&'static str], #[case] is_minimal: bool) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("prefer", HeaderValue::from_static(value));
        }
        assert_eq!(prefers_minimal(&headers), is_minimal);
    }
}
