//! A whole server in the test's process: real database, real bus, a clock that only moves when told to.

use std::{
    env,
    sync::atomic::{AtomicU64, Ordering},
};

use axum::Router;
use backend::{
    actor::Actor,
    app::{Ambient, App},
    clock::{Clock, ManualClock},
    config::ServeSettings,
    ids::{AgentId, CustomerId, Ids},
    model::{
        FromFields,
        account::CreateUser,
        agent::RegisterAgent,
        customer::{CreateCustomer, CreateEnrolmentCode},
    },
    rest,
    service::ControlPlane,
};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Parser;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;

use super::client::{Client, Credential};

/// When every test begins.
pub const START: &str = "2026-04-25T13:00:00Z";

#[derive(Parser)]
struct Settings {
    #[command(flatten)]
    serve: ServeSettings,
}

/// A server under test.
pub struct TestApp {
    pub app: App,
    pub router: Router,
    pub clock: ManualClock,
    pub settings: ServeSettings,
    _folder: TempDir,
}

/// A customer with somebody who signs in for them.
#[derive(Clone, Debug)]
pub struct TestCustomer {
    pub id: CustomerId,
    pub token: String,
}

/// An agent with its key.
#[derive(Clone, Debug)]
pub struct TestAgent {
    pub id: AgentId,
    pub key: String,
}

impl TestApp {
    /// A server without rate limits.
    pub async fn start() -> Self {
        Self::with(&["--rate-limits", "off"]).await
    }

    /// A server with these flags of `mftplus serve`.
    pub async fn with(flags: &[&str]) -> Self {
        Self::on(&Place::fresh().await, flags).await
    }

    /// A server on a database that another may already use.
    pub async fn on(place: &Place, flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut args: Vec<String> = vec!["test".into(), "--data-dir".into(), folder.path().display().to_string()];
        args.extend(place.flags());
        args.extend(flags.iter().map(ToString::to_string));
        let settings = Settings::try_parse_from(args).expect("flags of mftplus serve").serve;
        let start: DateTime<Utc> = START.parse().expect("an instant");
        let clock = ManualClock::at(start);
        let ambient = Ambient { clock: Clock::Manual(clock.clone()), ids: Ids::seeded(seed()) };
        let app = App::start(&settings, ambient).await.expect("a server");
        let router = rest::router(app.api(&settings));
        Self { app, router, clock, settings, _folder: folder }
    }

    pub fn cp(&self) -> &ControlPlane {
        &self.app.cp
    }

    pub fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    /// Nobody in particular.
    pub fn anonymous(&self) -> Client {
        Client::new(self.router.clone(), Credential::None)
    }

    /// Whoever holds this token.
    pub fn bearer(&self, token: &str) -> Client {
        Client::new(self.router.clone(), Credential::Token(token.to_owned()))
    }

    /// Whoever holds this API key.
    pub fn key(&self, key: &str) -> Client {
        Client::new(self.router.clone(), Credential::Key(key.to_owned()))
    }

    /// An administrator.
    pub async fn admin(&self) -> Client {
        let email = unique("admin");
        self.user(&json!({ "email": email, "password": "correct horse battery", "role": "admin" })).await;
        self.bearer(&self.token(&email).await)
    }

    /// A customer, with a token of one of their users.
    pub async fn customer(&self, name: &str) -> TestCustomer {
        let input = CreateCustomer { name: name.to_owned() };
        let customer = self.cp().create_customer(&Actor::System, input, None).await.expect("a customer");
        let email = unique(name);
        let user = json!({
            "email": email, "password": "correct horse battery", "role": "customer", "customerId": customer.id,
        });
        self.user(&user).await;
        TestCustomer { id: customer.id, token: self.token(&email).await }
    }

    /// An agent of this customer.
    pub async fn agent(&self, customer: CustomerId, hostname: &str) -> TestAgent {
        let code = self.cp().create_enrolment_code(&Actor::System, customer, CreateEnrolmentCode::default()).await;
        let input = json!({ "hostname": hostname, "os": "linux", "customerIdentifier": code.expect("a code").code });
        let input = RegisterAgent::read(object(&input)).expect("a registration");
        let registered = self.cp().register_agent(None, input, None).await.expect("an agent");
        TestAgent { id: registered.agent.id, key: registered.api_key }
    }

    /// A transfer of this agent, as it reports it.
    pub async fn transfer(&self, agent: &TestAgent) -> Value {
        let body = json!({
            "sourceUrl": "sftp://ftp.example.com/files/data.csv", "destinationPath": "/local/data/files/data.csv",
            "direction": "pull", "protocol": "sftp", "size": 1000,
        });
        let answer = self.key(&agent.key).post("/api/transfers", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body["data"]["transfer"].clone()
    }

    async fn user(&self, user: &Value) {
        let input = CreateUser::read(object(user)).expect("a user");
        self.cp().create_user(&Actor::System, input, None).await.expect("a user");
    }

    async fn token(&self, email: &str) -> String {
        let signed_in = self.cp().issue_token(&Actor::System, email, TimeDelta::hours(1)).await;
        signed_in.expect("a token").token
    }
}

/// A database, and a Redis where there is one.
#[derive(Clone, Debug)]
pub struct Place {
    database_url: Option<String>,
    redis_url: Option<String>,
}

impl Place {
    /// A database of its own for a test: a schema of the PostgreSQL under test, else SQLite.
    #[expect(clippy::disallowed_methods, reason = "the test command says so by these variables")]
    pub async fn fresh() -> Self {
        let database_url = match env::var("MFTPLUS_TEST_DATABASE_URL") {
            Ok(url) => Some(schema(&url).await),
            Err(_) => None,
        };
        Self { database_url, redis_url: env::var("MFTPLUS_TEST_REDIS_URL").ok() }
    }

    /// Whether several servers can share it.
    pub const fn is_shared(&self) -> bool {
        self.database_url.is_some() && self.redis_url.is_some()
    }

    /// The same database with another Redis, or none.
    pub fn with_redis(&self, redis_url: Option<&str>) -> Self {
        Self { database_url: self.database_url.clone(), redis_url: redis_url.map(ToOwned::to_owned) }
    }

    /// The flags of `mftplus serve` that lead there.
    pub fn flags(&self) -> Vec<String> {
        let flag = |name: &str, value: &Option<String>| {
            value.clone().map(|value| vec![name.to_owned(), value]).unwrap_or_default()
        };
        [flag("--database-url", &self.database_url), flag("--redis-url", &self.redis_url)].concat()
    }
}

/// A new schema, and the URL that leads to it. It goes away with the server that the test command started.
async fn schema(url: &str) -> String {
    let name = format!("test_{}_{}", std::process::id(), seed());
    let mut connection = PgConnection::connect(url).await.expect("the PostgreSQL under test");
    sqlx::query(AssertSqlSafe(format!("CREATE SCHEMA {name}"))).execute(&mut connection).await.expect("a schema");
    connection.close().await.expect("an end");
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}options=-c%20search_path%3D{name}")
}

/// Different for each server of each run, so that no two share secrets, and so tokens or messages.
fn seed() -> u64 {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    (u64::from(std::process::id()) << 32) | COUNTER.fetch_add(1, Ordering::Relaxed)
}

fn unique(name: &str) -> String {
    format!("{name}-{}@example.com", seed()).to_lowercase()
}

fn object(value: &Value) -> serde_json::Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
