//! The work that the server requests: the running agent, directives, the journal of accepted work items, the work
//! queue, and the execution of jobs and steps.

pub(crate) mod agent;
pub(crate) mod copy;
pub(crate) mod directives;
pub(crate) mod item_runner;
pub(crate) mod job;
pub(crate) mod journal;
pub(crate) mod queue;
pub(crate) mod retry_transfer_directive;
pub(crate) mod step;
pub(crate) mod work_item;

use std::sync::Arc;

use crate::transfer::claimed_state_files::Claim;
use crate::work::agent::Agent;
use crate::work::item_runner::Execution;
use crate::work::queue::Ticket;
use crate::work::work_item::{Task, WorkItem};

/// Carries out a job run or a pipeline step. Callers pass this function to [`item_runner`].
pub(crate) fn execute(agent: Arc<Agent>, item: WorkItem, begun: Option<Claim>, ticket: Ticket) -> Execution {
    Box::pin(async move {
        match item.task.clone() {
            Task::Job { job, run: Some(run) } => job::run(&agent, &item, job, run, begun, ticket).await,
            // The server must have started the run first.
            Task::Job { run: None, .. } => Ok(None),
            // Boxed, because the future of a step with a transfer is large.
            Task::Step(step) => Box::pin(step::run(&agent, &item, step, begun, ticket)).await,
        }
    })
}
