//! Loaders: the related objects of many objects are loaded with one query per type, within the caller's scope.

use std::{collections::HashMap, sync::Arc};

use crate::{
    actor::Actor,
    error::Error,
    ids::{AgentId, CustomerId, JobId, PipelineId, RunId, TransferId},
    model::{
        agent::Agent,
        customer::Customer,
        job::{Job, JobRun},
        pipeline::{Pipeline, run::PipelineRun},
        transfer::{Transfer, TransferSample},
    },
    service::ControlPlane,
};

/// Loads objects on behalf of one caller.
pub(super) struct Loader {
    pub(super) cp: Arc<ControlPlane>,
    pub(super) actor: Actor,
}

/// The key of an agent's newest transfers, with their maximum number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct NewestOf(pub(super) AgentId, pub(super) u64);

/// The key of a job run's newest transfers, with their maximum number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct NewestOfRun(pub(super) RunId, pub(super) u64);

/// The key of a job's newest runs, with their maximum number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct NewestRunsOf(pub(super) JobId, pub(super) u64);

/// The key of a pipeline run; a plain [`RunId`] is the key of a job run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct OfPipeline(pub(super) RunId);

/// The key of a pipeline's newest runs, with their maximum number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct NewestPipelineRunsOf(pub(super) PipelineId, pub(super) u64);

/// The key of a pipeline run's plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PlanOf(pub(super) RunId);

/// The key of the draft that a pipeline run executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct DraftOf(pub(super) RunId);

/// The key with which a loader finds out whether the draft of a pipeline run is still stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct WithDraft(pub(super) RunId);

/// The key of a transfer's samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SamplesOf(pub(super) TransferId);

/// Checks the argument `first`, the number of newest objects to load, which must be from 1 to 100.
///
/// # Errors
///
/// [`Error::Fields`] for a number out of bounds.
pub(super) fn newest(first: i32) -> Result<u64, Error> {
    let count = u64::try_from(first).ok().filter(|count| (1..=100).contains(count));
    count.ok_or_else(|| Error::field("first", "must be from 1 to 100"))
}

impl async_graphql::dataloader::Loader<AgentId> for Loader {
    type Value = Agent;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[AgentId]) -> Result<HashMap<AgentId, Agent>, Arc<Error>> {
        let agents = self.cp.find_agents(&self.actor, ids).await.map_err(Arc::new)?;
        Ok(agents.into_iter().map(|agent| (agent.id, agent)).collect())
    }
}

impl async_graphql::dataloader::Loader<CustomerId> for Loader {
    type Value = Customer;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[CustomerId]) -> Result<HashMap<CustomerId, Customer>, Arc<Error>> {
        let customers = self.cp.find_customers(&self.actor, ids).await.map_err(Arc::new)?;
        Ok(customers.into_iter().map(|customer| (customer.id, customer)).collect())
    }
}

impl async_graphql::dataloader::Loader<NewestOf> for Loader {
    type Value = Vec<Transfer>;
    type Error = Arc<Error>;

    async fn load(&self, wanted: &[NewestOf]) -> Result<HashMap<NewestOf, Vec<Transfer>>, Arc<Error>> {
        let agents: Vec<(AgentId, u64)> = wanted.iter().map(|NewestOf(agent, count)| (*agent, *count)).collect();
        let newest = self.cp.newest_transfers(&self.actor, &agents).await.map_err(Arc::new)?;
        Ok(wanted.iter().copied().zip(newest).collect())
    }
}

impl async_graphql::dataloader::Loader<JobId> for Loader {
    type Value = Job;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[JobId]) -> Result<HashMap<JobId, Job>, Arc<Error>> {
        let jobs = self.cp.find_jobs(&self.actor, ids).await.map_err(Arc::new)?;
        Ok(jobs.into_iter().map(|job| (job.id, job)).collect())
    }
}

impl async_graphql::dataloader::Loader<RunId> for Loader {
    type Value = JobRun;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[RunId]) -> Result<HashMap<RunId, JobRun>, Arc<Error>> {
        let runs = self.cp.find_job_runs(&self.actor, ids).await.map_err(Arc::new)?;
        Ok(runs.into_iter().map(|run| (run.id, run)).collect())
    }
}

impl async_graphql::dataloader::Loader<NewestRunsOf> for Loader {
    type Value = Vec<JobRun>;
    type Error = Arc<Error>;

    async fn load(&self, wanted: &[NewestRunsOf]) -> Result<HashMap<NewestRunsOf, Vec<JobRun>>, Arc<Error>> {
        let jobs: Vec<(JobId, u64)> = wanted.iter().map(|NewestRunsOf(job, count)| (*job, *count)).collect();
        let newest = self.cp.newest_job_runs(&self.actor, &jobs).await.map_err(Arc::new)?;
        Ok(wanted.iter().copied().zip(newest).collect())
    }
}

impl async_graphql::dataloader::Loader<NewestOfRun> for Loader {
    type Value = Vec<Transfer>;
    type Error = Arc<Error>;

