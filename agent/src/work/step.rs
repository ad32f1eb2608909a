//! Does the steps of pipelines, inside the folders that the agent's configuration allows.

mod action;
mod compress;
pub(crate) mod files;

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::action::{Format, Work};
use crate::random::random_uuid;
use crate::server::backoff::{report_interval, urgent_delay};
use crate::server::wire::{Directive, PartOf, Status, StepUpdate};
use crate::session::Session;
use crate::storage::allowed_roots::FileAccess;
use crate::storage::paths::{ends_with_separator, text};
use crate::storage::resolve::local_path;
use crate::storage::sandboxed_path::SandboxedPath;
use crate::transfer::control::{Control, Progress};
use crate::transfer::copy::CopyError;
use crate::transfer::store::Claim;
use crate::work::copy::{CALLED_OFF, Order, called_off, copy};
use crate::work::directives::{Act, id};
use crate::work::item::{self, Done, is_over};
use crate::work::queue::Place;
use crate::work::task::{Errand, Step, Task};

/// Customers write pipelines: without allowed roots, a step could access every file.
const NO_ALLOWED_ROOTS: &str = "this agent does no pipeline steps, because no folder was named in which it may: start it with --allow-dir FOLDER (or MFTPLUS_AGENT_ALLOWED_DIRS)";

/// `runStep`.
pub(crate) fn start(session: &Arc<Session>, directive: &Directive) -> anyhow::Result<Act> {
    let payload = &directive.payload;
    let (run, pipeline) = (id(payload, "runId")?, id(payload, "pipelineId")?);
    let step = payload.get("step").context("no `step`")?;
    let name = step.get("id").and_then(Value::as_str).context("the step has no `id`")?.to_owned();
    let attempt = step.get("attempt").and_then(Value::as_u64).map_or(Ok(1), u32::try_from)?;
    // An earlier attempt of which the server has not heard must not go on beside this one.
    let is_earlier = |errand: &Errand| matches!(&errand.task, Task::Step(step) if step.run == run && step.name == name && step.attempt < attempt);
    if let Some(earlier) = session.errands.find(is_earlier) {
        session.errands.cancel(&earlier.key(), None)?;
    }
    let step = Step { pipeline, run, name, attempt, order: step.clone(), mark: None };
    item::accept(session, Errand::new(directive.id, Task::Step(step)))
}

/// `cancelStep`.
pub(crate) fn cancel(session: &Session, directive: &Directive) -> anyhow::Result<Act> {
    let run = id(&directive.payload, "runId")?;
    let name = directive.payload.get("stepId").and_then(Value::as_str).context("no `stepId`")?;
    let is_meant = |errand: &Errand| matches!(&errand.task, Task::Step(step) if step.run == run && step.name == name);
    item::cancel(session, directive.id, is_meant, |_| false)
}

/// Does one step, for so long as it may take; nothing, when the process ends before.
pub(crate) async fn run(
    session: &Arc<Session>,
    errand: &Errand,
    step: Step,
    begun: Option<Claim>,
    place: Place,
) -> anyhow::Result<Option<Done>> {
    let work = match Work::read(&step.order) {
        Err(error) => return Ok(Some(Done::failed(error))),
        Ok(_) if !session.allowed_roots.is_configured() => {
            let ended = called_off(session, begun)?;
            return Ok(Some(Done { copy: ended.copy, ..Done::failed(NO_ALLOWED_ROOTS.to_owned()) }));
        }
        Ok(work) => work,
    };
    let limit = step.order.get("timeoutSeconds").and_then(Value::as_u64);
    let token = session.errands.stop(&errand.key());
    let doing = carry_out(session, errand, &step, work, begun, &place, &token);
    tokio::pin!(doing);
    let Some(seconds) = limit else { return doing.await };
    tokio::select! {
        biased;
        done = &mut doing => done,
        () = sleep(Duration::from_secs(seconds)) => {
            token.cancel();
            let late = |done: Done| match done.end.status {
                Status::Cancelled => Done { copy: done.copy, ..Done::failed(format!("it took longer than {seconds} s")) },
                _ => done,
            };
            Ok(doing.await?.map(late))
        }
    }
}

