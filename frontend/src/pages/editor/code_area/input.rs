//! Handles input events and pressed keys of the text area.

use leptos::{ev::KeyboardEvent, prelude::*};

use super::completion_list::{Completions, Position};
use crate::{
    api::definition_dry_run_and_schema::Grammar,
    pages::editor::{
        completion::{Suggestion, suggest},
        text_and_selection::{Buffer, lines_before},
        text_edits::{self, Edit, Selection},
        yaml_context::locate,
    },
};

/// The handler of input events. A handle: copies are the same handler.
#[derive(Clone, Copy)]
pub(super) struct InputHandler {
    code: Buffer,
    pub(super) choices: Completions,
    grammar: Signal<Grammar>,
    /// Whether Tab moves the focus instead of indenting. This is so after Escape.
    leaves: StoredValue<bool>,
}

impl InputHandler {
    pub(super) fn new(code: Buffer, grammar: Signal<Grammar>) -> Self {
        Self { code, choices: Completions::new(), grammar, leaves: StoredValue::new(false) }
    }

    /// Handles an input event; `text` is the text after it.
    pub(super) fn typed(self, text: &str) {
        let is_one_more = self.code.text.with_untracked(String::len) + 1 == text.len();
        self.code.text.set(text.to_owned());
        if is_one_more || self.choices.is_open() {
            self.look(false);
        }
    }

    /// Opens the list of completions at the caret. Unless the user has requested it with Ctrl+Space (`is_asked`), it
    /// opens only within a word.
    fn look(self, is_asked: bool) {
        let Self { code: Buffer { text, .. }, choices, grammar, .. } = self;
        let caret = self.code.selected().filter(|selected| selected.from == selected.to).map(|caret| caret.from);
        let found = caret.and_then(|at| text.with_untracked(|text| locate(text, at)).map(|context| (at, context)));
        let Some((at, context)) = found.filter(|(_, context)| is_asked || !context.word.is_empty()) else {
            return choices.close();
        };
        let words = grammar.with_untracked(|grammar| suggest(grammar, &context));
        let position = text.with_untracked(|text| {
            let before = text.get(text_edits::line_start(text, context.from)..context.from).unwrap_or_default();
            Position { line: lines_before(text, at), column: before.chars().count() }
        });
        choices.open(words, Selection { from: context.from, to: at }, position);
    }

    /// Replaces the beginning of a word by the chosen completion.
    pub(super) fn choose(self, word: Suggestion) {
        let Some(Selection { from, to: at }) = self.choices.typed() else { return };
        self.choices.close();
        let (to, has_colon) = self.code.text.with_untracked(|text| {
            let rest = text.get(at..).unwrap_or_default();
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            (at + end, rest.get(end..).is_some_and(|rest| rest.starts_with(':')))
        });
        let text = if has_colon { word.word } else { word.text };
        let selected = Selection::caret(from + text.len());
        self.code.apply(&Edit { from, to, text, selected });
    }

    /// Handles a keydown event.
    pub(super) fn press(self, event: &KeyboardEvent) {
        let key = event.key();
        let is_plain = !event.ctrl_key() && !event.meta_key() && !event.alt_key();
        let is_leaving = self.leaves.get_value();
        if key != "Shift" {
            self.leaves.set_value(false);
        }
        if event.is_composing() {
            return;
        }
        if key == " " && event.ctrl_key() {
            event.prevent_default();
            return self.look(true);
        }
        if is_plain && self.choices.is_open() && self.choices.press(&key, |word| self.choose(word)) {
            return event.prevent_default();
        }
        let edit = match key.as_str() {
            "Escape" => return self.leaves.set_value(true),
            "Tab" if is_leaving || !is_plain => return,
            "Tab" if event.shift_key() => text_edits::outdent,
            "Tab" => text_edits::indent,
            "Enter" if is_plain && !event.shift_key() => text_edits::newline,
            "ArrowLeft" | "ArrowRight" | "Home" | "End" | "PageUp" | "PageDown" => return self.choices.close(),
            _ => return,
        };
        event.prevent_default();
        if let Some(selected) = self.code.selected() {
            let edit = self.code.text.with_untracked(|text| edit(text, selected));
            self.code.apply(&edit);
        }
    }
}
