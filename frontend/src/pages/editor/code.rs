//! The text of a definition: a plain text area with line numbers, marks at the lines where something is wrong, and words
//! to choose from.
//!
//! Numbers and marks are drawn around the text area and follow its scrolling; whoever does not see them has the list of
//! problems below it, which describes the text area.

mod typing;
mod words;

use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;

use self::{typing::Typing, words::WordList};
use super::keys::{self, Edit};
use crate::{
    api::definitions::{Diagnostic, Grammar, Severity},
    browser,
    effect::effect,
};

/// The text area's id.
pub(super) const ID: &str = "definition";
/// The id of what lists its problems.
pub(super) const PROBLEMS: &str = "problems";
/// The id of what says how keys are used in it.
const HELP: &str = "definition-help";

/// A text area as somebody writes in it. A handle.
#[derive(Clone, Copy)]
pub(super) struct Code {
    area: NodeRef<html::Textarea>,
    pub(super) text: RwSignal<String>,
}

impl Code {
    pub(super) fn new(text: String) -> Self {
        Self { area: NodeRef::new(), text: RwSignal::new(text) }
    }

    /// Goes to a line and a column, both from 1.
    pub(super) fn go(self, line: i32, column: i32) {
        let at = self.text.with_untracked(|text| keys::place(text, line, column));
        self.select((at, at));
    }

    /// Goes to the line that says the id of a step.
    pub(super) fn go_to_step(self, step: &str) {
        let line = self.text.with_untracked(|text| text.lines().position(|line| names_step(line, step)));
        if let Some(line) = line.and_then(|line| i32::try_from(line + 1).ok()) {
            self.go(line, 1);
        }
    }

    fn select(self, (from, to): (usize, usize)) {
        let Some(area) = self.area.get_untracked() else { return };
        let units = self.text.with_untracked(|text| (keys::to_units(text, from), keys::to_units(text, to)));
        // Without the focus it is still there.
        let _ = area.focus();
        let _ = area.set_selection_range(units.0, units.1);
        browser::show_line(&area, self.text.with_untracked(|text| lines_before(text, from)));
    }

    /// What is selected, as places in the text.
    fn selected(self) -> Option<(usize, usize)> {
        let area = self.area.get_untracked()?;
        let (from, to) = (area.selection_start().ok()??, area.selection_end().ok()??);
        Some(self.text.with_untracked(|text| (keys::from_units(text, from), keys::from_units(text, to))))
    }

    /// Does it as if it was typed, so that it can be undone.
    fn apply(self, edit: &Edit) {
        let Some(area) = self.area.get_untracked() else { return };
        let mut wanted = area.value();
        self.select((edit.from, edit.to));
        browser::type_text(&edit.text);
        // A browser that cannot do that tells nothing of it either.
        if area.value() == wanted {
            wanted.replace_range(edit.from..edit.to, &edit.text);
            area.set_value(&wanted);
        }
        self.text.set(area.value());
        self.select(edit.selected);
    }
}

