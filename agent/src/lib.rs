//! The reference agent, which uses only the documented REST endpoints of the server.
//!
//! Six folders, each of which answers one question:
//!
//! | Folder | Question |
//! |---|---|
//! | `command` | What does a person type? |
//! | `work` | How is the work of the server carried out: directives, jobs, pipeline steps, their journal and their
//! queue? |
//! | `transfer` | How does one copy go from its plan to the published file, and what is reported of it? |
//! | `storage` | Which paths may this agent access, and how are its own state files written? |
//! | `server` | How is the control plane's REST API called? |
//! | `config` | Which settings does the agent have, and what do they mean? |
//!
//! Modules import each other in the direction `command → work → transfer → server`, and `transfer → storage`, never
//! back. `identity` holds the agent's API key and certificate. All modules may import `config`, which imports none of
//! them. `backend/tests/architecture.rs` checks this.

mod command;
mod config;
mod exit;
mod host;
mod identity;
mod server;
mod storage;
#[cfg(test)]
mod tests;
mod transfer;
mod work;

use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

pub use crate::command::args::{AgentArgs, Cli};

use crate::command::args::Command;
use crate::config::ConfigError;
use crate::exit::Exit;
use crate::storage::usage_error::UsageError;

/// Runs one subcommand of the agent until it is done, or until the process receives SIGINT or SIGTERM, and returns the
/// exit code.
pub async fn run(args: AgentArgs) -> anyhow::Result<ExitCode> {
    // Fails if the embedding program has installed a provider, which is then used.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let stop = CancellationToken::new();
    let ends_cleanly = matches!(args.command, Command::Run(_) | Command::Copy(_));
    let exit = tokio::select! {
        exit = run_command(&args, stop.clone()) => exit,
        exit = wait_for_signals(&stop, ends_cleanly) => exit,
    };
    match exit {
        Err(error) if error.is::<UsageError>() || error.is::<ConfigError>() => {
            eprintln!("error: {error:#}");
            Ok(Exit::Usage.into())
        }
        exit => Ok(exit?.into()),
    }
}

async fn run_command(args: &AgentArgs, stop: CancellationToken) -> anyhow::Result<Exit> {
    let settings = || command::settings::resolve(args, stop.clone());
    match &args.command {
        Command::Init => command::init::init(args).await,
        Command::Register(args) => command::register::register(&settings()?, args).await,
        Command::Run(args) => command::run::run(&settings()?, args).await,
        Command::Copy(args) => command::copy::copy(&settings()?, args).await,
        Command::Ls(args) => command::ls::ls(&settings()?, args).await,
        Command::Trust(args) => command::trust::trust(&settings()?, args).await,
        Command::Check => command::check::check(&settings()?).await,
        Command::Status(args) => command::status::status(&settings()?, *args),
        Command::Install(args) => command::install::install(&settings()?, args),
        Command::Uninstall => command::install::uninstall(),
        Command::Completions { shell } => command::completions_and_man_page::completions(*shell),
        Command::Man { dir } => command::completions_and_man_page::man(dir.as_deref()),
    }
}

/// Waits for signals: the first SIGINT or SIGTERM requests a clean stop, the second one ends the process at once.
async fn wait_for_signals(stop: &CancellationToken, ends_cleanly: bool) -> anyhow::Result<Exit> {
    signal().await?;
    if ends_cleanly {
        stop.cancel();
        signal().await?;
    }
    Ok(Exit::Cancelled)
}

#[cfg(unix)]
async fn signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn signal() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
