//! The pipeline language: its grammar as tables, from which the reader, the messages and the served JSON Schema follow.
//!
//! A text goes through four stages, each of which reports all its errors and passes on the rest: [`yaml`] builds a tree
//! with positions, [`reader`] checks the tree by the tables of [`grammar`], [`build`] checks what needs more than one
//! value (schedules, the graph of steps, the endpoints of copies), and [`plan`] fills in parameters and finds agents.
//! [`schema`] generates the JSON Schema.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    duration::HumanDuration,
    retry::Retry,
    schedule::{CatchUp, Overlap, Schedule},
};

mod build;
mod copy_endpoint;
mod diagnostic;
mod filled_text_checks;
mod grammar;
mod graph;
mod lints;
mod messages;
mod nearest;
mod passwords_in_comments;
mod plan;
mod reader;
mod schema;
mod step;
mod syntax_errors;
mod template;
mod when;
mod yaml;

pub use copy_endpoint::{Endpoint, EndpointTemplate};
pub use diagnostic::{Diagnostic, Position, Severity, SourceLocation};
pub use mftplus_protocol::archive::Format;
pub(crate) use plan::unowned;
pub use plan::{AgentLookup, Plan, Planned, PlannedSchedule, PlannedStep, PlannedTask, PlannedTransfer};
pub use schema::schema;
pub use step::{AgentName, Step, Task, TransferTemplate};
pub use template::{Filling, Template};
pub use when::When;

use diagnostic::Diagnostics;
use reader::Reader;

/// The longest text of a definition, in bytes.
pub const MAX_BYTES: usize = yaml::MAX_BYTES;

/// A valid definition.
#[derive(Clone, Debug)]
pub struct Definition {
    /// The source of `transfer` steps that name none.
    pub source: EndpointTemplate,
    /// The destination of `transfer` steps that name none.
    pub destination: EndpointTemplate,
    /// The agent of steps that name none; `None` for the only agent of the customer.
    pub agent: Option<AgentName>,
    /// The schedule; `None` if the pipeline has none.
    pub schedule: Option<Schedule>,
    /// The overlap policy.
    pub overlap: Overlap,
    /// The catch-up policy.
    pub catch_up: CatchUp,
    /// The maximum duration of a run; `None` if it is not limited.
    pub timeout: Option<HumanDuration>,
    /// The retry policy of steps that have none of their own; `None` if these are not retried.
    pub retry: Option<Retry>,
    /// The parameters with their default values.
    pub parameters: BTreeMap<String, String>,
    /// The steps in topological order; where that allows several orders, in the order of the text. There is at least
    /// one.
    pub steps: Vec<Step>,
}

/// The result of parsing a text.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The definition; `None` if there is an error.
    pub definition: Option<Definition>,
    /// The diagnostics, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

impl Definition {
    /// Parses a text. It never fails: all errors are in the diagnostics.
    #[must_use]
    pub fn parse(text: &str) -> Parsed {
        Self::parse_by(text, Filling::default())
    }

    /// Parses a text whose parameters are filled in by the given rule, which is stored with each version.
    #[must_use]
    pub fn parse_by(text: &str, filling: Filling) -> Parsed {
        // A byte order mark may precede the text.
        let source = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut diagnostics = Diagnostics::default();
        let root = yaml::read(source, &mut diagnostics);
        let mut reader = Reader { source, diagnostics, parameters: None, wrong_values: BTreeSet::new(), filling };
        let definition = root.and_then(|root| build::definition(&mut reader, &root));
        let definition = definition.filter(|_| !reader.diagnostics.has_errors());
        Parsed { definition, diagnostics: reader.diagnostics.into_sorted() }
    }

    /// Parses a text that is to be saved or run as a draft. Passwords in its comments are errors here; stored texts may
    /// have them, because earlier releases did not check comments.
    #[must_use]
    pub fn parse_new(text: &str, filling: Filling) -> Parsed {
        let mut parsed = Self::parse_by(text, filling);
        let source = text.strip_prefix('\u{feff}').unwrap_or(text);
        let found = passwords_in_comments::find(source.get(..MAX_BYTES).unwrap_or(source));
        if !found.is_empty() {
            parsed.definition = None;
            parsed.diagnostics.extend(found);
            parsed.diagnostics.sort_by_key(|found| (found.line, found.column, found.severity));
        }
        parsed
    }

    /// The parameters of a run: the given values, and the defaults of all others.
    ///
    /// # Errors
    ///
    /// The messages for invalid values, with the names of their parameters.
    pub fn parameters_with(
        &self,
        given: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<BTreeMap<String, String>, Vec<(String, String)>> {
        let mut values = self.parameters.clone();
        let mut problems = Vec::new();
        for (name, value) in given {
            match (self.parameter(name, value), values.get_mut(name)) {
                (Ok(text), Some(place)) => *place = text,
                (Err(problem), _) => problems.push((yaml::shown(name), problem)),
                (Ok(_), None) => {}
            }
        }
        if problems.is_empty() { Ok(values) } else { Err(problems) }
    }

    fn parameter(&self, name: &str, value: &serde_json::Value) -> Result<String, String> {
        if !self.parameters.contains_key(name) {
            let names: Vec<&str> = self.parameters.keys().map(String::as_str).collect();
            return Err(match nearest::nearest(name, &names) {
                Some((meant, true)) => format!("is not a parameter of this pipeline: did you mean `{meant}`?"),
                Some(_) => format!("is not a parameter of this pipeline, which has {}", names.join(", ")),
                None => "is not a parameter of this pipeline, which has none".to_owned(),
            });
        }
        let text = match value {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Number(number) => number.to_string(),
            serde_json::Value::Bool(boolean) => boolean.to_string(),
            _ => return Err("must be a string, a number, true or false".to_owned()),
        };
        reader::parameter(&text).map(|()| text)
    }
}
