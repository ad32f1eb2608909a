//! The databases to measure on, and the processes that serve them.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use backend::{
    actor::Actor,
    app::{Ambient, App},
    config::ServeSettings,
    ids::TransferId,
    model::{
        FromFields,
        agent::RegisterAgent,
        customer::CreateCustomer,
        enrolment_code::CreateEnrolmentCode,
        transfer::{CreateTransfer, TransferStatus, UpdateTransfer},
    },
    service::ControlPlane,
};
use clap::Parser;
use futures_util::{StreamExt, stream};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// The number of transfers that are created concurrently.
const AT_ONCE: usize = 64;

/// A database engine.
#[derive(Clone, Debug)]
pub(crate) enum Engine {
    Sqlite,
    Postgres(String),
}

/// A fresh database.
pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) database_url: Option<String>,
}

impl Place {
    pub(crate) fn fresh(engine: &Engine, name: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("mftplus-bench").tempdir_in("/var/tmp").unwrap();
        let database_url = match engine {
            Engine::Sqlite => None,
            Engine::Postgres(url) => Some(tokio::runtime::Runtime::new().unwrap().block_on(database(url, name))),
        };
        Self { folder, database_url }
    }

    pub(crate) fn flags(&self) -> Vec<String> {
        let mut flags = vec!["--data-dir".to_owned(), self.folder.path().display().to_string()];
        if let Some(url) = &self.database_url {
            flags.extend(["--database-url".to_owned(), url.clone()]);
        }
        flags
    }
}

async fn database(url: &str, name: &str) -> String {
    // A later run may use the same name again.
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let mut connection = PgConnection::connect(url).await.unwrap();
    let name = format!("bench_{name}_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.unwrap();
    let end = url.rfind('/').unwrap();
    format!("{}/{name}", &url[..end])
}

/// A server process. It is stopped when this value is dropped.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) address: String,
    /// The address of its metrics, if it has any.
    pub(crate) metrics: Option<String>,
}

impl Server {
    /// Starts the product as it is shipped.
    pub(crate) fn product(binary: &Path, place: &Place, limits: &str) -> Self {
        Self::product_with(binary, place, limits, &[])
    }

    /// Starts the product as it is shipped, with additional flags of `mftplus serve`.
    pub(crate) fn product_with(binary: &Path, place: &Place, limits: &str, flags: &[&str]) -> Self {
        let mut command = Command::new(binary);
        command.arg("serve").args(place.flags()).args(flags);
        let metrics = free_address();
        command.args(["--listen", "127.0.0.1:0", "--metrics-listen", metrics.as_str(), "--log", "warn"]);
        command.args(["--rate-limits", limits, "--admin-password", "bench bench bench"]);
        // Transfers that are reported late must not become stalled or fail.
        command.args(["--stalled-after", "24h", "--lease", "24h"]);
        let mut server =
            Self::spawn(command, |line| line.split("http://").nth(1)?.split(',').next().map(ToOwned::to_owned));
        server.metrics = Some(metrics);
        server
    }

    /// Starts the bare handler.
    pub(crate) fn bare(place: &Place) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let database = place.database_url.clone();
        let database = database.unwrap_or_else(|| place.folder.path().join("mftplus.db").display().to_string());
        command.args(["--bare", &database]);
        Self::spawn(command, |line| line.strip_prefix("bare ").map(ToOwned::to_owned))
    }

    /// Starts the bare socket.
    pub(crate) fn bare_live() -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("--bare-live");
        Self::spawn(command, |line| line.strip_prefix("bare ").map(ToOwned::to_owned))
    }

    fn spawn(mut command: Command, address: impl Fn(&str) -> Option<String>) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| address(&line.unwrap())).expect("the server says where it listens");
        Self { child, address, metrics: None }
    }
}

/// An address on which no process listens. It is chosen here, because the server does not print the address of its
/// metrics.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

