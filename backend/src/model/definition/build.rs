//! From what was read to a definition: what needs more than one value to see.

use std::collections::BTreeMap;

use super::{
    AgentName, Definition, Location, Packing, Place, Spot, Step, Task, doubts,
    grammar::DEFINITION,
    graph,
    reader::{Object, Reader},
    sentences::TWO_SERVERS,
    yaml::{Node, shown},
};
use crate::model::{retry::Retry, schedule::Schedule};

/// The zone of a schedule that names none.
const UTC: &str = "UTC";

/// Makes a definition of a tree. Nothing where something is missing, which was noted.
pub(super) fn definition(reader: &mut Reader<'_>, root: &Node) -> Option<Definition> {
    reader.read_parameters(root);
    let whole = Spot { at: root.at, path: String::new() };
    let object = reader.mapping(root, &whole, &DEFINITION)?;
    let schedule = schedule(reader, &object);
    let retry = object.mapping("retry").and_then(|object| retry(reader, object));
    let steps = match object.steps() {
        Some(objects) => steps(reader, objects),
        None if object.has("steps") => Vec::new(),
        None => vec![implicit_step(object.spot("source"))],
    };
    let definition = Definition {
        source: object.place("source")?.clone(),
        destination: object.place("destination")?.clone(),
        agent: agent(&object),
        schedule,
        overlap: object.word("overlap").unwrap_or_default(),
        catch_up: object.word("catchUp").unwrap_or_default(),
        timeout: object.period("timeout"),
        retry,
        parameters: reader.parameters.clone().unwrap_or_default(),
        steps,
    };
    doubts::about_places(reader, &object, &definition);
    check_copies(reader, &definition, object.spot("destination"));
    Some(definition)
}

/// What is done where no steps are written.
fn implicit_step(spot: &Spot) -> Step {
    let task = Task::Transfer { source: None, destination: None, verify: super::Verify::default() };
    Step {
        id: "transfer".to_owned(),
        spot: spot.clone(),
        task,
        needs: Vec::new(),
        when: super::When::default(),
        agent: None,
        retry: None,
        timeout: None,
    }
}

fn schedule(reader: &mut Reader<'_>, object: &Object) -> Option<Schedule> {
    // Each of the two is judged by itself, so that both are told.
    let zone = object.text("timezone");
    if let Some(zone) = &zone
        && let Err(error) = Schedule::parse("@daily", zone)
    {
        let message = error.message;
        reader
            .problems
            .error(object.spot("timezone"), || format!("`timezone` is the text `{}`: it {message}", shown(zone)));
    }
    let Some(text) = object.text("schedule") else {
        for key in ["timezone", "overlap", "catchUp"] {
            if object.has(key) && !object.has("schedule") {
                reader.problems.warning(object.spot(key), || format!("`{key}` does nothing without a `schedule`"));
            }
        }
        return None;
    };
    match Schedule::parse(&text, UTC) {
        Ok(_) => Schedule::parse(&text, zone.as_deref().unwrap_or(UTC)).ok(),
        Err(error) => {
            reader.problems.error(object.spot("schedule"), || match error.message {
                message if message.starts_with("must ") => format!("`schedule` {message}"),
                message => format!("`schedule` is wrong: {message}"),
            });
            None
        }
    }
}

fn retry(reader: &mut Reader<'_>, object: &Object) -> Option<Retry> {
    let attempts = object.whole("maxAttempts")?;
    let (initial, factor, longest) =
        (object.period("initialDelay"), object.number("factor"), object.period("maxDelay"));
    let retry = Retry::new(attempts, initial, factor, longest);
    if let Err(problem) = &retry {
        reader.problems.error(object.spot("maxDelay"), || format!("`maxDelay` {problem}"));
    }
    retry.ok()
}

fn agent(object: &Object) -> Option<AgentName> {
    Some(AgentName { name: object.text("agent")?, spot: object.spot("agent").clone() })
}

/// The steps in the order they run in.
fn steps(reader: &mut Reader<'_>, objects: &[Object]) -> Vec<Step> {
    let graph = graph::graph(reader, objects);
    let places: BTreeMap<usize, usize> = graph.order.iter().enumerate().map(|(place, index)| (*index, place)).collect();
    let mut steps = Vec::new();
    for index in &graph.order {
        let object = &objects[*index];
        let needs = graph.needs[*index].iter().filter_map(|need| places.get(need).copied()).collect();
        let (Some(id), Some(task)) = (object.text("id"), Task::of(object)) else { continue };
        let step = Step {
            id,
            spot: object.spot.clone(),
            task,
            needs,
            when: object.word("when").unwrap_or_default(),
            agent: agent(object),
            retry: object.mapping("retry").and_then(|object| retry(reader, object)),
            timeout: object.period("timeout"),
        };
        doubts::about_step(reader, object, &step);
        steps.push(step);
    }
    steps
}

impl Task {
    /// The task that the mapping of a step says. Nothing where something is wrong with it, which was noted.
    fn of(object: &Object) -> Option<Self> {
        let template = |key: &str| object.template(key);
        let packing =
            || Some(Packing { path: template("path")?, output: template("output"), format: object.word("format") });
        Some(match object.variant? {
            "transfer" => Self::Transfer {
                source: object.place("source").cloned(),
                destination: object.place("destination").cloned(),
                verify: object.word("verify").unwrap_or_default(),
            },
            "checksum" => Self::Checksum { path: template("path")?, expected: template("expected") },
            "compress" => Self::Compress(packing()?),
            "decompress" => Self::Decompress(packing()?),
            "rename" => Self::Rename { from: template("from")?, to: template("to")? },
            "delete" => Self::Delete { path: template("path")? },
            "webhook" => Self::Webhook { url: template("url")?, body: template("body") },
            _ => return None,
        })
    }
}

/// That each copy has a side on the agent's machine.
fn check_copies(reader: &mut Reader<'_>, definition: &Definition, fallback: &Spot) {
    let remote = |reader: &Reader<'_>, location: &Location| {
        let values = reader.values(location.parameters());
        values.is_some_and(|values| location.fill(values).is_ok_and(|place: Place| !place.is_local()))
    };
    for step in &definition.steps {
        let Task::Transfer { source, destination, .. } = &step.task else { continue };
        let is_remote = |own: Option<&Location>, general| remote(reader, own.unwrap_or(general));
        if is_remote(source.as_ref(), &definition.source) && is_remote(destination.as_ref(), &definition.destination) {
            let spot = if source.is_none() && destination.is_none() { fallback } else { &step.spot };
            reader.problems.error(spot, || TWO_SERVERS.to_owned());
        }
    }
}
