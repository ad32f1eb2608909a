//! Request ids: sent by the client or generated, and written to the response header, to each log line of the request,
//! and to errors of GraphQL.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use tokio::task::JoinHandle;
use tracing::Span;
use uuid::Uuid;

use crate::{clock::Clock, ids::IdGenerator};

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// The maximum length of an id that a client sends, in characters.
const MAX_LENGTH: usize = 64;

tokio::task_local! {
    /// The request that the current task handles.
    static CURRENT: Option<RequestId>;
}

/// The id of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Returns the id of the request that the current task handles; `None` outside of a request, and in a task that
    /// serves several requests.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok().flatten()
    }

    /// Runs `work` as a part of `request`, so that [`Self::current`] returns the id. A spawned task belongs to no
    /// request unless its future is wrapped with this.
    pub fn scope<F: Future>(request: Option<Self>, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(request, work)
    }

    /// Creates the span that adds the id to the log lines of the request. Its level is `error`, so that no log filter
    /// removes it.
    #[must_use]
    pub fn span(&self) -> Span {
        tracing::error_span!("request", request.id = self.as_str())
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Writes the id into the headers of the response.
    pub fn write(&self, headers: &mut HeaderMap) {
        if let Ok(value) = HeaderValue::from_str(&self.0) {
            headers.insert(HEADER, value);
        }
    }
}

/// Runs `work` on a blocking thread, as a part of the current request.
#[must_use]
pub fn spawn_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    let (request, span) = (RequestId::current(), Span::current());
    tokio::task::spawn_blocking(move || CURRENT.sync_scope(request, || span.in_scope(work)))
}

/// Reads or generates the ids of requests. Clones share one generator.
#[derive(Clone, Debug)]
pub struct RequestIds(Arc<Source>);

#[derive(Debug)]
struct Source {
    ids: IdGenerator,
    clock: Clock,
}

impl Default for RequestIds {
    fn default() -> Self {
        Self(Arc::new(Source { ids: IdGenerator::buffered(), clock: Clock::system() }))
    }
}

impl RequestIds {
    /// Returns the id that the client has sent with its request or, without a valid one, a new `UUIDv7`.
    #[must_use]
    pub fn of(&self, headers: &HeaderMap) -> RequestId {
        let made = || -> Arc<str> {
            let id = self.0.ids.next::<Uuid>(self.0.clock.now());
            let mut text = Uuid::encode_buffer();
            (&*id.hyphenated().encode_lower(&mut text)).into()
        };
        RequestId(chosen(headers).map_or_else(made, Into::into))
    }
}

/// The id in the header, if there is one header and it holds 1 to [`MAX_LENGTH`] visible ASCII characters.
fn chosen(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(HEADER).iter();
    let (first, second) = (values.next()?, values.next());
    let id = first.to_str().ok()?;
    let is_valid = (1..=MAX_LENGTH).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    (is_valid && second.is_none()).then_some(id)
}

#[cfg(test)]
mod tests {
    use tokio_util::task::TaskTracker;

    use super::*;

    fn of(values: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        RequestIds::default().of(&headers).as_str().to_owned()
    }

    #[test]
    fn a_short_id_of_visible_ascii_is_taken() {
        let longest = "x".repeat(MAX_LENGTH);
        for id in ["a", "0199c1f0-6c00-7000-8000-000000000001", "Root=1-67891233;Parent=\"~\"", longest.as_str()] {
            assert_eq!(of(&[id]), id);
        }
    }

    #[test]
    fn any_other_id_is_replaced_by_a_new_uuid() {
        let too_long = "x".repeat(MAX_LENGTH + 1);
        let replaced: [&[&str]; 7] =
            [&[], &[""], &[too_long.as_str()], &["a b"], &["a\tb"], &["caf\u{e9}"], &["a", "a"]];
        for values in replaced {
            let made = Uuid::try_parse(&of(values)).unwrap();
            assert_eq!(made.get_version_num(), 7, "{values:?}");
            assert_ne!(of(values), made.to_string(), "each request has an id of its own");
        }
    }

    #[tokio::test]
    async fn the_id_is_known_to_the_work_of_its_request_and_to_no_other_task() {
        let id = RequestId("mine".into());
        let known = RequestId::scope(Some(id.clone()), async {
            let blocking = spawn_blocking(RequestId::current).await.unwrap();
            let spawned = TaskTracker::new().spawn(async { RequestId::current() }).await.unwrap();
            (RequestId::current(), blocking, spawned)
        });
        assert_eq!(known.await, (Some(id.clone()), Some(id), None));
        assert_eq!(RequestId::current(), None);
    }
}
