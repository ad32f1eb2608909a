//! `register`: registers this machine as an agent and stores its API key.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use tokio::task::spawn_blocking;

use crate::command::args::{Identity, RegisterArgs};
use crate::exit::Exit;
use crate::host;
use crate::identity::Registration;
use crate::server::api::{self, Api};
use crate::server::certificate;
use crate::server::plain_or_mtls_client::Route;
use crate::server::wire::RegisterAgent;
use crate::storage::state_file;
use crate::work::agent::Settings;

/// The address of the server if `--server` is not given.
pub(crate) const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";

/// Runs the subcommand `register`. Fails if this machine is registered already, unless `--force` is given.
pub(crate) async fn register(settings: &Settings, args: &RegisterArgs) -> anyhow::Result<Exit> {
    let existing = if args.force { None } else { Registration::load(&settings.state_dir)? };
    if let Some(existing) = existing {
        bail!(
            "this machine is already agent {} of {}; use `--force` to register again, or another --state-dir for a second agent",
            existing.agent_id,
            existing.shown_server()
        );
    }
    let registration = register_agent(settings, &args.code, &args.identity).await?;
    println!("registered as agent {} of {}", registration.agent_id, registration.shown_server());
    println!("the API key is stored in {}", settings.state_dir.join("agent.json").display());
    Ok(Exit::Done)
}

/// Registers this machine with the enrolment code `code`, stores the registration, and obtains a client certificate if
/// the server issues them.
pub(crate) async fn register_agent(
    settings: &Settings,
    code: &str,
    identity: &Identity,
) -> anyhow::Result<Registration> {
    let route = Route::new(settings.server.as_deref().unwrap_or(DEFAULT_SERVER), &settings.connection)?;
    let file = settings.config.current();
    let hostname = identity.hostname.clone().or_else(|| file.hostname.clone()).or_else(host::hostname);
    let hostname = hostname.context("the system has no host name; give one with --hostname")?;
    // The folder is created first, so that the server issues no key that cannot be stored.
    let state_dir = settings.state_dir.clone();
    spawn_blocking(move || state_file::create_private_folder(&state_dir)).await??;
    let agent = RegisterAgent {
        customer_identifier: code,
        name: identity.name.as_deref().or(file.name.as_deref()),
        hostname: &hostname,
        os: host::os(),
        version: env!("CARGO_PKG_VERSION"),
    };
    let (agent_id, api_key, accepts_certificates) =
        api::register(route.plain(), &agent).await.map_err(|error| match error {
            crate::server::http::ApiError::Unauthorized { message } => {
                anyhow::anyhow!("registration refused: {message}; check the enrolment code")
            }
            error => anyhow::Error::new(error).context("registration failed"),
        })?;
    let server = route.plain().server().to_owned();
    let registration = Registration { server, agent_id, api_key, heartbeat_seconds: None };
    let (stored, state_dir) = (registration.clone(), settings.state_dir.clone());
    spawn_blocking(move || stored.save(&state_dir)).await??;
    if accepts_certificates {
        let api = Api::new(route, &registration, &settings.state_dir, None);
        if let Err(error) = obtain_certificate(&api, settings.state_dir.clone()).await {
            tracing::warn!("this agent has no client certificate: {error:#}");
        }
    }
    Ok(registration)
}

/// Obtains a client certificate from the server and stores it.
async fn obtain_certificate(api: &Api, state_dir: PathBuf) -> anyhow::Result<()> {
    let certificate = certificate::obtain(api).await?;
    spawn_blocking(move || certificate.save(&state_dir)).await?
}
