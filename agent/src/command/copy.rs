//! `copy`: copies each source as one transfer, creates the transfer on the server, and reports its progress.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::command::copy_args::CopyArgs;
use crate::command::progress::Display;
use crate::config::bandwidth_limits::RateLimits;
use crate::exit::Exit;
use crate::identity::Registration;
use crate::server::wire::{Direction, PartOf};
use crate::storage::allowed_roots::{AllowedRoots, FileAccess};
use crate::storage::command_line_copy_paths::{CopyPaths, resolve};
use crate::storage::location::Location;
use crate::storage::part_name;
use crate::storage::path_text::{ends_with_separator, text};
use crate::storage::pattern;
use crate::storage::usage_error::UsageError;
use crate::transfer::copy_rules::{CopyRules, OnExists};
use crate::transfer::create_on_server::create;
use crate::transfer::publish;
use crate::transfer::report_batcher::{self, ReportReply};
use crate::transfer::run_transfer::{CopyOutcome, EndedTransfer, ShowProgress, run_transfer};
use crate::transfer::source_entries::Plan;
use crate::transfer::state::{CopyOptions, Phase, StreamState, TransferState};
use crate::transfer::storage_copy::source_and_destination::Ends;
use crate::work::agent::{Agent, Role, Settings, WorkLimits};
use crate::work::directives::Dispatcher;

/// One of the copies that the command makes.
struct Pair {
    /// The source and the destination; a URL is kept as it was written.
    paths: CopyPaths,
    /// The storages of source and destination, and the direction to report. `None` for a plain copy between local paths
    /// (see [`is_plain`]), which needs no storages.
    ends: Option<(Ends, Direction)>,
}

type Answers = Vec<JoinHandle<Option<ReportReply>>>;

