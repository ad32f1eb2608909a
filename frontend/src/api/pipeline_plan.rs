//! Plans: the steps of a definition in their order, with parameters, agents and schedule filled in.

use std::collections::BTreeMap;

use mftplus_protocol::step::StepAction;
use serde::{Deserialize, Serialize};

use super::schema;
use crate::time::Instant;

cynic::impl_scalar!(Plan, schema::JSON);

/// The plan of a run. Fields are empty if the definition does not set them.
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

/// A step of a plan.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PlannedStep {
    pub(crate) id: String,
    #[serde(flatten)]
    pub(crate) action: Action,
    pub(crate) needs: Vec<String>,
    pub(crate) when: When,
    pub(crate) agent: Option<PlannedAgent>,
    pub(crate) retry: Option<PlannedRetry>,
    pub(crate) timeout: Option<String>,
}

/// The action of a step.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub(crate) enum Action {
    /// An action that this dashboard knows.
    Known(StepAction<String, Box<Transfer>>),
    /// An action that only a later version knows.
    Other {
        #[serde(rename = "type", default)]
        kind: String,
    },
}

impl Default for Action {
    fn default() -> Self {
        Self::Other { kind: String::new() }
    }
}

impl Action {
    /// The type of the step.
    pub(crate) fn kind(&self) -> &str {
        match self {
            Self::Known(action) => action.step_type().as_str(),
            Self::Other { kind } => kind,
        }
    }
}

/// The source and destination of a copy.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Transfer {
    pub(crate) source: Endpoint,
    pub(crate) destination: Endpoint,
    #[serde(flatten)]
    pub(crate) rules: CopyRules,
    pub(crate) verify: String,
}

/// The copy rules of a step, as written in definitions. `None` means that the agent's default applies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct CopyRules {
    pub(crate) credentials: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) on_exists: Option<String>,
    pub(crate) after_success: Option<String>,
    pub(crate) preserve: Option<Vec<String>>,
    pub(crate) on_file_error: Option<String>,
    pub(crate) symlinks: Option<String>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_read_by_its_type_and_an_unknown_type_keeps_its_name() {
        let steps = r#"{"steps": [
            {"id": "pack", "type": "compress", "path": "/a", "output": "/a.gz", "format": "gzip", "timeout": null},
            {"id": "copy", "type": "transfer", "source": {"location": "/a"}, "destination": {"location": "/b"},
             "protocol": "local", "verify": "sha256", "onExists": "skip", "preserve": ["times"], "needs": ["pack"],
             "when": "always"},
            {"id": "hide", "type": "encrypt", "path": "/a", "needs": ["copy"]}
        ]}"#;
        let plan: Plan = serde_json::from_str(steps).expect("a plan");
        let read: Vec<(&str, bool)> =
            plan.steps.iter().map(|step| (step.action.kind(), matches!(step.action, Action::Known(_)))).collect();
        assert_eq!(read, [("compress", true), ("transfer", true), ("encrypt", false)]);
        let Action::Known(StepAction::Transfer(transfer)) = &plan.steps[1].action else { panic!("a transfer") };
        let (on_exists, preserve) = (Some("skip".to_owned()), Some(vec!["times".to_owned()]));
        assert_eq!(transfer.rules, CopyRules { on_exists, preserve, ..CopyRules::default() });
        assert_eq!((plan.steps[1].when, &plan.steps[2].needs), (When::Always, &vec!["copy".to_owned()]));
    }
}
