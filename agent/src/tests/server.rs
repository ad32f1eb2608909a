//! A server that keeps the contract's rules for transfers, and can be away.

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

use crate::random::random_uuid;

pub(super) struct Server {
    pub(super) address: String,
    world: Arc<Shared>,
    _tasks: JoinSet<()>,
}

struct Shared {
    world: Mutex<World>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fault of its own, and all of them may come together")]
pub(super) struct World {
    pub(super) transfers: BTreeMap<Uuid, Value>,
    /// Every update of every batch.
    pub(super) updates: Vec<Value>,
    pub(super) heartbeats: Vec<Value>,
    pub(super) directives: Vec<Value>,
    /// How often the agent was told what is wanted when it asked for nothing else.
    pub(super) polls: usize,
    pub(super) acknowledged: Vec<Uuid>,
    /// Of jobs.
    pub(super) runs: BTreeMap<Uuid, Value>,
    /// The directives that runs were asked for with, each time.
    pub(super) claims: Vec<Value>,
    /// Directives are sent until they are acknowledged in so many words.
    pub(super) repeats_directives: bool,
    pub(super) refuses_jobs: bool,
    /// The one step of each pipeline's run.
    pub(super) steps: BTreeMap<Uuid, Value>,
    pub(super) is_away: bool,
    pub(super) rejects_keys: bool,
    /// Another process of the agent was first.
    pub(super) has_another: bool,
    /// What goes wrong once a transfer has been created.
    pub(super) after_creating: Fault,
    pub(super) key: String,
    keys: u32,
    created: HashMap<String, Uuid>,
}

#[derive(Clone, Copy, Default, PartialEq)]
pub(super) enum Fault {
    #[default]
    None,
    /// Nothing is heard of the server any more.
    GoesAway,
    /// One answer does not arrive.
    LosesAnswer,
}

type App = State<Arc<Shared>>;

impl Server {
    pub(super) async fn start() -> anyhow::Result<Arc<Self>> {
        let world = Arc::new(Shared { world: Mutex::default(), changed: watch::Sender::new(()) });
        let app = Router::new()
            .route("/api/agents/register", post(register))
            .route("/api/agents/heartbeat", post(heartbeat))
            .route("/api/agents/directives", get(directives))
            .route("/api/agents/directives/{id}/ack", post(acknowledge))
            .route("/api/agents/{id}/key", post(rotate_key))
            .route("/api/transfers", post(create).patch(update_many))
            .route("/api/transfers/{id}", patch(update_one))
            .route("/api/jobs/{id}/runs", post(runs::start))
            .route("/api/jobs/{id}/runs/{run}", patch(runs::end))
            .route("/api/pipelines/{id}/runs/{run}/steps/{step}", patch(steps::update))
            .layer(from_fn_with_state(world.clone(), at_the_door))
            .with_state(world.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // It serves until the test drops it.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Arc::new(Self { address, world, _tasks: tasks }))
    }

    /// Changes the world, and wakes whoever waits for a change.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        self.world.change(change)
    }

    /// Waits until the world is as it should be.
    pub(super) async fn until(&self, what: &str, holds: impl Fn(&World) -> bool) -> anyhow::Result<()> {
        let mut changed = self.world.changed.subscribe();
        let seen = changed.wait_for(|()| holds(&self.world.lock()));
        timeout(Duration::from_secs(30), seen).await.with_context(|| format!("waited in vain until {what}"))??;
        Ok(())
    }

    /// The only transfer there is.
    pub(super) fn only_transfer(&self) -> anyhow::Result<Value> {
        let world = self.world.lock();
        anyhow::ensure!(world.transfers.len() == 1, "there are {} transfers", world.transfers.len());
        world.transfers.values().next().cloned().context("no transfer")
    }

    /// Sends the agent a directive.
    pub(super) fn direct(&self, kind: &str, payload: &Value) -> Uuid {
        let id = random_uuid();
        let times = ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
        let directive = json!({"id": id, "type": kind, "createdAt": times.0, "expiresAt": times.1, "payload": payload});
        self.change(|world| world.directives.push(directive));
        id
    }
}

impl World {
    /// The value of one field of every transfer.
    pub(super) fn all(&self, field: &str, value: &Value) -> bool {
        !self.transfers.is_empty() && self.transfers.values().all(|transfer| &transfer[field] == value)
    }

