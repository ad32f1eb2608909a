//! Notifications (toasts), which disappear after some seconds.

use std::time::Duration;

use leptos::prelude::*;

use super::{Icon, Rows, Tone};

/// How long a notification stays, from its appearance.
const STAY: Duration = Duration::from_secs(6);

#[derive(Clone, PartialEq, Eq, Hash)]
struct Toast {
    number: u32,
    is_error: bool,
    text: String,
}

/// The visible notifications. A handle: copies are the same notifications.
#[derive(Clone, Copy)]
pub(crate) struct Toasts {
    shown: RwSignal<Vec<Toast>>,
    last: StoredValue<u32>,
}

impl Toasts {
    /// A list without notifications.
    pub(crate) fn new() -> Self {
        Self { shown: RwSignal::new(Vec::new()), last: StoredValue::new(0) }
    }

    /// Shows a success.
    pub(crate) fn success(self, text: String) {
        self.show(text, false);
    }

    /// Shows an error.
    pub(crate) fn error(self, text: String) {
        self.show(text, true);
    }

    fn show(self, text: String, is_error: bool) {
        self.last.update_value(|last| *last += 1);
        let number = self.last.get_value();
        self.shown.update(|shown| shown.push(Toast { number, is_error, text }));
        set_timeout(move || self.dismiss(number), STAY);
    }

    fn dismiss(self, number: u32) {
        self.shown.update(|shown| shown.retain(|toast| toast.number != number));
    }
}

/// The list of the visible notifications.
#[component]
pub(crate) fn ToastList() -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    let keys = move || toasts.shown.with(|shown| shown.iter().map(|toast| toast.number.to_string()).collect());
    let row = move |key: String| {
        let toast =
            toasts.shown.with_untracked(|shown| shown.iter().find(|toast| toast.number.to_string() == key).cloned());
        let Some(toast) = toast else { return ().into_any() };
        let (icon, tone) = if toast.is_error { ("warning", Tone::Bad) } else { ("done", Tone::Good) };
        view! {
            <li class="toast" data-tone=tone.name()>
                <Icon name=icon />
                <span>{toast.text}</span>
                <button
                    type="button"
                    class="button button-bare"
                    aria-label="Dismiss"
                    on:click=move |_| toasts.dismiss(toast.number)
                >
                    <Icon name="close" />
                </button>
            </li>
        }
        .into_any()
    };
    view! {
        <section class="toasts" aria-label="Notifications" aria-live="polite">
            <ul>
                <Rows keys=Signal::derive(keys) row />
            </ul>
        </section>
    }
}
