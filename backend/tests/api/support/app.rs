//! A server in the process of the test, with a real database, a real event bus and a manual clock.

use std::path::PathBuf;

use axum::Router;
use backend::{
    actor::Actor,
    app::{Ambient, App},
    clock::{Clock, ManualClock},
    config::ServeSettings,
    graphql,
    ids::{AgentId, AttentionId, CustomerId, IdGenerator, JobId, PipelineId},
    model::{
        FromFields,
        account::CreateUser,
        agent::RegisterAgent,
        attention::AttentionKind,
        customer::CreateCustomer,
        enrolment_code::CreateEnrolmentCode,
        job::CreateJob,
        pipeline::{
            CreatePipeline, ReplaceDefinition,
            run::{PipelineRun, StartPipelineRun},
        },
    },
    rest,
    service::{ControlPlane, PasswordCost},
    store::DatabaseLimits,
};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Parser;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::{Client, Credential};
use super::database::migrated_sqlite;
pub(crate) use super::database::{TestDatabase, seed};

/// The time at which the clock of every test starts.
pub(crate) const START: &str = "2026-04-25T13:00:00Z";

#[derive(Parser)]
struct Settings {
    #[command(flatten)]
    serve: ServeSettings,
}

/// A server under test.
pub(crate) struct TestApp {
    pub(crate) app: App,
    pub(crate) router: Router,
    pub(crate) clock: ManualClock,
    pub(crate) settings: ServeSettings,
    database_limits: DatabaseLimits,
    _folder: TempDir,
}

/// A customer, with the access token of one of its users.
#[derive(Clone, Debug)]
pub(crate) struct TestCustomer {
    pub(crate) id: CustomerId,
    pub(crate) token: String,
}

/// An agent, with its API key.
#[derive(Clone, Debug)]
pub(crate) struct TestAgent {
    pub(crate) id: AgentId,
    pub(crate) key: String,
}

impl TestApp {
    /// A server without rate limits.
    pub(crate) async fn start() -> Self {
        Self::with(&["--rate-limits", "off"]).await
    }

    /// A server with these flags of `mftplus serve`.
    pub(crate) async fn with(flags: &[&str]) -> Self {
        Self::on(&TestDatabase::fresh().await, flags).await
    }

    /// A server on this database, which other servers may use as well.
    pub(crate) async fn on(database: &TestDatabase, flags: &[&str]) -> Self {
        Self::within(DatabaseLimits::default(), database, flags).await
    }

    /// A server with these timeouts and limits of the database.
    pub(crate) async fn within(database_limits: DatabaseLimits, database: &TestDatabase, flags: &[&str]) -> Self {
        Self::build(database_limits, database, &[], flags, START.parse().expect("an instant")).await
    }

    /// A server with copies of these files in its data folder, whose clock starts at `start`.
    pub(crate) async fn with_files(
        database: &TestDatabase,
        files: &[PathBuf],
        flags: &[&str],
        start: DateTime<Utc>,
    ) -> Self {
        Self::build(DatabaseLimits::default(), database, files, flags, start).await
    }

    async fn build(
        database_limits: DatabaseLimits,
        database: &TestDatabase,
        files: &[PathBuf],
        flags: &[&str],
        start: DateTime<Utc>,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        if files.is_empty() && database.database_url().is_none() {
            std::fs::write(folder.path().join("mftplus.db"), migrated_sqlite().await).expect("a database");
        }
        for file in files {
            let copy = folder.path().join(file.file_name().expect("a file"));
            std::fs::copy(file, copy).expect("a copy");
        }
        let mut args: Vec<String> = vec!["test".into(), "--data-dir".into(), folder.path().display().to_string()];
        args.extend(database.flags());
        args.extend(flags.iter().map(ToString::to_string));
        let settings = Settings::try_parse_from(args).expect("flags of mftplus serve").serve;
        Self::begin(settings, ManualClock::at(start), database_limits, folder).await
    }

    /// Stops the server and starts it on the same data, with the clock advanced by `after`. No request may be running.
    pub(crate) async fn restarted(self, after: TimeDelta) -> Self {
        let Self { app, router, clock, settings, database_limits, _folder: folder } = self;
        drop(router);
        app.close().await;
        clock.advance(after);
        Self::begin(settings, clock, database_limits, folder).await
    }

    async fn begin(
        settings: ServeSettings,
        clock: ManualClock,
        database_limits: DatabaseLimits,
        folder: TempDir,
    ) -> Self {
        let ambient = Ambient {
            clock: Clock::manual(clock.clone()),
            ids: IdGenerator::seeded(seed()),
            database_limits,
            // Each test has users of its own, whose passwords would take a third of its time.
            password_cost: PasswordCost { memory: 8, passes: 1 },
        };
        let app = App::start(&settings, ambient).await.expect("a server");
        let router = rest::router(app.api(&settings)).merge(graphql::router(app.graphql(&settings)));
        let router = match &settings.public_url {
            Some(url) => url.serve(router),
            None => router,
        };
        Self { app, router, clock, settings, database_limits, _folder: folder }
    }

    pub(crate) fn cp(&self) -> &ControlPlane {
        &self.app.cp
    }

    pub(crate) fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    /// A client without credentials.
    pub(crate) fn anonymous(&self) -> Client {
        Client::new(self.router.clone(), Credential::None)
    }

    /// A client with this access token.
    pub(crate) fn bearer(&self, token: &str) -> Client {
        Client::new(self.router.clone(), Credential::Token(token.to_owned()))
    }

