//! A progress bar.

use leptos::prelude::*;

use super::Tone;
use crate::format;

/// A progress bar. It changes one CSS property; the style sheet animates it.
#[component]
pub(crate) fn Progress(
    /// The accessible name of the bar.
    #[prop(into)]
    label: Signal<String>,
    /// The progress from 0 to 100 percent.
    #[prop(into)]
    value: Signal<f64>,
    #[prop(into)] tone: Signal<Tone>,
) -> impl IntoView {
    view! {
        <div
            class="progress"
            role="progressbar"
            aria-label=move || label.get()
            aria-valuemin="0"
            aria-valuemax="100"
            aria-valuenow=move || format::whole_percent(value.get()).to_string()
            data-tone=move || tone.get().name()
        >
            <div class="progress-bar" style:--value=move || format!("{}%", format::fixed(value.get().min(100.0), 2))></div>
        </div>
    }
}
