//! The diagnostics of each definition, as a snapshot. Read it as the author of the definition: would you know what to
//! do?

use std::fmt::Write as _;

use backend::model::definition::{Definition, Severity};

use crate::cases;

#[test]
fn every_definition_gets_its_messages() {
    let mut listing = String::new();
    for case in cases() {
        let parsed = Definition::parse(&case.text);
        writeln!(listing, "==== {}", case.name).unwrap();
        for (index, line) in case.text.lines().enumerate() {
            let shown: String = line.chars().take(140).flat_map(char::escape_debug_but_letters).collect();
            writeln!(listing, "{:>4} | {shown}", index + 1).unwrap();
        }
        for diagnostic in &parsed.diagnostics {
            let kind = if diagnostic.severity == Severity::Error { "error" } else { "warning" };
            let path = diagnostic.path.as_deref().unwrap_or("-");
            writeln!(listing, "  -> {kind} [{path}] {diagnostic}").unwrap();
        }
        listing.push('\n');
        let has_errors = parsed.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
        assert_eq!(parsed.definition.is_some(), case.is_good(), "{}: {:?}", case.name, parsed.diagnostics);
        assert_eq!(has_errors, !case.is_good(), "{}", case.name);
    }
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("messages", listing);
    });
}

/// Shows characters that a snapshot cannot contain.
trait Shown {
    fn escape_debug_but_letters(self) -> std::vec::IntoIter<char>;
}

impl Shown for char {
    fn escape_debug_but_letters(self) -> std::vec::IntoIter<char> {
        let is_odd = self.is_control() || matches!(self, '\u{202a}'..='\u{202e}' | '\u{feff}');
        let shown: Vec<char> = if is_odd { self.escape_unicode().collect() } else { vec![self] };
        shown.into_iter()
    }
}
