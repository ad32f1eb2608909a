//! A server that follows the REST contract's rules for transfers, and can be made to fail.

mod runs;
mod steps;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use uuid::Uuid;

pub(super) struct FakeServer {
    pub(super) address: String,
    state: Arc<Shared>,
    _tasks: JoinSet<()>,
}

struct Shared {
    state: Mutex<ServerState>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fault of its own, and all of them may come together")]
pub(super) struct ServerState {
    pub(super) transfers: BTreeMap<Uuid, Value>,
    /// Every update of every batch.
    pub(super) updates: Vec<Value>,
    pub(super) heartbeats: Vec<Value>,
    pub(super) directives: Vec<Value>,
    /// The number of answered polls for directives.
    pub(super) polls: usize,
    pub(super) acknowledged: Vec<Uuid>,
    /// The job runs by their ids.
    pub(super) runs: BTreeMap<Uuid, Value>,
    /// The directive of each request to start a run.
    pub(super) claims: Vec<Value>,
    /// Whether a directive is sent until it is acknowledged explicitly, even if its start was reported.
    pub(super) repeats_directives: bool,
    /// Whether acknowledgements are recorded but never answered.
    pub(super) holds_acknowledgements: bool,
    pub(super) rejects_jobs: bool,
    /// The only step of each pipeline run, by the id of the run.
    pub(super) steps: BTreeMap<Uuid, Value>,
    pub(super) is_unavailable: bool,
    pub(super) rejects_keys: bool,
    /// Whether `Prefer: return=minimal` is followed, as servers of this version do.
    pub(super) sends_minimal_answers: bool,
    /// The number of answers without a body.
    pub(super) minimal_answers: usize,
    /// Whether all requests get a 401 that is not of the API, as from the sign-in page of a network.
    pub(super) is_behind_sign_in_page: bool,
    /// The number of these answers.
    pub(super) sign_in_pages: usize,
    /// Client certificates are issued, which are valid for 90 days.
    pub(super) issues_certificates: bool,
    /// The signing requests.
    pub(super) signing_requests: Vec<Value>,
    /// Whether heartbeats are answered as those of a duplicate process.
    pub(super) has_duplicate_instance: bool,
    /// Whether the next new key is lost on its way; the old one stays valid.
    pub(super) loses_new_key: bool,
    /// How often a new key was requested.
    pub(super) key_requests: usize,
    /// The fault after the next transfer is created.
    pub(super) after_creating: Fault,
    pub(super) key: String,
    keys: u32,
    created: HashMap<String, Uuid>,
}

#[derive(Clone, Copy, Default, PartialEq)]
pub(super) enum Fault {
    #[default]
    None,
    /// All requests fail from then on.
    BecomesUnavailable,
    /// One response is lost.
    LosesResponse,
}

type App = State<Arc<Shared>>;

impl FakeServer {
    pub(super) async fn start() -> anyhow::Result<Arc<Self>> {
        let state = Arc::new(Shared { state: Mutex::default(), changed: watch::Sender::new(()) });
        let app = Router::new()
            .route("/api/agents/register", post(register))
            .route("/api/agents/heartbeat", post(heartbeat))
            .route("/api/agents/directives", get(directives))
            .route("/api/agents/directives/{id}/ack", post(acknowledge))
            .route("/api/agents/{id}/key", post(rotate_key))
            .route("/api/agents/{id}/certificate", post(issue_certificate))
            .route("/api/transfers", post(create).patch(update_many))
            .route("/api/transfers/{id}", patch(update_one))
            .route("/api/health/live", get(|| async { "" }))
            .route("/api/jobs/{id}/runs", post(runs::start))
            .route("/api/jobs/{id}/runs/{run}", patch(runs::end))
            .route("/api/pipelines/{id}/runs/{run}/steps/{step}", patch(steps::update))
            .layer(from_fn_with_state(state.clone(), check_request))
            .with_state(state.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // It serves until the test drops it.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Arc::new(Self { address, state, _tasks: tasks }))
    }

    /// Changes the state and wakes the tasks that wait for a change.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut ServerState) -> T) -> T {
        self.state.change(change)
    }

    /// Waits until `holds` is true of the state.
    pub(super) async fn wait_until(&self, what: &str, holds: impl Fn(&ServerState) -> bool) -> anyhow::Result<()> {
        self.wait_within(Duration::from_secs(30), what, holds).await
    }

    /// As [`Self::wait_until`], for what may take longer.
    pub(super) async fn wait_within(
        &self,
        limit: Duration,
        what: &str,
        holds: impl Fn(&ServerState) -> bool,
    ) -> anyhow::Result<()> {
        let mut changed = self.state.changed.subscribe();
        let seen = changed.wait_for(|()| holds(&self.state.lock()));
        timeout(limit, seen).await.with_context(|| format!("timed out while waiting: {what}"))??;
        Ok(())
    }

