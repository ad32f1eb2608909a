//! The messages of diagnostics, built from the tables of the grammar.

use super::{
    grammar::{Key, Shape},
    yaml::scalar::Kind,
    yaml::{Content, shown},
};
use crate::model::duration::HumanDuration;

/// The error for a copy from server to server.
pub(super) const TWO_SERVERS: &str = "a copy needs one side on the agent's machine: give `source` or `destination` as a \
                                      path, and use two steps to go from server to server";
/// The error for a copy that names an `endpoint` although both its sides are on the agent's machine.
pub(super) const NO_SERVER: &str = "`endpoint` has no effect between two paths on the agent's machine: give `source` or \
                                    `destination` as a URL such as sftp://host/exports/, or leave `endpoint` out";
/// The error for a file to decompress whose name has no known ending.
pub(super) const NO_OUTPUT: &str =
    "the name does not end in .gz or .zst, so the name of the result is not known: add `output`";
/// The error for a file to decompress whose name has no known ending, and whose `output` is a folder.
pub(super) const NO_NAME: &str = "`output` is a folder, and the name of `path` does not end in .gz or .zst: write the \
    file name after it";

/// Says which values a shape allows, in a text that begins with "write".
pub(super) fn expected(shape: &Shape) -> String {
    match shape {
        Shape::Text(text) => format!("write {}", text.what),
        Shape::Keyword(keywords) => format!("write one of {}", keywords.join(", ")),
        Shape::Keywords(keywords) => format!("write a list of {}, such as [{}]", keywords.join(", "), keywords[0]),
        Shape::Integer { least, most } if least == most => format!("write {least}, or leave it out"),
        Shape::Integer { least, most } => format!("write a whole number from {least} to {most}"),
        Shape::Number { least, most } => format!("write a number from {least} to {most}"),
        Shape::Duration { least, most } => format!(
            "write a duration from {} to {}, such as 30s, 2h or 1h30m",
            HumanDuration::seconds(*least),
            HumanDuration::seconds(*most)
        ),
        Shape::Endpoint => {
            "write a path, a URL such as sftp://ftp.example.com/exports/, or a mapping such as {protocol: sftp, host: \
             ftp.example.com, path: /exports/}"
                .to_owned()
        }
        Shape::Mapping(mapping) => format!("write a mapping of {}", names(mapping.keys)),
        Shape::Steps => "write a list of steps, each a mapping with `id` and `type`".to_owned(),
        Shape::Needs => "write a list of step ids, such as [fetch]".to_owned(),
        Shape::Parameters => "write names with their default values, such as {date: \"2026-01-01\"}".to_owned(),
    }
}

fn names(keys: &[Key]) -> String {
    let names: Vec<&str> = keys.iter().map(|key| key.name).collect();
    names.join(", ")
}

/// Describes an invalid value, in a text such as "is a list".
pub(super) fn what_it_is(content: &Content) -> String {
    match content {
        Content::List(_) => "is a list".to_owned(),
        Content::Mapping(_) => "is a mapping".to_owned(),
        Content::Broken => "cannot be read".to_owned(),
        Content::Scalar(scalar) => match scalar.kind {
            Kind::Null => "has no value".to_owned(),
            Kind::Boolean(_) | Kind::Integer(_) | Kind::Number(_) => format!("is {}", shown(&scalar.text)),
            Kind::Text if scalar.text.is_empty() => "is empty text".to_owned(),
            Kind::Text => format!("is the text `{}`", shown(&scalar.text)),
        },
    }
}
