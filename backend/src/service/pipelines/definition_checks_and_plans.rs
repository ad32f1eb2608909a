//! Checks the definitions of pipelines, finds the agents that they name, and plans runs.

use serde_json::{Value, json};
use tracing::Span;

use crate::{
    actor::{Actor, Permission},
    error::{Error, FieldErrors, Result},
    ids::{AgentId, CustomerId},
    model::{
        agent::AgentRef,
        copy_rules::CopyRules,
        definition::{
            AgentLookup, AgentName, Definition, Diagnostic, Filling, Parsed, Plan, PlannedStep, PlannedTransfer,
            Severity, Step, schema, unowned,
        },
        directive::{StepInstruction, TransferInstruction},
        duration::HumanDuration,
        pipeline::{
            DryRun, Verdict,
            run::Given,
            stored_run_plan::{Node, RunGraph, Task},
        },
    },
    service::ControlPlane,
    store,
    webhooks::TIMEOUT,
};

/// The existing agents that a definition may name.
pub(super) struct Agents {
    /// Agents whose id, name or host name is named, and all agents of the customer if a step names none.
    known: Vec<AgentRef>,
    /// Whether the pipeline belongs to a customer.
    has_customer: bool,
}

impl ControlPlane {
    /// Returns the JSON Schema of definitions.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents.
    pub fn get_pipeline_schema(&self, actor: &Actor) -> Result<Value> {
        actor.require(Permission::CheckDefinitions)?;
        Ok(schema())
    }

    /// Checks a definition. Returns its diagnostics and, if it is valid, its plan. Saves nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::Fields`] for an unknown customer.
    pub async fn dry_run_pipeline(&self, actor: &Actor, input: DryRun) -> Result<Verdict> {
        actor.require(Permission::CheckDefinitions)?;
        let Parsed { definition, mut diagnostics } =
            parse(input.yaml, Filling::default(), Definition::parse_new).await?;
        let customer = self.customer_of(actor, input.customer_id, definition.as_ref()).await?;
        let Some(definition) = definition else { return Ok(Verdict::new(diagnostics, None)) };
        let agents = self.agents_of(customer, &definition).await?;
        let planned = definition.plan(&definition.parameters, |name| agents.find(name), self.now());
        diagnostics.extend(planned.diagnostics);
        diagnostics.extend(excessive_timeouts(&definition));
        if !self.has_webhook_secret(customer).await? {
            diagnostics.extend(unsigned(&definition));
        }
        diagnostics.sort_by_key(|found| (found.line, found.column, found.severity));
        Ok(Verdict::new(diagnostics, planned.plan.as_ref()))
    }

    /// Parses a stored definition. An invalid definition is refused with its errors.
    pub(super) async fn definition(&self, yaml: &str, filling: Filling) -> Result<Definition> {
        let Parsed { definition, diagnostics } = parse(yaml.to_owned(), filling, Definition::parse_by).await?;
        definition.ok_or_else(|| refused(&diagnostics))
    }

    /// Parses a definition that is to be stored. An invalid definition is refused with its errors.
    pub(super) async fn new_definition(&self, yaml: &str, filling: Filling) -> Result<Definition> {
        let Parsed { definition, diagnostics } = parse(yaml.to_owned(), filling, Definition::parse_new).await?;
        definition.ok_or_else(|| refused(&diagnostics))
    }

    /// Returns [`Error::Refused`] if the definition cannot be planned, for example because several agents have a name
    /// in it: no run of it could begin.
    pub(super) async fn require_clear_agents(
        &self,
        customer: Option<CustomerId>,
        definition: &Definition,
    ) -> Result<()> {
        let agents = self.agents_of(customer, definition).await?;
        let planned = definition.plan(&definition.parameters, |name| agents.find(name), self.now());
        let is_wrong = planned.diagnostics.iter().any(|found| found.severity == Severity::Error);
        if is_wrong { Err(refused(&planned.diagnostics)) } else { Ok(()) }
    }

    /// Returns an error unless the draft could be saved as the definition of a pipeline of this customer.
    pub(in crate::service) async fn require_valid_draft(
        &self,
        customer: Option<CustomerId>,
        yaml: &str,
        filling: Filling,
    ) -> Result<()> {
        let definition = self.new_definition(yaml, filling).await?;
        self.require_clear_agents(customer, &definition).await
    }

