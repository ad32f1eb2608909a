//! Descriptions of the keys of a definition, from the JSON Schema of the server. Pure.

use super::{
    completion::{Described, describe},
    highlight::key_at,
    yaml_context::locate,
};
use crate::api::definition_dry_run_and_schema::Grammar;

/// What the schema says about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyHelp {
    pub(super) key: String,
    /// Sentences: the description, whether the key is required, and its allowed values.
    pub(super) lines: Vec<String>,
}

/// The description of the key at a byte offset, or of the key whose value is there. `None` if there is no known key.
pub(super) fn help_at(grammar: &Grammar, text: &str, at: usize) -> Option<KeyHelp> {
    let (start, key) = key_at(text, at)?;
    let inside = start + key.chars().next()?.len_utf8();
    let context = locate(text, inside).filter(|context| context.key.is_none())?;
    let Described { about, is_required, words } = describe(grammar, &context, key)?;
    let required = if is_required { "Required." } else { "" };
    let words = if words.is_empty() { String::new() } else { format!("One of: {}.", words.join(", ")) };
    let lines: Vec<_> = [about, required.to_owned(), words].into_iter().filter(|line| !line.is_empty()).collect();
    (!lines.is_empty()).then(|| KeyHelp { key: key.to_owned(), lines })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::editor::test_grammar_and_caret::{caret, grammar};

    fn help(text: &str) -> String {
        let (text, at) = caret(text);
        let help = help_at(&grammar(), &text, at);
        help.map(|help| format!("{}: {}", help.key, help.lines.join(" "))).unwrap_or_default()
    }

    #[test]
    fn keys_are_described_from_their_beginning_to_the_end_of_their_values() {
        for text in ["|source: /a", "sou|rce: /a", "source: /a|", "source: |"] {
            assert_eq!(help(text), "source: Where it reads. Required.", "{text}");
        }
        assert_eq!(help("overlap: sk|ip"), "overlap: What then. One of: skip, queue, allow.");
        assert_eq!(help("re|try:\n  factor: 2"), "retry: How often.");
        assert_eq!(help("retry:\n  factor: 2|"), "factor: The factor.");
        assert_eq!(help("source: { path: /a|}"), "path: Its path.");
    }

    #[test]
    fn the_key_of_a_step_is_that_of_its_type() {
        assert_eq!(help("steps:\n  - type: rename\n    pa|th: /a"), "path: What is renamed.");
        assert_eq!(help("steps:\n  - pa|th: /a\n    type: delete"), "path: What is deleted. Required.");
        assert_eq!(help("steps:\n  - { type: delete, pa|th: /a }"), "path: What is deleted. Required.");
    }

    #[test]
    fn a_key_that_variants_describe_differently_is_not_described_as_in_one_of_them() {
        assert_eq!(help("steps:\n  - ty|pe: rename"), "type: Required. One of: delete, rename.");
        assert_eq!(help("steps:\n  - pa|th: /a"), "");
    }

    #[test]
    fn what_is_no_key_of_the_schema_has_no_help() {
        for text in ["# sour|ce: a", "nonsense|: 1", "|", "source: a\n|", "retry:\n  source: a|", "- |"] {
            assert_eq!(help(text), "", "{text}");
        }
    }
}
