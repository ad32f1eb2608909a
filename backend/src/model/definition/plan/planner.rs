//! The planner. It plans all steps even if one of them fails, so that all errors are reported at once.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{AgentLookup, Plan, PlannedSchedule, PlannedStep, PlannedTask, PlannedTransfer, unowned};
use crate::model::{
    Instant,
    agent::AgentRef,
    copy_rules::AfterSuccess,
    definition::{
        AgentName, Definition, Diagnostic, Endpoint, EndpointTemplate, Format, Position, SourceLocation, Step,
        Template, TransferTemplate,
        filled_text_checks::{check, fill_message},
        grammar::{AFTER_SUCCESS, Text, step_text},
        messages::{NO_NAME, NO_OUTPUT, NO_SERVER, TWO_SERVERS},
    },
    retry::Retry,
    transfer::{Direction, Protocol},
};

/// The number of slots that a plan lists.
const PLANNED_SLOTS: usize = 5;

/// A run that is being planned.
pub(super) struct Planner<'d, F> {
    pub(super) definition: &'d Definition,
    pub(super) parameters: &'d BTreeMap<String, String>,
    pub(super) find: F,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl<F: Fn(Option<&str>) -> AgentLookup> Planner<'_, F> {
    /// Plans the run; `None` if there is an error, which is added to `diagnostics`.
    pub(super) fn plan(&mut self, now: DateTime<Utc>) -> Option<Plan> {
        let definition = self.definition;
        let whole = SourceLocation { at: Position::START, path: String::new() };
        self.look_for_agents(&whole);
        // Every step is planned before the first error ends the planning.
        let steps: Vec<Option<PlannedStep>> = definition.steps.iter().map(|step| self.step(step)).collect();
        let source = self.endpoint(&definition.source, &whole);
        let destination = self.endpoint(&definition.destination, &whole);
        let schedule = definition.schedule.as_ref().map(|schedule| PlannedSchedule {
            text: schedule.text().to_owned(),
            timezone: schedule.timezone().to_owned(),
            description: schedule.describe(),
            overlap: definition.overlap,
            catch_up: definition.catch_up,
            next: schedule.upcoming(now).take(PLANNED_SLOTS).map(Instant).collect(),
        });
        Some(Plan {
            source: source?,
            destination: destination?.without_pattern(),
            parameters: self.parameters.clone(),
            schedule,
            timeout: definition.timeout,
            steps: steps.into_iter().collect::<Option<_>>()?,
        })
    }

    fn step(&mut self, step: &Step) -> Option<PlannedStep> {
        let task = self.task(step)?;
        let definition = self.definition;
        let agent = match step.is_for_an_agent().then(|| (self.find)(definition.agent_of(step).map(AgentName::as_str)))
        {
            Some(AgentLookup::One(agent)) => Some(agent),
            _ => None,
        };
        let needs = step.needs.iter().map(|need| definition.steps[*need].id.clone()).collect();
        let retry = step.retry.or(definition.retry).unwrap_or(Retry::NEVER);
        Some(PlannedStep { id: step.id.clone(), task, needs, when: step.when, agent, retry, timeout: step.timeout })
    }

    fn task(&mut self, step: &Step) -> Option<PlannedTask> {
        let (location, step_type) = (&step.location, step.task.step_type());
        // An error is in the diagnostics.
        let filled = step.task.try_map(
            self,
            |planner, key, text| planner.text(text, step_text(step_type, key), key, location).ok_or(()),
            |planner, transfer| planner.transfer(transfer, location).ok_or(()),
        );
        self.completed(filled.ok()?, location)
    }

    fn transfer(&mut self, transfer: &TransferTemplate, location: &SourceLocation) -> Option<PlannedTransfer> {
        let TransferTemplate { source, destination, rules, after_success } = transfer;
        let after_success =
            after_success.as_ref().map(|template| self.text(template, &AFTER_SUCCESS, "afterSuccess", location));
        let source = self.endpoint(source.as_ref().unwrap_or(&self.definition.source), location);
        let destination = self.endpoint(destination.as_ref().unwrap_or(&self.definition.destination), location);
        let (source, destination) = (source?, destination?.without_pattern());
        let (protocol, direction) = match (source.protocol, destination.protocol) {
            (remote, Protocol::Local) if remote != Protocol::Local => (remote, Direction::Pull),
            (Protocol::Local, other) => (other, Direction::Push),
            _ => {
                self.diagnostics.push(location.error(TWO_SERVERS));
                return None;
            }
        };
        let mut rules = rules.clone();
        if let Some(filled) = after_success {
            rules.after_success = AfterSuccess::parse(&filled?).ok();
        }
        let (source, destination) = match &rules.endpoint {
            Some(_) if protocol == Protocol::Local => {
                self.diagnostics.push(location.key("endpoint", location.at).error(NO_SERVER));
                return None;
            }
            Some(name) => (source.on_endpoint(name), destination.on_endpoint(name)),
            None => (source, destination),
        };
        Some(PlannedTransfer { source, destination, protocol, direction, rules })
    }

    /// The task with the values that follow from its other values.
    fn completed(&mut self, task: PlannedTask, location: &SourceLocation) -> Option<PlannedTask> {
        Some(match task {
            PlannedTask::Checksum { path, expected } => {
                PlannedTask::Checksum { path, expected: expected.map(|digest| digest.to_ascii_lowercase()) }
            }
            PlannedTask::Compress { path, output, format } => {
                let format = format.or_else(|| Format::of_name(output.as_deref()?)).unwrap_or(Format::Gzip);
                let output = format.packed(&path, output.as_deref());
                PlannedTask::Compress { path, output: Some(output), format: Some(format) }
            }
            PlannedTask::Decompress { path, output, format } => {
                let Some(unpacked) = Format::unpacked_to(&path, output.as_deref()) else {
                    let (key, said) = if output.is_some() { ("output", NO_NAME) } else { ("path", NO_OUTPUT) };
                    self.diagnostics.push(location.key(key, location.at).error(said));
                    return None;
                };
                let format = format.or_else(|| Format::of_name(&path));
                PlannedTask::Decompress { path, output: Some(unpacked), format }
            }
            task => task,
        })
    }

    fn text(&mut self, template: &Template, limits: &Text, key: &str, location: &SourceLocation) -> Option<String> {
        let filled = template.fill(self.parameters, limits.most).map_err(|error| fill_message(error, limits));
        match filled.and_then(|filled| check(&filled, limits).map(|()| filled)) {
            Ok(filled) => Some(filled),
            Err(problem) => {
                self.diagnostics.push(location.key(key, location.at).error(format!("`{key}` {problem}")));
                None
            }
        }
    }

    fn endpoint(&mut self, endpoint: &EndpointTemplate, location: &SourceLocation) -> Option<Endpoint> {
        endpoint
            .fill(self.parameters)
            .map_err(|problem| self.diagnostics.push(location.error(format!("an endpoint {problem}"))))
            .ok()
    }

    /// Reports agents that do not exist or are ambiguous.
    fn look_for_agents(&mut self, whole: &SourceLocation) {
        let definition = self.definition;
        let mut seen: Vec<&SourceLocation> = Vec::new();
        for step in definition.steps.iter().filter(|step| step.is_for_an_agent()) {
            let named = definition.agent_of(step);
            let location = named.map_or(whole, |agent| &agent.location);
            if seen.contains(&location) {
                continue;
            }
            seen.push(location);
            let ids =
                |agents: &[AgentRef]| agents.iter().map(|agent| agent.id.to_string()).collect::<Vec<_>>().join(", ");
            let diagnostic = match ((self.find)(named.map(AgentName::as_str)), named) {
                (AgentLookup::One(_), _) => continue,
                (AgentLookup::NotFound, Some(AgentName { name, .. })) => location.warning(format!(
                    "there is no agent with the id, name or host name `{name}`: register it before the first run"
                )),
                (AgentLookup::NoCustomer, named) => location.warning(unowned(named.map(AgentName::as_str))),
                (AgentLookup::NotFound, None) => {
                    location.warning("there is no agent yet: register one before the first run")
                }
                (AgentLookup::Ambiguous(agents), Some(AgentName { name, .. })) => location
                    .error(format!("`{name}` is the name of several agents: write one of their ids: {}", ids(&agents))),
                (AgentLookup::Ambiguous(agents), None) => location.warning(format!(
                    "there are several agents, and none is named: write `agent` with a name or one of the ids {}",
                    ids(&agents)
                )),
            };
            self.diagnostics.push(diagnostic);
        }
    }
}
