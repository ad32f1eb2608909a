//! Text to take away.

use leptos::{prelude::*, task::spawn_local};

use super::{Icon, Toasts};
use crate::browser;

/// A button that puts text on the clipboard.
#[component]
pub(crate) fn CopyButton(
    /// What is copied, for the button's name: `Copy <what>`.
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
            // On a dialog the message is behind it.
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
