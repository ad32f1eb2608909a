//! The list of completions below the caret. The text area controls it and keeps the focus.

use leptos::prelude::*;

use crate::{
    browser,
    effect::effect,
    format,
    pages::editor::{completion::Suggestion, text_edits::Selection},
};

/// The element id of the list.
pub(super) const ID: &str = "definition-words";

/// A position in a text, as line and column from 0; the column in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// An open list of completions.
#[derive(Clone, Debug, Default, PartialEq)]
struct OpenList {
    words: Vec<Suggestion>,
    chosen: usize,
    /// The beginning of the word, up to the caret.
    typed: Selection,
    /// The position of the beginning of the word.
    position: Position,
}

/// The open list, if there is one. A handle: copies share the same list.
#[derive(Clone, Copy)]
pub(super) struct Completions(RwSignal<Option<OpenList>>);

impl Completions {
    pub(super) fn new() -> Self {
        Self(RwSignal::new(None))
    }

    pub(super) fn open(self, words: Vec<Suggestion>, typed: Selection, position: Position) {
        self.0.set((!words.is_empty()).then_some(OpenList { words, chosen: 0, typed, position }));
    }

    pub(super) fn close(self) {
        if self.is_open() {
            self.0.set(None);
        }
    }

    pub(super) fn is_open(self) -> bool {
        self.0.with_untracked(Option::is_some)
    }

    /// Like [`is_open`](Self::is_open), but reactive.
    pub(super) fn is_shown(self) -> bool {
        self.0.with(Option::is_some)
    }

    /// The beginning of the word, up to the caret.
    pub(super) fn typed(self) -> Option<Selection> {
        self.0.with_untracked(|open_list| open_list.as_ref().map(|open_list| open_list.typed))
    }

    /// The element id of the completion that Enter chooses. Reactive.
    pub(super) fn current_id(self) -> Option<String> {
        self.0.with(|open_list| open_list.as_ref().map(|open_list| word_id(open_list.chosen)))
    }

    /// Handles a pressed key. Returns whether the list has used the key. `choose` is called when the key chooses a
    /// completion.
    pub(super) fn press(self, key: &str, choose: impl FnOnce(Suggestion)) -> bool {
        let Some(OpenList { words, chosen, .. }) = self.0.get_untracked() else { return false };
        let last = words.len().saturating_sub(1);
        let to = match key {
            "ArrowDown" => {
                if chosen == last {
                    0
                } else {
                    chosen + 1
                }
            }
            "ArrowUp" => chosen.checked_sub(1).unwrap_or(last),
            "Enter" | "Tab" => {
                if let Some(word) = words.get(chosen) {
                    choose(word.clone());
                }
                return true;
            }
            "Escape" => {
                self.close();
                return true;
            }
            _ => return false,
        };
        self.0.update(|open_list| {
            if let Some(open_list) = open_list {
                open_list.chosen = to;
            }
        });
        true
    }
}

fn word_id(index: usize) -> String {
    format!("{ID}-{index}")
}

/// The list of completions, if it is open.
#[component]
pub(super) fn CompletionList(
    choices: Completions,
    choose: Callback<Suggestion>,
    /// The scroll offset of the text area in pixels: x, y.
    scrolled: RwSignal<(i32, i32)>,
) -> impl IntoView {
    let words =
        Memo::new(move |_| choices.0.with(|open_list| open_list.as_ref().map(|open_list| open_list.words.clone())));
    let position = Memo::new(move |_| {
        choices.0.with(|open_list| open_list.as_ref().map(|open_list| open_list.position)).unwrap_or_default()
    });
    let chosen = Memo::new(move |_| choices.0.with(|open_list| open_list.as_ref().map(|open_list| open_list.chosen)));
    effect(move || {
        // The list may be longer than its visible part.
        let element = chosen.get().and_then(|chosen| document().get_element_by_id(&word_id(chosen)));
        if let Some(element) = element {
            browser::show_within(&element);
        }
    });
    let option = move |(index, word): (usize, Suggestion)| {
        let (name, about, is_required) = (word.word.clone(), word.about.clone(), word.is_required);
        view! {
            <li
                id=word_id(index)
                role="option"
                class="word"
                aria-selected=move || (chosen.get() == Some(index)).to_string()
                on:mousedown=move |_| choose.run(word.clone())
            >
                <span class="word-name">{name}</span>
                {is_required.then(|| view! { <span class="word-must">"required"</span> })}
                <span class="word-about">{about}</span>
            </li>
        }
    };
    let list = move || {
        words.get().map(|words| {
            view! {
                <ul
                    id=ID
                    class="words"
                    role="listbox"
                    // Keyboard users can scroll a long list.
                    tabindex="0"
                    aria-label="Suggestions"
                    // The text area keeps the focus.
                    on:mousedown=|event| event.prevent_default()
                    style:--line=move || (position.get().line + 1).to_string()
                    style:--column=move || position.get().column.to_string()
                    style:--left=move || format!("{}px", scrolled.get().0)
                    style:--top=move || format!("{}px", scrolled.get().1)
                >
                    {words.into_iter().enumerate().map(option).collect_view()}
                </ul>
            }
        })
    };
    let count_label = move || {
        words.with(|words| {
            let count = words.as_ref().map_or(0, Vec::len);
            (count > 0).then(|| format::counted(i64::try_from(count).unwrap_or(0), "suggestion"))
        })
    };
    view! {
        {list}
        <p class="visually-hidden" role="status" aria-label="Number of suggestions">
            {count_label}
        </p>
    }
}