fn lines_before(text: &str, at: usize) -> usize {
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

/// The text area and what is around it.
#[component]
pub(super) fn CodeArea(
    code: Code,
    /// What is wrong, by lines.
    problems: Memo<Vec<Diagnostic>>,
    /// Which keys there are.
    #[prop(into)]
    grammar: Signal<Grammar>,
) -> impl IntoView {
    let Code { area, text } = code;
    let typing = Typing::new(code, grammar);
    let choices = typing.choices;
    // How far the text area is scrolled, to the right and down.
    let scrolled = RwSignal::new((0, 0));
    let scroll = move |event: ev::Event| {
        if let Some(area) = event.target().and_then(|target| target.dyn_into::<leptos::web_sys::Element>().ok()) {
            scrolled.set((area.scroll_left(), area.scroll_top()));
        }
    };
    effect(move || {
        // What the text is set to from elsewhere.
        if let Some(area) = area.get()
            && text.with(|text| area.value() != *text)
        {
            area.set_value(&text.get_untracked());
        }
    });
    let lines = Memo::new(move |_| text.with(|text| text.matches('\n').count() + 1));
    let numbers = move || (1..=lines.get()).map(|line| line.to_string()).collect::<Vec<_>>().join("\n");
    let is_wrong = move || problems.with(|problems| problems.iter().any(|found| found.severity == Severity::Error));
    view! {
        <div class="code" style:--digits=move || lines.get().to_string().len().max(2).to_string()>
            <div class="code-gutter" aria-hidden="true">
                <pre style:transform=move || format!("translateY({}px)", -scrolled.get().1)>{numbers}</pre>
            </div>
            <div class="code-sheet">
                <div class="code-layer" aria-hidden="true">
                    <div
                        class="code-marks"
                        style:transform=move || {
                            let (x, y) = scrolled.get();
                            format!("translate({}px, {}px)", -x, -y)
                        }
                    >
                        <Marks text problems />
                    </div>
                </div>
                <textarea
                    node_ref=area
                    id=ID
                    class="code-text"
                    aria-label="Definition"
                    aria-describedby=format!("{HELP} {PROBLEMS}-count")
                    aria-invalid=move || is_wrong().to_string()
                    aria-autocomplete="list"
                    aria-haspopup="listbox"
                    aria-controls=move || choices.is_shown().then_some(words::ID)
                    aria-activedescendant=move || choices.current_id()
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    wrap="off"
                    on:input=move |event| typing.typed(&event_target_value(&event))
                    on:keydown=move |event| typing.press(&event)
                    on:scroll=scroll
                    on:click=move |_| choices.close()
                    on:blur=move |_| choices.close()
                ></textarea>
                <WordList choices choose=Callback::new(move |word| typing.choose(word)) scrolled />
            </div>
        </div>
        <p class="code-help" id=HELP>
            <kbd>"Ctrl+Space"</kbd>
            " lists what can be written at the caret. "
            <kbd>"Tab"</kbd>
            " indents; to leave the text with the keyboard, press "
            <kbd>"Escape"</kbd>
            ", then "
            <kbd>"Tab"</kbd>
            "."
        </p>
    }
}

/// The lines on which something is wrong, behind the text: each is there once, with its worst problem.
#[component]
fn Marks(text: RwSignal<String>, problems: Memo<Vec<Diagnostic>>) -> impl IntoView {
    let mark = |found: &Diagnostic, line: &str| {
        let before = usize::try_from(found.column - 1).unwrap_or(0);
        let (ahead, behind): (String, String) =
            (line.chars().take(before).collect(), line.chars().skip(before).collect());
        let end = behind.find([' ', ',', '}', ']']).filter(|end| *end > 0).unwrap_or(behind.len());
        let (wave, rest) = behind.split_at(end);
        let wave = if wave.is_empty() { " ".to_owned() } else { wave.to_owned() };
        let (tone, sign) = match found.severity {
            Severity::Error => ("bad", "✕"),
            Severity::Warning => ("warn", "!"),
        };
        view! {
            <div class="code-mark" data-tone=tone data-line=found.line style:--line=(found.line - 1).to_string()>
                <span class="code-sign">{sign}</span>
                <span>{ahead}</span>
                <span class="code-wave">{wave}</span>
                <span>{rest.to_owned()}</span>
                <span class="code-said">{found.message.clone()}</span>
            </div>
        }
    };
    // Not while one types: then they would jump from line to line.
    move || {
        let mut shown: Vec<Diagnostic> = Vec::new();
        for found in problems.get() {
            match shown.iter_mut().find(|known| known.line == found.line) {
                Some(known) if known.severity == Severity::Warning && found.severity == Severity::Error => {
                    *known = found;
                }
                Some(_) => {}
                None => shown.push(found),
            }
        }
        text.with_untracked(|text| {
            let lines: Vec<&str> = text.split('\n').collect();
            let line_of =
                |found: &Diagnostic| usize::try_from(found.line - 1).ok().and_then(|at| lines.get(at)).copied();
            shown.iter().map(|found| mark(found, line_of(found).unwrap_or_default())).collect_view()
        })
    }
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
