//! `check`: tests the server, the clock, the folders and the endpoints one after the other, and says how to fix what
//! does not work.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use reqwest::Method;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::command::register::DEFAULT_SERVER;
use crate::config::endpoint_lookup::Address;
use crate::config::reloadable_config::LiveConfig;
use crate::config::resolved_endpoint::{Endpoint, Upload};
use crate::exit::Exit;
use crate::identity::Registration;
use crate::identity::certificate::ClientCertificate;
use crate::server::http::HttpClient;
use crate::server::plain_or_mtls_client::Route;
use crate::storage::allowed_roots::{AllowedRoots, FileAccess};
use crate::storage::error::StorageError;
use crate::storage::location::Location;
use crate::storage::open::{ConfiguredServers, End, Opened, open};
use crate::work::agent::Settings;

/// The maximum difference between the clocks of the agent and the server. Beyond it, certificates and signatures may
/// fail.
const MAX_SKEW: Duration = Duration::from_mins(1);

/// The path of the request that checks whether the server answers.
const LIVENESS: &str = "/api/health/live";

/// The result of one check.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    Fine(String),
    /// The subject works, with a restriction.
    Doubtful(String),
    Wrong(String),
}

/// A line of the printed table.
#[derive(Debug)]
struct Row {
    subject: String,
    finding: Finding,
}

impl Row {
    fn new(subject: impl Into<String>, finding: Finding) -> Self {
        Self { subject: subject.into(), finding }
    }
}

impl Finding {
    fn of<E: std::fmt::Display>(result: Result<String, E>) -> Self {
        result.map_or_else(|error| Self::Wrong(format!("{error:#}")), Self::Fine)
    }

    /// The same finding with one more sentence.
    fn and(self, more: &str) -> Self {
        match self {
            Self::Fine(text) => Self::Fine(format!("{text}; {more}")),
            Self::Doubtful(text) => Self::Doubtful(format!("{text}; {more}")),
            Self::Wrong(text) => Self::Wrong(format!("{text}; {more}")),
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Fine(_) => "ok",
            Self::Doubtful(_) => "warning",
            Self::Wrong(_) => "failed",
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Fine(text) | Self::Doubtful(text) | Self::Wrong(text) => text,
        }
    }
}

/// Runs the subcommand `check`: prints one line for each check, and returns [`Exit::Failed`] if one failed.
pub(crate) async fn check(settings: &Settings) -> anyhow::Result<Exit> {
    let mut rows = vec![configuration(&settings.config)];
    let registration = Registration::load(&settings.state_dir);
    let known = registration.as_ref().ok().and_then(Option::as_ref);
    rows.extend(server(settings, known).await);
    rows.extend(client_certificate(settings, known).await);
    rows.push(registered(&settings.state_dir, registration));
    rows.extend(folders(settings));
    for name in settings.config.current().endpoints.keys() {
        rows.push(endpoint(settings, name.clone()).await?);
    }
    print!("{}", table(&rows));
    Ok(exit(&rows))
}

fn configuration(config: &LiveConfig) -> Row {
    let finding = match config.path() {
        Some(path) => Finding::Fine(path.display().to_string()),
        None => Finding::Doubtful("there is no configuration file: `mftplus-agent init` writes one".to_owned()),
    };
    Row::new("configuration", finding)
}

/// Checks the connection to the server, its certificate and its clock.
async fn server(settings: &Settings, registration: Option<&Registration>) -> Vec<Row> {
    let address = settings.server.as_deref().or(registration.map(|registration| registration.server.as_str()));
    let address = address.unwrap_or(DEFAULT_SERVER);
    let http = match HttpClient::new(address, &settings.connection) {
        Ok(http) => http,
        Err(error) => return vec![Row::new("server", Finding::Wrong(format!("{error:#}")))],
    };
    let started = Instant::now();
    let time = match http.time(http.request(Method::GET, LIVENESS)).await {
        Ok(time) => time,
        Err(error) => {
            let advice = format!("{error}; check --server, the firewall, the proxy and the server's certificate");
            return vec![Row::new("server", Finding::Wrong(advice))];
        }
    };
    let took = started.elapsed();
    let mut rows =
        vec![Row::new("server", Finding::Fine(format!("{} answers in {} ms", http.server(), took.as_millis())))];
    rows.push(Row::new("certificate", transport(http.server())));
    if let Some(time) = time {
        rows.push(Row::new("clock", skew(time.signed_duration_since(Utc::now()).abs().to_std().unwrap_or_default())));
    }
    rows
}

fn transport(server: &str) -> Finding {
    if server.starts_with("https://") {
        Finding::Fine("the server's certificate is valid".to_owned())
    } else {
        Finding::Doubtful("the connection is not encrypted: use https:// beyond this machine".to_owned())
    }
}

