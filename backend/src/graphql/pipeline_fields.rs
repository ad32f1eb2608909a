//! The GraphQL fields of pipelines, their runs and slots that load related objects, depend on the viewer's permissions,
//! or have another form than in REST.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, SimpleObject};
use serde_json::Value;

use super::{
    context::{loader, viewer_may},
    loaders::{DraftOf, NewestPipelineRunsOf, OfPipeline, PlanOf, WithDraft, newest},
    pipeline_queries::LONG_TEXT,
};
use crate::{
    actor::Permission,
    model::{
        customer::Customer,
        pipeline::{
            Pipeline, PipelineSlot,
            run::{DRAFT, PipelineRun, PipelineStep},
        },
        scalar::ByteCount,
        transfer::Transfer,
    },
};

/// The default of `first` for the runs of a pipeline.
const NEWEST: i32 = 20;

/// A parameter of a run.
#[derive(SimpleObject)]
struct Parameter {
    /// Name of the parameter in the definition.
    name: String,
    /// Value of the parameter in this run.
    value: String,
}

#[ComplexObject]
impl Pipeline {
    /// The customer that owns the pipeline; null if it belongs to the platform.
    async fn customer(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Customer>> {
        match self.customer_id {
            Some(customer) => Ok(loader(ctx)?.load_one(customer).await?),
            None => Ok(None),
        }
    }

    /// The newest runs of the pipeline. For older ones or other filters, query `pipelineRuns` with the filter
    /// `pipelineId`. For administrators.
    #[graphql(complexity = "usize::try_from(first).unwrap_or(0) * child_complexity + 1")]
    async fn runs(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "NEWEST", desc = "Number of items, 1 to 100.")] first: i32,
    ) -> async_graphql::Result<Vec<PipelineRun>> {
        let count = newest(first)?;
        Ok(loader(ctx)?.load_one(NewestPipelineRunsOf(self.id, count)).await?.unwrap_or_default())
    }

    /// Whether the viewer may delete the pipeline.
    async fn viewer_can_delete(&self, ctx: &Context<'_>) -> bool {
        viewer_may(ctx, Permission::DeletePipeline)
    }

    /// Whether the viewer may disable the pipeline now; false if it is already disabled.
    async fn viewer_can_disable(&self, ctx: &Context<'_>) -> bool {
        self.enabled && viewer_may(ctx, Permission::UpdatePipeline)
    }

    /// Whether the viewer may enable the pipeline now; false if it is already enabled.
    async fn viewer_can_enable(&self, ctx: &Context<'_>) -> bool {
        !self.enabled && viewer_may(ctx, Permission::UpdatePipeline)
    }

    /// Whether the viewer may restore an earlier version.
    async fn viewer_can_restore_version(&self, ctx: &Context<'_>) -> bool {
        viewer_may(ctx, Permission::RestorePipelineVersion) && viewer_may(ctx, Permission::UpdatePipeline)
    }

    /// Whether the viewer may start a run now; false while the pipeline is disabled.
    async fn viewer_can_run(&self, ctx: &Context<'_>) -> bool {
        self.enabled && viewer_may(ctx, Permission::RunPipeline)
    }

    /// Whether the viewer may change the pipeline and its definition.
    async fn viewer_can_update(&self, ctx: &Context<'_>) -> bool {
        viewer_may(ctx, Permission::UpdatePipeline)
    }
}

#[ComplexObject]
impl PipelineRun {
    /// The pipeline of the run; null if it was deleted.
    async fn pipeline(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Arc<Pipeline>>> {
        Ok(loader(ctx)?.load_one(self.pipeline_id).await?)
    }

    /// Names and values of the parameters of the run.
    async fn parameters(&self) -> Vec<Parameter> {
        let parameters = self.parameters.iter();
        parameters.map(|(name, value)| Parameter { name: name.clone(), value: value.clone() }).collect()
    }

    /// Plan of the run, in the same form as `ast` of a dry run: the steps, each after those that it needs, with their
    /// dependencies, agents and endpoints, and with parameters filled in. The agents are those that were chosen when
    /// the run was created. The plan has no schedule. It is empty if the pipeline was deleted.
    #[graphql(complexity = 20)]
    async fn plan(&self, ctx: &Context<'_>) -> async_graphql::Result<Value> {
        let plan = loader(ctx)?.load_one(PlanOf(self.id)).await?;
        Ok(plan.map_or_else(|| Value::Object(serde_json::Map::new()), |plan| Value::clone(&plan)))
    }

    /// Definition of the run exactly as it was sent, if the run executes a draft; null if it executes a version of the
    /// pipeline, if the pipeline was deleted, and if the draft is not kept any more: it is kept for 30 days after the run
    /// has ended, of each pipeline the newest 100.
    #[graphql(complexity = "LONG_TEXT")]
    async fn draft_yaml(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Arc<String>>> {
        if self.version != DRAFT {
            return Ok(None);
        }
        Ok(loader(ctx)?.load_one(DraftOf(self.id)).await?)
    }

    /// Whether the viewer may cancel the run now; false if the run has ended or a cancel request is open.
    async fn viewer_can_cancel(&self, ctx: &Context<'_>) -> bool {
        let is_possible = self.status.can_be_cancelled() && self.cancel_requested_at.is_none();
        is_possible && viewer_may(ctx, Permission::CancelPipelineRun)
    }

    /// Whether the viewer may continue the run from where it stopped, as a new run; false unless the run has failed or
    /// was cancelled, its pipeline is enabled and, if it executes a draft, that is kept.
    async fn viewer_can_rerun(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        if !self.status.can_be_rerun() || !viewer_may(ctx, Permission::RerunPipelineRun) {
            return Ok(false);
        }
        let loader = loader(ctx)?;
        let is_kept = self.version != DRAFT || loader.load_one(WithDraft(self.id)).await?.unwrap_or(false);
        Ok(is_kept && loader.load_one(self.pipeline_id).await?.is_some_and(|pipeline| pipeline.enabled))
    }
}

#[ComplexObject]
impl PipelineStep {
    /// Bytes copied so far in the current attempt; never decreases within an attempt.
    async fn bytes_transferred(&self) -> Option<ByteCount> {
        self.bytes_transferred.map(ByteCount)
    }

    /// The transfer that the agent created for the step.
    async fn transfer(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Transfer>> {
        match self.transfer_id {
            Some(transfer) => Ok(loader(ctx)?.load_one(transfer).await?),
            None => Ok(None),
        }
    }
}

#[ComplexObject]
impl PipelineSlot {
    /// The pipeline of the slot; null if it was deleted.
    async fn pipeline(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Arc<Pipeline>>> {
        Ok(loader(ctx)?.load_one(self.pipeline_id).await?)
    }

    /// The run of the slot.
    async fn run(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<PipelineRun>> {
        match self.run_id {
            Some(run) => Ok(loader(ctx)?.load_one(OfPipeline(run)).await?),
            None => Ok(None),
        }
    }
}
