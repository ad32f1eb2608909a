//! A state in one word, with a colour that only repeats it.

use leptos::prelude::*;

/// What a colour says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing special.
    Neutral,
    /// Under way.
    Accent,
    /// As it should be.
    Good,
    /// Broken.
    Bad,
    /// Worth a look.
    Warn,
}

impl Tone {
    /// Its name in the style sheet.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Accent => "accent",
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Warn => "warn",
        }
    }
}

/// A word and its tone.
#[component]
pub(crate) fn Badge(#[prop(into)] state: Signal<(&'static str, Tone)>) -> impl IntoView {
    view! {
        <span class="badge" data-tone=move || state.get().1.name()>
            {move || state.get().0}
        </span>
    }
}
