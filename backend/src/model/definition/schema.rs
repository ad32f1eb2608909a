//! The grammar as JSON Schema (draft 2020-12), generated from the tables that the reader checks by.
//!
//! A schema cannot express everything. Only the reader checks duplicate keys, tags and aliases; ids, needs and
//! parameters that do not exist; cycles; schedules and zones; the order and the bounds of durations; passwords in
//! URLs; and text with its parameters filled in.

use serde_json::{Map, Value, json};

use super::grammar::{
    Choice, DEFINITION, ENDPOINT, ENDPOINT_TEXT, Form, Key, MAX_PARAMETERS, MAX_STEPS, MAX_VALUE, Mapping, RETRY, STEP,
    Shape, Text,
};
use crate::model::duration;

/// The pattern for text without invisible characters, on one line.
const VISIBLE: &str = r"^[^\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]*$";
/// The pattern for text without invisible characters, on several lines.
const VISIBLE_LINES: &str =
    r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\u202a-\u202e\u2066-\u2069]*$";
/// The pattern for text whose placeholders all name parameters.
const PLACEHOLDERS: &str =
    r"^([^$]|\$(?!\{\{)|\$\{\{\s*params\.[A-Za-z_][A-Za-z0-9_-]{0,63}\s*(\|\s*(json|uri|raw)\s*)?\}\})*$";
/// A path, or a URL of a protocol that agents support. Text with a placeholder is not checked.
const LOCATION: &str = concat!(
    r"^((?![A-Za-z0-9+.-]{2,}://)|[Ff][Ii][Ll][Ee]://[^/]*/|",
    r"[Ss][Ff][Tt][Pp]://[^/]+/|[Ff][Tt][Pp][Ss]?://[^/]+/|.*\$\{\{)"
);

/// The schema of a definition.
#[must_use]
pub fn schema() -> Value {
    let mut schema = mapping(&DEFINITION);
    let about = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "MFTPlus pipeline",
        "description": "Definition of an MFTPlus pipeline, version 1 of the language.",
        "$defs": {
            "retry": mapping(&RETRY),
            "place": { "anyOf": [text(&ENDPOINT_TEXT), choice(&ENDPOINT)] },
            "step": choice(&STEP),
        },
    });
    if let (Value::Object(schema), Value::Object(about)) = (&mut schema, about) {
        schema.extend(about);
    }
    schema
}

fn mapping(table: &Mapping) -> Value {
    object(table.keys.iter(), Map::new(), Vec::new())
}

/// A mapping for each variant.
fn choice(table: &Choice) -> Value {
    let variants = table.variants.iter().map(|variant| {
        let by = json!({ "const": variant.keyword, "description": variant.about });
        let properties = Map::from_iter([(table.by.to_owned(), by)]);
        let mut schema = object(table.common.iter().chain(variant.keys), properties, vec![table.by]);
        schema["title"] = json!(format!("{} of {} {}", table.what, table.by, variant.keyword));
        schema["description"] = json!(variant.about);
        schema
    });
    json!({ "description": table.about, "oneOf": variants.collect::<Vec<_>>() })
}

fn object<'k>(
    keys: impl Iterator<Item = &'k Key>,
    mut properties: Map<String, Value>,
    mut required: Vec<&'k str>,
) -> Value {
    for key in keys {
        let mut schema = shape(&key.shape);
        schema["description"] = json!(key.about);
        properties.insert(key.name.to_owned(), schema);
        required.extend(key.is_required.then_some(key.name));
    }
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn shape(shape: &Shape) -> Value {
    match shape {
        Shape::Text(limits) => text(limits),
        Shape::Keyword(keywords) => json!({ "enum": keywords }),
        Shape::Keywords(keywords) => json!({ "type": "array", "items": { "enum": keywords }, "uniqueItems": true }),
        Shape::Integer { least, most } => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Shape::Number { least, most } => json!({ "type": "number", "minimum": least, "maximum": most }),
        Shape::Duration { .. } => {
            json!({ "type": "string", "pattern": duration::PATTERN, "examples": ["30s", "2h", "1h30m"] })
        }
        Shape::Endpoint => json!({ "$ref": "#/$defs/place" }),
        Shape::Mapping(table) if std::ptr::eq(*table, std::ptr::from_ref(&RETRY)) => json!({ "$ref": "#/$defs/retry" }),
        Shape::Mapping(table) => mapping(table),
        Shape::Steps => json!({
            "type": "array", "items": { "$ref": "#/$defs/step" }, "minItems": 1, "maxItems": MAX_STEPS,
        }),
        Shape::Needs => json!({
            "type": "array", "items": { "type": "string" }, "maxItems": MAX_STEPS, "uniqueItems": true,
        }),
        Shape::Parameters => json!({
            "type": "object",
            "maxProperties": MAX_PARAMETERS,
            "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_-]{0,63}$" },
            "additionalProperties": {
                "type": ["string", "number", "boolean"], "maxLength": MAX_VALUE, "pattern": VISIBLE,
            },
        }),
    }
}

fn text(limits: &Text) -> Value {
    let mut rules = vec![json!({ "pattern": r"\S" })];
    rules.push(json!({ "pattern": if limits.has_lines { VISIBLE_LINES } else { VISIBLE } }));
    if limits.is_template {
        rules.push(json!({ "pattern": PLACEHOLDERS }));
    } else {
        rules.push(json!({ "not": { "pattern": r"\$\{\{" } }));
    }
    match limits.form {
        Form::Free | Form::Body | Form::Pattern => {}
        Form::Location => rules.push(json!({ "pattern": LOCATION })),
        Form::Id => rules.push(json!({ "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]*$" })),
        Form::Sha256 => rules.push(json!({ "pattern": r"^[0-9A-Fa-f]{64}$|\$\{\{" })),
        Form::Path => rules.push(json!({ "pattern": "^([Ff][Ii][Ll][Ee]:/|(?!.*://))" })),
        Form::ConfigName => rules.push(json!({ "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$" })),
        Form::AfterSuccess => rules.push(json!({ "pattern": r"^\s*(keep|delete|moveTo:.*\S.*)\s*$|\$\{\{" })),
        Form::PathPart => rules.push(json!({ "not": { "pattern": "://" } })),
        Form::WebUrl => rules.push(json!({ "pattern": r"^([Hh][Tt][Tt][Pp][Ss]?://[^/\s]|.*\$\{\{)" })),
    }
    let mut schema = json!({ "type": "string", "minLength": 1, "allOf": rules });
    // The length of a template changes when its parameters are filled in.
    if !limits.is_template {
        schema["maxLength"] = json!(limits.most);
    }
    schema
}
