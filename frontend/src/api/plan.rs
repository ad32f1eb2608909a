//! Plans: the steps of a definition in their order, with parameters, agents and schedule filled in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::schema;
use crate::time::Instant;

cynic::impl_scalar!(Plan, schema::JSON);

/// The plan of a run. Fields are empty where the definition sets nothing.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Plan {
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) schedule: Option<PlannedSchedule>,
    pub(crate) timeout: Option<String>,
    pub(crate) steps: Vec<PlannedStep>,
}

/// A schedule and its next times.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct PlannedSchedule {
    pub(crate) text: String,
    pub(crate) timezone: String,
    pub(crate) description: String,
    pub(crate) next: Vec<Instant>,
}

/// A step of a plan. Which of the optional fields are set depends on its type.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PlannedStep {
    pub(crate) id: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) needs: Vec<String>,
    pub(crate) when: When,
    pub(crate) agent: Option<PlannedAgent>,
    pub(crate) retry: Option<PlannedRetry>,
    pub(crate) timeout: Option<String>,
    pub(crate) source: Option<Endpoint>,
    pub(crate) destination: Option<Endpoint>,
    pub(crate) verify: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) expected: Option<String>,
    pub(crate) output: Option<String>,
    pub(crate) format: Option<String>,
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
    pub(crate) url: Option<String>,
}

/// The outcome of the needed steps on which a step runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum When {
    #[default]
    Success,
    Failure,
    Always,
}

/// The agent that executes a step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct PlannedAgent {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// The retry policy of a step.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlannedRetry {
    pub(crate) max_attempts: i32,
}

/// The source or the destination of a step.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Endpoint {
    pub(crate) location: String,
    #[serde(default)]
    pub(crate) pattern: Option<String>,
}