    pub(super) fn add_transfer(&mut self, fields: Value) -> Uuid {
        let id = random_uuid();
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
        let (from, to) = (transfer["status"].clone(), update["status"].clone());
        if from != to && (from == "completed" || from == "cancelled") {
            return (409, json!({"error": format!("The transfer is {from}"), "details": null}));
        }
        if from == "failed" && to == "running" {
            transfer["attempt"] = json!(transfer["attempt"].as_u64().unwrap_or(1) + 1);
            transfer["errorMessage"] = Value::Null;
        }
        for (name, shown) in [
            ("status", "status"),
            ("progress", "progress"),
            ("bytesTransferred", "bytesTransferred"),
            ("checksumSha256", "checksumSha256"),
            ("error", "errorMessage"),
        ] {
            if let Some(value) = update.get(name) {
                transfer[shown] = value.clone();
            }
        }
        (200, json!({"transfer": transfer}))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let changed = change(&mut self.lock());
        self.changed.send_replace(());
        changed
    }
}

async fn at_the_door(State(world): App, request: Request, next: Next) -> Response {
    let is_public = request.uri().path() == "/api/agents/register";
    let refusal = {
        let world = world.lock();
        let key = request.headers().get("x-api-key").and_then(|key| key.to_str().ok());
        if world.is_away {
            Some((503, "away"))
        } else if !is_public && (world.rejects_keys || key != Some(world.key.as_str())) {
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

async fn register(State(world): App, Json(body): Json<Value>) -> Response {
    if body["customerIdentifier"] != "code" {
        return failure(403, "Unknown enrolment code");
    }
    let key = world.change(new_key);
    success(
        201,
        &json!({"agent": {"id": random_uuid(), "name": body["name"]}, "apiKey": key, "mtls": {"enabled": false, "csrTemplate": ""}}),
    )
}

async fn rotate_key(State(world): App, Path(_): Path<Uuid>) -> Response {
    success(200, &json!({"apiKey": world.change(new_key)}))
}

async fn heartbeat(State(world): App, Json(body): Json<Value>) -> Response {
    let (directives, has_another) = world.change(|world| {
        world.heartbeats.push(body);
        (world.directives.clone(), world.has_another)
    });
    if has_another {
        let details = json!({"reason": "duplicateInstance"});
        return answer(409, json!({"success": false, "error": "another process is at work", "details": details}));
    }
    success(200, &json!({"agent": {}, "directives": directives}))
}

async fn directives(State(world): App) -> Response {
    let mut changed = world.changed.subscribe();
    let some = changed.wait_for(|()| !world.lock().directives.is_empty());
    // The wait may end without any.
    let _ = timeout(Duration::from_secs(25), some).await;
    let directives = world.change(|world| {
        world.polls += 1;
        world.directives.clone()
    });
    success(200, &json!({ "directives": directives }))
}

async fn acknowledge(State(world): App, Path(id): Path<Uuid>) -> Response {
    world.change(|world| {
        world.directives.retain(|directive| directive["id"] != json!(id));
        world.acknowledged.push(id);
    });
    success(200, &json!({"acknowledged": true}))
}

async fn create(State(world): App, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default().to_owned();
    let (transfer, is_lost) = world.change(|world| {
        let id = world.created.get(&key).copied().unwrap_or_else(|| {
            world.add_transfer(json!({"source": body["sourceUrl"], "destination": body["destinationPath"], "protocol": body["protocol"], "direction": body["direction"], "bytesTotal": body["size"], "jobRunId": body["jobRunId"], "pipelineRunId": body["pipelineRunId"], "stepId": body["stepId"]}))
        });
        world.created.insert(key, id);
        let fault = std::mem::take(&mut world.after_creating);
        world.is_away = fault == Fault::GoesAway;
        (world.transfers.get(&id).cloned(), fault == Fault::LosesAnswer)
    });
    if is_lost { failure(503, "the answer got lost") } else { success(201, &json!({"transfer": transfer})) }
}

async fn update_one(State(world): App, Path(id): Path<Uuid>, Json(body): Json<Value>) -> Response {
    match world.change(|world| world.update(id, &body)) {
        (200, data) => success(200, &data),
        (status, data) => failure(status, data["error"].as_str().unwrap_or_default()),
    }
}

async fn update_many(State(world): App, body: Bytes) -> Response {
    let Ok(body) = serde_json::from_slice::<Value>(&body) else { return failure(400, "malformed") };
    let (results, directives) = world.change(|world| {
        let mut results = Vec::new();
        for update in body["updates"].as_array().into_iter().flatten() {
            let id: Uuid = update["id"].as_str().and_then(|id| id.parse().ok()).unwrap_or_default();
            let (status, mut result) = world.update(id, update);
            merge(&mut result, json!({"id": id, "status": status}));
            results.push(result);
            world.updates.push(update.clone());
        }
        (results, world.directives.clone())
    });
    success(200, &json!({"results": results, "directives": directives}))
}

fn new_key(world: &mut World) -> String {
    world.keys += 1;
    world.key = format!("mft_ak_{}", world.keys);
    world.key.clone()
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
