//! Job runs: each is one copy from the source of the job to its destination.

use std::future::pending;
use std::sync::Arc;

use anyhow::Context as _;
use uuid::Uuid;

use crate::server::wire::{Directive, Job, PartOf};
use crate::transfer::claimed_state_files::Claim;
use crate::work::agent::Agent;
use crate::work::copy::{CopyRequest, copy};
use crate::work::item_runner::{self, Acknowledgement, Outcome, id};
use crate::work::queue::Ticket;
use crate::work::work_item::{Task, WorkItem};

/// Creates the work item of a directive `startJob`.
pub(crate) fn work_item(directive: &Directive) -> anyhow::Result<WorkItem> {
    let job = directive.payload.get("job").context("the directive has no `job`")?;
    let job: Job = serde_json::from_value(job.clone()).context("the `job` of the directive cannot be read")?;
    Ok(WorkItem::new(directive.id, Task::Job { job, run: None }))
}

/// Handles a directive `cancelJobRun`: cancels the job run if it is open.
pub(crate) async fn cancel(agent: &Agent, directive: &Directive) -> anyhow::Result<Acknowledgement> {
    let wanted = id(&directive.payload, "runId")?;
    let is_meant = |item: &WorkItem| matches!(&item.task, Task::Job { run: Some(run), .. } if *run == wanted);
    let may_be_meant = |item: &WorkItem| matches!(&item.task, Task::Job { run: None, .. });
    let meant = agent.journal.find_all(is_meant);
    if meant.is_empty() && agent.journal.find(may_be_meant).is_some() {
        // The server has not assigned a run to that item yet; it may be the one to cancel.
        return Ok(Acknowledgement::Deferred);
    }
    item_runner::cancel(agent, directive.id, &meant).await
}

/// Carries out a job run; `None` if the process ends first.
pub(crate) async fn run(
    agent: &Arc<Agent>,
    item: &WorkItem,
    job: Job,
    run: Uuid,
    begun: Option<Claim>,
    ticket: Ticket,
) -> anyhow::Result<Option<Outcome>> {
    let request = CopyRequest {
        source: job.source,
        destination: job.destination,
        protocol: job.protocol,
        direction: job.direction,
        verify: job.verify.unwrap_or_default(),
        rules: job.rules,
        part_of: PartOf { job_run_id: Some(run), ..PartOf::default() },
        access: agent.transfers.file_access(true),
    };
    let stop = agent.journal.cancel_token(&item.key());
    // The server takes the progress of a run from its transfer.
    copy(agent, item, request, begun, &ticket, &stop, async |_| pending().await).await
}
