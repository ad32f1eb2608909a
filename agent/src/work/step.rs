//! Pipeline steps, which are carried out inside the allowed folders only.

pub(crate) mod checksum;
mod compression;
mod parse_action;
pub(crate) mod rename_and_delete;

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use mftplus_protocol::archive::Format;
use mftplus_protocol::characters::printable;
use serde_json::Value;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::parse_action::{StepAction, TransferInstruction};
use crate::server::rate_limit_delays::report_interval;
use crate::server::wire::{Directive, PartOf, Status, StepUpdate};
use crate::storage::allowed_roots::FileAccess;
use crate::storage::job_paths::local_path;
use crate::storage::path_text::{ends_with_separator, text};
use crate::storage::sandboxed_path::SandboxedPath;
use crate::transfer::claimed_state_files::Claim;
use crate::transfer::control::Control;
use crate::transfer::control::progress::Progress;
use crate::transfer::error::CopyError;
use crate::work::agent::Agent;
use crate::work::copy::{CopyRequest, copy};
use crate::work::item_runner::{self, Acknowledgement, CANCELLED_ON_SERVER, Outcome, cancel_before_start, id, is_over};
use crate::work::queue::Ticket;
use crate::work::work_item::{Step, Task, WorkItem};

/// The message for a step if no allowed folders are configured. Customers write pipelines, so without allowed folders a
/// step could access every file.
const NO_ALLOWED_ROOTS: &str = "this agent carries out no pipeline steps, because it has no allowed folders: start it with --allow-dir FOLDER (or MFTPLUS_AGENT_ALLOWED_DIRS)";

/// Creates the work item of a directive `runStep`, and cancels an earlier attempt of the step that is still open.
pub(crate) async fn work_item(agent: &Agent, directive: &Directive) -> anyhow::Result<WorkItem> {
    let payload = &directive.payload;
    let (run, pipeline) = (id(payload, "runId")?, id(payload, "pipelineId")?);
    let step = payload.get("step").context("the directive has no `step`")?;
    let name = step.get("id").and_then(Value::as_str).context("the step of the directive has no `id`")?.to_owned();
    let attempt = step.get("attempt").and_then(Value::as_u64).map_or(Ok(1), u32::try_from)?;
    // An earlier attempt whose end is not reported must not continue at the same time.
    let is_earlier = |item: &WorkItem| matches!(&item.task, Task::Step(step) if step.run == run && step.name == name && step.attempt < attempt);
    if let Some(earlier) = agent.journal.find(is_earlier) {
        agent.journal.cancel(&earlier.key(), None).await?;
    }
    let step = Step { pipeline, run, name, attempt, instruction: step.clone(), mark: None };
    Ok(WorkItem::new(directive.id, Task::Step(step)))
}

/// Handles a directive `cancelStep`: cancels all open attempts of the step.
pub(crate) async fn cancel(agent: &Agent, directive: &Directive) -> anyhow::Result<Acknowledgement> {
    let run = id(&directive.payload, "runId")?;
    let name = directive.payload.get("stepId").and_then(Value::as_str).context("the directive has no `stepId`")?;
    let is_meant = |item: &WorkItem| matches!(&item.task, Task::Step(step) if step.run == run && step.name == name);
    item_runner::cancel(agent, directive.id, &agent.journal.find_all(is_meant)).await
}

/// Carries out a step within its timeout, after which it fails; `None` if the process ends first. `begun` is the
/// transfer that an earlier process started for the step.
pub(crate) async fn run(
    agent: &Arc<Agent>,
    item: &WorkItem,
    step: Step,
    begun: Option<Claim>,
    ticket: Ticket,
) -> anyhow::Result<Option<Outcome>> {
    let action = match parse_action::read(&step.instruction) {
        Ok(action) if agent.transfers.allowed_roots().is_configured() => action,
        refused => {
            let reason = refused.err().unwrap_or_else(|| NO_ALLOWED_ROOTS.to_owned());
            let ended = cancel_before_start(agent, begun).await?;
            return Ok(Some(Outcome { copy: ended.copy, ..Outcome::failed(reason) }));
        }
    };
    let limit = step.instruction.get("timeoutSeconds").and_then(Value::as_u64);
    let token = agent.journal.cancel_token(&item.key());
    let execution = carry_out(agent, item, &step, action, begun, &ticket, &token);
    tokio::pin!(execution);
    let Some(seconds) = limit else { return execution.await };
    tokio::select! {
        biased;
        done = &mut execution => done,
        () = sleep(Duration::from_secs(seconds)) => {
            token.cancel();
            let late = |done: Outcome| match done.end.status {
                Status::Cancelled => {
                    Outcome { copy: done.copy, ..Outcome::failed(format!("the step took longer than {seconds} s")) }
                }
                _ => done,
            };
            Ok(execution.await?.map(late))
        }
    }
}

