//! Definitions of pipelines: dry runs with diagnostics, and the JSON Schema.

use std::collections::BTreeMap;

use cynic::{Id, QueryBuilder};
use serde::{Deserialize, Serialize};

use super::{Request, pipeline_plan::Plan, schema};

cynic::impl_scalar!(Grammar, schema::JSON);
cynic::impl_scalar!(WholePlan, schema::JSON);

/// The part of the JSON Schema of definitions that completion needs.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Grammar {
    #[serde(rename = "$ref")]
    pub(crate) reference: Option<String>,
    #[serde(rename = "$defs")]
    pub(crate) definitions: BTreeMap<String, Grammar>,
    pub(crate) description: String,
    pub(crate) properties: BTreeMap<String, Grammar>,
    pub(crate) required: Vec<String>,
    #[serde(rename = "oneOf")]
    pub(crate) one_of: Vec<Grammar>,
    #[serde(rename = "anyOf")]
    pub(crate) any_of: Vec<Grammar>,
    pub(crate) items: Option<Box<Grammar>>,
    #[serde(rename = "const")]
    pub(crate) word: Option<String>,
    #[serde(rename = "enum")]
    pub(crate) words: Vec<String>,
}

/// The severity of a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cynic::Enum)]
pub(crate) enum Severity {
    Error,
    Warning,
}

/// An error or a warning about a definition.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment)]
pub(crate) struct Diagnostic {
    pub(crate) severity: Severity,
    /// The line number, counted from 1.
    pub(crate) line: i32,
    /// The column in characters, counted from 1.
    pub(crate) column: i32,
    pub(crate) message: String,
}

/// The result of a dry run.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "PipelineVerdict")]
pub(crate) struct Verdict {
    pub(crate) valid: bool,
    pub(crate) diagnostics: Vec<Diagnostic>,
    #[cynic(rename = "ast")]
    pub(crate) plan: Plan,
}

/// A plan with all its fields, as JSON.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(transparent)]
struct WholePlan(serde_json::Value);

/// The plan that the server reads from a definition. Two texts with the same plan have the same meaning.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[cynic(graphql_type = "PipelineVerdict")]
pub(crate) struct Reading {
    valid: bool,
    #[cynic(rename = "ast")]
    plan: WholePlan,
}

impl Reading {
    /// Whether the definition is valid, so that there is a plan.
    pub(crate) fn is_plan(&self) -> bool {
        self.valid && self.plan.0.get("steps").is_some()
    }

    /// The same without the next times of the schedule, because they change as time passes.
    fn without_times(mut self) -> Self {
        if let Some(schedule) = self.plan.0.get_mut("schedule").and_then(serde_json::Value::as_object_mut) {
            schedule.remove("next");
        }
        self
    }
}

#[derive(cynic::QueryVariables)]
struct TryVariables {
    yaml: String,
    #[cynic(skip_serializing_if = "Option::is_none")]
    customer_id: Option<Id>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "TryVariables")]
struct Try {
    #[arguments(yaml: $yaml, customerId: $customer_id)]
    dry_run_pipeline: Verdict,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "TryVariables")]
struct Read {
    #[arguments(yaml: $yaml, customerId: $customer_id)]
    dry_run_pipeline: Reading,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query")]
struct GetGrammar {
    pipeline_schema: Grammar,
}

/// Checks a definition for a customer and returns its plan and diagnostics. Nothing is saved.
pub(crate) fn dry_run(yaml: String, customer_id: Option<Id>) -> Request<Verdict> {
    Request::new(&Try::build(TryVariables { yaml, customer_id }), |tried| Ok(tried.dry_run_pipeline))
}

/// Gets the plan of a definition for a customer, to compare its meaning with that of another text.
pub(crate) fn read(yaml: String, customer_id: Option<Id>) -> Request<Reading> {
    let operation = Read::build(TryVariables { yaml, customer_id });
    Request::new(&operation, |read| Ok(read.dry_run_pipeline.without_times()))
}

/// Gets the JSON Schema of definitions.
pub(crate) fn grammar() -> Request<Grammar> {
    Request::new(&GetGrammar::build(()), |found| Ok(found.pipeline_schema))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn readings_are_the_same_at_any_time() {
        let reading = |next: &str, steps: i32| {
            let plan = json!({ "schedule": { "text": "@daily", "next": [next] }, "steps": [steps] });
            Reading { valid: true, plan: WholePlan(plan) }.without_times()
        };
        assert_eq!(reading("2026-01-01T00:00:00Z", 1), reading("2026-01-02T00:00:00Z", 1));
        assert_ne!(reading("2026-01-01T00:00:00Z", 1), reading("2026-01-01T00:00:00Z", 2));
        assert!(reading("2026-01-01T00:00:00Z", 1).is_plan());
        assert!(!Reading { valid: true, plan: WholePlan(json!({})) }.without_times().is_plan());
    }
}