/// Runs the subcommand `copy`: copies the sources that `args` names, and returns the exit code.
pub(crate) async fn copy(settings: &Settings, args: &CopyArgs) -> anyhow::Result<Exit> {
    let state_dir = settings.state_dir.clone();
    let stored = tokio::task::spawn_blocking(move || Registration::load_and_repair(&state_dir)).await??;
    let registration = stored.with_context(|| {
        format!(
            "no agent is registered in {}; run `register --code CODE` first, or give the right --state-dir",
            settings.state_dir.display()
        )
    })?;
    let pairs = pairs(args)?;
    let (agent, inbox) = Agent::new(
        settings,
        &registration,
        WorkLimits { max_parallel: 1, rates: RateLimits::default() },
        AllowedRoots::default(),
        None,
    )
    .await?;
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

async fn copy_all(agent: &Arc<Agent>, settings: &Settings, args: &CopyArgs, pairs: Vec<Pair>) -> anyhow::Result<Exit> {
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
                eprintln!("{}: {error:#}", text(&pair.paths.source));
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

/// The copies that the arguments describe, one for each source.
fn pairs(args: &CopyArgs) -> Result<Vec<Pair>, UsageError> {
    let mut has_remote = is_remote(&args.destination)?;
    for source in &args.sources {
        has_remote |= is_remote(source)?;
    }
    if !has_remote {
        return local_pairs(args);
    }
    if args.sources.len() > 1 && !ends_with_separator(&args.destination) {
        let shown = text(&args.destination);
        return Err(UsageError(format!("several sources need a folder as destination: write `{shown}/`")));
    }
    let mut pairs = Vec::with_capacity(args.sources.len());
    for source in &args.sources {
        if !is_remote(source)? {
            pattern::check(source)?;
        }
        let paths = CopyPaths { source: absolute(source)?, destination: absolute(&args.destination)? };
        let direction = if is_remote(source)? { Direction::Pull } else { Direction::Push };
        let ends = Ends::read(&text(&paths.source), &text(&paths.destination), direction, None, None)?;
        pairs.push(Pair { paths, ends: Some((ends, direction)) });
    }
    Ok(pairs)
}

fn local_pairs(args: &CopyArgs) -> Result<Vec<Pair>, UsageError> {
    if args.credentials.is_some() {
        return Err(UsageError("--credentials is for a server, and all paths are on this machine".to_owned()));
    }
    let is_plain = is_plain(&args.rules());
    let with_ends = |paths: CopyPaths| -> Result<Pair, UsageError> {
        let is_pattern = pattern::split(&paths.source).is_some();
        if is_pattern {
            require_match(&paths.source)?;
        }
        // For a pattern, `on-exists` is decided for each file, which only a copy through storages can do.
        if is_plain && !is_pattern {
            return Ok(Pair { paths, ends: None });
        }
        let ends = Ends::read(&text(&paths.source), &text(&paths.destination), args.direction, None, None)?;
        Ok(Pair { paths, ends: Some((ends, args.direction)) })
    };
    resolve(&args.sources, &args.destination)?.into_iter().map(with_ends).collect()
}

/// Refuses a local pattern that no file matches: a person has mistyped it, while the files of a job may come later.
fn require_match(source: &Path) -> Result<(), UsageError> {
    let refuse = |error: &dyn std::fmt::Display| UsageError(error.to_string());
    let folder = FileAccess::Unrestricted.source(source).map_err(|error| refuse(&error))?;
    let found = Plan::of(&folder).map_err(|error| refuse(&error))?;
    // The folder itself is the first entry.
    if found.entries.len() > 1 || !found.failures.is_empty() {
        return Ok(());
    }
    Err(UsageError(format!(
        "no file matches {}; a pattern takes no folders, and hidden files only if it begins with a dot",
        text(source)
    )))
}

/// Whether a copy between local paths needs no storages: all rules have their defaults, except that `on_exists` may be
/// `overwrite` or `fail`.
fn is_plain(rules: &CopyRules) -> bool {
    let replaces_or_fails = matches!(rules.on_exists, OnExists::Overwrite | OnExists::Fail);
    replaces_or_fails && *rules == CopyRules { on_exists: rules.on_exists, ..CopyRules::default() }
}

/// Whether `path` is a location on a server. An invalid URL is an error and not a local path, because its text may
/// contain a password.
fn is_remote(path: &Path) -> Result<bool, UsageError> {
    let Some(text) = path.to_str() else { return Ok(false) };
    match Location::parse(text) {
        Ok(location) => Ok(location.is_remote()),
        Err(error) if text.contains("://") => Err(error),
        Err(_) => Ok(false),
    }
}

/// Makes a local path absolute; a separator at its end stays.
fn absolute(path: &Path) -> Result<PathBuf, UsageError> {
    if is_remote(path)? {
        return Ok(path.to_owned());
    }
    std::path::absolute(path).map_err(|error| UsageError(format!("cannot resolve {}: {error}", text(path))))
}

async fn copy_one(
    agent: &Arc<Agent>,
    settings: &Settings,
    args: &CopyArgs,
    Pair { paths: pair, ends }: &Pair,
    answers: &mut Answers,
) -> anyhow::Result<Exit> {
    let rules = args.rules();
    let overwrite = rules.on_exists == OnExists::Overwrite;
    let (plan, stream) = if let Some((ends, _)) = ends {
        let protocol = ends.protocol(agent.transfers.servers.as_ref())?;
        let credentials = args.credentials.clone();
        (None, Some(StreamState { credentials, ..StreamState::new(protocol, rules.clone()) }))
    } else {
        let source = pair.source.clone();
        let walk = move || Plan::of(&FileAccess::Unrestricted.source(&source)?);
        (Some(tokio::task::spawn_blocking(walk).await??), None)
    };
    let state = TransferState {
        id: None,
        idempotency_key: Uuid::new_v4(),
        source: text(&pair.source),
        destination: text(&pair.destination),
        direction: ends.as_ref().map_or(args.direction, |(_, direction)| *direction),
        size: plan.as_ref().map_or(0, |plan| plan.total),
        attempt: 1,
        options: CopyOptions { verify: args.verify, overwrite, max_rate: args.max_rate, is_confined: false },
        part_of: PartOf::default(),
        phase: Phase::Creating,
        copied: None,
        report: None,
        stream,
    };
    let store = agent.transfers.store.clone();
    let mut claim = agent.server.blocking(move || store.begin(state)).await??;
    if claim.state.phase == Phase::Creating {
        // No transfer is created for a copy that cannot succeed.
        if let Some(plan) = &plan {
            let destination = FileAccess::Unrestricted.destination(&pair.destination)?;
            if let Err(error) = publish::check_all(plan, &destination, overwrite) {
                agent.server.blocking(move || claim.delete()).await??;
                return Err(error.into());
            }
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
    let EndedTransfer { outcome, reply } = run_transfer(&agent.transfers, claim, plan, Some(show), admitted).await?;
    answers.extend(reply);
    Ok(print_outcome(&outcome, pair, rules.on_exists))
}

fn print_outcome(outcome: &CopyOutcome, CopyPaths { source, destination }: &CopyPaths, on_exists: OnExists) -> Exit {
    let (from, to) = (text(source), text(destination));
    match outcome {
        CopyOutcome::Completed(copied) => {
            let bytes = indicatif::HumanBytes(copied.bytes);
            let checksum = copied.checksum.as_ref().map_or(String::new(), |checksum| format!(", SHA-256 {checksum}"));
            let kept = match on_exists {
                OnExists::Skip | OnExists::Rename => "; what existed there is kept",
                OnExists::Overwrite | OnExists::Fail => "",
            };
            println!("copied {from} to {to} ({bytes}{checksum}{kept})");
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
            eprintln!("stopped; the incomplete copy of {to} is kept under a name that ends in {}", part_name::SUFFIX);
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
            "warning: final reports that could not be delivered: {unanswered}; the daemon (`run`) delivers them later"
        );
    }
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    name.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
