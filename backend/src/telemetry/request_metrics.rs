//! Metrics of requests by method, route and status. The handles of the metrics are cached, so that a request need not
//! build labels and search the registry.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, OnceLock, PoisonError, RwLock},
    task::{Context, Poll, ready},
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request},
    http::{Method, StatusCode},
    response::Response,
};
use metrics::{Counter, Gauge, Histogram};
use tower::{Layer, Service};

/// The label of paths without a route. They share one, because clients choose paths.
const UNMATCHED: &str = "unmatched";
/// The labels of methods. Methods that are not listed share the last one, because clients choose methods.
const METHODS: [&str; 10] = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE", ""];

/// The layer that records the number and the durations of requests, and the number of requests whose answer has not
/// begun.
#[derive(Clone, Default)]
pub struct RequestMetrics(Arc<Routes>);

impl<S> Layer<S> for RequestMetrics {
    type Service = Recorded<S>;

    fn layer(&self, inner: S) -> Recorded<S> {
        Recorded { inner, routes: Arc::clone(&self.0) }
    }
}

/// A service that records metrics of the requests to the inner service.
#[derive(Clone)]
pub struct Recorded<S> {
    inner: S,
    routes: Arc<Routes>,
}

impl<S> Service<Request> for Recorded<S>
where
    S: Service<Request, Response = Response>,
    S::Future: Unpin,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Recording<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let pending = PendingRequest::begin(self.routes.series(&request));
        Recording { answer: self.inner.call(request), pending }
    }
}

/// The future of the response to a request of which metrics are recorded.
pub struct Recording<F> {
    answer: F,
    pending: PendingRequest,
}

impl<F, E> Future for Recording<F>
where
    F: Future<Output = Result<Response, E>> + Unpin,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let response = ready!(Pin::new(&mut this.answer).poll(cx))?;
        this.pending.answered(response.status());
        Poll::Ready(Ok(response))
    }
}

/// The series of each route.
#[derive(Default)]
struct Routes(RwLock<HashMap<Box<str>, Arc<Route>>>);

impl Routes {
    fn series(&self, request: &Request) -> Arc<Series> {
        let endpoint = request.extensions().get::<MatchedPath>().map_or(UNMATCHED, MatchedPath::as_str);
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(endpoint).cloned();
        let route = known.unwrap_or_else(|| {
            let mut routes = self.0.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(routes.entry(endpoint.into()).or_default())
        });
        route.series(request.method(), endpoint)
    }
}

/// The series of a route, in the order of [`METHODS`].
#[derive(Default)]
struct Route([OnceLock<Arc<Series>>; METHODS.len()]);

impl Route {
    fn series(&self, method: &Method, endpoint: &str) -> Arc<Series> {
        let index = METHODS.iter().position(|label| *label == method.as_str()).unwrap_or(METHODS.len() - 1);
        Arc::clone(self.0[index].get_or_init(|| Arc::new(Series::new(METHODS[index], endpoint))))
    }
}

/// The series of a method of a route.
struct Series {
    method: &'static str,
    endpoint: Box<str>,
    pending: Gauge,
    /// The series of each status that was answered.
    answers: RwLock<Vec<(StatusCode, Answers)>>,
}

impl Series {
    fn new(method: &'static str, endpoint: &str) -> Self {
        let pending =
            metrics::gauge!("mftplus_http_requests_pending", "method" => method, "endpoint" => endpoint.to_owned());
        Self { method, endpoint: endpoint.into(), pending, answers: RwLock::default() }
    }

    fn record(&self, status: StatusCode, seconds: f64) {
        let known = self.answers.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, answers)) = known.iter().find(|(known, _)| *known == status) {
            return answers.record(seconds);
        }
        drop(known);
        let answers = Answers::new(self.method, &self.endpoint, status);
        answers.record(seconds);
        // Two requests may do so at the same time: both handles are those of the same series.
        self.answers.write().unwrap_or_else(PoisonError::into_inner).push((status, answers));
    }
}

/// The series of a status.
struct Answers {
    total: Counter,
    duration: Histogram,
}

impl Answers {
    fn new(method: &'static str, endpoint: &str, status: StatusCode) -> Self {
        let labels = [("method", method), ("status", status.as_str()), ("endpoint", endpoint)];
        let labels = labels.map(|(name, value)| metrics::Label::new(name, value.to_owned())).to_vec();
        Self {
            total: metrics::counter!("mftplus_http_requests_total", labels.clone()),
            duration: metrics::histogram!("mftplus_http_requests_duration_seconds", labels),
        }
    }

    fn record(&self, seconds: f64) {
        self.total.increment(1);
        self.duration.record(seconds);
    }
}

/// A request whose answer has not begun. It counts as pending until it is dropped.
struct PendingRequest {
    series: Arc<Series>,
    begun: Instant,
}

impl PendingRequest {
    fn begin(series: Arc<Series>) -> Self {
        series.pending.increment(1.0);
        Self { series, begun: Instant::now() }
    }

    fn answered(&self, status: StatusCode) {
        self.series.record(status, self.begun.elapsed().as_secs_f64());
    }
}

impl Drop for PendingRequest {
    fn drop(&mut self) {
        self.series.pending.decrement(1.0);
    }
}
