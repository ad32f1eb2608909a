//! Runs jobs: one run is one copy from the job's source to its destination.

use std::future::pending;
use std::sync::Arc;

use anyhow::Context as _;
use uuid::Uuid;

use crate::server::wire::{Directive, Job, PartOf};
use crate::session::Session;
use crate::transfer::state::Verify;
use crate::transfer::store::Claim;
use crate::work::copy::{Order, copy};
use crate::work::directives::{Act, id};
use crate::work::item::{self, Done};
use crate::work::queue::Place;
use crate::work::task::{Errand, Task};

/// `startJob`.
pub(crate) fn start(session: &Arc<Session>, directive: &Directive) -> anyhow::Result<Act> {
    let job = directive.payload.get("job").context("no `job`")?;
    let job: Job = serde_json::from_value(job.clone()).context("`job` is not a job")?;
    item::accept(session, Errand::new(directive.id, Task::Job { job, run: None }))
}

/// `cancelJobRun`.
pub(crate) fn cancel(session: &Session, directive: &Directive) -> anyhow::Result<Act> {
    let wanted = id(&directive.payload, "runId")?;
    let is_meant = |errand: &Errand| matches!(&errand.task, Task::Job { run: Some(run), .. } if *run == wanted);
    let may_come = |errand: &Errand| matches!(&errand.task, Task::Job { run: None, .. });
    item::cancel(session, directive.id, is_meant, may_come)
}

/// Does the work of a run; nothing, when the process ends before.
pub(crate) async fn run(
    session: &Arc<Session>,
    errand: &Errand,
    (job, run): (Job, Uuid),
    begun: Option<Claim>,
    place: Place,
) -> anyhow::Result<Option<Done>> {
    let order = Order {
        source: job.source,
        destination: job.destination,
        protocol: job.protocol,
        direction: job.direction,
        verify: Verify::Sha256,
        part_of: PartOf { job_run_id: Some(run), ..PartOf::default() },
        access: session.file_access(true),
    };
    let stop = session.errands.stop(&errand.key());
    // Of a run only its transfer says how far it is.
    copy(session, errand, order, begun, &place, &stop, async |_| pending().await).await
}
