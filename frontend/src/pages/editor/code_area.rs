//! The text area of a definition, with colours, line numbers, marks at lines with diagnostics, and completion.
//!
//! Colours, line numbers and marks are separate elements, which follow the scrolling of the text area. For screen
//! readers, the text area is described by the list of diagnostics below it instead.

mod colours;
mod completion_list;
mod hover;
mod input;

use leptos::{html, prelude::*, web_sys::HtmlTextAreaElement};

use self::{
    colours::{Colours, first_line, has_colours},
    completion_list::CompletionList,
    hover::Hover,
    input::InputHandler,
};
use super::{text_and_selection::Buffer, yaml_key_help::help_at};
use crate::{
    api::definition_dry_run_and_schema::{Diagnostic, Grammar, Severity},
    effect::effect,
    ui::Message,
};

/// The element id of the text area.
pub(super) const ID: &str = "definition";
/// The element id of the list of diagnostics.
pub(super) const PROBLEMS: &str = "problems";
/// The element id of the help text about keys.
const HELP: &str = "definition-help";
/// The element id of the description of the key at the caret.
const KEY: &str = "definition-key";

/// The text area with line numbers, marks, completion and help.
#[component]
pub(super) fn CodeArea(
    code: Buffer,
    /// The diagnostics, in the order of their lines.
    problems: Memo<Vec<Diagnostic>>,
    /// The JSON Schema of definitions.
    #[prop(into)]
    grammar: Signal<Grammar>,
) -> impl IntoView {
    let Buffer { area, text } = code;
    let input = InputHandler::new(code, grammar);
    let choices = input.choices;
    // The scroll offset of the text area in pixels: x, y.
    let scrolled = RwSignal::new((0, 0));
    // The height of the text in pixels.
    let height = RwSignal::new(0);
    let measure = move |area: &HtmlTextAreaElement| {
        height.set(area.scroll_height());
        let offset = (area.scroll_left(), area.scroll_top());
        if scrolled.get_untracked() != offset {
            scrolled.set(offset);
        }
    };
    let scroll = move |_| area.get_untracked().iter().for_each(measure);
    effect(move || {
        let Some(area) = area.get() else { return };
        // Code has changed the text, not the user.
        if text.with(|text| area.value() != *text) {
            area.set_value(&text.get_untracked());
        }
        measure(&area);
    });
    let lines = Memo::new(move |_| text.with(|text| text.matches('\n').count() + 1));
    let first = Memo::new(move |_| first_line(lines.get(), scrolled.get().1, height.get()));
    let coloured = NodeRef::<html::Div>::new();
    let hover = Hover::new(text, grammar, coloured, first);
    // The caret, as a byte offset.
    let caret = RwSignal::new(None);
    let see_caret = move || caret.set(code.selected().map(|selected| selected.to));
    let numbers = move || (1..=lines.get()).map(|line| line.to_string()).collect::<Vec<_>>().join("\n");
    let is_wrong = move || problems.with(|problems| problems.iter().any(|found| found.severity == Severity::Error));
    view! {
        <div
            class="code"
            data-coloured=move || text.with(|text| has_colours(text.len())).to_string()
            style:--digits=move || lines.get().to_string().len().max(2).to_string()
        >
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
                        <Colours text first element=coloured />
                    </div>
                </div>
                <textarea
                    node_ref=area
                    id=ID
                    class="code-text"
                    aria-label="Definition"
                    aria-describedby=format!("{HELP} {KEY} {PROBLEMS}-count")
                    aria-invalid=move || is_wrong().to_string()
                    aria-autocomplete="list"
                    aria-haspopup="listbox"
                    aria-controls=move || choices.is_shown().then_some(completion_list::ID)
                    aria-activedescendant=move || choices.current_id()
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    wrap="off"
                    on:input=move |event| {
                        hover.close();
                        input.typed(&event_target_value(&event));
                    }
                    on:keyup=move |_| see_caret()
                    on:focus=move |_| see_caret()
                    on:pointermove=move |event| hover.moved(&event)
                    on:pointerleave=move |_| hover.leave()
                    on:keydown=move |event| input.press(&event)
                    on:scroll=scroll
                    on:click=move |_| {
                        choices.close();
                        see_caret();
                    }
                    on:blur=move |_| choices.close()
                ></textarea>
                <CompletionList choices choose=Callback::new(move |word| input.choose(word)) scrolled />
            </div>
        </div>
        <KeyHelp text grammar caret />
        <p class="code-help" id=HELP>
            <kbd>"Ctrl+Space"</kbd>
            " shows suggestions at the caret. "
            <kbd>"Tab"</kbd>
            " indents. To leave the editor with the keyboard, press "
            <kbd>"Escape"</kbd>
            ", then "
            <kbd>"Tab"</kbd>
            "."
        </p>
    }
}

/// The description of the key at the caret.
#[component]
fn KeyHelp(text: RwSignal<String>, grammar: Signal<Grammar>, caret: RwSignal<Option<usize>>) -> impl IntoView {
    let help = Memo::new(move |_| {
        let at = caret.get()?;
        text.with_untracked(|text| grammar.with(|grammar| help_at(grammar, text, at)))
    });
    let shown = move || match help.get() {
        Some(help) => view! { <strong>{help.key}</strong> " " {help.lines.join(" ")} }.into_any(),
        None => "With the caret or the pointer on a key, its description is shown.".into_any(),
    };
    view! {
        <p class="code-key" id=KEY>
            {shown}
        </p>
    }
}

/// The marks beside the text: one for each line with diagnostics, for the most severe diagnostic of the line.
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
                <span class="code-said"><Message text=found.message.clone() /></span>
            </div>
        }
    };
    // Not reactive to the text: while the user types, the marks would jump from line to line.
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