/// The server sends its time in whole seconds.
fn skew(difference: Duration) -> Finding {
    let seconds = difference.as_secs();
    if difference <= MAX_SKEW {
        Finding::Fine(format!("{seconds} s from that of the server"))
    } else {
        Finding::Wrong(format!("{seconds} s from that of the server: turn on time synchronisation on both machines"))
    }
}

/// Checks the client certificate and the connection with it; `None` if this agent has none and needs none.
async fn client_certificate(settings: &Settings, registration: Option<&Registration>) -> Option<Row> {
    let registration = registration?;
    let server = settings.connection.mtls_server.as_deref();
    let finding = match (ClientCertificate::load(&settings.state_dir, registration.agent_id), server) {
        (None, None) => return None,
        (None, Some(_)) => {
            Finding::Doubtful("there is none yet: `mftplus-agent run` requests one from the server".to_owned())
        }
        (Some(certificate), None) => validity(&certificate, Utc::now()),
        (Some(certificate), Some(server)) => {
            let validity = validity(&certificate, Utc::now());
            match show_certificate(settings, registration, certificate).await {
                Ok(()) => validity.and(&format!("{server} answers")),
                Err(error) => {
                    let advice = "check `mtls-server`, `ca-file`, the firewall and the proxy";
                    Finding::Wrong(format!("{}; {error:#}; {advice}", validity.text()))
                }
            }
        }
    };
    Some(Row::new("client certificate", finding))
}

fn validity(certificate: &ClientCertificate, now: DateTime<Utc>) -> Finding {
    let text = certificate.validity(now);
    if !certificate.is_valid(now) {
        Finding::Wrong(format!("{text}: start `mftplus-agent run`, which requests a new one with the API key"))
    } else if certificate.is_due(now) {
        Finding::Doubtful(format!("{text}: `mftplus-agent run` renews it"))
    } else {
        Finding::Fine(text)
    }
}

/// Sends a request that presents the certificate.
async fn show_certificate(
    settings: &Settings,
    registration: &Registration,
    certificate: ClientCertificate,
) -> anyhow::Result<()> {
    let server = settings.server.as_deref().unwrap_or(&registration.server);
    let route = Route::new(server, &settings.connection)?;
    route.use_certificate(certificate)?;
    let http = route.current();
    http.time(http.request(Method::GET, LIVENESS)).await?;
    Ok(())
}

fn registered(state_dir: &Path, registration: anyhow::Result<Option<Registration>>) -> Row {
    let finding = match registration {
        Ok(Some(registration)) => {
            Finding::Fine(format!("agent {} of {}", registration.agent_id, registration.shown_server()))
        }
        Ok(None) => Finding::Wrong(format!(
            "there is none in {}: run `mftplus-agent register --code CODE`",
            state_dir.display()
        )),
        Err(error) => Finding::Wrong(format!("{error:#}")),
    };
    Row::new("registration", finding)
}

/// Checks the state folder, and the folders in which jobs and steps may work.
fn folders(settings: &Settings) -> Vec<Row> {
    let mut rows = vec![Row::new("state folder", Finding::of(write_probe(&settings.state_dir)))];
    let file = settings.config.current();
    for folder in &file.allowed_dirs {
        let allowed = AllowedRoots::new(std::slice::from_ref(folder));
        let finding =
            allowed.map_or_else(|error| Finding::Wrong(format!("{error:#}")), |_| Finding::of(write_probe(folder)));
        rows.push(Row::new("allowed folder", finding));
    }
    if file.allowed_dirs.is_empty() {
        let text = "none in the configuration: jobs may work anywhere, pipeline steps nowhere";
        rows.push(Row::new("allowed folders", Finding::Doubtful(text.to_owned())));
    }
    rows
}

/// Writes and deletes a file.
fn write_probe(folder: &Path) -> Result<String, String> {
    let shown = folder.display();
    let path = folder.join(format!(".mftplus-check-{}", Uuid::new_v4()));
    let written = std::fs::File::create_new(&path).and_then(|_| std::fs::remove_file(&path));
    written
        .map(|()| format!("{shown} can be written"))
        .map_err(|error| format!("{shown} cannot be written: {error}; create it, and make the agent's user its owner"))
}

