//! Freezes what this release leaves behind: one object of every kind, in every state that is stored, with work in flight.

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command};

use backend::{
    actor::Actor,
    model::{
        FromFields,
        event::Kind,
        job::UpdateJob,
        pipeline::{UpdatePipeline, run::StartPipelineRun},
    },
    store::db::sql,
};
use chrono::TimeDelta;
use futures_util::StreamExt;
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};
use strum::IntoEnumIterator;

use crate::support::{
    Client, OwnRedis, PASSWORD, Receiver, TestApp, admin,
    app::{Place, TestAgent},
    connected,
};

const SECOND: TimeDelta = TimeDelta::seconds(1);
const MINUTE: TimeDelta = TimeDelta::minutes(1);
const HOUR: TimeDelta = TimeDelta::hours(1);

/// A definition with a step of every kind; the last one is the server's.
const EVERY_STEP: &str = include_str!("../../definitions/good/every-step.yaml");

#[tokio::test]
#[ignore = "makes the test data of a release, once: see backend/tests/frozen/README.md"]
async fn a_release_is_frozen() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/frozen").join(env!("CARGO_PKG_VERSION"));
    fs::create_dir_all(&folder).expect("a folder");
    let place = Place::fresh().await;
    let redis = if place.is_shared() { Some(OwnRedis::start().await) } else { None };
    let place = place.with_redis(redis.as_ref().map(OwnRedis::url).as_deref());
    let app = TestApp::on(&place, &["--rate-limits", "off", "--webhook-networks", "127.0.0.0/8"]).await;
    let messages = match &redis {
        Some(redis) => {
            connected(&app).await;
            let client = redis::Client::open(redis.url()).expect("a client");
            let mut line = client.get_async_pubsub().await.expect("Redis");
            line.psubscribe("mftplus:events:*").await.expect("a subscription");
            Some(line)
        }
        None => None,
    };
    Story::begin(app, messages).await.tell(&folder, &place).await;
}

struct Story {
    app: TestApp,
    messages: Option<redis::aio::PubSub>,
    customer: Value,
    root: Client,
    somebody: Client,
    session: Value,
    agents: [TestAgent; 3],
}