    async fn load(&self, wanted: &[NewestOfRun]) -> Result<HashMap<NewestOfRun, Vec<Transfer>>, Arc<Error>> {
        let runs: Vec<(RunId, u64)> = wanted.iter().map(|NewestOfRun(run, count)| (*run, *count)).collect();
        let newest = self.cp.newest_transfers_of_job_runs(&self.actor, &runs).await.map_err(Arc::new)?;
        Ok(wanted.iter().copied().zip(newest).collect())
    }
}

impl async_graphql::dataloader::Loader<TransferId> for Loader {
    type Value = Transfer;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[TransferId]) -> Result<HashMap<TransferId, Transfer>, Arc<Error>> {
        let transfers = self.cp.find_transfers(&self.actor, ids).await.map_err(Arc::new)?;
        Ok(transfers.into_iter().map(|transfer| (transfer.id, transfer)).collect())
    }
}

impl async_graphql::dataloader::Loader<PipelineId> for Loader {
    /// The pipeline. It is shared, since its definition may be long.
    type Value = Arc<Pipeline>;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[PipelineId]) -> Result<HashMap<PipelineId, Arc<Pipeline>>, Arc<Error>> {
        let pipelines = self.cp.find_pipelines(&self.actor, ids).await.map_err(Arc::new)?;
        Ok(pipelines.into_iter().map(|pipeline| (pipeline.id, Arc::new(pipeline))).collect())
    }
}

impl async_graphql::dataloader::Loader<OfPipeline> for Loader {
    type Value = PipelineRun;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[OfPipeline]) -> Result<HashMap<OfPipeline, PipelineRun>, Arc<Error>> {
        let ids: Vec<RunId> = ids.iter().map(|OfPipeline(id)| *id).collect();
        let runs = self.cp.find_pipeline_runs(&self.actor, &ids).await.map_err(Arc::new)?;
        Ok(runs.into_iter().map(|run| (OfPipeline(run.id), run)).collect())
    }
}

impl async_graphql::dataloader::Loader<NewestPipelineRunsOf> for Loader {
    type Value = Vec<PipelineRun>;
    type Error = Arc<Error>;

    async fn load(
        &self,
        wanted: &[NewestPipelineRunsOf],
    ) -> Result<HashMap<NewestPipelineRunsOf, Vec<PipelineRun>>, Arc<Error>> {
        let of: Vec<(PipelineId, u64)> = wanted.iter().map(|NewestPipelineRunsOf(id, count)| (*id, *count)).collect();
        let newest = self.cp.newest_pipeline_runs(&self.actor, &of).await.map_err(Arc::new)?;
        Ok(wanted.iter().copied().zip(newest).collect())
    }
}

impl async_graphql::dataloader::Loader<PlanOf> for Loader {
    /// The plan. It is shared, since it may be long.
    type Value = Arc<serde_json::Value>;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[PlanOf]) -> Result<HashMap<PlanOf, Arc<serde_json::Value>>, Arc<Error>> {
        let ids: Vec<RunId> = ids.iter().map(|PlanOf(id)| *id).collect();
        let plans = self.cp.find_pipeline_run_plans(&self.actor, &ids).await.map_err(Arc::new)?;
        Ok(plans.into_iter().map(|(id, plan)| (PlanOf(id), Arc::new(plan))).collect())
    }
}

impl async_graphql::dataloader::Loader<DraftOf> for Loader {
    /// The definition. It is shared, since it may be long.
    type Value = Arc<String>;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[DraftOf]) -> Result<HashMap<DraftOf, Arc<String>>, Arc<Error>> {
        let ids: Vec<RunId> = ids.iter().map(|DraftOf(id)| *id).collect();
        let drafts = self.cp.find_pipeline_run_drafts(&self.actor, &ids).await.map_err(Arc::new)?;
        Ok(drafts.into_iter().map(|(id, draft)| (DraftOf(id), Arc::new(draft))).collect())
    }
}

impl async_graphql::dataloader::Loader<WithDraft> for Loader {
    type Value = bool;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[WithDraft]) -> Result<HashMap<WithDraft, bool>, Arc<Error>> {
        let ids: Vec<RunId> = ids.iter().map(|WithDraft(id)| *id).collect();
        let found = self.cp.find_pipeline_runs_with_drafts(&self.actor, &ids).await.map_err(Arc::new)?;
        Ok(found.into_iter().map(|id| (WithDraft(id), true)).collect())
    }
}

impl async_graphql::dataloader::Loader<SamplesOf> for Loader {
    type Value = Vec<TransferSample>;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[SamplesOf]) -> Result<HashMap<SamplesOf, Vec<TransferSample>>, Arc<Error>> {
        let ids: Vec<TransferId> = ids.iter().map(|SamplesOf(id)| *id).collect();
        let found = self.cp.find_transfer_samples(&self.actor, &ids).await.map_err(Arc::new)?;
        Ok(found.into_iter().map(|(id, samples)| (SamplesOf(id), samples.list().to_vec())).collect())
    }
}
