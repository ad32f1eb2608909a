//! Plans: the steps of a definition in their order, with parameters, agents and schedule filled in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::schema;
use crate::time::Instant;

cynic::impl_scalar!(Plan, schema::JSON);

/// What a run will do, or has to do. Empty where a text says nothing.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Plan {
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) schedule: Option<PlannedSchedule>,
    pub(crate) timeout: Option<String>,
    pub(crate) steps: Vec<PlannedStep>,
}

/// When something runs by itself.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct PlannedSchedule {
    pub(crate) text: String,
    pub(crate) timezone: String,
    pub(crate) description: String,
    pub(crate) next: Vec<Instant>,
}

/// What a step will do. Which of its parts are there depends on its kind.
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

/// What must have become of the steps that a step needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum When {
    #[default]
    Success,
    Failure,
    Always,
}

/// Who does a step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct PlannedAgent {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// How often a step is tried.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlannedRetry {
    pub(crate) max_attempts: i32,
}

/// Where files are read or written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Endpoint {
    pub(crate) location: String,
    #[serde(default)]
    pub(crate) pattern: Option<String>,
}