impl Story {
    async fn begin(app: TestApp, messages: Option<redis::aio::PubSub>) -> Self {
        app.person("root", None).await;
        let signed_in = app.sign_in("root@example.com", PASSWORD).await;
        let root = app.bearer(text(&signed_in.body["data"]["token"]));
        let customer = made(&root, "/api/customers", &json!({ "name": "Acme" }), "customer").await;
        let ours = customer["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        app.person("somebody", Some(ours)).await;
        let signed_in = app.sign_in("somebody@example.com", PASSWORD).await;
        let somebody = app.bearer(text(&signed_in.body["data"]["token"]));
        let session = signed_in.body["data"].clone();
        let agents =
            [app.agent(ours, "edge-1").await, app.agent(ours, "edge-2").await, app.agent(ours, "edge-3").await];
        Self { app, messages, customer, root, somebody, session, agents }
    }

    async fn tell(mut self, folder: &std::path::Path, place: &Place) {
        self.people().await;
        let receiver = Receiver::start(|_| Some(200)).await;
        self.pipelines(&receiver).await;
        self.jobs().await;
        self.transfers().await;
        self.in_flight().await;
        self.is_whole().await;
        self.keep(folder, place).await;
    }

    fn agent(&self, number: usize) -> Client {
        self.app.key(&self.agents[number].key)
    }

    fn advance(&self, by: TimeDelta) {
        self.app.advance(by);
    }

    /// Customers, users, sessions, codes and keys.
    async fn people(&self) {
        let (app, root) = (&self.app, &self.root);
        let customer = format!("/api/customers/{}", text(&self.customer["id"]));
        taken(root.patch(&customer, &json!({ "name": "Acme Logistics" })).await);
        let person = json!({ "email": "former@example.com", "password": PASSWORD, "role": "admin" });
        let former = made(root, "/api/users", &person, "user").await;
        let session = app.sign_in("former@example.com", PASSWORD).await.body["data"]["refreshToken"].clone();
        let refresh = async |token: &Value| {
            app.anonymous().post("/api/auth/refresh", &json!({ "refreshToken": token })).await.status
        };
        assert_eq!(refresh(&session).await, 200);
        self.advance(MINUTE);
        assert_eq!(refresh(&session).await, 401, "it was used before");
        let signed_in = app.sign_in("former@example.com", PASSWORD).await;
        taken(app.bearer(text(&signed_in.body["data"]["token"])).send("POST", "/api/auth/logout", None).await);
        taken(root.patch(&format!("/api/users/{}", text(&former["id"])), &json!({ "suspended": true })).await);
        let codes = format!("{customer}/enrolment-codes");
        made(root, &codes, &json!({ "maxUses": 5, "expiresAt": "2027-01-01T00:00:00Z" }), "enrolmentCode").await;
        let withdrawn = made(root, &codes, &json!({}), "enrolmentCode").await;
        taken(root.delete(&format!("/api/enrolment-codes/{}", text(&withdrawn["id"]))).await);
        let gone = app.agent(self.customer["id"].as_str().and_then(|id| id.parse().ok()).expect("an id"), "gone").await;
        taken(root.delete(&format!("/api/agents/{}", gone.id)).await);
        taken(root.send("POST", &format!("/api/agents/{}/key", self.agents[2].id), None).await);
        taken(
            self.agent(0).post("/api/agents/heartbeat", &json!({ "status": "busy", "load": 0.5, "memory": 64 })).await,
        );
        let secret = "mutation ($customer: ID) { rotateWebhookSecret(customerId: $customer) { id } }";
        self.root.data(secret, &json!({ "customer": self.customer["id"] })).await;
    }

    async fn pipelines(&self, receiver: &Receiver) {
        let app = &self.app;
        let create = async |identifier: &str, yaml: &str| {
            let body =
                json!({ "identifier": identifier, "name": "A pipeline", "yaml": yaml, "description": "What it does" });
            made(&self.somebody, "/api/pipelines", &body, "pipeline").await
        };
        let run_of = async |pipeline: &Value| {
            let path = format!("/api/pipelines/{}/runs", text(&pipeline["id"]));
            made(&self.root, &path, &json!({}), "run").await
        };
        let small = "source: /a\ndestination: /b\nagent: edge-2\n";
        let gone = create("gone", small).await;
        taken(self.root.delete(&format!("/api/pipelines/{}", text(&gone["id"]))).await);
        let every = create("every-step", EVERY_STEP).await;
        let small = create("small", &format!("{small}schedule: \"*/30 * * * *\"\n")).await;
        let yaml = format!(
            "source: /a\ndestination: /b\nagent: edge-2\nsteps:\n  - {{ id: copy, type: transfer }}\n  - {{ id: tell, \
             type: webhook, needs: [copy], url: \"{}\" }}\n",
            receiver.url()
        );
        let told = create("told", &yaml).await;
        let path = format!("/api/pipelines/{}/yaml", text(&told["id"]));
        taken(self.root.send("PUT", &path, Some(&json!({ "yaml": yaml, "gitSha": "3f78685" }))).await);
        let renamed = UpdatePipeline::read(object(&json!({ "name": "Told" }))).expect("a change");
        let id = |of: &Value| of["id"].as_str().and_then(|id| id.parse::<uuid::Uuid>().ok()).expect("an id");
        let meant = backend::ids::PipelineId(id(&told)).into();
        app.cp().update_pipeline(&admin(), &meant, renamed).await.expect("a change");

        // One that is done, one that was given up and reported late, one that was called off, and one in the middle.
        let done = run_of(&told).await;
        self.step(1, &done, "copy", &json!({ "status": "running", "progress": 50, "bytesTransferred": 512 })).await;
        self.step(1, &done, "copy", &json!({ "status": "completed" })).await;
        app.app.cp.advance_pipeline_runs().await.expect("a look");
        while receiver.heard().is_empty() {
            tokio::task::yield_now().await;
        }
        let late = run_of(&small).await;
        taken(self.agent(1).post("/api/agents/heartbeat", &json!({ "status": "offline" })).await);
        self.advance(MINUTE * 6);
        app.app.cp.advance_pipeline_runs().await.expect("a look");
        let path = step_path(&late, "transfer");
        assert_eq!(self.agent(1).patch(&path, &json!({ "status": "completed" })).await.status, 409);
        taken(self.agent(1).post("/api/agents/heartbeat", &json!({})).await);
        let cancelled = run_of(&small).await;
        self.step(1, &cancelled, "transfer", &json!({ "status": "running" })).await;
        let run = backend::ids::RunId(id(&cancelled));
        app.cp().cancel_pipeline_run(&admin(), run).await.expect("a cancel");
        let middle = run_of(&every).await;
        let sum = json!({ "status": "running", "progress": 10 });
        self.step(0, &middle, "sum", &sum).await;
        self.step(0, &middle, "sum", &json!({ "status": "completed" })).await;
        self.step(0, &middle, "pack", &sum).await;
    }

    async fn jobs(&self) {
        let (app, first) = (&self.app, &self.agents[0]);
        let heartbeat = async |body: Value| taken(self.agent(0).post("/api/agents/heartbeat", &body).await);
        let look = async |after: TimeDelta| {
            self.advance(after);
            app.cp().dispatch_due_slots().await.expect("slots are decided");
        };
        let gone = app.job(first, &json!({ "name": "Gone" })).await;
        app.cp().delete_job(&Actor::System, gone).await.expect("an end");
        let retry = json!({ "maxAttempts": 3, "initialDelay": "30s", "factor": 2, "maxDelay": "1h" });
        let job = app.job(first, &json!({ "retry": retry, "overlap": "queue", "catchUp": "all" })).await;
        let change = UpdateJob::read(object(&json!({ "name": "Hourly copy", "timezone": "Europe/Berlin" })));
        app.cp().update_job(&admin(), job, change.expect("a change")).await.expect("a change");
        let start = async || {
            let path = format!("/api/jobs/{job}/runs");
            let run = made(&self.agent(0), &path, &json!({}), "run").await;
            (run["id"].as_str().and_then(|id| id.parse().ok()).expect("an id"), format!("{path}/{}", text(&run["id"])))
        };
        // One that is done, one that failed and is to be tried again, one whose lease ended, one that was called off.
        look(HOUR).await;
        let (_, path) = start().await;
        taken(self.agent(0).patch(&path, &json!({ "bytesTransferred": 9 })).await);
        taken(self.agent(0).patch(&path, &json!({ "status": "completed" })).await);
        look(HOUR).await;
        let (_, path) = start().await;
        taken(self.agent(0).patch(&path, &json!({ "status": "failed", "errorMessage": "no room" })).await);
        self.advance(MINUTE);
        app.cp().retry_failed_runs().await.expect("a look");
        let (_, path) = start().await;
        heartbeat(json!({ "status": "offline" })).await;
        self.advance(MINUTE * 6);
        app.cp().end_run_leases().await.expect("a sweep");
        assert_eq!(self.agent(0).patch(&path, &json!({ "status": "completed" })).await.status, 409);
        heartbeat(json!({})).await;
        app.cp().run_job(&admin(), job).await.expect("a wish");
        let (run, _) = start().await;
        look(HOUR * 3).await;
        app.cp().cancel_job_run(&admin(), run).await.expect("a cancel");
        let skipping = app.job(&self.agents[1], &json!({ "name": "Skipping", "schedule": "*/5 * * * *" })).await;
        look(MINUTE * 5).await;
        look(MINUTE * 5).await;
        app.cp().disable_job(&admin(), skipping).await.expect("a change");
        let late =
            app.job(&self.agents[1], &json!({ "name": "Late", "schedule": "*/10 * * * *", "catchUp": "last" })).await;
        look(HOUR).await;
        app.cp().disable_job(&admin(), late).await.expect("a change");
    }

    async fn transfers(&self) {
        let agent = self.agent(0);
        let create = async |key: &str| {
            let body = json!({
                "sourceUrl": "sftp://ftp.example.com/files/data.csv", "destinationPath": "/in/data.csv",
                "direction": "pull", "protocol": "sftp", "size": 1000,
            });
            let made = agent.with("Idempotency-Key", key).post("/api/transfers", &body).await;
            assert_eq!(made.status, 201, "{}", made.body);
            format!("/api/transfers/{}", text(&made.body["data"]["transfer"]["id"]))
        };
        let report = async |path: &str, body: Value| taken(agent.patch(path, &body).await);
        create("queued").await;
        let done = create("completed").await;
        let measured = json!({ "throughputMbps": 100, "latencyMs": 5, "packetLossPercent": 0.5 });
        report(&done, json!({ "status": "running", "progress": 45, "speed": 10, "network": measured })).await;
        report(&done, json!({ "status": "completed", "bytesTransferred": 1000, "checksumSha256": "a".repeat(64) }))
            .await;
        let failed = create("failed").await;
        report(&failed, json!({ "status": "failed", "errorMessage": "no room" })).await;
        let slow = create("stalled").await;
        report(&slow, json!({ "status": "running", "bytesTransferred": 1 })).await;
        self.advance(MINUTE * 2);
        self.app.cp().mark_stalled_transfers().await.expect("a sweep");
        report(&slow, json!({ "bytesTransferred": 2 })).await;
        self.advance(MINUTE * 2);
        self.app.cp().mark_stalled_transfers().await.expect("a sweep");
        let called_off = create("cancelled").await;
        report(&called_off, json!({ "status": "running", "bytesTransferred": 3 })).await;
        let id = called_off.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id");
        self.app.cp().cancel_transfer(&admin(), id).await.expect("a cancel");
        let id = failed.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id");
        self.app.cp().retry_transfer(&admin(), id).await.expect("a retry");
    }

    /// What the other wishes are for.
    async fn in_flight(&self) {
        self.advance(SECOND);
        let meant = "every-step".parse().expect("an identifier");
        self.app.cp().run_pipeline(&admin(), &meant, StartPipelineRun::default(), None).await.expect("a run");
        let asked_for = self.app.job(&self.agents[1], &json!({ "name": "Asked for" })).await;
        self.app.cp().run_job(&admin(), asked_for).await.expect("a wish");
        self.app.cp().request_key_rotation(&admin(), self.agents[2].id).await.expect("a wish");
        let wish = json!({ "type": "setHeartbeatInterval", "payload": { "seconds": 10 } });
        let mut tx = self.app.app.db.begin().await.expect("a transaction");
        let now = self.app.cp().now();
        sql(
            "INSERT INTO directives (id, agent_id, type, wish, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(uuid::Uuid::from_u128(7))
        .bind(self.agents[2].id)
        .bind("setHeartbeatInterval")
        .bind(backend::store::db::json(&wish).expect("JSON"))
        .bind(now)
        .bind(now + HOUR * 24)
        .execute(&mut tx)
        .await
        .expect("a wish");
        tx.commit().await.expect("a wish");
    }

    async fn step(&self, agent: usize, run: &Value, step: &str, report: &Value) {
        taken(self.agent(agent).patch(&step_path(run, step), report).await);
    }

    /// Nothing that is stored is missing.
    async fn is_whole(&self) {
        let kinds: Vec<(String,)> =
            sql("SELECT DISTINCT kind FROM events").fetch_all(&self.app.app.db).await.expect("kinds");
        let kinds: BTreeSet<String> = kinds.into_iter().map(|(kind,)| kind).collect();
        let all: BTreeSet<String> = Kind::iter()
            .filter(|kind| kind.is_logged() && *kind != Kind::Unknown)
            .map(|kind| kind.to_string())
            .collect();
        assert_eq!(all.difference(&kinds).collect::<Vec<_>>(), Vec::<&String>::new());
        let wishes: Vec<(String,)> =
            sql("SELECT DISTINCT type FROM directives WHERE acknowledged_at IS NULL ORDER BY type")
                .fetch_all(&self.app.app.db)
                .await
                .expect("wishes");
        let wishes: Vec<String> = wishes.into_iter().map(|(kind,)| kind).collect();
        let all = [
            "cancelJobRun",
            "cancelStep",
            "cancelTransfer",
            "retryTransfer",
            "rotateKey",
            "runStep",
            "setHeartbeatInterval",
            "startJob",
        ];
        assert_eq!(wishes, all);
    }

    async fn keep(&mut self, folder: &std::path::Path, place: &Place) {
        let known = json!({
            "now": self.app.cp().now(), "customer": self.customer["id"], "refreshToken": self.session["refreshToken"],
            "accessToken": self.session["token"], "user": self.session["user"]["id"],
            "agents": self.agents.each_ref().map(|agent| json!({ "id": agent.id, "key": agent.key })),
        });
        let Some(line) = &mut self.messages else {
            let data = self.app.settings.database.data_dir.clone();
            let target = folder.join("mftplus.db");
            drop(fs::remove_file(&target));
            let path = format!("sqlite://{}", data.join("mftplus.db").display());
            let mut file = SqliteConnection::connect(&path).await.expect("the file");
            sqlx::query("PRAGMA page_size = 1024").execute(&mut file).await.expect("small pages");
            let copy = sqlx::AssertSqlSafe(format!("VACUUM INTO '{}'", target.display()));
            sqlx::query(copy).execute(&mut file).await.expect("a copy");
            fs::copy(data.join("signing.secret"), folder.join("signing.secret")).expect("a copy");
            fs::write(folder.join("sqlite.json"), pretty(&known)).expect("a file");
            return;
        };
        // One message of each kind of event is enough, up to the last one that was told.
        let head =
            sql("SELECT number FROM event_head").fetch_one::<(i64,)>(&self.app.app.db).await.expect("a number").0;
        let (mut lines, mut kinds) = (Vec::new(), BTreeSet::new());
        let mut stream = line.on_message();
        while let Some(message) = stream.next().await {
            let line: String = message.get_payload().expect("text");
            let message: Value = serde_json::from_str(&line).expect("JSON");
            let events = message["message"]["events"].as_array().cloned().unwrap_or_default();
            let is_new = events.iter().filter(|event| kinds.insert(text(&event["kind"]).to_owned())).count() > 0;
            if is_new || kinds.insert(message.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect())
            {
                lines.push(line);
            }
            if events.iter().any(|event| event["number"] == head) {
                break;
            }
        }
        fs::write(folder.join("messages.jsonl"), lines.join("\n") + "\n").expect("a file");
        fs::write(folder.join("postgres.json"), pretty(&known)).expect("a file");
        let (url, schema) = place.schema().expect("a schema");
        let dump = Command::new("pg_dump")
            .args(["--inserts", "--no-owner", "--no-privileges", "--schema", schema, "--dbname", url])
            .output()
            .expect("pg_dump");
        assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
        let dump = String::from_utf8(dump.stdout).expect("text").replace(schema, "mftplus_frozen");
        let dump: Vec<&str> = dump.lines().filter(|line| !line.starts_with('\\')).collect();
        fs::write(folder.join("postgres.sql"), dump.join("\n") + "\n").expect("a file");
    }
}

async fn made(client: &Client, path: &str, body: &Value, what: &str) -> Value {
    let answer = client.post(path, body).await;
    assert_eq!(answer.status, 201, "{path}: {}", answer.body);
    answer.body["data"][what].clone()
}

#[expect(clippy::needless_pass_by_value, reason = "nothing else is done with an answer")]
fn taken(answer: crate::support::Answer) {
    assert!((200..300).contains(&answer.status), "{}", answer.body);
}

fn step_path(run: &Value, step: &str) -> String {
    format!("/api/pipelines/{}/runs/{}/steps/{step}", text(&run["pipelineId"]), text(&run["id"]))
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a string, not {value}"))
}

fn object(value: &Value) -> serde_json::Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