    /// The only transfer.
    pub(super) fn only_transfer(&self) -> anyhow::Result<Value> {
        let state = self.state.lock();
        anyhow::ensure!(state.transfers.len() == 1, "there are {} transfers", state.transfers.len());
        state.transfers.values().next().cloned().context("no transfer")
    }

    /// Sends the agent a directive.
    pub(super) fn send_directive(&self, kind: &str, payload: &Value) -> Uuid {
        let id = Uuid::new_v4();
        let times = ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
        let directive = json!({"id": id, "type": kind, "createdAt": times.0, "expiresAt": times.1, "payload": payload});
        self.change(|state| state.directives.push(directive));
        id
    }
}

impl ServerState {
    /// Whether there are transfers, and `field` of all has this value.
    pub(super) fn all(&self, field: &str, value: &Value) -> bool {
        !self.transfers.is_empty() && self.transfers.values().all(|transfer| &transfer[field] == value)
    }

    pub(super) fn add_transfer(&mut self, fields: Value) -> Uuid {
        let id = Uuid::new_v4();
        let mut transfer = json!({"id": id, "protocol": "local", "direction": "push", "status": "queued", "attempt": 1, "progress": 0, "bytesTransferred": 0});
        merge(&mut transfer, fields);
        self.transfers.insert(id, transfer);
        id
    }

    fn update(&mut self, id: Uuid, update: &Value) -> (u16, Value) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return (404, json!({"error": "Transfer not found"})) };
        let attempt = update["attempt"].as_u64().or(transfer["attempt"].as_u64());
        if attempt < transfer["attempt"].as_u64() {
            return (200, json!({"transfer": transfer}));
        }
        let from = transfer["status"].clone();
        let to = update.get("status").unwrap_or(&from);
        if from != *to && (from == "completed" || from == "cancelled") {
            return (409, json!({"error": format!("The transfer is {from}"), "details": null}));
        }
        if from == "failed" && *to == "running" {
            transfer["attempt"] = json!(transfer["attempt"].as_u64().unwrap_or(1) + 1);
            transfer["errorMessage"] = Value::Null;
        }
        for (name, shown) in [
            ("status", "status"),
            ("progress", "progress"),
            ("bytesTransferred", "bytesTransferred"),
            ("checksumSha256", "checksumSha256"),
            ("error", "errorMessage"),
            ("errorCode", "errorCode"),
        ] {
            if let Some(value) = update.get(name) {
                transfer[shown] = value.clone();
            }
        }
        (200, json!({"transfer": transfer}))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, ServerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut ServerState) -> T) -> T {
        let changed = change(&mut self.lock());
        self.changed.send_replace(());
        changed
    }
}

async fn check_request(State(state): App, request: Request, next: Next) -> Response {
    if state.lock().is_behind_sign_in_page {
        state.change(|state| state.sign_in_pages += 1);
        return (StatusCode::UNAUTHORIZED, "<html>Sign in to this network</html>").into_response();
    }
    let is_public = matches!(request.uri().path(), "/api/agents/register" | "/api/health/live");
    let refusal = {
        let state = state.lock();
        let key = request.headers().get("x-api-key").and_then(|key| key.to_str().ok());
        if state.is_unavailable {
            Some((503, "unavailable"))
        } else if !is_public && (state.rejects_keys || key != Some(state.key.as_str())) {
            Some((401, "Unknown API key"))
        } else {
            None
        }
    };
    match refusal {
        Some((status, error)) => failure(status, error),
        None => next.run(request).await,
    }
}

async fn register(State(state): App, Json(body): Json<Value>) -> Response {
    if body["customerIdentifier"] != "code" {
        return failure(403, "Unknown enrolment code");
    }
    let (key, enabled) = state.change(|state| (new_key(state), state.issues_certificates));
    success(
        201,
        &json!({"agent": {"id": Uuid::new_v4(), "name": body["name"]}, "apiKey": key, "mtls": {"enabled": enabled, "csrTemplate": ""}}),
    )
}

async fn issue_certificate(State(state): App, Path(_): Path<Uuid>, Json(body): Json<Value>) -> Response {
    let is_issued = state.change(|state| {
        state.signing_requests.push(body["csr"].clone());
        state.issues_certificates
    });
    if !is_issued {
        return failure(404, "certificate authority not found");
    }
    let expires_at = chrono::Utc::now() + chrono::TimeDelta::days(90);
    let certificate = json!({"pem": "a certificate", "serialNumber": "40", "expiresAt": expires_at});
    success(201, &json!({ "certificate": certificate }))
}

