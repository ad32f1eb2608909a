//! What pipelines, their runs with steps and the slots of their ledgers link to, what their viewer may do with them, and
//! what GraphQL shows in another form than REST.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, SimpleObject};
use serde_json::Value;

use super::{
    context::{loader, viewer_may},
    loaders::{NewestPipelineRunsOf, OfPipeline, PlanOf, newest},
};
use crate::{
    actor::Permission,
    model::{
        customer::Customer,
        pipeline::{
            Pipeline, PipelineSlot,
            run::{PipelineRun, PipelineStep},
        },
        scalar::ByteCount,
        transfer::Transfer,
    },
};

/// How many runs of a pipeline are shown, unless said otherwise.
const NEWEST: i32 = 20;

/// A parameter of a run.
#[derive(SimpleObject)]
struct Parameter {
    /// What the definition calls it.
    name: String,
    /// Its value in this run.
    value: String,
}

#[ComplexObject]
impl Pipeline {
    /// Whose it is; nothing for the platform's own.
    async fn customer(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Customer>> {
        match self.customer_id {
            Some(customer) => Ok(loader(ctx)?.load_one(customer).await?),
            None => Ok(None),
        }
    }

    /// Its newest runs. To go further back, or to filter, ask `pipelineRuns` with the filter `pipelineId`.
    /// For administrators.
    #[graphql(complexity = "usize::try_from(first).unwrap_or(0) * child_complexity + 1")]
    async fn runs(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "NEWEST", desc = "How many: 1 to 100.")] first: i32,
    ) -> async_graphql::Result<Vec<PipelineRun>> {
        let count = newest(first)?;
        Ok(loader(ctx)?.load_one(NewestPipelineRunsOf(self.id, count)).await?.unwrap_or_default())
    }

    /// Whether the viewer may delete it.
    async fn viewer_can_delete(&self, ctx: &Context<'_>) -> bool {
        viewer_may(ctx, Permission::DeletePipeline)
    }

    /// Whether the viewer may disable it now: it is enabled.
    async fn viewer_can_disable(&self, ctx: &Context<'_>) -> bool {
        self.enabled && viewer_may(ctx, Permission::UpdatePipeline)
    }

    /// Whether the viewer may enable it now: it is disabled.
    async fn viewer_can_enable(&self, ctx: &Context<'_>) -> bool {
        !self.enabled && viewer_may(ctx, Permission::UpdatePipeline)
    }

    /// Whether the viewer may make an earlier version the newest one.
    async fn viewer_can_restore_version(&self, ctx: &Context<'_>) -> bool {
        viewer_may(ctx, Permission::RestorePipelineVersion) && viewer_may(ctx, Permission::UpdatePipeline)
    }

    /// Whether the viewer may start a run now: it is enabled.
    async fn viewer_can_run(&self, ctx: &Context<'_>) -> bool {
        self.enabled && viewer_may(ctx, Permission::RunPipeline)
    }

    /// Whether the viewer may change it, its definition too.
    async fn viewer_can_update(&self, ctx: &Context<'_>) -> bool {
        viewer_may(ctx, Permission::UpdatePipeline)
    }
}

#[ComplexObject]
impl PipelineRun {
    /// The pipeline it is a run of; nothing once that was deleted.
    async fn pipeline(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Arc<Pipeline>>> {
        Ok(loader(ctx)?.load_one(self.pipeline_id).await?)
    }

    /// The values of its parameters, by name.
    async fn parameters(&self) -> Vec<Parameter> {
        let parameters = self.parameters.iter();
        parameters.map(|(name, value)| Parameter { name: name.clone(), value: value.clone() }).collect()
    }

    /// What it does, as the `ast` of a dry run: the steps in their order with what they need, the agents that were chosen
    /// when the run was made, places, and parameters filled in. There is no schedule in it. Empty once the pipeline was
    /// deleted.
    #[graphql(complexity = 20)]
    async fn plan(&self, ctx: &Context<'_>) -> async_graphql::Result<Value> {
        let plan = loader(ctx)?.load_one(PlanOf(self.id)).await?;
        Ok(plan.map_or_else(|| Value::Object(serde_json::Map::new()), |plan| Value::clone(&plan)))
    }

    /// Whether the viewer may cancel it now: it has not ended, and nobody has asked for its end yet.
    async fn viewer_can_cancel(&self, ctx: &Context<'_>) -> bool {
        let is_possible = self.status.can_be_cancelled() && self.cancel_requested_at.is_none();
        is_possible && viewer_may(ctx, Permission::CancelPipelineRun)
    }

    /// Whether the viewer may continue from where it failed, as a new run: it has failed or was cancelled, and its
    /// pipeline is enabled.
    async fn viewer_can_rerun(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        let is_possible = self.status.can_be_rerun() && viewer_may(ctx, Permission::RerunPipelineRun);
        Ok(is_possible && loader(ctx)?.load_one(self.pipeline_id).await?.is_some_and(|pipeline| pipeline.enabled))
    }
}

#[ComplexObject]
impl PipelineStep {
    /// How many bytes this attempt has moved; never goes back within one attempt.
    async fn bytes_transferred(&self) -> Option<ByteCount> {
        self.bytes_transferred.map(ByteCount)
    }

    /// The transfer its agent made for it.
    async fn transfer(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Transfer>> {
        match self.transfer_id {
            Some(transfer) => Ok(loader(ctx)?.load_one(transfer).await?),
            None => Ok(None),
        }
    }
}

#[ComplexObject]
impl PipelineSlot {
    /// The run it became.
    async fn run(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<PipelineRun>> {
        match self.run_id {
            Some(run) => Ok(loader(ctx)?.load_one(OfPipeline(run)).await?),
            None => Ok(None),
        }
    }
}
