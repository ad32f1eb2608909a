//! What a run of a definition will do: parameters filled in, agents found, steps in the order they run in.

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

/// What is said of an agent that a pipeline of no customer means.
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

/// Which agents a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentLookup {
    /// This one.
    One(AgentRef),
    /// None, so far.
    NotFound,
    /// None, because it is nobody's pipeline.
    NoCustomer,
    /// Several.
    Ambiguous(Vec<AgentRef>),
}

/// What a run will do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Where copies read, if their steps do not say.
    pub source: Endpoint,
    /// Where copies write, if their steps do not say.
    pub destination: Endpoint,
    /// The parameters with the values that were filled in.
    pub parameters: BTreeMap<String, String>,
    /// When it runs by itself.
    pub schedule: Option<PlannedSchedule>,
    /// How long a run may take.
    pub timeout: Option<Period>,
    /// The steps, each after those it needs.
    pub steps: Vec<PlannedStep>,
}

/// When something runs by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedSchedule {
    /// The schedule as it was written.
    pub text: String,
    /// Its zone.
    pub timezone: String,
    /// What it says, in plain English.
    pub description: String,
    /// What happens to a scheduled run while another is on its way.
    pub overlap: Overlap,
    /// What happens to scheduled runs that were missed.
    pub catch_up: CatchUp,
    /// The next times, at most five.
    pub next: Vec<Instant>,
}

/// What a step will do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedStep {
    /// What it is called.
    pub id: String,
    /// What it does.
    #[serde(flatten)]
    pub task: PlannedTask,
    /// The ids of the steps that must have ended before.
    pub needs: Vec<String>,
    /// What must have become of them.
    pub when: When,
    /// Who does it: nobody where the server does it, or where there is no such agent yet.
    pub agent: Option<AgentRef>,
    /// How often it is tried.
    pub retry: Retry,
    /// How long one attempt may take.
    pub timeout: Option<Period>,
}

/// What a step does, with everything filled in.
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
        /// By which protocol: that of the side which is not on the agent's machine.
        protocol: Protocol,
        /// Which way, seen from the agent; within its machine, `push`.
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
    /// Tells a web server.
    Webhook {
        /// Whom.
        url: String,
        /// What, if not what the run has come to.
        body: Option<String>,
    },
}

/// What came of planning.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The plan; nothing if anything is wrong.
    pub plan: Option<Plan>,
    /// Everything that is wrong or looks wrong, beside what is wrong with the text.
    pub diagnostics: Vec<Diagnostic>,
}

impl PlannedStep {
    /// Whether an agent does it.
    #[must_use]
    pub const fn is_for_an_agent(&self) -> bool {
        !matches!(self.task, PlannedTask::Webhook { .. })
    }
}

impl Definition {
    /// The names of all agents that steps are given to, each once; nothing for "the only one there is".
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

    /// Who does a step, as far as the text says.
    fn agent_of<'d>(&'d self, step: &'d Step) -> Option<&'d AgentName> {
        step.agent.as_ref().or(self.agent.as_ref())
    }

    /// What a run with these parameters does, and when the schedule runs it after `now`. `find` knows the agents; for
    /// nothing it finds the only one there is.
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
