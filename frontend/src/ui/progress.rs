//! A progress bar.

use leptos::prelude::*;

use super::Tone;
use crate::format;

/// A progress bar. It changes one CSS property, which the style sheet animates. If the progress is not known, the bar
/// is indeterminate.
#[component]
pub(crate) fn Progress(
    /// The accessible name of the bar.
    #[prop(into)]
    label: Signal<String>,
    /// The progress from 0 to 100 percent; `None` if it is not known.
    #[prop(into)]
    value: Signal<Option<f64>>,
    #[prop(into)] tone: Signal<Tone>,
) -> impl IntoView {
    // The bar has its full length and is scaled, because browsers scale elements without a new layout of the page.
    let share = move || format::fixed(value.get().unwrap_or(0.0).min(100.0) / 100.0, 4);
    view! {
        <div
            class="progress"
            role="progressbar"
            aria-label=move || label.get()
            aria-valuemin="0"
            aria-valuemax="100"
            aria-valuenow=move || value.get().map(|value| format::whole_percent(value).to_string())
            data-unknown=move || value.get().is_none().to_string()
            data-tone=move || tone.get().name()
        >
            <div class="progress-bar" style:--value=share></div>
        </div>
    }
}
