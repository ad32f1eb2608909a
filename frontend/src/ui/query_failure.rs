//! The placeholder of a failed query.

use leptos::prelude::*;

use super::{Icon, Message};
use crate::api::ApiError;

/// The placeholder of a failed query, with a button to retry.
#[component]
pub(crate) fn Failure(#[prop(into)] error: Signal<ApiError>, #[prop(into)] on_retry: Callback<()>) -> impl IntoView {
    view! {
        <div class="empty" role="alert">
            <span class="empty-icon" data-tone="bad">
                <Icon name="warning" />
            </span>
            <p class="empty-title">"Loading failed"</p>
            <p class="empty-text">
                <Message text=Signal::derive(move || error.get().to_string()) />
            </p>
            <button type="button" class="button" on:click=move |_| on_retry.run(())>
                "Try again"
            </button>
        </div>
    }
}
