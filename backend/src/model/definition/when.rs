//! The condition of a step: the outcome of its dependencies that lets it run.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, VariantNames};

/// The outcome of the dependencies of a step that lets the step run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, VariantNames)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum When {
    /// All dependencies were completed.
    #[default]
    Success,
    /// At least one dependency failed.
    Failure,
    /// Any outcome.
    Always,
}
