//! Placeholders for missing content: an empty list, a failed query, an error message.

use leptos::prelude::*;

use super::Icon;
use crate::api::ApiError;

/// The placeholder of an empty list, with what to do.
#[component]
pub(crate) fn Empty(
    icon: &'static str,
    #[prop(into)] title: Signal<String>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty">
            <span class="empty-icon">
                <Icon name=icon />
            </span>
            <p class="empty-title">{move || title.get()}</p>
            {children.map(|children| view! { <div class="empty-text">{children()}</div> })}
        </div>
    }
}

/// The placeholder of a failed query, with a button to retry.
#[component]
pub(crate) fn Failure(#[prop(into)] error: Signal<ApiError>, #[prop(into)] on_retry: Callback<()>) -> impl IntoView {
    view! {
        <div class="empty" role="alert">
            <span class="empty-icon" data-tone="bad">
                <Icon name="warning" />
            </span>
            <p class="empty-title">"Loading failed"</p>
            <p class="empty-text">{move || error.get().to_string()}</p>
            <button type="button" class="button" on:click=move |_| on_retry.run(())>
                "Try again"
            </button>
        </div>
    }
}

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
                                <span>{text}</span>
                            </p>
                        }
                    })
            }}
        </div>
    }
}
