//! Lints: warnings about definitions that are valid but probably not what was intended, and errors that need a whole
//! step to be found.

use mftplus_protocol::{
    location::{SEPARATORS, local_file},
    step::Field,
};

use super::{
    AgentName, Definition, Endpoint, EndpointTemplate, Format, SourceLocation, Step, Task, Template, TransferTemplate,
    When,
    grammar::{Form, step_text},
    messages::{NO_NAME, NO_OUTPUT},
    reader::{Object, Reader},
};

/// The warning about a pattern where none is supported.
const NO_PATTERN: &str = "is taken literally: `*` and `?` select files only in the `source` of a transfer";
/// The characters of patterns.
const WILDCARDS: [char; 2] = ['*', '?'];

/// Adds the warnings and errors about one step.
pub(super) fn lint_step(reader: &mut Reader<'_>, object: &Object, step: &Step) {
    if step.when == When::Failure && step.needs.is_empty() {
        reader.diagnostics.warning(object.location("when"), || {
            format!("`{}` never runs: it runs only after a failure, and needs no step that could fail", step.id)
        });
    }
    for (key, value) in step.task.fields() {
        if let Some(Field::Text(path)) = value
            && step_text(step.task.step_type(), key).form == Form::Path
        {
            lint_path(reader, object, key, path);
        }
    }
    match &step.task {
        Task::Webhook { .. } => lint_agent_of_webhook(reader, step.agent.as_ref()),
        Task::Transfer(TransferTemplate { source, destination, .. }) => {
            if let Some(source) = source {
                lint_source(reader, source, object.location("source"));
            }
            if let Some(destination) = destination {
                lint_destination(reader, destination, object.location("destination"));
            }
        }
        Task::Rename { from, to } if are_the_same(reader, from, to) => {
            let said = || "`to` is the current name of the file".to_owned();
            reader.diagnostics.warning(object.location("to"), said);
        }
        Task::Compress { path, output, .. } => lint_output(reader, object, path, output.as_ref()),
        Task::Decompress { path, output, .. } => {
            lint_output(reader, object, path, output.as_ref());
            if is_unnamed(reader, path, output.as_ref()) {
                let (key, said) = if output.is_some() { ("output", NO_NAME) } else { ("path", NO_OUTPUT) };
                reader.diagnostics.error(object.location(key), || said.to_owned());
            }
        }
        _ => {}
    }
}

fn lint_agent_of_webhook(reader: &mut Reader<'_>, agent: Option<&AgentName>) {
    if let Some(agent) = agent {
        let said = || "a webhook is sent by the server: `agent` has no effect here".to_owned();
        reader.diagnostics.warning(&agent.location, said);
    }
}

/// Adds the warnings about the source and the destination of the definition, as far as steps use them.
pub(super) fn lint_endpoints(reader: &mut Reader<'_>, object: &Object, definition: &Definition) {
    let transfers = || {
        definition.steps.iter().filter_map(|step| match &step.task {
            Task::Transfer(TransferTemplate { source, destination, .. }) => Some((source, destination)),
            _ => None,
        })
    };
    if transfers().any(|(source, _)| source.is_none()) {
        lint_source(reader, &definition.source, object.location("source"));
    }
    if transfers().any(|(_, destination)| destination.is_none()) {
        lint_destination(reader, &definition.destination, object.location("destination"));
    }
}

fn lint_source(reader: &mut Reader<'_>, source: &EndpointTemplate, location: &SourceLocation) {
    let Some(endpoint) = filled(reader, source) else { return };
    let folder = endpoint.path.rsplit_once(SEPARATORS).map_or("", |(folder, _)| folder);
    if let Some(said) = refused(&endpoint) {
        reader.diagnostics.warning(location, || format!("`source` {said}"));
    } else if folder.contains(WILDCARDS) {
        reader.diagnostics.warning(location, || {
            "`source` has a pattern before its last part; that pattern is taken literally: only the last part selects \
             files"
                .to_owned()
        });
    }
}

fn lint_destination(reader: &mut Reader<'_>, destination: &EndpointTemplate, location: &SourceLocation) {
    let Some(endpoint) = filled(reader, destination) else { return };
    if let Some(said) = refused(&endpoint) {
        reader.diagnostics.warning(location, || format!("`destination` {said}"));
    } else if endpoint.pattern.is_some() {
        let said = || "`pattern` has no effect in a `destination`: it selects files of a `source`".to_owned();
        reader.diagnostics.warning(location, said);
    } else if endpoint.path.contains(WILDCARDS) {
        reader.diagnostics.warning(location, || format!("`destination` {NO_PATTERN}"));
    }
}

fn lint_output(reader: &mut Reader<'_>, object: &Object, path: &Template, output: Option<&Template>) {
    if output.is_some_and(|output| are_the_same(reader, path, output)) {
        let said = || "`output` is `path` itself, which agents refuse: write another path".to_owned();
        reader.diagnostics.warning(object.location("output"), said);
    }
}

fn lint_path(reader: &mut Reader<'_>, object: &Object, key: &str, template: &Template) {
    let Some(path) = fill(reader, template) else { return };
    if let Some(said) = unusable(&path) {
        reader.diagnostics.warning(object.location(key), || format!("`{key}` {said}"));
    } else if path.contains(WILDCARDS) {
        reader.diagnostics.warning(object.location(key), || format!("`{key}` {NO_PATTERN}"));
    }
}

fn are_the_same(reader: &Reader<'_>, one: &Template, other: &Template) -> bool {
    let one = fill(reader, one);
    one.is_some() && one == fill(reader, other)
}

/// Whether the name of the decompressed file is not known.
fn is_unnamed(reader: &Reader<'_>, path: &Template, output: Option<&Template>) -> bool {
    let Some(path) = fill(reader, path) else { return false };
    let output = output.map(|output| fill(reader, output));
    output != Some(None) && Format::unpacked_to(&path, output.flatten().as_deref()).is_none()
}

/// The text with the default values of its parameters; `None` if one of the parameters is unknown.
fn fill(reader: &Reader<'_>, template: &Template) -> Option<String> {
    template.fill(reader.values(template.parameters())?, usize::MAX).ok()
}

fn filled(reader: &Reader<'_>, endpoint: &EndpointTemplate) -> Option<Endpoint> {
    endpoint.fill(reader.values(endpoint.parameters())?).ok()
}

fn refused(endpoint: &Endpoint) -> Option<&'static str> {
    unusable(&endpoint.path).filter(|_| endpoint.is_local())
}

/// Why agents refuse a local path; `None` if they accept it.
fn unusable(path: &str) -> Option<&'static str> {
    let decoded = local_file(path).and_then(Result::ok);
    let path = decoded.as_deref().unwrap_or(path);
    let has_drive = matches!(path.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic());
    if !path.starts_with(SEPARATORS) && !has_drive {
        return Some("is not an absolute path, which agents require: write one such as /data/in/a.csv");
    }
    let goes_up = path.split(SEPARATORS).any(|part| part == "..");
    goes_up.then_some("contains `..`, which agents refuse: write the path without it")
}