/// Checks the settings and secrets of an endpoint, and whether its server lets the agent sign in, list, write and
/// delete.
async fn endpoint(settings: &Settings, name: String) -> anyhow::Result<Row> {
    let subject = format!("endpoint {name}");
    let (config, state_dir, stop) = (settings.config.clone(), settings.state_dir.clone(), settings.stop.clone());
    let servers = ConfiguredServers::new(config.clone(), &state_dir, Handle::current());
    let check = move || {
        let address = Address { host: name.clone(), ..Address::default() };
        let described = config.current().resolve(&address, None, &state_dir);
        match described {
            Err(error) => Finding::Wrong(error.to_string()),
            Ok(endpoint) => try_server(&servers, &name, &endpoint, &stop),
        }
    };
    Ok(Row::new(subject, tokio::task::spawn_blocking(check).await?))
}

/// Blocking.
fn try_server(servers: &ConfiguredServers, name: &str, endpoint: &Endpoint, stop: &CancellationToken) -> Finding {
    // The location is the login folder of the endpoint's server; the endpoint decides the protocol.
    let location = Location::on_endpoint(None, name, "/~/").map_err(|error| error.to_string());
    let opened = location.and_then(|location| {
        let access = FileAccess::Unrestricted;
        open(&location, End::Destination, &access, servers, None, stop).map_err(|error| error.to_string())
    });
    let opened = match opened {
        Ok(opened) => opened,
        Err(error) => return Finding::Wrong(format!("{endpoint}: {error}")),
    };
    let is_drop_box = endpoint.upload == Upload::Direct;
    match (opened.storage.list(&opened.path), probe(&opened)) {
        (Ok(_), Ok(())) => Finding::Fine(format!("{endpoint}: sign-in, list, write and delete work")),
        (Err(_), Ok(())) if is_drop_box => Finding::Fine(format!("{endpoint}: sign-in, write and delete work")),
        (Ok(_), Err(error)) => Finding::Doubtful(format!(
            "{endpoint}: sign-in and list work, but {error}; that is enough to fetch files, and to deliver some give the user the right to write"
        )),
        (Err(error), _) => {
            Finding::Wrong(format!("{endpoint}: sign-in works, but {error}; give the user the right to list"))
        }
    }
}

/// Writes and deletes a file.
fn probe(opened: &Opened) -> Result<(), StorageError> {
    let path = opened.path.join(format!(".mftplus-check-{}", Uuid::new_v4()).as_bytes())?;
    let mut file = opened.storage.open_write(&path, 0)?;
    let written = file.write_all(b"mftplus");
    let written = written.map_err(|error| StorageError::from_io("write", opened.storage.display(&path), &error));
    let finished = written.and_then(|()| file.finish(false));
    let removed = opened.storage.remove(&path);
    finished.and(removed)
}

fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.subject.chars().count()).max().unwrap_or_default();
    let line = |row: &Row| format!("{:width$}  {:7}  {}\n", row.subject, row.finding.word(), row.finding.text());
    rows.iter().map(line).collect()
}

fn exit(rows: &[Row]) -> Exit {
    if rows.iter().any(|row| matches!(row.finding, Finding::Wrong(_))) { Exit::Failed } else { Exit::Done }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::{DateTime, TimeDelta};
    use uuid::Uuid;

    use super::{Finding, Row, exit, skew, table, validity, write_probe};
    use crate::exit::Exit;
    use crate::identity::certificate::CertificateRequest;

    #[test]
    fn the_table_has_a_line_for_each_check() {
        let rows = [
            Row::new("server", Finding::Fine("answers".into())),
            Row::new("endpoint bank", Finding::Wrong("no".into())),
        ];
        assert_eq!(table(&rows), "server         ok       answers\nendpoint bank  failed   no\n");
        assert_eq!((exit(&rows), exit(&rows[..1])), (Exit::Failed, Exit::Done));
        assert_eq!(exit(&[Row::new("a", Finding::Doubtful(String::new()))]), Exit::Done);
    }

    #[test]
    fn a_clock_may_differ_by_a_minute() {
        assert_eq!(skew(Duration::from_mins(1)).word(), "ok");
        assert_eq!(skew(Duration::from_secs(61)).word(), "failed");
    }

    #[test]
    fn a_certificate_that_ends_soon_is_a_warning_and_one_that_has_ended_a_failure() -> anyhow::Result<()> {
        let end = DateTime::UNIX_EPOCH;
        let certificate = CertificateRequest::generate(Uuid::new_v4())?.complete("certificate".into(), end);
        for (before, word) in [(31, "ok"), (29, "warning"), (0, "failed")] {
            assert_eq!(validity(&certificate, end - TimeDelta::days(before)).word(), word, "{before}");
        }
        Ok(())
    }

    #[test]
    fn a_folder_that_can_be_written_is_left_as_it_was() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        assert!(write_probe(dir.path()).is_ok());
        assert_eq!(std::fs::read_dir(dir.path())?.count(), 0);
        assert!(write_probe(&dir.path().join("missing")).is_err_and(|error| error.contains("cannot be written")));
        Ok(())
    }
}
