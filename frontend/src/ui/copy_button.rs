//! A button that copies text, and texts with such a button.

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local};

use super::{Icon, Toasts};
use crate::browser;

/// How long a button shows that the text is copied.
const SHOWN_FOR: Duration = Duration::from_secs(3);

/// A button that copies text to the clipboard.
#[component]
pub(crate) fn CopyButton(
    /// The noun in the name of the button: `Copy <what>`.
    what: &'static str,
    #[prop(into)] text: Signal<String>,
    /// Whether the button shows only its icon, because it is beside the text that it copies.
    #[prop(optional)]
    is_bare: bool,
) -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    let is_copied = RwSignal::new(false);
    let copy = move |_| {
        let text = text.get_untracked();
        spawn_local(async move {
            if browser::copy(&text).await {
                is_copied.try_set(true);
                let reset = move || {
                    is_copied.try_set(false);
                };
                set_timeout(reset, SHOWN_FOR);
                toasts.success(format!("Copied the {what}."));
            } else {
                toasts.error("This browser does not allow copying here. Select the text instead.".to_owned());
            }
        });
    };
    let class = if is_bare { "button button-small button-bare" } else { "button button-small" };
    // If the button is in a dialog, the notification is behind the dialog, so the button shows the success, too.
    let icon = move || view! { <Icon name=if is_copied.get() { "done" } else { "copy" } /> };
    view! {
        <button type="button" class=class aria-label=format!("Copy {what}") on:click=copy>
            {icon}
            {(!is_bare).then_some(move || if is_copied.get() { "Copied" } else { "Copy" })}
        </button>
    }
}

/// An id, a path or the like, with a button to copy it.
#[component]
pub(crate) fn Copyable(
    /// The noun in the name of the button: `Copy <what>`.
    what: &'static str,
    #[prop(into)] text: Signal<String>,
) -> impl IntoView {
    view! {
        <span class="copyable">
            <code class="path">{move || text.get()}</code>
            <CopyButton what text is_bare=true />
        </span>
    }
}

/// Text that is shown once, in full, with a button to copy it.
#[component]
pub(crate) fn Secret(what: &'static str, text: String) -> impl IntoView {
    view! {
        <div class="secret">
            <code class="secret-text" aria-label=what>
                {text.clone()}
            </code>
            <CopyButton what=what text=text />
        </div>
    }
}