async fn carry_out(
    session: &Arc<Session>,
    errand: &Errand,
    step: &Step,
    work: Work,
    begun: Option<Claim>,
    place: &Place,
    token: &CancellationToken,
) -> anyhow::Result<Option<Done>> {
    let access = session.file_access(true);
    let blocking = match work {
        Work::Transfer { source, destination, protocol, direction, verify } => {
            let part_of =
                PartOf { pipeline_run_id: Some(step.run), step_id: Some(step.name.clone()), ..PartOf::default() };
            let verify = verify.unwrap_or_default();
            let order = Order { source, destination, protocol, direction, verify, part_of, access };
            let watch = async |id| keep_telling(session, step, id).await;
            return copy(session, errand, order, begun, place, token, watch).await;
        }
        work => match Blocking::of(work, &access) {
            Ok(blocking) => blocking,
            Err(error) => return Ok(Some(Done::failed(error))),
        },
    };
    tokio::select! {
        biased;
        () = token.cancelled() => return Ok(Some(Done::of(Status::Cancelled, 0, Some(CALLED_OFF.to_owned())))),
        () = session.stopping() => return Ok(None),
        () = place.turn(blocking.destination().as_path()) => {}
    }
    let mut step = step.clone();
    if step.mark.is_none()
        && let Some(mark) = blocking.mark()
    {
        // Written down first, so that after a crash it is known whether it was done.
        step.mark = Some(mark);
        session.errands.change(&errand.key(), |errand| errand.task = Task::Step(step.clone()))?;
    }
    let control = Arc::new(Control::new(random_uuid(), step.attempt, 0, false));
    session.controls.insert(control.clone());
    if session.is_stopping() {
        control.pause();
    }
    let (watched, mark) = (control.clone(), step.mark.clone());
    let mut working = tokio::task::spawn_blocking(move || blocking.carry_out(mark.as_deref(), &watched));
    let telling = keep_telling(session, &step, control.id);
    tokio::pin!(telling);
    let ended = loop {
        tokio::select! {
            biased;
            ended = &mut working => break ended?,
            () = token.cancelled(), if !control.is_stopped() => control.cancel(CALLED_OFF),
            never = &mut telling => match never {},
        }
    };
    session.controls.remove(control.id);
    let (bytes, called_off) = (control.copied(), control.cancellation());
    Ok(match ended {
        Ok(()) => Some(Done::of(Status::Completed, bytes, None)),
        Err(Failure::Stopped) => called_off.map(|reason| Done::of(Status::Cancelled, bytes, Some(reason))),
        Err(Failure::Failed(reason)) => Some(Done::of(Status::Failed, bytes, Some(reason))),
    })
}

/// Tells the server again and again how far a step is, for as long as its work is watched.
async fn keep_telling(session: &Session, step: &Step, id: Uuid) -> Infallible {
    let mut told = None;
    loop {
        sleep(report_interval(session.api.rate_limit(), session.timing.report)).await;
        if let Some(control) = session.controls.get(id) {
            tell(session, step, &control, &mut told).await;
        }
    }
}

/// Tells the server how far a step is, when there is something to tell; whether it hears that does not matter.
async fn tell(session: &Session, step: &Step, control: &Control, told: &mut Option<Progress>) {
    let progress = control.progress();
    if *told == Some(progress) || control.is_stopped() {
        return;
    }
    let update = StepUpdate {
        status: Status::Running,
        attempt: step.attempt,
        progress: Some(if control.total() == 0 { 0.0 } else { progress.percent }),
        bytes_transferred: Some(progress.bytes),
        error_message: None,
    };
    let _line = session.line.lock().await;
    sleep(urgent_delay(session.api.rate_limit())).await;
    match session.api.update_step(step.path(), &update).await {
        Ok((view, directives)) => {
            *told = Some(progress);
            session.deliver(directives);
            if is_over(&view, step.attempt) {
                control.cancel("the server says that it is over");
            }
        }
        Err(error) if error.is_temporary() => tracing::debug!(step = step.name, "not told: {error}"),
        Err(error) if error.is_fatal() => session.halt(&error),
        Err(error) => control.cancel(&format!("the server says that it is over: {error}")),
    }
}