    /// A client with this API key.
    pub(crate) fn key(&self, key: &str) -> Client {
        Client::new(self.router.clone(), Credential::Key(key.to_owned()))
    }

    /// Creates an administrator, and returns a client with their access token.
    pub(crate) async fn admin(&self) -> Client {
        let email = unique("admin");
        self.user(&json!({ "email": email, "password": "correct horse battery", "role": "admin" })).await;
        self.bearer(&self.token(&email).await)
    }

    /// Creates a customer and a user of it.
    pub(crate) async fn customer(&self, name: &str) -> TestCustomer {
        let input = CreateCustomer { name: name.to_owned() };
        let customer = self.cp().create_customer(&Actor::System, input, None).await.expect("a customer");
        let email = unique(name);
        let user = json!({
            "email": email, "password": "correct horse battery", "role": "customer", "customerId": customer.id,
        });
        self.user(&user).await;
        TestCustomer { id: customer.id, token: self.token(&email).await }
    }

    /// Registers an agent of this customer.
    pub(crate) async fn agent(&self, customer: CustomerId, hostname: &str) -> TestAgent {
        let code = self.cp().create_enrolment_code(&Actor::System, customer, CreateEnrolmentCode::default()).await;
        let input = json!({ "hostname": hostname, "os": "linux", "customerIdentifier": code.expect("a code").code });
        let input = RegisterAgent::read(object(&input)).expect("a registration");
        let registered = self.cp().register_agent(None, input, None).await.expect("an agent");
        TestAgent { id: registered.agent.id, key: registered.api_key }
    }

    /// Creates a transfer as this agent, and returns the answer's view of it.
    pub(crate) async fn transfer(&self, agent: &TestAgent) -> Value {
        let body = json!({
            "sourceUrl": "sftp://ftp.example.com/files/data.csv", "destinationPath": "/local/data/files/data.csv",
            "direction": "pull", "protocol": "sftp", "size": 1000,
        });
        let answer = self.key(&agent.key).post("/api/transfers", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body["data"]["transfer"].clone()
    }

    /// Creates a transfer as this agent, which fails since the disk is full, and returns it.
    pub(crate) async fn failed_transfer(&self, agent: &TestAgent) -> Value {
        let path = format!("/api/transfers/{}", self.transfer(agent).await["id"].as_str().expect("an id"));
        let report = json!({ "status": "failed", "error": "no space is left", "errorCode": "noSpace" });
        let answer = self.key(&agent.key).patch(&path, &report).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["data"]["transfer"].clone()
    }

    /// Creates a job of this agent, due every hour unless `fields` override the schedule.
    pub(crate) async fn job(&self, agent: &TestAgent, fields: &Value) -> JobId {
        let mut body = json!({
            "agentId": agent.id, "name": "Hourly", "sourcePath": "/out/", "destinationPath": "/in/", "schedule": "0 * * * *",
            "protocol": "local", "direction": "pull",
        });
        body.as_object_mut().expect("an object").extend(object(fields));
        let input = CreateJob::read(object(&body)).expect("a job");
        self.cp().create_job(&Actor::System, input, None).await.expect("a job").id
    }

    /// Creates a pipeline of this customer with this definition.
    pub(crate) async fn pipeline(&self, customer: CustomerId, identifier: &str, yaml: &str) -> PipelineId {
        let body = json!({ "identifier": identifier, "name": "A pipeline", "yaml": yaml, "customerId": customer });
        let input = CreatePipeline::read(object(&body)).expect("a pipeline");
        self.cp().create_pipeline(&Actor::System, input, None).await.expect("a pipeline").id
    }

    /// Replaces the definition of a pipeline, which creates a version.
    pub(crate) async fn redefine(&self, pipeline: PipelineId, yaml: &str, git_sha: Option<&str>) {
        let body = json!({ "yaml": yaml, "gitSha": git_sha });
        let input = ReplaceDefinition::read(object(&body)).expect("a definition");
        let replaced = self.cp().replace_pipeline_definition(&Actor::System, &pipeline.into(), input).await;
        replaced.expect("a version");
    }

    /// Starts a run of this pipeline.
    pub(crate) async fn run(&self, pipeline: PipelineId) -> PipelineRun {
        let input = StartPipelineRun::default();
        self.cp().run_pipeline(&Actor::System, &pipeline.into(), input, None).await.expect("a run")
    }

    /// Sends a report of an agent about a step, which must be accepted.
    pub(crate) async fn step(&self, agent: &TestAgent, run: &PipelineRun, step: &str, report: &Value) {
        let path = format!("/api/pipelines/{}/runs/{}/steps/{step}", run.pipeline_id, run.id);
        let answer = self.key(&agent.key).patch(&path, report).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    pub(crate) async fn user(&self, user: &Value) {
        let input = CreateUser::read(object(user)).expect("a user");
        self.cp().create_user(&Actor::System, input, None).await.expect("a user");
    }

    pub(crate) async fn token(&self, email: &str) -> String {
        let signed_in = self.cp().issue_token(&Actor::System, email, TimeDelta::hours(1)).await;
        signed_in.expect("a token").token
    }
}

/// The id of the attention item about the failed transfers of this customer.
pub(crate) fn item_of_failures(customer: CustomerId) -> AttentionId {
    AttentionKind::TransferFailed.item_id(&format!("{customer}\nwith `ftp.example.com`\nno space"))
}

fn unique(name: &str) -> String {
    format!("{name}-{}@example.com", seed()).to_lowercase()
}

fn object(value: &Value) -> serde_json::Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
