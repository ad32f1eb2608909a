//! The condition of a step: with which outcome of the steps that it needs it runs.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, VariantNames};

/// The outcome of its dependencies with which a step runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, VariantNames)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum When {
    /// All of them were completed.
    #[default]
    Success,
    /// One of them failed.
    Failure,
    /// Any outcome.
    Always,
}
