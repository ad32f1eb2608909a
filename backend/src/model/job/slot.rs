//! Slots: the scheduled times of a job, with their outcomes.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, VariantNames};
use utoipa::ToSchema;

use crate::{
    ids::{JobId, RunId, SlotId},
    model::{
        Instant,
        field_reader::{Fields, FromFields, instant},
    },
};

/// Outcome of a slot.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Display,
    EnumString,
    VariantNames,
    Serialize,
    Deserialize,
    ToSchema,
    async_graphql::Enum,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
#[graphql(name = "SlotOutcome")]
pub enum Outcome {
    /// The run has not started yet. It waits for an earlier run to end, or for the agent to start it.
    Pending,
    /// The run has started; `runId` names it.
    Ran,
    /// The slot was skipped, because an earlier run was active or the job was changed.
    Skipped,
    /// The slot was missed, because no server was running.
    Missed,
    /// The run of a later slot replaced this one.
    Coalesced,
}

/// A slot of a job's schedule with its outcome, or a range of slots with the same outcome. A range has `from`, `to` and
/// `count`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[graphql(complex)]
#[serde(rename_all = "camelCase")]
pub struct JobSlot {
    /// Id of the slot.
    pub id: SlotId,
    /// Job of the slot.
    pub job_id: JobId,
    /// Scheduled time. For a range of slots, the scheduled time of the last slot.
    pub scheduled_for: Instant,
    /// Outcome of the slot.
    pub outcome: Outcome,
    /// Reason for the outcome.
    #[schema(required)]
    pub reason: Option<String>,
    /// Run of the slot; if there were several attempts, the last one.
    #[schema(required)]
    pub run_id: Option<RunId>,
    /// First scheduled time of a range.
    #[schema(required)]
    pub from: Option<Instant>,
    /// Last scheduled time of a range.
    #[schema(required)]
    pub to: Option<Instant>,
    /// Number of slots in a range.
    #[schema(required, minimum = 1)]
    pub count: Option<i64>,
}

/// Selects slots. All given conditions must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobSlotFilter {
    /// Slots at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Slots before this time.
    pub until: Option<DateTime<Utc>>,
    /// Slots with one of these outcomes; an empty list selects all.
    pub outcome: Vec<Outcome>,
}

/// Input for a backfill: the range of time whose slots run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Backfill {
    /// The start of the range; a slot at this time belongs to the range.
    #[schema(value_type = Instant)]
    pub from: DateTime<Utc>,
    /// The end of the range; a slot at this time belongs to the range.
    #[schema(value_type = Instant)]
    pub to: DateTime<Utc>,
}

impl FromFields for Backfill {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let (from, to) = (fields.required("from", &[], instant), fields.required("to", &[], instant));
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            fields.problem("to", "must not be before `from`");
        }
        Some(Self { from: from?, to: to? })
    }
}

/// Preview of a backfill: its slots, and the number of runs that it would start.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct BackfillPreview {
    /// Slots of the range in chronological order.
    pub slots: Vec<BackfillSlot>,
    /// Number of slots that would run.
    pub run_count: i64,
}

/// A slot of a backfill, and whether the backfill would run it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct BackfillSlot {
    /// Scheduled time.
    pub scheduled_for: Instant,
    /// Recorded outcome of the slot; null if there is none.
    #[schema(required)]
    pub outcome: Option<Outcome>,
    /// Whether the backfill would run the slot. It skips slots that have run or are pending.
    pub will_run: bool,
}
