//! The policies for slots that cannot run on time.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, VariantNames};
use utoipa::ToSchema;

/// Overlap policy: what happens to a slot that is due while an earlier run is active.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
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
pub enum Overlap {
    /// The slot is skipped.
    #[default]
    Skip,
    /// The slot waits until the earlier run has ended.
    Queue,
    /// The slot runs at the same time as the earlier run.
    Allow,
}

/// Catch-up policy: what happens to slots that passed while no server was running.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
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
pub enum CatchUp {
    /// One run replaces all missed slots of the last 24 hours.
    #[default]
    Last,
    /// Missed slots do not run.
    Skip,
    /// Every missed slot of the last 24 hours runs, at most 100.
    All,
}
