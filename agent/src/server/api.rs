//! The operations of the REST API that an agent uses, one method each.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

use crate::identity::{ApiKey, Registration};
use crate::server::http::{ApiError, HttpClient, PREFER_MINIMAL};
use crate::server::plain_or_mtls_client::Route;
use crate::server::rate_limit_delays::RateLimit;
use crate::server::wire::{
    CreateTransfer, Directive, Directives, Heartbeat, IssuedCertificate, RegisterAgent, RunEnd, RunView, StepUpdate,
    StepView, TransferUpdate, TransferView, UpdateResult, WithInstance,
};

/// The maximum duration of a long poll, in seconds.
const WAIT: u64 = 25;

/// The REST API, for one registered agent.
pub(crate) struct Api {
    route: Route,
    agent_id: Uuid,
    /// The id of this process; `None` unless it is the daemon.
    instance: Option<Uuid>,
    state_dir: PathBuf,
    key: Mutex<ApiKey>,
    /// Whether a new API key is being requested and stored.
    is_rotating: watch::Sender<bool>,
    rate_limit: Mutex<Option<(Instant, RateLimit)>>,
}

/// The ids in the path of a step.
#[derive(Clone, Copy)]
pub(crate) struct StepPath<'a> {
    pub(crate) pipeline: Uuid,
    pub(crate) run: Uuid,
    pub(crate) step: &'a str,
}

#[derive(Deserialize)]
struct Registered {
    agent: RegisteredAgent,
    #[serde(rename = "apiKey")]
    api_key: ApiKey,
    /// A server of an earlier version may omit this field.
    #[serde(default)]
    mtls: Mtls,
}

#[derive(Default, Deserialize)]
struct Mtls {
    enabled: bool,
}

#[derive(Deserialize)]
struct RegisteredAgent {
    id: Uuid,
}

#[derive(Deserialize)]
struct NewKey {
    #[serde(rename = "apiKey")]
    api_key: ApiKey,
}

#[derive(Deserialize)]
struct OneCertificate {
    certificate: IssuedCertificate,
}

#[derive(Deserialize)]
struct OneTransfer {
    transfer: TransferView,
}

#[derive(Deserialize)]
struct OneRun {
    run: RunView,
}

#[derive(Deserialize)]
struct OneStep {
    step: StepView,
    #[serde(flatten)]
    directives: Directives,
}

#[derive(Deserialize)]
struct Results {
    results: Vec<UpdateResult>,
    #[serde(flatten)]
    directives: Directives,
}

/// A guard that sets `is_rotating` until it is dropped.
struct Rotation<'a>(&'a watch::Sender<bool>);

impl<'a> Rotation<'a> {
    fn begin(is_rotating: &'a watch::Sender<bool>) -> Self {
        is_rotating.send_replace(true);
        Self(is_rotating)
    }
}

impl Drop for Rotation<'_> {
    fn drop(&mut self) {
        self.0.send_replace(false);
    }
}

/// `POST /api/agents/register`: registers an agent; the only operation that needs no API key. Returns the agent's id,
/// its API key, and whether the server issues client certificates.
pub(crate) async fn register(http: &HttpClient, agent: &RegisterAgent<'_>) -> Result<(Uuid, ApiKey, bool), ApiError> {
    let request = http.request(Method::POST, "/api/agents/register").json(agent);
    let registered: Registered = http.send(request).await?.data;
    Ok((registered.agent.id, registered.api_key, registered.mtls.enabled))
}

impl Api {
    /// Creates the client of the REST API for the agent in `registration`. `route` sends the requests; `instance` is
    /// the id of this process, `None` unless it is the daemon.
    pub(crate) fn new(route: Route, registration: &Registration, state_dir: &Path, instance: Option<Uuid>) -> Self {
        Self {
            route,
            instance,
            agent_id: registration.agent_id,
            state_dir: state_dir.to_owned(),
            key: Mutex::new(registration.api_key.clone()),
            is_rotating: watch::Sender::new(false),
            rate_limit: Mutex::new(None),
        }
    }

    /// The server's address.
    pub(crate) fn server(&self) -> &str {
        self.route.plain().server()
    }

    /// The HTTP clients for the server, with and without the client certificate.
    pub(crate) fn route(&self) -> &Route {
        &self.route
    }

    /// The id of this agent.
    pub(crate) fn agent_id(&self) -> Uuid {
        self.agent_id
    }

