//! The placeholder of an empty list.

use leptos::prelude::*;

use super::Icon;

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
