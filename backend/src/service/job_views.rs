//! Reads about jobs beside the rows of jobs and runs: previews of schedules, and transfers of runs.

use super::{ControlPlane, jobs::parse};
use crate::{
    actor::{Actor, Permission},
    error::Result,
    ids::RunId,
    model::{
        job::{JobRunFilter, PreviewSchedule, SchedulePreview},
        transfer::Transfer,
    },
    store::{self, transfers::TransferRow},
};

impl ControlPlane {
    /// The description of a schedule, and its next slots.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Forbidden`] for agents, [`crate::error::Error::Fields`] if it is not valid.
    pub fn preview_schedule(&self, actor: &Actor, wanted: &PreviewSchedule) -> Result<SchedulePreview> {
        actor.require(Permission::PreviewSchedules)?;
        let schedule = parse(&wanted.schedule, &wanted.timezone)?;
        Ok(SchedulePreview::of(&schedule, self.now(), wanted.first))
    }

    /// Checks that the caller may subscribe to runs: whoever may list them may.
    ///
    /// # Errors
    ///
    /// As [`Self::list_job_runs`].
    pub async fn watch_job_runs(&self, actor: &Actor, filter: &JobRunFilter) -> Result<()> {
        if let Some(job) = filter.job_id {
            self.get_job(actor, job).await?;
        }
        actor.require(Permission::ViewJobRuns)?;
        Ok(())
    }

    /// The newest transfers of each of these job runs, at most the number beside its id.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Forbidden`] unless the caller is an administrator.
    pub async fn newest_transfers_of_job_runs(&self, actor: &Actor, of: &[(RunId, u64)]) -> Result<Vec<Vec<Transfer>>> {
        let scope = actor.require(Permission::ViewJobRuns)?;
        let rows = store::transfers::newest_of_job_runs(&self.db, scope, of).await?;
        let newest = of.iter().map(|(run, count)| {
            let own = rows.iter().filter(|row| row.job_run_id == Some(*run)).map(TransferRow::view);
            own.take(usize::try_from(*count).unwrap_or(usize::MAX)).collect()
        });
        Ok(newest.collect())
    }
}