impl Drop for Server {
    fn drop(&mut self) {
        // The process is killed: what it does after a measurement does not matter.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Creates an access token of the administrator, whom the first start of the server creates.
pub(crate) fn token(binary: &Path, place: &Place) -> String {
    drop(Server::product(binary, place, "off"));
    let arguments = [vec!["token".to_owned(), "admin@localhost".to_owned()], place.flags()].concat();
    let output = Command::new(binary).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[derive(Parser)]
struct Settings {
    #[command(flatten)]
    serve: ServeSettings,
}

/// The settings that these flags of `mftplus serve` give.
pub(crate) fn settings(flags: Vec<String>) -> ServeSettings {
    Settings::parse_from(std::iter::once("bench".to_owned()).chain(flags)).serve
}

/// The settings of a server that fills a database. Its commits need not be durable; those of the measured server are.
pub(crate) fn filling(place: &Place) -> ServeSettings {
    let mut flags = vec!["--data-dir".to_owned(), place.folder.path().display().to_string()];
    let hurried = place.database_url.as_ref().map(|url| format!("{url}?options[synchronous_commit]=off"));
    flags.extend(hurried.into_iter().flat_map(|url| ["--database-url".to_owned(), url]));
    settings(flags)
}

/// An agent that reports about its running transfer.
#[derive(Clone, Debug)]
pub(crate) struct Reporter {
    pub(crate) key: String,
    pub(crate) transfer: String,
}

/// Fills a database with agents that each run a transfer.
pub(crate) fn agents(place: &Place, count: usize) -> Vec<Reporter> {
    transfers(place, count, count)
}

/// Fills a database with agents that take turns to run transfers. Returns a reporter for each transfer.
pub(crate) fn transfers(place: &Place, agents: usize, count: usize) -> Vec<Reporter> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let app = App::start(&filling(place), Ambient::default()).await.unwrap();
        let cp = Arc::clone(&app.cp);
        let customer = CreateCustomer { name: "Bench".to_owned() };
        let customer = cp.create_customer(&Actor::System, customer, None).await.unwrap().id;
        let code = CreateEnrolmentCode::default();
        let code = cp.create_enrolment_code(&Actor::System, customer, code).await.unwrap().code;
        let mut registered = Vec::with_capacity(agents);
        for index in 0..agents {
            let input = json!({ "hostname": format!("agent-{index}"), "os": "linux", "customerIdentifier": code });
            let input = RegisterAgent::read(input.as_object().unwrap().clone()).unwrap();
            let agent = cp.register_agent(None, input, None).await.unwrap();
            registered.push((Actor::Agent { agent: agent.agent.id, customer, key: None }, agent.api_key));
        }
        let creating = stream::iter(0..count).map(|index| {
            let (cp, (actor, key)) = (Arc::clone(&cp), registered[index % agents].clone());
            async move {
                let transfer = transfer(&cp, &actor, index).await.to_string();
                (index, Reporter { key, transfer })
            }
        });
        let mut created: Vec<(usize, Reporter)> = creating.buffer_unordered(AT_ONCE).collect().await;
        created.sort_unstable_by_key(|(index, _)| *index);
        drop(cp);
        app.close().await;
        created.into_iter().map(|(_, reporter)| reporter).collect()
    })
}

/// Creates a running transfer.
pub(crate) async fn transfer(cp: &ControlPlane, actor: &Actor, index: usize) -> TransferId {
    let input = json!({
        "sourceUrl": format!("sftp://ftp.example.com/exports/orders-{index}.csv"),
        "destinationPath": format!("/data/in/orders-{index}.csv"),
        "direction": "pull", "protocol": "sftp", "size": 1_000_000_000_000_i64,
    });
    let input = CreateTransfer::read(input.as_object().unwrap().clone()).unwrap();
    let id = cp.create_transfer(actor, input, None).await.unwrap().id;
    let running = UpdateTransfer { status: Some(TransferStatus::Running), ..UpdateTransfer::default() };
    cp.update_transfer(actor, id, running).await.unwrap();
    id
}
