//! A button that copies text, and a secret with such a button.

use leptos::{prelude::*, task::spawn_local};

use super::{Icon, Toasts};
use crate::browser;

/// A button that copies text to the clipboard.
#[component]
pub(crate) fn CopyButton(
    /// The noun in the name of the button: `Copy <what>`.
    what: &'static str,
    #[prop(into)] text: Signal<String>,
) -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    let is_copied = RwSignal::new(false);
    let copy = move |_| {
        spawn_local(async move {
            if browser::copy(&text.get_untracked()).await {
                is_copied.try_set(true);
                toasts.success(format!("Copied the {what}."));
            } else {
                toasts.error("This browser does not allow copying here. Select the text instead.".to_owned());
            }
        });
    };
    view! {
        <button type="button" class="button button-small" aria-label=format!("Copy {what}") on:click=copy>
            <Icon name="copy" />
            // In a dialog the notification is behind the dialog, so the button shows it too.
            {move || if is_copied.get() { "Copied" } else { "Copy" }}
        </button>
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
