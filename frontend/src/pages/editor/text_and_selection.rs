//! The text of a definition and the selection in its text area.

use leptos::{html, prelude::*};

use super::text_edits::{self, Edit, Selection};
use crate::browser;

/// The text and its text area. A handle: copies share the same text.
#[derive(Clone, Copy)]
pub(super) struct Buffer {
    pub(super) area: NodeRef<html::Textarea>,
    pub(super) text: RwSignal<String>,
}

impl Buffer {
    pub(super) fn new(text: String) -> Self {
        Self { area: NodeRef::new(), text: RwSignal::new(text) }
    }

    /// Moves the caret to a line and a column, both from 1.
    pub(super) fn go(self, line: i32, column: i32) {
        let at = self.text.with_untracked(|text| text_edits::place(text, line, column));
        self.select(Selection::caret(at));
    }

    /// Moves the caret to the line with the id of a step.
    pub(super) fn go_to_step(self, step: &str) {
        let line = self.text.with_untracked(|text| text.lines().position(|line| names_step(line, step)));
        if let Some(line) = line.and_then(|line| i32::try_from(line + 1).ok()) {
            self.go(line, 1);
        }
    }

    fn select(self, Selection { from, to }: Selection) {
        let Some(area) = self.area.get_untracked() else { return };
        let units = self.text.with_untracked(|text| (text_edits::to_units(text, from), text_edits::to_units(text, to)));
        // A failure only leaves the focus or the selection where it was.
        let _ = area.focus();
        let _ = area.set_selection_range(units.0, units.1);
        browser::show_line(&area, self.text.with_untracked(|text| lines_before(text, from)));
    }

    pub(super) fn selected(self) -> Option<Selection> {
        let area = self.area.get_untracked()?;
        let (from, to) = (area.selection_start().ok()??, area.selection_end().ok()??);
        let offset = |units| self.text.with_untracked(|text| text_edits::from_units(text, units));
        Some(Selection { from: offset(from), to: offset(to) })
    }

    /// Applies an edit as if it was typed, so that it can be undone.
    pub(super) fn apply(self, edit: &Edit) {
        let Some(area) = self.area.get_untracked() else { return };
        let mut wanted = area.value();
        self.select(Selection { from: edit.from, to: edit.to });
        browser::type_text(&edit.text);
        // A browser that does not support this reports no error.
        if area.value() == wanted {
            wanted.replace_range(edit.from..edit.to, &edit.text);
            area.set_value(&wanted);
        }
        self.text.set(area.value());
        self.select(edit.selected);
    }
}

/// The number of line ends before a byte offset.
pub(super) fn lines_before(text: &str, at: usize) -> usize {
    text.get(..at).map_or(0, |before| before.matches('\n').count())
}

fn names_step(line: &str, step: &str) -> bool {
    line.split_once("id:").is_some_and(|(before, after)| {
        let after = after.trim_start().trim_start_matches(['"', '\'']);
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let is_whole = after.strip_prefix(step).is_some_and(|rest| !rest.starts_with(is_name));
        is_whole && before.chars().next_back().is_none_or(|c| matches!(c, ' ' | '{' | ','))
    })
}

#[cfg(test)]
mod tests {
    use super::names_step;

    #[test]
    fn the_line_of_a_step_is_found_by_its_id() {
        for line in ["  - id: copy", "  - { id: copy, type: x }", "    id: \"copy\""] {
            assert!(names_step(line, "copy"), "{line}");
        }
        for line in ["  - id: copy2", "  - id: copy-two", "needs: [copy]"] {
            assert!(!names_step(line, "copy"), "{line}");
        }
    }
}
