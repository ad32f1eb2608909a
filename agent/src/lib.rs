//! The reference agent: a client of nothing but the documented REST endpoints.
//!
//! From the outside in: `cli` is what a person types; `register`, `daemon`, `copying` and `status` are the
//! subcommands; `session` is what the tasks of one process share: `heartbeat`, `directives`, `reporter`, what
//! the server gave to do (`errand`, over `jobs` and `steps`) and the transfers themselves (`transfer`, over `plan`, `copy`
//! and `install`, whose files are `spot`s inside a `fence`); `api` is the server, over `transport` and `wire`; `store`, `errands` and `credentials` are
//! what survives the process. `part` names and locks incomplete copies; `sparse` keeps the holes of files.

mod cli;
mod copying;
mod credentials;
mod daemon;
mod exit;
mod machine;
mod progress;
mod random;
mod register;
mod server;
mod session;
mod status;
mod storage;
#[cfg(test)]
mod tests;
mod transfer;
mod work;

use std::process::ExitCode;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

pub use crate::cli::{AgentArgs, Cli};

use crate::cli::Command;
use crate::exit::Exit;
use crate::session::{Settings, Timing};
use crate::storage::paths::UsageError;

/// Runs one subcommand of the agent, until it is done or the process is asked to stop.
pub async fn run(args: AgentArgs) -> anyhow::Result<ExitCode> {
    // Someone else may have installed one, which serves as well.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let settings = Settings {
        server: args.server,
        state_dir: std::path::absolute(args.state_dir).context("cannot find the state folder")?,
        timing: Timing::default(),
        stop: CancellationToken::new(),
    };
    let ends_cleanly = matches!(args.command, Command::Run(_) | Command::Copy(_));
    let exit = tokio::select! {
        exit = run_command(&settings, args.command) => exit?,
        exit = wait_for_signals(&settings.stop, ends_cleanly) => exit?,
    };
    Ok(exit.into())
}

async fn run_command(settings: &Settings, command: Command) -> anyhow::Result<Exit> {
    let result = match command {
        Command::Register(args) => register::register(settings, &args).await,
        Command::Run(args) => daemon::run(settings, &args).await,
        Command::Copy(args) => copying::copy(settings, &args).await,
        Command::Status(args) => status::status(settings, args),
    };
    match result {
        Err(error) if error.is::<UsageError>() => {
            eprintln!("error: {error:#}");
            Ok(Exit::Usage)
        }
        other => other,
    }
}

/// The first signal asks for a clean stop, the second does not wait for it.
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
