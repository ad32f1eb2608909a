//! HTTP requests and responses: the envelope, errors and rate limit headers. The operations of the API are in `api`.

mod response_headers;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use mftplus_protocol::characters::printable;
use mftplus_protocol::error_code::ConflictReason;
use reqwest::header::HeaderMap;
use reqwest::{Client, Identity, Method, Proxy, RequestBuilder, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::{Notify, watch};
use url::{Host, Url};

use crate::config::{ConfigError, server_address};
use crate::identity::certificate::ClientCertificate;
use crate::server::connection_settings::{ConnectionSettings, is_certificate_refused, is_without_tls};
use crate::server::http::response_headers::{date, is_minimal, rate_limit, retry_after};
use crate::server::rate_limit_delays::RateLimit;

/// The maximum difference between the clocks of the server and this machine. Beyond it, [`HttpClient::now`] uses the
/// server's.
const CLOCK_TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// The maximum size of a response body in bytes. All documented responses are much smaller.
const MAX_BODY: usize = 16 << 20;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// No response was received from the server.
    #[error("the server at {server} cannot be reached ({cause})")]
    Unreachable { server: String, cause: String },
    /// The rate limit of the API key is exceeded.
    #[error("the rate limit is exceeded ({message})")]
    Throttled { after: Duration, message: String },
    /// The API answered 401.
    #[error(
        "the server does not accept this agent's API key ({message}); register again with `register --code CODE \
         --force`"
    )]
    Unauthorized { message: String },
    /// The server answered 409, because an older process already uses a copy of this state folder.
    #[error(
        "this agent stops, because another process already uses a copy of its state folder ({message}); stop that process, or register this machine as an agent of its own with `register --code CODE --force`"
    )]
    Duplicate { message: String },
    /// The server answered with another documented status from 400 to 499.
    #[error("{message} (status {status})")]
    Refused { status: u16, message: String },
    /// The server answered with a status from 500 on, or with a response that does not come from the API.
    #[error("the server answered {status}: {message}")]
    BadResponse { status: u16, message: String },
}

impl ApiError {
    /// Whether the same request can succeed later.
    pub(crate) fn is_temporary(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Throttled { .. } | Self::BadResponse { .. })
    }

    /// Whether the server will refuse all further requests of this process.
    pub(crate) fn is_fatal(&self) -> bool {
        matches!(self, Self::Unauthorized { .. } | Self::Duplicate { .. })
    }

    /// The time to wait before the next request; zero unless the rate limit is exceeded.
    pub(crate) fn retry_after(&self) -> Duration {
        match self {
            Self::Throttled { after, .. } => *after,
            _ => Duration::ZERO,
        }
    }
}

/// The data of a response, and its rate limit headers.
pub(crate) struct ApiResponse<T> {
    pub(crate) data: T,
    pub(crate) rate_limit: Option<RateLimit>,
}

/// The header that asks the server for a response without a body if the body contains nothing that the agent needs.
pub(crate) const PREFER_MINIMAL: (&str, &str) = ("Prefer", "return=minimal");

/// The body that stands for a response without a body: an envelope in which `data` is null.
const MINIMAL: &[u8] = br#"{"data":null}"#;

/// Sends requests to one server.
#[derive(Clone, Debug)]
pub(crate) struct HttpClient {
    http: Client,
    server: String,
    observed: Arc<Observed>,
}

/// What the responses reveal besides their data. All clients for one server share it.
#[derive(Debug, Default)]
struct Observed {
    /// Seconds by which the server's clock is ahead of this machine's.
    ahead: AtomicI64,
    /// Whether the server has answered.
    answered: watch::Sender<bool>,
    /// Notified when the server refuses the client certificate.
    refused: Notify,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
struct Success<T> {
    /// Required even where it may be null, so that a response that does not come from the API is not taken for a
    /// success.
    #[serde(deserialize_with = "Deserialize::deserialize")]
    data: T,
}

#[derive(Deserialize)]
struct Failure {
    /// Required, and always false: other programs answer with an `error`, too.
    success: bool,
    error: String,
    #[serde(default)]
    details: Option<Value>,
}

impl Failure {
    /// The reason of a conflict; `None` if the server gives none that this version knows.
    fn reason(&self) -> Option<ConflictReason> {
        ConflictReason::from_name(self.details.as_ref()?.get("reason")?.as_str()?)
    }
}

impl HttpClient {
    /// Creates a client for the server at an `http` or `https` address. Without a proxy in `settings`, the environment
    /// variable `HTTPS_PROXY` applies.
    pub(crate) fn new(server: &str, settings: &ConnectionSettings) -> anyhow::Result<Self> {
        Self::build(server, settings, None, Arc::default())
    }

    /// Creates a client that presents `certificate`, for another address `server` of the same control plane.
    pub(crate) fn secured(
        &self,
        server: &str,
        settings: &ConnectionSettings,
        certificate: &ClientCertificate,
    ) -> anyhow::Result<Self> {
        let identity = Identity::from_pem(certificate.pem().as_bytes()).context("the client certificate is damaged")?;
        Self::build(server, settings, Some(identity), self.observed.clone())
    }