    /// Plans a run of this definition with the given parameters. Returns the plan, with the values of all parameters,
    /// and the graph that the run stores.
    pub(in crate::service) async fn plan_of_run(
        &self,
        customer: Option<CustomerId>,
        yaml: &str,
        filling: Filling,
        given: &Given,
    ) -> Result<(Plan, RunGraph)> {
        let definition = self.definition(yaml, filling).await?;
        let parameters = definition.parameters_with(&given.0).map_err(|problems| {
            let mut errors = FieldErrors::default();
            for (name, problem) in problems {
                errors.add("parameters", format!("`{name}` {problem}"));
            }
            Error::Fields(errors)
        })?;
        let agents = self.agents_of(customer, &definition).await?;
        for name in definition.agents() {
            agents.require_one(name)?;
        }
        let outcome = definition.plan(&parameters, |name| agents.find(name), self.now());
        let plan = outcome.plan.ok_or_else(|| refused(&outcome.diagnostics))?;
        let graph = graph(&plan)?;
        // The plan of a run has no schedule.
        Ok((Plan { schedule: None, ..plan }, graph))
    }

    /// The agents of the customer that a definition may name. The platform has no agents, so its pipelines name them by
    /// id.
    async fn agents_of(&self, customer: Option<CustomerId>, definition: &Definition) -> Result<Agents> {
        self.agents_named(customer, &definition.agents()).await
    }

    /// Finds the agents of the customer with these names, and all agents of the customer if `None` is among the names.
    pub(super) async fn agents_named(&self, customer: Option<CustomerId>, named: &[Option<&str>]) -> Result<Agents> {
        let words: Vec<&str> = named.iter().copied().flatten().collect();
        let mut known = store::agents::find_by_name(&self.db, customer, &words).await?;
        if let Some(customer) = customer
            && named.contains(&None)
        {
            known.extend(store::agents::of_customer(&self.db, customer).await?);
        }
        known.sort_unstable_by_key(|agent| agent.id);
        known.dedup();
        Ok(Agents { known, has_customer: customer.is_some() })
    }
}

impl Agents {
    /// The agents with this id, name or host name; without a name, the customer's only agent.
    fn find(&self, name: Option<&str>) -> AgentLookup {
        let by_id: Option<AgentId> = name.and_then(|name| name.parse().ok());
        let is_meant = |agent: &&AgentRef| match (by_id, name) {
            (Some(id), _) => agent.id == id,
            (None, Some(name)) => agent.name == name || agent.hostname == name,
            (None, None) => true,
        };
        let mut meant: Vec<AgentRef> = self.known.iter().filter(is_meant).cloned().collect();
        match (meant.len(), meant.pop()) {
            (1, Some(agent)) => AgentLookup::One(agent),
            (_, Some(last)) => {
                meant.push(last);
                AgentLookup::Ambiguous(meant)
            }
            (_, None) if !self.has_customer && by_id.is_none() => AgentLookup::NoCustomer,
            (_, None) => AgentLookup::NotFound,
        }
    }

    /// Returns [`Error::Refused`] unless the name identifies exactly one agent, because a run could not begin without
    /// it.
    pub(super) fn require_one(&self, name: Option<&str>) -> Result<()> {
        let (message, ids) = match (self.find(name), name) {
            (AgentLookup::One(_), _) => return Ok(()),
            (AgentLookup::Ambiguous(agents), None) => {
                ("there are several agents, and the definition names none: write `agent`".to_owned(), ids(&agents))
            }
            (AgentLookup::Ambiguous(agents), Some(name)) => {
                (format!("several agents are called `{name}`: write the id of one of them"), ids(&agents))
            }
            (AgentLookup::NotFound, Some(name)) => (
                format!("there is no agent with the id, name or host name `{name}`: register it, or name another one"),
                Vec::new(),
            ),
            (AgentLookup::NoCustomer, name) => (unowned(name), Vec::new()),
            (AgentLookup::NotFound, None) => {
                ("the customer has no agent that could run the steps: register one".to_owned(), Vec::new())
            }
        };
        Err(Error::Refused { message, details: json!({ "ids": ids }) })
    }
}

fn ids(agents: &[AgentRef]) -> Vec<AgentId> {
    agents.iter().map(|agent| agent.id).collect()
}

