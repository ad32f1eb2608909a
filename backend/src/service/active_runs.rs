//! Which jobs have a run at work or about to start, and how many slots wait behind it.

use std::collections::{HashMap, HashSet};

use super::Work;
use crate::{error::Result, ids::JobId, store};

/// What is known of the runs of jobs with slots that are due.
pub(super) struct Runs {
    pub(super) busy: HashSet<JobId>,
    pub(super) queued: HashMap<uuid::Uuid, usize>,
}

/// What is at work, or about to be, and what waits behind it.
pub(super) async fn runs(work: &mut Work, ids: &[JobId]) -> Result<Runs> {
    // Starts first: one that is acknowledged while we look has left a run by then.
    let mut busy = store::directives::jobs_about_to_start(&mut work.tx, ids, work.now).await?;
    busy.extend(store::job_runs::running(&mut work.tx, ids).await?.into_keys());
    let owners: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
    Ok(Runs { busy, queued: store::slots::queued(&mut work.tx, &owners).await? })
}

/// Whether a run of the job is at work or about to start.
pub(super) async fn is_busy(work: &mut Work, job: JobId) -> Result<bool> {
    Ok(!runs(work, &[job]).await?.busy.is_empty())
}
