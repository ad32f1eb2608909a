//! `run`: the daemon.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::command::args::RunArgs;
use crate::command::register::register_agent;
use crate::exit::Exit;
use crate::identity::Registration;
use crate::server::wire::Status;
use crate::session::{Role, Session, Settings, WorkLimits, daemon_lock};
use crate::storage::allowed_roots::AllowedRoots;
use crate::storage::state_file;
use crate::transfer::reporter;
use crate::transfer::run::{report_without_copy, send_final_report};
use crate::transfer::state::Phase;
use crate::transfer::store::{Claimed, lock};
use crate::work::directives::{Dispatcher, poll};
use crate::work::executor::execute;
use crate::work::item;
use crate::work::retry::start;

/// How long final reports may take when the daemon stops.
const FINAL_REPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs the subcommand.
pub(crate) async fn run(settings: &Settings, args: &RunArgs) -> anyhow::Result<Exit> {
    state_file::create_private_folder(&settings.state_dir)?;
    let _lock = take_lock(settings).await?;
    let registration = match (Registration::load_and_repair(&settings.state_dir)?, &args.code) {
        (Some(registration), _) => registration,
        (None, Some(code)) => register_agent(settings, code, &args.identity).await?,
        (None, None) => bail!(
            "no agent is registered in {}; give an enrolment code with --code, or run `register` first",
            settings.state_dir.display()
        ),
    };
    let limits = WorkLimits { max_parallel: args.max_jobs, max_rate: args.max_rate };
    let allowed_roots = AllowedRoots::new(&args.allowed_dirs)?;
    let (session, inbox) = Session::new(settings, &registration, limits, allowed_roots, Some(Uuid::new_v4()))?;
    tracing::info!(agent.id = %registration.agent_id, server = session.server.api.server(), "the agent runs");
    session.server.background(reporter::run(session.transfers.reporter.clone(), session.server.clone()));
    if let Err(error) = resume_work(&session).await {
        // What is resumed already must not run on unseen.
        settings.stop.cancel();
        shut_down(&session).await;
        return Err(error);
    }
    // Only now: a repeated directive must meet the work that it stands for.
    session.server.background(Dispatcher::new(session.clone(), Role::Daemon).run(inbox));
    session.start_heartbeats(Role::Daemon);
    session.server.background(poll(session.clone()));
    session.server.background(resend_reports(session.clone()));

    tokio::select! {
        () = settings.stop.cancelled() => {}
        () = session.server.halted() => {}
    }
    shut_down(&session).await;
    match session.server.why_halted() {
        Some(why) if session.server.exit() == Exit::Duplicate => {
            eprintln!("error: {why}");
            Ok(Exit::Duplicate)
        }
        Some(why) => bail!("{why}"),
        None => Ok(Exit::Done),
    }
}

/// Resumes the work that an earlier process left.
async fn resume_work(session: &Arc<Session>) -> anyhow::Result<()> {
    for key in session.journal.load().await? {
        item::spawn(session, key, execute).await;
    }
    resume_transfers(session, true).await
}

/// Sends unsent final reports; at the start of the daemon it also resumes unfinished transfers.
async fn resume_transfers(session: &Arc<Session>, is_start: bool) -> anyhow::Result<()> {
    let store = session.transfers.store.clone();
    let listing = move || -> std::io::Result<_> {
        let lost = if is_start { store.prune()? } else { Vec::new() };
        Ok((lost, store.list()?))
    };
    let (lost, states) = session.server.blocking(listing).await??;
    for id in lost {
        fail_lost_transfer(session, id);
    }
    for state in states {
        let Some(id) = state.id.filter(|_| !session.journal.owns_transfer(state.idempotency_key)) else { continue };
        let is_wanted = match state.phase {
            Phase::Copying | Phase::Publishing => is_start,
            Phase::Reporting => true,
            Phase::Creating | Phase::Failed => false,
        };
        if !is_wanted {
            continue;
        }
        let store = session.transfers.store.clone();
        let claimed = session.server.blocking(move || store.claim(id)).await??;
        let Claimed::Ours(claim) = claimed else { continue };
        match claim.state.report.clone() {
            Some(report) => {
                send_final_report(&session.transfers, *claim, id, report, Vec::new());
            }
            None if is_start => start(session, *claim),
            None => {}
        }
    }
    Ok(())
}

/// Reports a transfer as failed whose state file was lost.
fn fail_lost_transfer(session: &Session, id: Uuid) {
    // An open work item creates its transfer again with the same idempotency key and continues it.
    if session.journal.find(|_| true).is_some() {
        return;
    }
    let reason = "the agent's state file of this transfer was damaged, so it is not known whether the copy was completed; check the destination, then retry the transfer".to_owned();
    // The answer does not matter.
    drop(session.transfers.reporter.finish(id, report_without_copy(Status::Failed, Some(reason))));
}

/// Sends the final reports that other processes left, again and again.
async fn resend_reports(session: Arc<Session>) {
    loop {
        sleep(session.server.timing.heartbeat).await;
        if let Err(error) = resume_transfers(&session, false).await {
            tracing::warn!("cannot send unsent reports: {error:#}");
        }
    }
}

async fn shut_down(session: &Arc<Session>) {
    tracing::info!("the agent stops");
    session.transfers.controls.pause_all();
    let reported = async {
        while !session.transfers.reporter.is_idle() || session.journal.has_unreported_end() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    // The rest is reported at the next start.
    let _ = timeout(FINAL_REPORT_TIMEOUT, reported).await;
    if session.server.why_halted().is_none() {
        session.send_offline(Role::Daemon).await;
    }
    session.server.close().await;
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
