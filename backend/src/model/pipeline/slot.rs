//! Slots: the scheduled times of a pipeline, with their outcomes.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{PipelineId, RunId, SlotId},
    model::{Instant, job::Outcome},
};

/// A slot of a pipeline's schedule with its outcome, or a range of slots with the same outcome. A range has `from`,
/// `to` and `count`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, async_graphql::SimpleObject)]
#[graphql(complex)]
#[serde(rename_all = "camelCase")]
pub struct PipelineSlot {
    /// Id of the slot.
    pub id: SlotId,
    /// Pipeline of the slot.
    pub pipeline_id: PipelineId,
    /// Scheduled time. For a range of slots, the scheduled time of the last slot.
    pub scheduled_for: Instant,
    /// Outcome of the slot.
    pub outcome: Outcome,
    /// Reason for the outcome.
    pub reason: Option<String>,
    /// Run of the slot.
    pub run_id: Option<RunId>,
    /// First scheduled time of a range.
    pub from: Option<Instant>,
    /// Last scheduled time of a range.
    pub to: Option<Instant>,
    /// Number of slots in a range.
    pub count: Option<i64>,
}
