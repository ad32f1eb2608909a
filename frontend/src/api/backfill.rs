//! Backfills of a job: preview, run.

use cynic::{Id, MutationBuilder};

use super::{Request, schema, slots::Outcome};
use crate::time::Instant;

#[derive(cynic::QueryVariables)]
struct BackfillVariables {
    job_id: Id,
    from: Instant,
    to: Instant,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "BackfillVariables")]
struct PreviewBackfill {
    #[arguments(jobId: $job_id, from: $from, to: $to)]
    preview_backfill: BackfillPreview,
}

/// The preview of a backfill.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
pub(crate) struct BackfillPreview {
    pub(crate) slots: Vec<BackfillSlot>,
    pub(crate) run_count: i32,
}

/// A slot in the preview of a backfill.
#[derive(Clone, Copy, Debug, PartialEq, cynic::QueryFragment)]
pub(crate) struct BackfillSlot {
    pub(crate) scheduled_for: Instant,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) will_run: bool,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "BackfillVariables")]
struct BackfillJob {
    #[arguments(jobId: $job_id, from: $from, to: $to)]
    backfill_job: Vec<QueuedSlot>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "JobSlot")]
struct QueuedSlot {
    #[expect(dead_code, reason = "they are only counted")]
    id: Id,
}

/// Gets the slots that [`run`] would run.
pub(crate) fn preview(job: &str, from: Instant, to: Instant) -> Request<BackfillPreview> {
    let operation = PreviewBackfill::build(BackfillVariables { job_id: Id::new(job), from, to });
    Request::new(&operation, |preview| Ok(preview.preview_backfill))
}

/// Requests runs for the slots of a past time range that did not run. Returns the number of runs.
pub(crate) fn run(job: &str, from: Instant, to: Instant) -> Request<usize> {
    let operation = BackfillJob::build(BackfillVariables { job_id: Id::new(job), from, to });
    Request::new(&operation, |queued| Ok(queued.backfill_job.len()))
}