async fn carry_out(
    agent: &Arc<Agent>,
    item: &WorkItem,
    step: &Step,
    action: StepAction,
    begun: Option<Claim>,
    ticket: &Ticket,
    token: &CancellationToken,
) -> anyhow::Result<Option<Outcome>> {
    let access = agent.transfers.file_access(true);
    let blocking = match action {
        StepAction::Transfer(TransferInstruction { source, destination, protocol, direction, verify, rules }) => {
            let part_of =
                PartOf { pipeline_run_id: Some(step.run), step_id: Some(step.name.clone()), ..PartOf::default() };
            let verify = verify.unwrap_or_default();
            let request = CopyRequest { source, destination, protocol, direction, verify, rules, part_of, access };
            let watch = async |id| report_progress(agent, step, id).await;
            return copy(agent, item, request, begun, ticket, token, watch).await;
        }
        action => match BlockingStep::of(action, &access) {
            Ok(blocking) => blocking,
            Err(error) => return Ok(Some(Outcome::failed(error))),
        },
    };
    tokio::select! {
        biased;
        () = token.cancelled() => return Ok(Some(Outcome::of(Status::Cancelled, 0, Some(CANCELLED_ON_SERVER.to_owned())))),
        () = agent.server.stopping() => return Ok(None),
        () = ticket.admitted(blocking.destination().as_path()) => {}
    }
    let mut step = step.clone();
    if step.mark.is_none()
        && let Some(mark) = blocking.mark()
    {
        // Recorded first, so that after a restart the agent can tell whether the action was done.
        step.mark = Some(mark);
        let recorded = Task::Step(step.clone());
        agent.journal.change(&item.key(), |item| item.task = recorded).await?;
    }
    let control = Arc::new(Control::new(Uuid::new_v4(), step.attempt, 0, false));
    agent.transfers.controls.insert(control.clone());
    if agent.server.is_stopping() {
        control.pause();
    }
    let (watched, mark) = (control.clone(), step.mark.clone());
    let mut working = tokio::task::spawn_blocking(move || blocking.carry_out(mark.as_deref(), &watched));
    let reporting = report_progress(agent, &step, control.id);
    tokio::pin!(reporting);
    let ended = loop {
        tokio::select! {
            biased;
            ended = &mut working => break ended?,
            () = token.cancelled(), if !control.is_stopped() => control.cancel(CANCELLED_ON_SERVER),
            never = &mut reporting => match never {},
        }
    };
    agent.transfers.controls.remove(control.id);
    let (bytes, cancellation) = (control.copied(), control.cancellation());
    Ok(match ended {
        Ok(()) => Some(Outcome::of(Status::Completed, bytes, None)),
        Err(StepError::Stopped) => cancellation.map(|reason| Outcome::of(Status::Cancelled, bytes, Some(reason))),
        Err(StepError::Failed(reason)) => Some(Outcome::of(Status::Failed, bytes, Some(reason))),
    })
}

/// Reports the progress of a step until the future is dropped.
async fn report_progress(agent: &Agent, step: &Step, id: Uuid) -> Infallible {
    let mut sent = None;
    loop {
        sleep(report_interval(agent.server.api.rate_limit(), agent.server.timing.report)).await;
        if let Some(control) = agent.transfers.controls.get(id) {
            send_progress(agent, step, &control, &mut sent).await;
        }
    }
}

/// Reports the progress of a step if it has changed. A failure is only logged.
async fn send_progress(agent: &Agent, step: &Step, control: &Control, sent: &mut Option<Progress>) {
    let progress = control.progress();
    if *sent == Some(progress) || control.is_stopped() {
        return;
    }
    let update = StepUpdate {
        status: Status::Running,
        attempt: step.attempt,
        progress: Some(if control.total() == 0 { 0.0 } else { progress.percent }),
        bytes_transferred: Some(progress.bytes),
        error_message: None,
    };
    let _permit = agent.requests.acquire(|| agent.server.api.rate_limit()).await;
    match agent.server.api.update_step(step.path(), &update).await {
        Ok((view, directives)) => {
            *sent = Some(progress);
            agent.server.deliver(directives);
            if is_over(&view, step.attempt) {
                control.cancel("it has already ended on the server");
            }
        }
        Err(error) if error.is_temporary() => {
            tracing::debug!(step = printable(&step.name), "the progress of the step could not be reported: {error}");
        }
        Err(error) if error.is_fatal() => agent.server.halt(&error),
        Err(error) => control.cancel(&format!("it has already ended on the server: {error}")),
    }
}