    /// The state of the rate limit according to the last response; `None` if its window has ended.
    pub(crate) fn rate_limit(&self) -> Option<RateLimit> {
        let received = *self.rate_limit.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, rate_limit) = received?;
        let left = rate_limit.resets_in.checked_sub(at.elapsed()).filter(|left| !left.is_zero())?;
        Some(RateLimit { resets_in: left, ..rate_limit })
    }

    /// `POST /api/agents/heartbeat`: sends a heartbeat, and returns the directives that are not acknowledged yet.
    pub(crate) async fn heartbeat(&self, heartbeat: &Heartbeat) -> Result<Vec<Directive>, ApiError> {
        let request = || self.brief_request(Method::POST, "/api/agents/heartbeat").json(&self.with_instance(heartbeat));
        Ok(self.call::<Option<Directives>>(request).await?.unwrap_or_default().readable())
    }

    /// `POST /api/transfers`: creates a transfer. The same idempotency key never creates a second transfer.
    pub(crate) async fn create_transfer(
        &self,
        key: Uuid,
        transfer: &CreateTransfer<'_>,
    ) -> Result<TransferView, ApiError> {
        let request =
            || self.request(Method::POST, "/api/transfers").header("Idempotency-Key", key.to_string()).json(transfer);
        Ok(self.call::<OneTransfer>(request).await?.transfer)
    }

    /// `PATCH /api/transfers`: sends many reports in one request. Returns the result of each report, and directives. If
    /// the results are `None`, the server accepted all reports.
    pub(crate) async fn update_transfers(
        &self,
        updates: &[TransferUpdate],
    ) -> Result<(Option<Vec<UpdateResult>>, Vec<Directive>), ApiError> {
        let body = json!({ "updates": updates });
        let request = || self.brief_request(Method::PATCH, "/api/transfers").json(&body);
        Ok(match self.call::<Option<Results>>(request).await? {
            Some(answer) => (Some(answer.results), answer.directives.readable()),
            None => (None, Vec::new()),
        })
    }

    /// `PATCH /api/transfers/{id}`: confirms an attempt that the server has requested, and returns the transfer with
    /// the paths to copy. The transfer stays queued until the copy starts.
    pub(crate) async fn name_attempt(&self, id: Uuid, attempt: u32) -> Result<TransferView, ApiError> {
        let body = json!({ "attempt": attempt });
        let request = || self.request(Method::PATCH, &format!("/api/transfers/{id}")).json(&body);
        Ok(self.call::<OneTransfer>(request).await?.transfer)
    }

    /// `POST /api/jobs/{id}/runs`: starts the run that a directive requests. A repeated request returns the same run as
    /// long as the run is active.
    pub(crate) async fn start_job_run(&self, job: Uuid, directive: Uuid) -> Result<RunView, ApiError> {
        let (path, body) = (format!("/api/jobs/{job}/runs"), json!({ "directiveId": directive }));
        Ok(self.call::<OneRun>(|| self.request(Method::POST, &path).json(&self.with_instance(&body))).await?.run)
    }

    /// `PATCH /api/jobs/{id}/runs/{runId}`: reports the end of a run.
    pub(crate) async fn end_job_run(&self, job: Uuid, run: Uuid, end: &RunEnd) -> Result<(), ApiError> {
        let path = format!("/api/jobs/{job}/runs/{run}");
        self.call::<IgnoredAny>(|| self.brief_request(Method::PATCH, &path).json(end)).await?;
        Ok(())
    }

    /// `PATCH /api/pipelines/{id}/runs/{runId}/steps/{stepId}`: reports the progress or the end of a step.
    pub(crate) async fn update_step(
        &self,
        path: StepPath<'_>,
        update: &StepUpdate,
    ) -> Result<(StepView, Vec<Directive>), ApiError> {
        let StepPath { pipeline, run, step } = path;
        let path = format!("/api/pipelines/{pipeline}/runs/{run}/steps/{step}");
        let answer: OneStep =
            self.call(|| self.request(Method::PATCH, &path).json(&self.with_instance(update))).await?;
        Ok((answer.step, answer.directives.readable()))
    }

    /// `GET /api/agents/directives`: a long poll that returns as soon as there is a directive, or without any after 25
    /// seconds.
    pub(crate) async fn wait_for_directives(&self) -> Result<Vec<Directive>, ApiError> {
        let instance = self.instance.map(|instance| format!("&instanceId={instance}")).unwrap_or_default();
        let path = format!("/api/agents/directives?wait={WAIT}{instance}");
        let request = || self.request(Method::GET, &path).timeout(Duration::from_secs(WAIT + 15));
        Ok(self.call::<Directives>(request).await?.readable())
    }

    /// `POST /api/agents/directives/{id}/ack`: acknowledges a directive.
    pub(crate) async fn acknowledge(&self, id: Uuid) -> Result<(), ApiError> {
        let path = format!("/api/agents/directives/{id}/ack");
        self.call::<IgnoredAny>(|| self.request(Method::POST, &path)).await?;
        Ok(())
    }

    /// `POST /api/agents/{id}/key`: requests a new API key, stores it with `store`, and uses it from then on. The old
    /// key is invalid at once, so a concurrent request that is refused is repeated with the new key.
    pub(crate) async fn rotate_key(&self, store: impl AsyncFnOnce(ApiKey) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let _rotation = Rotation::begin(&self.is_rotating);
        let path = format!("/api/agents/{}/key", self.agent_id);
        let key = self.current_key();
        let created = self.send_or_reload(|| self.request(Method::POST, &path).json(&json!({})), &key).await;
        let key = created.map(|created: NewKey| created.api_key)?;
        store(key.clone()).await?;
        self.adopt_key(key);
        Ok(())
    }

    /// `POST /api/agents/{id}/certificate`: requests a client certificate. If the server cannot be reached with the
    /// current certificate, the request is repeated without it.
    pub(crate) async fn issue_certificate(&self, csr: &str) -> Result<IssuedCertificate, ApiError> {
        let (path, body) = (format!("/api/agents/{}/certificate", self.agent_id), json!({ "csr": csr }));
        let request = |client: &HttpClient| client.request(Method::POST, &path).json(&body);
        let issued: Result<OneCertificate, ApiError> = match self.call(|| request(&self.route.current())).await {
            Err(ApiError::Unreachable { .. }) => self.call(|| request(self.route.plain())).await,
            other => other,
        };
        Ok(issued?.certificate)
    }

    /// Uses this API key from now on.
    fn adopt_key(&self, key: ApiKey) {
        *self.key.lock().unwrap_or_else(PoisonError::into_inner) = key;
    }

    fn with_instance<'a, T>(&self, body: &'a T) -> WithInstance<'a, T> {
        WithInstance { body, instance_id: self.instance }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.route.current().request(method, path)
    }

    /// A request whose response the agent needs only if it contains directives or refusals.
    fn brief_request(&self, method: Method, path: &str) -> RequestBuilder {
        let (name, value) = PREFER_MINIMAL;
        self.request(method, path).header(name, value)
    }

    async fn call<T: DeserializeOwned>(&self, request: impl Fn() -> RequestBuilder) -> Result<T, ApiError> {
        let key = self.current_key();
        match self.send_or_reload(&request, &key).await {
            Err(ApiError::Unauthorized { .. }) if *self.is_rotating.borrow() || self.current_key() != key => {
                // This cannot fail, because `self` owns the sender.
                let _ = self.is_rotating.subscribe().wait_for(|is_rotating| !is_rotating).await;
                self.send_or_reload(&request, &self.current_key()).await
            }
            other => other,
        }
    }

    /// Sends a request with the API key `key`. If the server refuses it, sends the request again with the key stored in
    /// the state folder if that differs from `key`, and else without the client certificate.
    async fn send_or_reload<T: DeserializeOwned>(
        &self,
        request: impl Fn() -> RequestBuilder,
        key: &ApiKey,
    ) -> Result<T, ApiError> {
        let is_secured = self.route.is_secured();
        match self.send_with_key(request(), key).await {
            // Another process of this agent may have changed the key meanwhile.
            Err(ApiError::Unauthorized { message }) => match self.stored_key().filter(|stored| stored != key) {
                Some(stored) => {
                    self.adopt_key(stored.clone());
                    self.send_with_key(request(), &stored).await
                }
                None if is_secured => {
                    self.send_without_certificate(request, key, ApiError::Unauthorized { message }).await
                }
                None => Err(ApiError::Unauthorized { message }),
            },
            other => other,
        }
    }

    /// Sends a refused request again without the client certificate, which the server may no longer know after the
    /// restore of a backup. If the server accepts the API key alone, a new certificate is requested.
    async fn send_without_certificate<T: DeserializeOwned>(
        &self,
        request: impl Fn() -> RequestBuilder,
        key: &ApiKey,
        refused: ApiError,
    ) -> Result<T, ApiError> {
        // `None` if another request has already stopped using the certificate.
        let secured = self.route.hide_certificate();
        match self.send_with_key(request(), key).await {
            Err(ApiError::Unauthorized { .. } | ApiError::Unreachable { .. }) => {
                if let Some(secured) = secured {
                    self.route.show_certificate(secured);
                }
                Err(refused)
            }
            answer => {
                self.route.plain().note_certificate_refused();
                answer
            }
        }
    }

    async fn send_with_key<T: DeserializeOwned>(&self, request: RequestBuilder, key: &ApiKey) -> Result<T, ApiError> {
        let mut header = reqwest::header::HeaderValue::from_str(key.expose())
            .map_err(|_| ApiError::Unauthorized { message: "the stored API key is damaged".into() })?;
        header.set_sensitive(true);
        let answer = self.route.current().send(request.header("X-API-Key", header)).await?;
        if let Some(rate_limit) = answer.rate_limit {
            *self.rate_limit.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), rate_limit));
        }
        Ok(answer.data)
    }

    fn current_key(&self) -> ApiKey {
        self.key.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn stored_key(&self) -> Option<ApiKey> {
        let stored = Registration::load(&self.state_dir).ok().flatten()?;
        (stored.agent_id == self.agent_id).then_some(stored.api_key)
    }
}
