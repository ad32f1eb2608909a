//! An error message in the page.

use leptos::prelude::*;

use super::{Icon, Message};

/// An error message, if there is one.
#[component]
pub(crate) fn Notice(#[prop(into)] text: Signal<Option<String>>) -> impl IntoView {
    view! {
        <div role="alert">
            {move || {
                text.get()
                    .map(|text| {
                        view! {
                            <p class="notice" data-tone="bad">
                                <Icon name="warning" />
                                <span>
                                    <Message text />
                                </span>
                            </p>
                        }
                    })
            }}
        </div>
    }
}