async fn rotate_key(State(state): App, Path(_): Path<Uuid>) -> Response {
    let key = state.change(|state| {
        state.key_requests += 1;
        (!std::mem::take(&mut state.loses_new_key)).then(|| new_key(state))
    });
    match key {
        Some(key) => success(201, &json!({"apiKey": key})),
        None => failure(503, "the response is lost"),
    }
}

async fn heartbeat(State(state): App, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let (directives, has_duplicate_instance) = state.change(|state| {
        state.heartbeats.push(body);
        (state.directives.clone(), state.has_duplicate_instance)
    });
    if has_duplicate_instance {
        let details = json!({"reason": "duplicateInstance"});
        return answer(409, json!({"success": false, "error": "another process is active", "details": details}));
    }
    if directives.is_empty() && prefers_minimal(&state, &headers) {
        return minimal(&state);
    }
    success(200, &json!({"agent": {}, "directives": directives}))
}

async fn directives(State(state): App) -> Response {
    let mut changed = state.changed.subscribe();
    let some = changed.wait_for(|()| !state.lock().directives.is_empty());
    // The wait may end without any.
    let _ = timeout(Duration::from_secs(25), some).await;
    let directives = state.change(|state| {
        state.polls += 1;
        state.directives.clone()
    });
    success(200, &json!({ "directives": directives }))
}

async fn acknowledge(State(state): App, Path(id): Path<Uuid>) -> Response {
    let is_held = state.change(|state| {
        state.directives.retain(|directive| directive["id"] != json!(id));
        state.acknowledged.push(id);
        state.holds_acknowledgements
    });
    if is_held {
        std::future::pending::<()>().await;
    }
    success(200, &json!({"acknowledged": true}))
}

async fn create(State(state): App, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default().to_owned();
    let (transfer, is_lost) = state.change(|state| {
        let id = state.created.get(&key).copied().unwrap_or_else(|| {
            state.add_transfer(json!({"source": body["sourceUrl"], "destination": body["destinationPath"], "protocol": body["protocol"], "direction": body["direction"], "bytesTotal": body["size"], "jobRunId": body["jobRunId"], "pipelineRunId": body["pipelineRunId"], "stepId": body["stepId"]}))
        });
        state.created.insert(key, id);
        let fault = std::mem::take(&mut state.after_creating);
        state.is_unavailable = fault == Fault::BecomesUnavailable;
        (state.transfers.get(&id).cloned(), fault == Fault::LosesResponse)
    });
    if is_lost { failure(503, "the response is lost") } else { success(201, &json!({"transfer": transfer})) }
}

async fn update_one(State(state): App, Path(id): Path<Uuid>, Json(body): Json<Value>) -> Response {
    match state.change(|state| state.update(id, &body)) {
        (200, data) => success(200, &data),
        (status, data) => failure(status, data["error"].as_str().unwrap_or_default()),
    }
}

async fn update_many(State(state): App, headers: HeaderMap, body: Bytes) -> Response {
    let Ok(body) = serde_json::from_slice::<Value>(&body) else { return failure(400, "malformed") };
    let mut is_as_reported = true;
    let (results, directives) = state.change(|state| {
        let mut results = Vec::new();
        for update in body["updates"].as_array().into_iter().flatten() {
            let id: Uuid = update["id"].as_str().and_then(|id| id.parse().ok()).unwrap_or_default();
            let (status, mut result) = state.update(id, update);
            let is_current = update["attempt"].is_null() || update["attempt"] == result["transfer"]["attempt"];
            is_as_reported &= status == 200 && is_current;
            merge(&mut result, json!({"id": id, "status": status}));
            results.push(result);
            state.updates.push(update.clone());
        }
        (results, state.directives.clone())
    });
    if directives.is_empty() && is_as_reported && prefers_minimal(&state, &headers) {
        return minimal(&state);
    }
    success(200, &json!({"results": results, "directives": directives}))
}

fn prefers_minimal(state: &Shared, headers: &HeaderMap) -> bool {
    state.lock().sends_minimal_answers && headers.get("prefer").is_some_and(|value| value == "return=minimal")
}

fn minimal(state: &Shared) -> Response {
    state.change(|state| state.minimal_answers += 1);
    (StatusCode::NO_CONTENT, [("preference-applied", "return=minimal")]).into_response()
}

fn new_key(state: &mut ServerState) -> String {
    state.keys += 1;
    state.key = format!("mft_ak_{}", state.keys);
    state.key.clone()
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

fn success(status: u16, data: &Value) -> Response {
    answer(status, json!({"success": true, "data": data}))
}

fn failure(status: u16, error: &str) -> Response {
    answer(status, json!({"success": false, "error": error, "details": null}))
}

fn answer(status: u16, body: Value) -> Response {
    (StatusCode::from_u16(status).unwrap_or_default(), Json(body)).into_response()
}