    fn build(
        server: &str,
        settings: &ConnectionSettings,
        identity: Option<Identity>,
        observed: Arc<Observed>,
    ) -> anyhow::Result<Self> {
        let url = server_address::parse(server).map_err(|why| {
            ConfigError(format!("the address of the server: {why}; give the right one with --server"))
        })?;
        let mut builder = Client::builder()
            .user_agent(concat!("mftplus-agent/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(30))
            // A redirect must not send the API key to another host.
            .redirect(reqwest::redirect::Policy::none());
        if url.scheme() == "http" {
            // Without this a machine that has no CA certificates could not even speak plain HTTP.
            builder = builder.tls_certs_only([]);
        } else {
            builder = settings.trust(builder)?;
        }
        if let Some(identity) = identity {
            builder = builder.identity(identity);
        }
        if is_loopback(&url) {
            builder = builder.no_proxy();
        } else if let Some(proxy) = &settings.https_proxy {
            builder = builder.proxy(Proxy::all(proxy.expose().clone())?);
        }
        let server = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { http: builder.build()?, server, observed })
    }

    /// The current time of this machine, or that of the server if the two clocks differ by more than 5 minutes.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        let (now, ahead) = (Utc::now(), TimeDelta::seconds(self.observed.ahead.load(Ordering::Relaxed)));
        if ahead.abs() > CLOCK_TOLERANCE { now + ahead } else { now }
    }

    /// Waits until the server has answered any request of this process.
    pub(crate) async fn answered(&self) {
        // This cannot fail, because `self` owns the sender.
        let _ = self.observed.answered.subscribe().wait_for(|has_answered| *has_answered).await;
    }

    /// Waits until the server refuses the client certificate.
    pub(crate) async fn certificate_refused(&self) {
        self.observed.refused.notified().await;
    }

    /// Wakes the task that waits until the server refuses the client certificate.
    pub(crate) fn note_certificate_refused(&self) {
        self.observed.refused.notify_one();
    }

    fn observe_time(&self, headers: &HeaderMap) {
        if let Some(now) = date(headers) {
            self.observed.ahead.store((now - Utc::now()).num_seconds(), Ordering::Relaxed);
        }
        self.observed.answered.send_replace(true);
    }

    /// The server's address, without a slash at its end.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// Builds a request for `path`; nothing is sent yet.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.server))
    }

    /// Sends a request and returns the server's time from the header `Date`; `None` without a valid one. Fails unless
    /// the status is a success.
    pub(crate) async fn time(&self, request: RequestBuilder) -> Result<Option<DateTime<Utc>>, ApiError> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status().as_u16();
        if !response.status().is_success() {
            let message = "the response is not from the API; check the address of the server".to_owned();
            return Err(ApiError::BadResponse { status, message });
        }
        Ok(date(response.headers()))
    }

    fn unreachable(&self, error: &reqwest::Error) -> ApiError {
        if is_certificate_refused(error) {
            self.note_certificate_refused();
        }
        ApiError::Unreachable { server: self.server.clone(), cause: cause(error) }
    }

    /// Reads a body of at most [`MAX_BODY`] bytes.
    async fn body(&self, mut response: Response) -> Result<Vec<u8>, ApiError> {
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            if body.len() + chunk.len() > MAX_BODY {
                let limit = MAX_BODY >> 20;
                let message = format!("the response has more than {limit} MiB; check the address of the server");
                return Err(ApiError::BadResponse { status, message });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// Sends a request and returns `data` from the envelope of the response; `data` is null if the server followed
    /// [`PREFER_MINIMAL`].
    pub(crate) async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<ApiResponse<T>, ApiError> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        self.observe_time(response.headers());
        let status = response.status().as_u16();
        let rate_limit = rate_limit(response.headers());
        let after = retry_after(response.headers(), rate_limit);
        let is_minimal = status == 204 && is_minimal(response.headers());
        let body = self.body(response).await?;
        if (200..300).contains(&status) {
            return match serde_json::from_slice::<Success<T>>(if is_minimal { MINIMAL } else { &body }) {
                Ok(success) => Ok(ApiResponse { data: success.data, rate_limit }),
                Err(error) => {
                    let message = format!("not in the documented form: {}", printable(&error.to_string()));
                    Err(ApiError::BadResponse { status, message })
                }
            };
        }
        let failure = serde_json::from_slice::<Failure>(&body).ok().filter(|failure| !failure.success);
        let is_documented = failure.is_some();
        if let Some(failure) = &failure
            && status == 409
            && failure.reason() == Some(ConflictReason::DuplicateInstance)
        {
            return Err(ApiError::Duplicate { message: printable(&failure.error) });
        }
        let message = failure.map_or_else(
            || "the response is not from the API; check the address of the server".to_owned(),
            |failure| explain(&failure.error, failure.details.as_ref()),
        );
        Err(match status {
            // Any other 401 is that of a proxy or of the sign-in page of a network.
            401 if is_documented => ApiError::Unauthorized { message },
            429 => ApiError::Throttled { after, message },
            400..500 if is_documented => ApiError::Refused { status, message },
            _ => ApiError::BadResponse { status, message },
        })
    }
}

/// The server's error message for users, with the errors of each field from `details`.
pub(crate) fn explain(error: &str, details: Option<&Value>) -> String {
    let Some(details) = details.filter(|details| !details.is_null()) else { return printable(error) };
    let Some(fields) = details.get("fields").and_then(Value::as_object) else {
        return printable(&format!("{error}: {details}"));
    };
    let wrong: Vec<String> = fields
        .iter()
        .map(|(field, problems)| {
            let problems: Vec<&str> = problems.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            format!("{field}: {}", problems.join(", "))
        })
        .collect();
    printable(&format!("{error}: {}", wrong.join("; ")))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// The innermost cause of an error, which is the clearest to users.
fn cause(error: &reqwest::Error) -> String {
    if is_without_tls(error) {
        return "it does not speak TLS on this port; try http://".to_owned();
    }
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    printable(&innermost.to_string())
}

#[cfg(test)]
mod tests;
