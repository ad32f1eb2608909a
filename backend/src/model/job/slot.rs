//! Slots: what became of each nominal time of a schedule.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, VariantNames};
use utoipa::ToSchema;

use crate::{
    ids::{JobId, RunId, SlotId},
    model::{
        Instant,
        fields::{Fields, FromFields, instant},
    },
};

/// What became of a slot.
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
    /// It is to run, and waits: for an earlier run to end, or for the agent to start it.
    Pending,
    /// Its run has started: `runId`.
    Ran,
    /// It was left out, since an earlier run was at work or the job was changed.
    Skipped,
    /// Nobody was there to run it.
    Missed,
    /// A later slot ran for it.
    Coalesced,
}

/// What became of one slot of a job's schedule, or of a range of them: then `from`, `to` and `count` say which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[graphql(complex)]
#[serde(rename_all = "camelCase")]
pub struct JobSlot {
    /// Its id.
    pub id: SlotId,
    /// The job.
    pub job_id: JobId,
    /// The slot; of a range, its last one.
    pub scheduled_for: Instant,
    /// What became of it.
    pub outcome: Outcome,
    /// Why.
    #[schema(required)]
    pub reason: Option<String>,
    /// The run it became; of several attempts the last.
    #[schema(required)]
    pub run_id: Option<RunId>,
    /// The first slot of a range.
    #[schema(required)]
    pub from: Option<Instant>,
    /// The last slot of a range.
    #[schema(required)]
    pub to: Option<Instant>,
    /// How many slots the range holds.
    #[schema(required, minimum = 1)]
    pub count: Option<i64>,
}

/// Which slots a list holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobSlotFilter {
    /// Only those at this instant or later.
    pub from: Option<DateTime<Utc>>,
    /// Only those before this instant.
    pub until: Option<DateTime<Utc>>,
    /// Only those with one of these outcomes, if any are named.
    pub outcome: Vec<Outcome>,
}

/// The slots of a range of time that are to run after all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Backfill {
    /// The first instant of the range.
    #[schema(value_type = Instant)]
    pub from: DateTime<Utc>,
    /// The last instant of the range.
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

/// What a backfill would do.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct BackfillPreview {
    /// The slots of the range, in order.
    pub slots: Vec<BackfillSlot>,
    /// How many of them would run.
    pub run_count: i64,
}

/// What a backfill would do with one slot.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct BackfillSlot {
    /// The slot.
    pub scheduled_for: Instant,
    /// What became of it, as far as the ledger knows.
    #[schema(required)]
    pub outcome: Option<Outcome>,
    /// Whether it would run: one that ran, or is about to, is left alone.
    pub will_run: bool,
}
