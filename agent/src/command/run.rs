//! `run`: the agent as a daemon.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::command::args::RunArgs;
use crate::command::folder_health;
use crate::command::register::register_agent;
use crate::command::reload_on_sighup;
use crate::command::settings::{allowed_dirs, work_limits};
use crate::exit::Exit;
use crate::identity::Registration;
use crate::server::certificate;
use crate::server::wire::Status;
use crate::storage::allowed_roots::AllowedRoots;
use crate::storage::state_file;
use crate::transfer::claimed_state_files::{Claimed, lock};
use crate::transfer::report_batcher;
use crate::transfer::run_transfer::{report_without_copy, send_final_report};
use crate::transfer::state::Phase;
use crate::work::agent::{Agent, Role, Settings, daemon_lock};
use crate::work::directives::{Dispatcher, poll};
use crate::work::execute;
use crate::work::item_runner;
use crate::work::retry_transfer_directive::start;

/// The maximum time that the daemon waits for final reports when it stops.
const FINAL_REPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs the daemon until SIGINT or SIGTERM, and returns the exit code.
pub(crate) async fn run(settings: &Settings, args: &RunArgs) -> anyhow::Result<Exit> {
    // The first step, because a service manager may request a reload at any time.
    let hangups = reload_on_sighup::listen();
    let state_dir = settings.state_dir.clone();
    spawn_blocking(move || state_file::create_private_folder(&state_dir)).await??;
    let _lock = take_lock(settings).await?;
    let state_dir = settings.state_dir.clone();
    let stored = spawn_blocking(move || Registration::load_and_repair(&state_dir)).await??;
    let registration = match (stored, &args.code) {
        (Some(registration), _) => registration,
        (None, Some(code)) => register_agent(settings, code, &args.identity).await?,
        (None, None) => bail!(
            "no agent is registered in {}; give an enrolment code with --code, or run `register` first",
            settings.state_dir.display()
        ),
    };
    let file = settings.config.current();
    let limits = work_limits(args, &file);
    let allowed_roots = AllowedRoots::new(allowed_dirs(args, &file))?;
    let (agent, inbox) = Agent::new(settings, &registration, limits, allowed_roots, Some(Uuid::new_v4())).await?;
    tracing::info!(agent.id = %registration.agent_id, server = agent.server.api.server(), "the agent runs");
    agent.server.background(report_batcher::run(agent.transfers.reporter.clone(), agent.server.clone()));
    if let Err(error) = resume_work(&agent).await {
        // Resumed transfers must not continue without their session.
        settings.stop.cancel();
        shut_down(&agent).await;
        return Err(error);
    }
    // The dispatcher starts only now, so that a repeated directive finds the work item that it has started.
    agent.server.background(Dispatcher::new(agent.clone(), Role::Daemon).run(inbox));
    agent.start_heartbeats(Role::Daemon);
    agent.server.background(folder_health::watch(agent.clone()));
    agent.server.background(poll(agent.clone()));
    agent.server.background(resend_reports(agent.clone()));
    agent.server.background(reload_on_sighup::at_hangup(hangups, agent.clone(), settings.config.clone(), args.clone()));
    agent.server.background(certificate::keep(agent.server.clone(), agent.state_dir.clone()));

    tokio::select! {
        () = settings.stop.cancelled() => {}
        () = agent.server.halted() => {}
    }
    shut_down(&agent).await;
    match agent.server.why_halted() {
        Some(why) if agent.server.exit() == Exit::Duplicate => {
            eprintln!("error: {why}");
            Ok(Exit::Duplicate)
        }
        Some(why) => bail!("{why}"),
        None => Ok(Exit::Done),
    }
}

/// Resumes the work items and transfers that an earlier process left unfinished.
async fn resume_work(agent: &Arc<Agent>) -> anyhow::Result<()> {
    for key in agent.journal.load().await? {
        item_runner::spawn(agent, key, execute).await;
    }
    resume_transfers(agent, true).await
}

/// Sends unsent final reports; at the start of the daemon it also resumes unfinished transfers.
async fn resume_transfers(agent: &Arc<Agent>, is_start: bool) -> anyhow::Result<()> {
    let store = agent.transfers.store.clone();
    let listing = move || -> std::io::Result<_> {
        let lost = if is_start { store.prune()? } else { Vec::new() };
        Ok((lost, store.list()?))
    };
    let (lost, states) = agent.server.blocking(listing).await??;
    for id in lost {
        fail_lost_transfer(agent, id);
    }
    for state in states {
        let Some(id) = state.id.filter(|_| !agent.journal.owns_transfer(state.idempotency_key)) else { continue };
        let is_wanted = match state.phase {
            Phase::Copying | Phase::Publishing => is_start,
            Phase::Reporting => true,
            Phase::Creating | Phase::Failed => false,
        };
        if !is_wanted {
            continue;
        }
        let store = agent.transfers.store.clone();
        let claimed = agent.server.blocking(move || store.claim(id)).await??;
        let Claimed::Ours(claim) = claimed else { continue };
        match claim.state.report.clone() {
            Some(report) => {
                send_final_report(&agent.transfers, *claim, id, report, Vec::new());
            }
            None if is_start => start(agent, *claim),
            None => {}
        }
    }
    Ok(())
}

/// Reports a transfer as failed because its state file was lost.
fn fail_lost_transfer(agent: &Agent, id: Uuid) {
    // An open work item creates its transfer again with the same idempotency key and continues it.
    if agent.journal.find(|_| true).is_some() {
        return;
    }
    let reason = "the agent's state file of this transfer was damaged, so it is not known whether the copy was completed; check the destination, then retry the transfer".to_owned();
    // The server's response does not matter.
    drop(agent.transfers.reporter.finish(id, report_without_copy(Status::Failed, Some(reason))));
}

/// Periodically sends the final reports that other processes left unsent.
async fn resend_reports(agent: Arc<Agent>) {
    loop {
        sleep(agent.server.timing.heartbeat).await;
        if let Err(error) = resume_transfers(&agent, false).await {
            tracing::warn!("cannot send unsent reports: {error:#}");
        }
    }
}

async fn shut_down(agent: &Arc<Agent>) {
    tracing::info!("the agent stops");
    agent.transfers.controls.pause_all();
    let reported = async {
        while !agent.transfers.reporter.is_idle() || agent.journal.has_unreported_end() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    // The rest is reported at the next start.
    let _ = timeout(FINAL_REPORT_TIMEOUT, reported).await;
    if agent.server.why_halted().is_none() {
        agent.send_offline(Role::Daemon).await;
    }
    agent.server.close().await;
    agent.journal.close().await;
}

/// Takes the lock that makes this the only daemon of the state folder.
async fn take_lock(settings: &Settings) -> anyhow::Result<std::fs::File> {
    let path = daemon_lock(&settings.state_dir);
    for _ in 0..5 {
        if let Some(lock) = lock(&path)? {
            return Ok(lock);
        }
        // `copy` takes this lock for a moment to see whether a daemon runs.
        sleep(Duration::from_millis(100)).await;
    }
    bail!("another daemon already runs on {}; stop it first, or give another --state-dir", settings.state_dir.display())
}
