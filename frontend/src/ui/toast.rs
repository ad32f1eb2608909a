//! Notifications (toasts), which disappear after some seconds, unless the pointer or the focus is on them.

use std::{sync::Arc, time::Duration};

use leptos::prelude::*;

use super::{Icon, Message, Rows, Tone};
use crate::{api::ApiError, browser};

/// How long a notification is shown.
const STAY: Duration = Duration::from_secs(6);
/// How long a notification with a button is shown.
const STAY_WITH_BUTTON: Duration = Duration::from_secs(12);

/// The action of a button. It has no reactive owner, since the user may leave the page before pressing the button.
type Undo = Arc<dyn Fn() + Send + Sync>;

#[derive(Clone)]
struct Toast {
    number: u32,
    is_error: bool,
    text: String,
    undo: Option<Undo>,
}

/// The visible notifications. A handle: copies share the same notifications.
#[derive(Clone, Copy)]
pub(crate) struct Toasts {
    shown: RwSignal<Vec<Toast>>,
    last: StoredValue<u32>,
    /// Whether the pointer or the focus is on the notifications.
    is_held: RwSignal<bool>,
}

impl Toasts {
    /// A list without notifications.
    pub(crate) fn new() -> Self {
        Self { shown: RwSignal::new(Vec::new()), last: StoredValue::new(0), is_held: RwSignal::new(false) }
    }

    /// Shows a notification about a success.
    pub(crate) fn success(self, text: String) {
        self.show(text, false, None);
    }

    /// Shows a notification about a success, with a button that calls `undo`.
    pub(crate) fn undoable(self, text: String, undo: impl Fn() + Send + Sync + 'static) {
        self.show(text, false, Some(Arc::new(undo)));
    }

    /// Shows a notification about an error.
    pub(crate) fn error(self, text: String) {
        self.show(text, true, None);
    }

    /// Shows a notification about the outcome of undoing.
    pub(crate) fn undone<T>(self, outcome: Result<T, ApiError>) {
        match outcome {
            Ok(_) => self.success("Undone.".to_owned()),
            Err(error) => self.error(error.to_string()),
        }
    }

    fn show(self, text: String, is_error: bool, undo: Option<Undo>) {
        self.last.update_value(|last| *last += 1);
        let number = self.last.get_value();
        let stay = if undo.is_some() { STAY_WITH_BUTTON } else { STAY };
        self.shown.update(|shown| shown.push(Toast { number, is_error, text, undo }));
        set_timeout(move || self.expire(number), stay);
    }

    fn expire(self, number: u32) {
        if self.is_held.get_untracked() {
            set_timeout(move || self.expire(number), STAY);
        } else {
            self.dismiss(number);
        }
    }

    fn dismiss(self, number: u32) {
        let has_focus = document().query_selector(".toasts :focus").is_ok_and(|focused| focused.is_some());
        self.shown.update(|shown| shown.retain(|toast| toast.number != number));
        if has_focus {
            browser::focus("content");
            self.is_held.set(false);
        }
        // Elements that are removed send no event when the pointer or the focus leaves them.
        if self.shown.with_untracked(Vec::is_empty) {
            self.is_held.set(false);
        }
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
                <span>
                    <Message text=toast.text />
                </span>
                {toast
                    .undo
                    .map(|undo| {
                        let undo = move |_| {
                            toasts.dismiss(toast.number);
                            undo();
                        };
                        view! {
                            <button type="button" class="button button-small" on:click=undo>
                                "Undo"
                            </button>
                        }
                    })}
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
        <section
            class="toasts"
            aria-label="Notifications"
            aria-live="polite"
            on:pointerenter=move |_| toasts.is_held.set(true)
            on:pointerleave=move |_| toasts.is_held.set(false)
            on:focusin=move |_| toasts.is_held.set(true)
            on:focusout=move |_| toasts.is_held.set(false)
        >
            <ul>
                <Rows keys=Signal::derive(keys) row />
            </ul>
        </section>
    }
}
