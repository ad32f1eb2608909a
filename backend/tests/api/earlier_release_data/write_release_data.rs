//! Creates the data of this release: one object of every type, in every stored state, with work in progress.

mod jobs;
mod pipelines;
mod transfers;
mod write_release_folder;

use std::{fs, path::PathBuf};

use backend::{model::pipeline::run::StartPipelineRun, store::db::sql};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{
    Client, OwnRedis, PASSWORD, Receiver, TestApp, admin,
    app::{TestAgent, TestDatabase},
    connected,
};

const SECOND: TimeDelta = TimeDelta::seconds(1);
const MINUTE: TimeDelta = TimeDelta::minutes(1);
const HOUR: TimeDelta = TimeDelta::hours(1);

#[tokio::test]
#[ignore = "makes the test data of a release, once: see backend/tests/earlier_releases/README.md"]
async fn a_release_is_frozen() {
    let folder =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/earlier_releases").join(env!("CARGO_PKG_VERSION"));
    fs::create_dir_all(&folder).expect("a folder");
    let database = TestDatabase::fresh().await;
    let redis = if database.is_shared() { Some(OwnRedis::start().await) } else { None };
    let database = database.with_redis(redis.as_ref().map(OwnRedis::url).as_deref());
    let app = TestApp::on(&database, &["--rate-limits", "off", "--webhook-networks", "127.0.0.0/8"]).await;
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
    Story::begin(app, messages).await.tell(&folder, &database).await;
}

struct Story {
    app: TestApp,
    messages: Option<redis::aio::PubSub>,
    customer: Value,
    root: Client,
    customer_user: Client,
    session: Value,
    agents: [TestAgent; 3],
}

impl Story {
    async fn begin(app: TestApp, messages: Option<redis::aio::PubSub>) -> Self {
        app.create_user("root", None).await;
        let signed_in = app.sign_in("root@example.com", PASSWORD).await;
        let root = app.bearer(text(&signed_in.body["data"]["token"]));
        let customer = made(&root, "/api/customers", &json!({ "name": "Acme" }), "customer").await;
        let ours = customer["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        app.create_user("somebody", Some(ours)).await;
        let signed_in = app.sign_in("somebody@example.com", PASSWORD).await;
        let customer_user = app.bearer(text(&signed_in.body["data"]["token"]));
        let session = signed_in.body["data"].clone();
        let agents =
            [app.agent(ours, "edge-1").await, app.agent(ours, "edge-2").await, app.agent(ours, "edge-3").await];
        Self { app, messages, customer, root, customer_user, session, agents }
    }

    async fn tell(mut self, folder: &std::path::Path, database: &TestDatabase) {
        self.people().await;
        let receiver = Receiver::start(|_| Some(200)).await;
        self.pipelines(&receiver).await;
        self.jobs().await;
        self.transfers().await;
        self.in_flight().await;
        self.is_whole().await;
        self.keep(folder, database).await;
    }

    fn agent(&self, number: usize) -> Client {
        self.app.key(&self.agents[number].key)
    }

    fn advance(&self, by: TimeDelta) {
        self.app.advance(by);
    }

    /// Creates customers, users, sessions, enrolment codes and API keys.
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

    /// Creates the work of the remaining directives.
    async fn in_flight(&self) {
        self.advance(SECOND);
        let meant = "every-step".parse().expect("an identifier");
        self.app.cp().run_pipeline(&admin(), &meant, StartPipelineRun::default(), None).await.expect("a run");
        let asked_for = self.app.job(&self.agents[1], &json!({ "name": "Asked for" })).await;
        self.app.cp().run_job(&admin(), asked_for, None).await.expect("a directive");
        self.app.cp().request_key_rotation(&admin(), self.agents[2].id).await.expect("a directive");
        let action = json!({ "type": "setHeartbeatInterval", "payload": { "seconds": 10 } });
        let mut tx = self.app.app.db.begin().await.expect("a transaction");
        let now = self.app.cp().now();
        sql(
            "INSERT INTO directives (id, agent_id, type, wish, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(uuid::Uuid::from_u128(7))
        .bind(self.agents[2].id)
        .bind("setHeartbeatInterval")
        .bind(backend::store::db::json(&action).expect("JSON"))
        .bind(now)
        .bind(now + HOUR * 24)
        .execute(&mut tx)
        .await
        .expect("a directive");
        tx.commit().await.expect("a directive");
    }

    async fn step(&self, agent: usize, run: &Value, step: &str, report: &Value) {
        taken(self.agent(agent).patch(&step_path(run, step), report).await);
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

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a string, not {value}"))
}

fn object(value: &Value) -> serde_json::Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
