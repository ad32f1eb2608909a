//! Builds a definition from the checked tree, with the checks that need more than one value.

use std::collections::BTreeMap;

use super::{
    AgentName, Definition, Endpoint, EndpointTemplate, SourceLocation, Step, Task, TransferTemplate,
    grammar::DEFINITION,
    graph, lints,
    messages::{NO_SERVER, TWO_SERVERS},
    reader::{Object, Reader},
    yaml::{Node, shown},
};
use crate::model::{
    copy_rules::{CopyRules, Verify, in_order},
    retry::Retry,
    schedule::{DEFAULT_TIMEZONE, Schedule},
};

/// Builds a definition; `None` if a part of it is missing. The missing part was reported before.
pub(super) fn definition(reader: &mut Reader<'_>, root: &Node) -> Option<Definition> {
    reader.read_parameters(root);
    let whole = SourceLocation { at: root.at, path: String::new() };
    let object = reader.mapping(root, &whole, &DEFINITION)?;
    let schedule = schedule(reader, &object);
    let retry = object.mapping("retry").and_then(|object| retry(reader, object));
    let steps = match object.steps() {
        Some(objects) => steps(reader, objects),
        None if object.has("steps") => Vec::new(),
        None => vec![implicit_step(object.location("source"))],
    };
    let definition = Definition {
        source: object.endpoint("source")?.clone(),
        destination: object.endpoint("destination")?.clone(),
        agent: agent(&object),
        schedule,
        overlap: object.keyword("overlap").unwrap_or_default(),
        catch_up: object.keyword("catchUp").unwrap_or_default(),
        timeout: object.duration("timeout"),
        retry,
        parameters: reader.parameters.clone().unwrap_or_default(),
        steps,
    };
    lints::lint_endpoints(reader, &object, &definition);
    check_copies(reader, &definition, object.location("destination"));
    Some(definition)
}

/// The step of a definition without `steps`.
fn implicit_step(location: &SourceLocation) -> Step {
    let rules = CopyRules { verify: Some(Verify::default()), ..CopyRules::default() };
    let transfer = TransferTemplate { source: None, destination: None, rules, after_success: None };
    Step {
        id: "transfer".to_owned(),
        location: location.clone(),
        task: Task::Transfer(transfer),
        needs: Vec::new(),
        when: super::When::default(),
        agent: None,
        retry: None,
        timeout: None,
    }
}

fn schedule(reader: &mut Reader<'_>, object: &Object) -> Option<Schedule> {
    // Schedule and zone are checked one by one, so that both are reported.
    let zone = object.text("timezone");
    if let Some(zone) = &zone
        && let Err(error) = Schedule::parse("@daily", zone)
    {
        let message = error.message;
        reader
            .diagnostics
            .error(object.location("timezone"), || format!("`timezone` is `{}`: it {message}", shown(zone)));
    }
    let Some(text) = object.text("schedule") else {
        for key in ["timezone", "overlap", "catchUp"] {
            if object.has(key) && !object.has("schedule") {
                reader
                    .diagnostics
                    .warning(object.location(key), || format!("`{key}` has no effect without a `schedule`"));
            }
        }
        return None;
    };
    match Schedule::parse(&text, DEFAULT_TIMEZONE) {
        Ok(_) => Schedule::parse(&text, zone.as_deref().unwrap_or(DEFAULT_TIMEZONE)).ok(),
        Err(error) => {
            reader.diagnostics.error(object.location("schedule"), || match error.message {
                message if message.starts_with("must ") => format!("`schedule` {message}"),
                message => format!("`schedule` is wrong: {message}"),
            });
            None
        }
    }
}

fn retry(reader: &mut Reader<'_>, object: &Object) -> Option<Retry> {
    let attempts = object.integer("maxAttempts")?;
    let (initial, factor, longest) =
        (object.duration("initialDelay"), object.number("factor"), object.duration("maxDelay"));
    let retry = Retry::new(attempts, initial, factor, longest);
    if let Err(problem) = &retry {
        reader.diagnostics.error(object.location("maxDelay"), || format!("`maxDelay` {problem}"));
    }
    retry.ok()
}

fn agent(object: &Object) -> Option<AgentName> {
    Some(AgentName { name: object.text("agent")?, location: object.location("agent").clone() })
}

/// The steps in topological order.
fn steps(reader: &mut Reader<'_>, objects: &[Object]) -> Vec<Step> {
    let graph = graph::graph(reader, objects);
    let positions: BTreeMap<usize, usize> =
        graph.order.iter().enumerate().map(|(position, index)| (*index, position)).collect();
    let mut steps = Vec::new();
    for index in &graph.order {
        let object = &objects[*index];
        let needs = graph.needs[*index].iter().filter_map(|need| positions.get(need).copied()).collect();
        let (Some(id), Some(task)) = (object.text("id"), task(object)) else { continue };
        let step = Step {
            id,
            location: object.location.clone(),
            task,
            needs,
            when: object.keyword("when").unwrap_or_default(),
            agent: agent(object),
            retry: object.mapping("retry").and_then(|object| retry(reader, object)),
            timeout: object.duration("timeout"),
        };
        lints::lint_step(reader, object, &step);
        steps.push(step);
    }
    steps
}

/// The task of a step; `None` if the task is invalid, which was reported before.
fn task(object: &Object) -> Option<Task> {
    let transfer = || TransferTemplate {
        source: object.endpoint("source").cloned(),
        destination: object.endpoint("destination").cloned(),
        rules: rules(object),
        after_success: object.template("afterSuccess"),
    };
    Task::read(object.variant()?, |key| object.template(key), |key| object.keyword(key), transfer)
}

/// The rules of a copy but for `afterSuccess`, which may have parameters.
fn rules(object: &Object) -> CopyRules {
    CopyRules {
        credentials: object.text("credentials"),
        endpoint: object.text("endpoint"),
        on_exists: object.keyword("onExists"),
        after_success: None,
        preserve: object.keywords("preserve").map(|words| in_order(&words)),
        on_file_error: object.keyword("onFileError"),
        symlinks: object.keyword("symlinks"),
        verify: Some(object.keyword("verify").unwrap_or_default()),
    }
}

/// Checks that each copy has a side on the agent's machine, and one on a server if it names an endpoint.
fn check_copies(reader: &mut Reader<'_>, definition: &Definition, fallback: &SourceLocation) {
    // Nothing as long as a parameter of it is not known.
    let is_local = |reader: &Reader<'_>, endpoint: &EndpointTemplate| {
        let filled: Endpoint = endpoint.fill(reader.values(endpoint.parameters())?).ok()?;
        Some(filled.is_local())
    };
    for step in &definition.steps {
        let Task::Transfer(TransferTemplate { source, destination, rules, .. }) = &step.task else { continue };
        let from = is_local(reader, source.as_ref().unwrap_or(&definition.source));
        let to = is_local(reader, destination.as_ref().unwrap_or(&definition.destination));
        if from == Some(false) && to == Some(false) {
            let location = if source.is_none() && destination.is_none() { fallback } else { &step.location };
            reader.diagnostics.error(location, || TWO_SERVERS.to_owned());
        } else if rules.endpoint.is_some() && from == Some(true) && to == Some(true) {
            reader.diagnostics.error(&step.location, || NO_SERVER.to_owned());
        }
    }
}