/// A step other than a transfer, with its paths resolved.
enum BlockingStep {
    Checksum { path: SandboxedPath, expected: Option<String> },
    Compress { path: SandboxedPath, output: SandboxedPath, format: Format },
    Decompress { path: SandboxedPath, output: SandboxedPath, format: Option<Format> },
    Rename { from: SandboxedPath, to: SandboxedPath },
    Delete { path: SandboxedPath },
}

enum StepError {
    Stopped,
    Failed(String),
}

impl From<CopyError> for StepError {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Stopped => Self::Stopped,
            error => Self::Failed(error.to_string()),
        }
    }
}

impl BlockingStep {
    fn of(action: StepAction, access: &FileAccess) -> Result<Self, String> {
        let find = |path: &str| -> Result<SandboxedPath, String> {
            let path: PathBuf = local_path(path).map_err(|error| error.to_string())?.components().collect();
            access.destination(&path).map_err(|error| error.to_string())
        };
        match action {
            StepAction::Transfer(_) => Err("a transfer is not a blocking step".into()),
            StepAction::Webhook { .. } => Err("a webhook is sent by the server".into()),
            StepAction::Checksum { path, expected } => Ok(Self::Checksum { path: find(&path)?, expected }),
            StepAction::Compress { path, output, format } => {
                let named = output.as_deref().and_then(Format::of_name);
                let format = format.or(named).unwrap_or(Format::Gzip);
                let output = format.packed(&path, output.as_deref());
                let (path, output) = (find(&path)?, find(&output)?);
                Ok(Self::Compress { output: distinct(output, &path)?, path, format })
            }
            StepAction::Decompress { path, output, format } => {
                let output = Format::unpacked_to(&path, output.as_deref()).ok_or(format!(
                    "{path} does not end in .gz or .zst, so the name of the result is not known: give the step an \
                     `output`"
                ))?;
                let (path, output) = (find(&path)?, find(&output)?);
                Ok(Self::Decompress { output: distinct(output, &path)?, path, format })
            }
            StepAction::Rename { from, to } => {
                let (source, target) = (movable(find(&from)?)?, find(&to)?);
                Ok(Self::Rename {
                    to: rename_and_delete::into_folder(&source, target, ends_with_separator(to.as_ref())),
                    from: source,
                })
            }
            StepAction::Delete { path } => Ok(Self::Delete { path: movable(find(&path)?)? }),
        }
    }

    /// The path that no other work item may write to at the same time.
    fn destination(&self) -> &SandboxedPath {
        match self {
            Self::Checksum { path, .. } | Self::Delete { path } => path,
            Self::Compress { output, .. } | Self::Decompress { output, .. } => output,
            Self::Rename { to, .. } => to,
        }
    }

    /// The identity of the file that the step renames or deletes, by which the agent can tell after a restart whether
    /// that was done.
    fn mark(&self) -> Option<String> {
        match self {
            Self::Rename { from: path, .. } | Self::Delete { path } => rename_and_delete::identity(path),
            _ => None,
        }
    }

    fn carry_out(self, mark: Option<&str>, control: &Control) -> Result<(), StepError> {
        if control.is_stopped() {
            return Err(StepError::Stopped);
        }
        match self {
            Self::Checksum { path, expected } => {
                let found = checksum::checksum(&path, control)?;
                tracing::info!(path = text(path.as_path()), sha256 = found, "the checksum is computed");
                match expected {
                    Some(expected) if !checksum::agrees(&found, &expected) => Err(StepError::Failed(format!(
                        "the SHA-256 of {} is {found}, not {expected} as expected",
                        text(path.as_path())
                    ))),
                    _ => Ok(()),
                }
            }
            Self::Compress { path, output, format } => Ok(compression::compress(&path, &output, format, control)?),
            Self::Decompress { path, output, format } => Ok(compression::decompress(&path, &output, format, control)?),
            Self::Rename { from, to } => Ok(rename_and_delete::rename(&from, &to, mark)?),
            Self::Delete { path } => Ok(rename_and_delete::delete(&path, mark)?),
        }
    }
}

fn distinct(output: SandboxedPath, path: &SandboxedPath) -> Result<SandboxedPath, String> {
    if output.as_path() == path.as_path() {
        let path = text(path.as_path());
        return Err(format!("{path} cannot be both the input and the output; give the step another `output`"));
    }
    Ok(output)
}

/// Fails if `path` is an allowed folder itself, which must not be renamed or deleted.
fn movable(path: SandboxedPath) -> Result<SandboxedPath, String> {
    if path.is_root() {
        return Err(format!(
            "{} is one of the agent's allowed folders: the agent never renames or deletes those; name a path inside it",
            text(path.as_path())
        ));
    }
    Ok(path)
}
