//! A badge: a state as one word, with a tone that repeats its meaning as a colour.

use leptos::prelude::*;

/// The meaning of a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// A state without a special meaning.
    Neutral,
    /// Work in progress.
    Accent,
    /// Success.
    Good,
    /// Failure.
    Bad,
    /// A state that needs attention.
    Warn,
}

impl Tone {
    /// The name of the tone in the style sheet.
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

/// A badge.
#[component]
pub(crate) fn Badge(#[prop(into)] state: Signal<(&'static str, Tone)>) -> impl IntoView {
    view! {
        <span class="badge" data-tone=move || state.get().1.name()>
            {move || state.get().0}
        </span>
    }
}
