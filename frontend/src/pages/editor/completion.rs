//! Completions at the caret and descriptions of keys, from the JSON Schema of the server. Pure.

use super::yaml_context::{Part, YamlContext};
use crate::api::definition_dry_run_and_schema::Grammar;

/// A completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Suggestion {
    /// The key or value.
    pub(super) word: String,
    /// The description of the key or value in the schema.
    pub(super) about: String,
    /// Whether the key is required.
    pub(super) is_required: bool,
    /// The text that is inserted in place of the typed beginning of the word.
    pub(super) text: String,
}

/// The completions at the caret, required keys first.
pub(super) fn suggest(grammar: &Grammar, context: &YamlContext) -> Vec<Suggestion> {
    let schema = Schema(grammar);
    let mappings = schema.mappings(context);
    let mut found = match &context.key {
        None => keys(schema, &mappings, context),
        Some(key) => words(schema, &mappings, key),
    };
    found.retain(|suggestion| suggestion.word.starts_with(&context.word) && suggestion.word != context.word);
    found.sort_by_key(|suggestion| !suggestion.is_required);
    found
}

/// What the schema says about a key.
pub(super) struct Described {
    /// The description; empty if there is none, or if the variants of the mapping have different ones.
    pub(super) about: String,
    pub(super) is_required: bool,
    /// The allowed values, if the value is one of a list.
    pub(super) words: Vec<String>,
}

/// What the schema says about a key of the mapping around the caret; `None` if the mapping does not allow the key.
pub(super) fn describe(grammar: &Grammar, context: &YamlContext, key: &str) -> Option<Described> {
    let schema = Schema(grammar);
    let mut mappings = schema.mappings(context);
    mappings.retain(|mapping| mapping.properties.contains_key(key));
    let mut abouts = mappings.iter().filter_map(|mapping| mapping.properties.get(key)).map(|value| schema.about(value));
    let first = abouts.next()?;
    // The description of one variant may be wrong for another.
    let about = if abouts.all(|about| about == first) { first.to_owned() } else { String::new() };
    let is_required = mappings.iter().all(|mapping| mapping.required.iter().any(|required| required == key));
    let words = words(schema, &mappings, key).into_iter().map(|suggestion| suggestion.word).collect();
    Some(Described { about, is_required, words })
}

fn keys(schema: Schema<'_>, mappings: &[&Grammar], context: &YamlContext) -> Vec<Suggestion> {
    let mut found: Vec<Suggestion> = Vec::new();
    for mapping in mappings {
        for (name, value) in &mapping.properties {
            let is_known = found.iter().any(|known| known.word == *name);
            if is_known || context.others.iter().any(|(other, _)| other == name) {
                continue;
            }
            found.push(Suggestion {
                word: name.clone(),
                about: value.description.clone(),
                is_required: mappings.iter().all(|mapping| mapping.required.contains(name)),
                text: format!("{name}{}", schema.after(value, context.indent)),
            });
        }
    }
    found
}

fn words(schema: Schema<'_>, mappings: &[&Grammar], key: &str) -> Vec<Suggestion> {
    let mut found: Vec<Suggestion> = Vec::new();
    for value in mappings.iter().filter_map(|mapping| mapping.properties.get(key)) {
        for shape in schema.shapes(value) {
            for word in shape.words.iter().chain(&shape.word) {
                if !found.iter().any(|known| known.word == *word) {
                    let about = if shape.word.is_some() { shape.description.clone() } else { String::new() };
                    found.push(Suggestion { word: word.clone(), about, is_required: false, text: word.clone() });
                }
            }
        }
    }
    found
}

/// The root of the JSON Schema, which resolves references.
#[derive(Clone, Copy)]
struct Schema<'g>(&'g Grammar);

