//! Plans: the steps of a definition in their order, with parameters filled in and agents found.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use mftplus_protocol::step::StepAction;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::{AgentName, Definition, Diagnostic, Endpoint, Severity, Step, When};
use crate::model::{
    Instant,
    agent::AgentRef,
    copy_rules::CopyRules,
    duration::HumanDuration,
    retry::Retry,
    schedule::{CatchUp, Overlap},
    transfer::{Direction, Protocol},
};

mod planner;

use planner::Planner;

/// The message for an agent that cannot be looked up, because the pipeline belongs to no customer. `name` is the
/// agent's name in the definition; `None` if the definition names no agent.
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
    /// Exactly one agent matches.
    One(AgentRef),
    /// No agent matches.
    NotFound,
    /// The agent cannot be looked up, because the pipeline belongs to no customer.
    NoCustomer,
    /// Several agents match.
    Ambiguous(Vec<AgentRef>),
}

/// The plan of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The source of `transfer` steps that name none.
    pub source: Endpoint,
    /// The destination of `transfer` steps that name none.
    pub destination: Endpoint,
    /// The parameters with the values that were filled in.
    pub parameters: BTreeMap<String, String>,
    /// The schedule; `None` if the pipeline has none.
    pub schedule: Option<PlannedSchedule>,
    /// The maximum duration of a run; `None` if it is not limited.
    pub timeout: Option<HumanDuration>,
    /// The steps in topological order.
    pub steps: Vec<PlannedStep>,
}

/// The schedule of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedSchedule {
    /// The schedule as it was written.
    pub text: String,
    /// The IANA name of the schedule's time zone.
    pub timezone: String,
    /// A description of the schedule in English.
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
    /// The task of the step.
    #[serde(flatten, serialize_with = "with_nulls")]
    pub task: PlannedTask,
    /// The ids of the steps that must have ended before this step starts.
    pub needs: Vec<String>,
    /// The outcome of the steps in `needs` with which this step runs.
    pub when: When,
    /// The agent; `None` for a step of the server, or if there is no such agent yet.
    pub agent: Option<AgentRef>,
    /// The retry policy.
    pub retry: Retry,
    /// The maximum duration of one attempt; `None` if it is not limited.
    pub timeout: Option<HumanDuration>,
}

/// The task of a step, with parameters filled in and all derived values set.
pub type PlannedTask = StepAction<String, PlannedTransfer>;

/// A copy with its resolved source and destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedTransfer {
    /// The source of the copy.
    pub source: Endpoint,
    /// The destination of the copy.
    pub destination: Endpoint,
    /// The protocol of the endpoint that is not on the agent's machine.
    pub protocol: Protocol,
    /// The direction of the copy, seen from the agent; `push` for a copy within the agent's machine.
    pub direction: Direction,
    /// The rules of the copy. `verify` is always set.
    #[serde(flatten)]
    pub rules: CopyRules,
}

/// Serializes a task with `null` for the fields that are not set, because a plan shows all fields.
fn with_nulls<S: Serializer>(task: &PlannedTask, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct WithNulls<'a> {
        #[serde(flatten)]
        task: &'a PlannedTask,
        #[serde(flatten)]
        unset: BTreeMap<&'static str, Value>,
    }

    let unset =
        task.fields().into_iter().filter(|(_, value)| value.is_none()).map(|(name, _)| (name, Value::Null)).collect();
    WithNulls { task, unset }.serialize(serializer)
}

/// The result of planning.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The plan; `None` if there is an error.
    pub plan: Option<Plan>,
    /// The diagnostics of the plan, in addition to those of the text.
    pub diagnostics: Vec<Diagnostic>,
}

impl PlannedStep {
    /// Whether an agent carries out the step. If not, the server does.
    #[must_use]
    pub const fn is_for_an_agent(&self) -> bool {
        self.task.step_type().is_for_an_agent()
    }
}

impl Definition {
    /// The names of the agents of all steps, each once; `None` stands for the only agent of the customer.
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

    /// Plans a run with these parameters. The plan lists the slots of the schedule after `now`. `find` looks up an
    /// agent by its name; if it is called with `None`, it looks up the only agent of the customer.
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
