//! What pipelines, their runs with steps and the slots of their ledgers link to, and what GraphQL shows in another form
//! than REST.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, SimpleObject};
use serde_json::Value;

use super::{
    context::loader,
    loaders::{NewestPipelineRunsOf, OfPipeline, PlanOf, newest},
};
use crate::model::{
    customer::Customer,
    pipeline::{
        Pipeline, PipelineSlot,
        run::{PipelineRun, PipelineStep},
    },
    scalar::ByteCount,
    transfer::Transfer,
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