impl<'g> Schema<'g> {
    /// The schemas that the mapping around the caret may have, given its other keys.
    fn mappings(self, context: &YamlContext) -> Vec<&'g Grammar> {
        let mut shapes = self.shapes(self.0);
        for part in &context.path {
            let inner = shapes.into_iter().filter_map(|shape| match part {
                Part::Key(key) => shape.properties.get(key),
                Part::Item => shape.items.as_deref(),
            });
            shapes = inner.flat_map(|inner| self.shapes(inner)).collect();
        }
        shapes.retain(|shape| !shape.properties.is_empty());
        let matches = |shape: &&Grammar| {
            context.others.iter().all(|(key, value)| {
                let word = shape.properties.get(key).and_then(|of_key| of_key.word.as_ref());
                word.is_none_or(|word| word == value)
            })
        };
        let matching: Vec<&Grammar> = shapes.iter().copied().filter(matches).collect();
        if matching.is_empty() { shapes } else { matching }
    }

    /// The schema that a reference names.
    fn named(self, of: &'g Grammar) -> Option<&'g Grammar> {
        of.reference.as_ref().and_then(|name| self.0.definitions.get(name.rsplit('/').next()?))
    }

    /// The description of a schema, or of the schema that it refers to; empty if there is none.
    fn about(self, of: &'g Grammar) -> &'g str {
        let shapes = std::iter::once(of).chain(self.named(of));
        shapes.map(|shape| shape.description.as_str()).find(|about| !about.is_empty()).unwrap_or_default()
    }

    /// The variants of a schema; only the schema itself if it has no variants.
    fn shapes(self, of: &'g Grammar) -> Vec<&'g Grammar> {
        let variants: Vec<&Grammar> = self.named(of).into_iter().chain(&of.one_of).chain(&of.any_of).collect();
        if variants.is_empty() {
            vec![of]
        } else {
            variants.into_iter().flat_map(|variant| self.shapes(variant)).collect()
        }
    }

    /// The text that is inserted after a key: the beginning of its value.
    fn after(self, value: &'g Grammar, indent: Option<usize>) -> String {
        let items = value.items.as_deref();
        let has_keys = |of: &'g Grammar| self.shapes(of).iter().all(|shape| !shape.properties.is_empty());
        let Some(indent) = indent.map(|indent| " ".repeat(indent + 2)) else { return ": ".to_owned() };
        let reference = self.named(value);
        if items.is_some_and(|items| items.reference.is_some() || !items.properties.is_empty()) {
            format!(":\n{indent}- ")
        } else if items.is_some() {
            ": [".to_owned()
        } else if !value.properties.is_empty() || reference.is_some_and(has_keys) {
            format!(":\n{indent}")
        } else {
            ": ".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::editor::{
        test_grammar_and_caret::{caret, grammar},
        yaml_context::locate,
    };

    fn suggested(text: &str) -> Vec<Suggestion> {
        let (text, at) = caret(text);
        locate(&text, at).map(|context| suggest(&grammar(), &context)).unwrap_or_default()
    }

    fn words(text: &str) -> String {
        suggested(text).into_iter().map(|suggestion| suggestion.word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn keys_that_must_be_there_come_first_and_those_that_are_do_not_come() {
        assert_eq!(words("|"), "source overlap retry steps");
        assert_eq!(words("source: a\n|"), "overlap retry steps");
        assert_eq!(words("retry:\n  |"), "maxAttempts factor");
        assert_eq!(words("source: { | }"), "host path");
        assert_eq!(words("re|"), "retry");
        assert_eq!(words("x|"), "");
    }

    #[test]
    fn the_keys_of_a_step_are_those_of_its_type() {
        assert_eq!(words("steps:\n  - |"), "id type needs path to");
        assert_eq!(words("steps:\n  - type: rename\n    |"), "id path to");
        assert_eq!(words("steps:\n  - { type: delete, id: a, | }"), "path needs");
        assert_eq!(words("steps:\n  - |\n    type: delete"), "id path needs");
    }

    #[test]
    fn words_to_choose_are_suggested_as_values() {
        assert_eq!(words("overlap: |"), "skip queue allow");
        assert_eq!(words("steps:\n  - type: de|"), "delete");
        assert_eq!(suggested("steps:\n  - type: de|")[0].about, "Deletes.");
    }

    #[test]
    fn what_follows_a_key_begins_its_value() {
        let text = |at: &str| suggested(at)[0].text.clone();
        assert_eq!(text("sour|"), "source: ");
        assert_eq!(text("ste|"), "steps:\n  - ");
        assert_eq!(text("ret|"), "retry:\n  ");
        assert_eq!(text("steps:\n  - ne|"), "needs: [");
    }
}
