//! Plans: the steps of a definition in their order, with parameters filled in and agents found.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{AgentName, Definition, Diagnostic, Endpoint, Format, Severity, Step, Verify, When};
use crate::model::{
    Instant,
    agent::AgentRef,
    period::Period,
    retry::Retry,
    schedule::{CatchUp, Overlap},
    transfer::{Direction, Protocol},
};

mod planner;

use planner::Planner;

/// The message for an agent of a pipeline without a customer.
pub(crate) fn unowned(name: Option<&str>) -> String {
    match name {
        Some(name) => format!(
            "`{name}` cannot be found, because the pipeline belongs to no customer: give it one (`customerId`), or write \
             the agent's id"
        ),
        None => "the pipeline belongs to no customer and names no agent: give it a customer (`customerId`), or write \
                 `agent` with an agent's id"
            .to_owned(),
    }
}

/// The result of looking up an agent by its id, name or host name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentLookup {
    /// One agent.
    One(AgentRef),
    /// No agent.
    NotFound,
    /// No agent, because the pipeline has no customer.
    NoCustomer,
    /// Several agents.
    Ambiguous(Vec<AgentRef>),
}

/// The plan of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Where copies read, if their steps do not say.
    pub source: Endpoint,
    /// Where copies write, if their steps do not say.
    pub destination: Endpoint,
    /// The parameters with the values that were filled in.
    pub parameters: BTreeMap<String, String>,
    /// The schedule.
    pub schedule: Option<PlannedSchedule>,
    /// How long a run may take.
    pub timeout: Option<Period>,
    /// The steps, each after those it needs.
    pub steps: Vec<PlannedStep>,
}

/// The schedule of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedSchedule {
    /// The schedule as it was written.
    pub text: String,
    /// Its zone.
    pub timezone: String,
    /// A description in English.
    pub description: String,
    /// The overlap policy.
    pub overlap: Overlap,
    /// The catch-up policy.
    pub catch_up: CatchUp,
    /// The next slots, at most five.
    pub next: Vec<Instant>,
}

/// A step of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedStep {
    /// The id of the step.
    pub id: String,
    /// What it does.
    #[serde(flatten)]
    pub task: PlannedTask,
    /// The ids of the steps that must have ended before.
    pub needs: Vec<String>,
    /// The outcome of these steps that it needs.
    pub when: When,
    /// The agent; nothing for a step of the server, or if there is no such agent yet.
    pub agent: Option<AgentRef>,
    /// The retry policy.
    pub retry: Retry,
    /// How long one attempt may take.
    pub timeout: Option<Period>,
}

/// The task of a step, with parameters filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(tag = "type", rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
#[expect(clippy::large_enum_variant, reason = "a plan has few steps, and most are transfers")]
pub enum PlannedTask {
    /// Copies from an endpoint to an endpoint.
    Transfer {
        /// Where it reads.
        source: Endpoint,
        /// Where it writes.
        destination: Endpoint,
        /// The protocol of the endpoint that is not on the agent's machine.
        protocol: Protocol,
        /// The direction, seen from the agent; within its machine, `push`.
        direction: Direction,
        /// How the copy is compared with what was read.
        verify: Verify,
    },
    /// Computes the SHA-256 of a file and compares it.
    Checksum {
        /// The file.
        path: String,
        /// What it must be, as 64 hexadecimal digits in lower case.
        expected: Option<String>,
    },
    /// Compresses a file.
    Compress {
        /// The file.
        path: String,
        /// What is written.
        output: String,
        /// The format.
        format: Format,
    },
    /// Decompresses a file.
    Decompress {
        /// The file.
        path: String,
        /// What is written.
        output: String,
        /// The format; nothing where the file itself tells it.
        format: Option<Format>,
    },
    /// Renames or moves a file.
    Rename {
        /// The file.
        from: String,
        /// What it is called then.
        to: String,
    },
    /// Deletes a file.
    Delete {
        /// The file.
        path: String,
    },
    /// Sends a `POST` to a URL.
    Webhook {
        /// The URL.
        url: String,
        /// The body; by default the state of the run.
        body: Option<String>,
    },
}

/// The result of planning.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The plan; nothing if there is an error.
    pub plan: Option<Plan>,
    /// The diagnostics of the plan, in addition to those of the text.
    pub diagnostics: Vec<Diagnostic>,
}

impl PlannedStep {
    /// Whether an agent carries it out. If not, the server does.
    #[must_use]
    pub const fn is_for_an_agent(&self) -> bool {
        !matches!(self.task, PlannedTask::Webhook { .. })
    }
}

impl Definition {
    /// The names of the agents of all steps, each once; nothing stands for the only agent of the customer.
    #[must_use]
    pub fn agents(&self) -> Vec<Option<&str>> {
        let mut names: Vec<Option<&str>> = self
            .steps
            .iter()
            .filter(|step| step.is_for_an_agent())
            .map(|step| self.agent_of(step).map(AgentName::as_str))
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The agent of a step, if the text names one.
    fn agent_of<'d>(&'d self, step: &'d Step) -> Option<&'d AgentName> {
        step.agent.as_ref().or(self.agent.as_ref())
    }

    /// The plan of a run with these parameters, with the slots of the schedule after `now`. `find` looks up an agent by
    /// its name; without a name it finds the only agent of the customer.
    #[must_use]
    pub fn plan(
        &self,
        parameters: &BTreeMap<String, String>,
        find: impl Fn(Option<&str>) -> AgentLookup,
        now: DateTime<Utc>,
    ) -> Planned {
        let mut planner = Planner { definition: self, parameters, find, diagnostics: Vec::new() };
        let plan = planner.plan(now);
        let is_wrong = planner.diagnostics.iter().any(|found| found.severity == Severity::Error);
        Planned { plan: plan.filter(|_| !is_wrong), diagnostics: planner.diagnostics }
    }
}
