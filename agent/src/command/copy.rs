//! `copy`: copies each source as one transfer, which it creates on the server, and reports its progress.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::agent::{Agent, Role, Settings, WorkLimits};
use crate::command::args::CopyArgs;
use crate::command::progress::Display;
use crate::config::rate::RateLimits;
use crate::exit::Exit;
use crate::identity::Registration;
use crate::server::wire::PartOf;
use crate::storage::allowed_roots::{AllowedRoots, FileAccess};
use crate::storage::copy_paths::{CopyPaths, resolve};
use crate::storage::part_name;
use crate::storage::path_text::text;
use crate::transfer::create_on_server::create;
use crate::transfer::plan::Plan;
use crate::transfer::publish;
use crate::transfer::report_batcher::{self, ReportReply};
use crate::transfer::run::{CopyOutcome, EndedTransfer, ShowProgress, run_transfer};
use crate::transfer::state::{CopyOptions, Phase, TransferState};
use crate::work::directives::Dispatcher;

type Answers = Vec<JoinHandle<Option<ReportReply>>>;

/// Copies the sources of `copy`, and returns the exit code.
pub(crate) async fn copy(settings: &Settings, args: &CopyArgs) -> anyhow::Result<Exit> {
    let registration = Registration::load_and_repair(&settings.state_dir)?.with_context(|| {
        format!(
            "no agent is registered in {}; run `register --code CODE` first, or give the right --state-dir",
            settings.state_dir.display()
        )
    })?;
    let pairs = resolve(&args.sources, &args.destination)?;
    let (agent, inbox) = Agent::new(
        settings,
        &registration,
        WorkLimits { max_parallel: 1, rates: RateLimits::default() },
        AllowedRoots::default(),
        None,
    )?;
    let store = agent.transfers.store.clone();
    agent.server.blocking(move || store.prune()).await??;
    agent.server.background(report_batcher::run(agent.transfers.reporter.clone(), agent.server.clone()));
    agent.server.background(Dispatcher::new(agent.clone(), Role::Copy).run(inbox));
    agent.start_heartbeats(Role::Copy);
    let stopping = agent.clone();
    agent.server.background(async move {
        stopping.server.stop_requested().await;
        stopping.transfers.controls.pause_all();
    });

    let result = copy_all(&agent, settings, args, pairs).await;
    agent.send_offline(Role::Copy).await;
    agent.server.close().await;
    result
}

async fn copy_all(
    agent: &Arc<Agent>,
    settings: &Settings,
    args: &CopyArgs,
    pairs: Vec<CopyPaths>,
) -> anyhow::Result<Exit> {
    let mut worst = Exit::Done;
    let mut answers = Answers::new();
    for pair in pairs {
        if settings.stop.is_cancelled() {
            worst = worst.and(Exit::Cancelled);
            break;
        }
        let exit = match copy_one(agent, settings, args, &pair, &mut answers).await {
            Ok(exit) => exit,
            Err(error) => {
                eprintln!("{}: {error:#}", text(&pair.source));
                Exit::Failed
            }
        };
        worst = worst.and(exit);
        if let Some(why) = agent.server.why_halted() {
            anyhow::bail!("{why}");
        }
    }
    await_answers(agent, answers, args.report_timeout).await;
    if let Some(why) = agent.server.why_halted() {
        anyhow::bail!("{why}; unsent reports are kept and sent later");
    }
    Ok(worst)
}

async fn copy_one(
    agent: &Arc<Agent>,
    settings: &Settings,
    args: &CopyArgs,
    pair: &CopyPaths,
    answers: &mut Answers,
) -> anyhow::Result<Exit> {
    let source = pair.source.clone();
    let plan = tokio::task::spawn_blocking(move || Plan::of(&FileAccess::Unrestricted.source(&source)?)).await??;
    let state = TransferState {
        id: None,
        idempotency_key: Uuid::new_v4(),
        source: text(&pair.source),
        destination: text(&pair.destination),
        direction: args.direction,
        size: plan.total,
        attempt: 1,
        options: CopyOptions {
            verify: args.verify,
            overwrite: args.overwrite,
            max_rate: args.max_rate,
            is_confined: false,
        },
        part_of: PartOf::default(),
        phase: Phase::Creating,
        copied: None,
        report: None,
        stream: None,
    };
    let store = agent.transfers.store.clone();
    let mut claim = agent.server.blocking(move || store.begin(state)).await??;
    if claim.state.phase == Phase::Creating {
        // No transfer is created for a copy that cannot succeed.
        let destination = FileAccess::Unrestricted.destination(&pair.destination)?;
        if let Err(error) = publish::check_all(&plan, &destination, args.overwrite) {
            agent.server.blocking(move || claim.delete()).await??;
            return Err(error.into());
        }
        match create(&agent.server, claim, args.report_timeout, &settings.stop).await? {
            Some(created) => claim = created,
            None => return Ok(Exit::Cancelled),
        }
    } else {
        eprintln!("continuing the unfinished copy to {}", text(&pair.destination));
    }
    let mut display = Display::on_stderr(&file_name(&pair.source));
    let show: ShowProgress = Box::new(move |control| display.show(control));
    let ticket = agent.queue.enqueue();
    let admitted = ticket.admitted(&pair.destination);
    let EndedTransfer { outcome, reply } =
        run_transfer(&agent.transfers, claim, Some(plan), Some(show), admitted).await?;
    answers.extend(reply);
    Ok(print_outcome(&outcome, pair))
}

fn print_outcome(outcome: &CopyOutcome, CopyPaths { source, destination }: &CopyPaths) -> Exit {
    let (from, to) = (text(source), text(destination));
    match outcome {
        CopyOutcome::Completed(copied) => {
            let bytes = indicatif::HumanBytes(copied.bytes);
            let checksum = copied.checksum.as_ref().map_or(String::new(), |checksum| format!(", SHA-256 {checksum}"));
            println!("copied {from} to {to} ({bytes}{checksum})");
            Exit::Done
        }
        CopyOutcome::Failed(reason) => {
            eprintln!("{from} was not copied: {reason}");
            Exit::Failed
        }
        CopyOutcome::Cancelled(reason) => {
            eprintln!("{from} was not copied: {reason}; the incomplete copy is removed");
            Exit::Cancelled
        }
        CopyOutcome::Stopped => {
            eprintln!("stopped; the incomplete copy is kept in {}", text(&part_name::beside(destination)));
            eprintln!(
                "to continue, run the same command again; the daemon (`run`) also continues it at its next start"
            );
            Exit::Cancelled
        }
    }
}

async fn await_answers(agent: &Agent, answers: Answers, timeout: Duration) {
    let deadline = Instant::now() + timeout;
    let mut unanswered = 0;
    for answer in answers {
        let received = async {
            tokio::select! {
                answer = answer => answer.ok().flatten(),
                () = agent.server.halted() => None,
                () = agent.server.stop_requested() => None,
            }
        };
        if !matches!(timeout_at(deadline, received).await, Ok(Some(_))) {
            unanswered += 1;
        }
    }
    if unanswered > 0 {
        eprintln!(
            "warning: {unanswered} final report(s) could not be delivered; the daemon (`run`) delivers them later"
        );
    }
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    name.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
