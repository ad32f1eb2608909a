//! Carries out the kinds of work items; [`crate::work::item`] is handed this function.

use std::sync::Arc;

use crate::agent::Agent;
use crate::transfer::store::Claim;
use crate::work::item::Execution;
use crate::work::job;
use crate::work::queue::Ticket;
use crate::work::step;
use crate::work::task::{Task, WorkItem};

/// Carries out a job run or a pipeline step.
pub(crate) fn execute(agent: Arc<Agent>, item: WorkItem, begun: Option<Claim>, ticket: Ticket) -> Execution {
    Box::pin(async move {
        match item.task.clone() {
            Task::Job { job, run: Some(run) } => job::run(&agent, &item, job, run, begun, ticket).await,
            // A run starts only after it is claimed.
            Task::Job { run: None, .. } => Ok(None),
            Task::Step(step) => step::run(&agent, &item, step, begun, ticket).await,
        }
    })
}
