//! What became of the nominal times of a pipeline's schedule.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{PipelineId, RunId, SlotId},
    model::{Instant, job::Outcome},
};

/// What became of one slot of a pipeline's schedule, or of a range of them: then `from`, `to` and `count` say which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, async_graphql::SimpleObject)]
#[graphql(complex)]
#[serde(rename_all = "camelCase")]
pub struct PipelineSlot {
    /// Its id.
    pub id: SlotId,
    /// The pipeline.
    pub pipeline_id: PipelineId,
    /// The slot; of a range, its last one.
    pub scheduled_for: Instant,
    /// What became of it.
    pub outcome: Outcome,
    /// Why.
    pub reason: Option<String>,
    /// The run it became.
    pub run_id: Option<RunId>,
    /// The first slot of a range.
    pub from: Option<Instant>,
    /// The last slot of a range.
    pub to: Option<Instant>,
    /// How many slots the range holds.
    pub count: Option<i64>,
}
