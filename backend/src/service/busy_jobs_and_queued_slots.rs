//! Determines which jobs have a run that is active or about to start, and how many of their slots are queued.

use std::collections::{HashMap, HashSet};

use super::Work;
use crate::{error::Result, ids::JobId, store};

/// The active runs and queued slots of some jobs.
pub(super) struct JobActivity {
    /// Jobs with a run that is active or about to start.
    pub(super) busy: HashSet<JobId>,
    /// The number of queued slots by the id of the job.
    pub(super) queued: HashMap<uuid::Uuid, usize>,
}

/// Reads the active runs and queued slots of these jobs.
pub(super) async fn activity(work: &mut Work, ids: &[JobId]) -> Result<JobActivity> {
    // Start directives first: one that is acknowledged between the two reads has its run by then.
    let mut busy = store::directives::jobs_about_to_start(&mut work.tx, ids, work.now).await?;
    busy.extend(store::job_runs::running(&mut work.tx, ids).await?.into_keys());
    let owners: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
    Ok(JobActivity { busy, queued: store::slots::queued(&mut work.tx, &owners).await? })
}

/// Whether a run of the job is active or about to start.
pub(super) async fn is_busy(work: &mut Work, job: JobId) -> Result<bool> {
    Ok(!activity(work, &[job]).await?.busy.is_empty())
}