/// What is done in one go, with the places that were found for it.
enum Blocking {
    Checksum { path: SandboxedPath, expected: Option<String> },
    Compress { path: SandboxedPath, output: SandboxedPath, format: Format },
    Decompress { path: SandboxedPath, output: SandboxedPath, format: Option<Format> },
    Rename { from: SandboxedPath, to: SandboxedPath },
    Delete { path: SandboxedPath },
}

enum Failure {
    Stopped,
    Failed(String),
}

impl From<CopyError> for Failure {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Stopped => Self::Stopped,
            error => Self::Failed(error.to_string()),
        }
    }
}

impl Blocking {
    fn of(work: Work, access: &FileAccess) -> Result<Self, String> {
        let find = |path: &str| -> Result<SandboxedPath, String> {
            let path: PathBuf = local_path(path).map_err(|error| error.to_string())?.components().collect();
            access.destination(&path).map_err(|error| error.to_string())
        };
        match work {
            Work::Transfer { .. } => Err("a transfer is not done in one go".into()),
            Work::Checksum { path, expected } => Ok(Self::Checksum { path: find(&path)?, expected }),
            Work::Compress { path, output, format } => {
                let named = output.as_deref().and_then(Format::of_name);
                let format = format.or(named).unwrap_or(Format::Gzip);
                let output = output.unwrap_or_else(|| format!("{path}{}", format.ending()));
                Ok(Self::Compress { path: find(&path)?, output: another(find(&output)?, &path)?, format })
            }
            Work::Decompress { path, output, format } => {
                let ending = Format::of_name(&path).map(Format::ending);
                let bare = ending.and_then(|ending| path.strip_suffix(ending)).map(str::to_owned);
                let output = output.or(bare).ok_or(format!(
                    "{path} does not end in .gz or .zst, so its name does not tell what to call the result: give the step an `output`"
                ))?;
                Ok(Self::Decompress { path: find(&path)?, output: another(find(&output)?, &path)?, format })
            }
            Work::Rename { from, to } => {
                let (source, target) = (movable(find(&from)?)?, find(&to)?);
                Ok(Self::Rename {
                    to: files::into_folder(&source, target, ends_with_separator(to.as_ref())),
                    from: source,
                })
            }
            Work::Delete { path } => Ok(Self::Delete { path: movable(find(&path)?)? }),
        }
    }

    /// What may not be changed by two at the same time.
    fn destination(&self) -> &SandboxedPath {
        match self {
            Self::Checksum { path, .. } | Self::Delete { path } => path,
            Self::Compress { output, .. } | Self::Decompress { output, .. } => output,
            Self::Rename { to, .. } => to,
        }
    }

    /// By which it is known later whether something irreversible was done.
    fn mark(&self) -> Option<String> {
        match self {
            Self::Rename { from: path, .. } | Self::Delete { path } => files::identity(path),
            _ => None,
        }
    }

    fn carry_out(self, mark: Option<&str>, control: &Control) -> Result<(), Failure> {
        if control.is_stopped() {
            return Err(Failure::Stopped);
        }
        match self {
            Self::Checksum { path, expected } => {
                let found = files::checksum(&path, control)?;
                tracing::info!(path = text(path.as_path()), sha256 = found, "read");
                match expected {
                    Some(expected) if !files::agrees(&found, &expected) => Err(Failure::Failed(format!(
                        "the SHA-256 of {} is {found}, not {expected} as expected",
                        text(path.as_path())
                    ))),
                    _ => Ok(()),
                }
            }
            Self::Compress { path, output, format } => Ok(compress::compress(&path, &output, format, control)?),
            Self::Decompress { path, output, format } => Ok(compress::decompress(&path, &output, format, control)?),
            Self::Rename { from, to } => Ok(files::rename(&from, &to, mark)?),
            Self::Delete { path } => Ok(files::delete(&path, mark)?),
        }
    }
}

fn another(output: SandboxedPath, path: &str) -> Result<SandboxedPath, String> {
    if output.as_path() == std::path::Path::new(path) {
        return Err(format!("{path} cannot be its own result; give the step another `output`"));
    }
    Ok(output)
}

/// The folders that were given to the agent stay where they are.
fn movable(path: SandboxedPath) -> Result<SandboxedPath, String> {
    if path.is_root() {
        return Err(format!("{} is a folder this agent was given to work in, so it stays", text(path.as_path())));
    }
    Ok(path)
}