/// Parses a text on a blocking thread, because it may take long.
async fn parse(yaml: String, filling: Filling, parse: fn(&str, Filling) -> Parsed) -> Result<Parsed> {
    let span = Span::current();
    let parse = move || span.in_scope(|| parse(&yaml, filling));
    tokio::task::spawn_blocking(parse).await.map_err(Error::internal)
}

/// The error for a definition that is not valid.
fn refused(diagnostics: &[Diagnostic]) -> Error {
    let errors: Vec<&Diagnostic> = diagnostics.iter().filter(|found| found.severity == Severity::Error).collect();
    let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let message = match said.as_slice() {
        [] => "the definition is not valid".to_owned(),
        [only] => format!("the definition is not valid: {only}"),
        [first, rest @ ..] => format!("the definition is not valid: {first} (and {} more)", rest.len()),
    };
    Error::Refused { message, details: json!({ "errors": said, "diagnostics": diagnostics }) }
}

/// Warnings about webhooks that are sent unsigned.
fn unsigned(definition: &Definition) -> impl Iterator<Item = Diagnostic> {
    let webhooks = definition.steps.iter().filter(|step| !step.is_for_an_agent());
    webhooks.map(|step| {
        step.location.warning(format!(
            "there is no webhook secret, so `{}` is sent unsigned: create one with `rotateWebhookSecret`",
            step.id
        ))
    })
}

/// Warnings about webhooks whose timeout exceeds the limit of all webhooks.
fn excessive_timeouts(definition: &Definition) -> impl Iterator<Item = Diagnostic> {
    let has_longer = |step: &&Step| {
        let timeout = step.timeout.filter(|_| !step.is_for_an_agent());
        timeout.is_some_and(|timeout| timeout.as_seconds() > TIMEOUT.as_secs())
    };
    definition.steps.iter().filter(has_longer).map(|step| {
        let most = TIMEOUT.as_secs();
        step.location
            .warning(format!("`{}` has {most} s at most, like all webhooks: a longer `timeout` has no effect", step.id))
    })
}

/// Converts a plan into the graph that a run stores.
fn graph(plan: &Plan) -> Result<RunGraph> {
    let place = |id: &String| {
        let place = plan.steps.iter().position(|step| step.id == *id);
        place.ok_or_else(|| Error::internal(format!("a step needs `{id}`, which is not planned")))
    };
    let nodes = plan.steps.iter().map(|step| {
        Ok(Node {
            id: step.id.clone(),
            needs: step.needs.iter().map(place).collect::<Result<_>>()?,
            when: step.when,
            retry: step.retry,
            timeout_seconds: step.timeout.map(HumanDuration::as_seconds),
            task: task(step)?,
        })
    });
    Ok(RunGraph { timeout_seconds: plan.timeout.map(HumanDuration::as_seconds), nodes: nodes.collect::<Result<_>>()? })
}

fn task(step: &PlannedStep) -> Result<Task> {
    let action = step.task.try_map(
        &mut (),
        |(), _, text| Ok::<_, Error>(text.clone()),
        |(), transfer| Ok(instruction(transfer)),
    )?;
    let action = match action {
        StepInstruction::Webhook { url, body } => return Ok(Task::Webhook { url, body }),
        action => action,
    };
    let agent = step
        .agent
        .as_ref()
        .ok_or_else(|| Error::internal(format!("no agent is planned for the step `{}`", step.id)))?;
    Ok(Task::Agent { agent_id: agent.id, action })
}

fn instruction(transfer: &PlannedTransfer) -> TransferInstruction {
    let PlannedTransfer { source, destination, protocol, direction, rules } = transfer;
    let of_place = source.credentials.as_ref().or(destination.credentials.as_ref());
    TransferInstruction {
        source: source.location.clone(),
        destination: destination.location.clone(),
        protocol: *protocol,
        direction: *direction,
        rules: CopyRules { credentials: rules.credentials.as_ref().or(of_place).cloned(), ..rules.clone() },
    }
}

impl Definition {
    /// Returns the agents that the definition names by id.
    pub(super) fn agent_ids(&self) -> impl Iterator<Item = AgentId> {
        let names = self.steps.iter().filter_map(|step| step.agent.as_ref()).chain(self.agent.as_ref());
        names.filter_map(|AgentName { name, .. }| name.parse().ok())
    }
}
