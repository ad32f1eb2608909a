//! The page for unknown addresses.

use leptos::prelude::*;

use crate::base_path::href;
use crate::ui::PageHead;

/// The text for an unknown address, with a link to the first page.
#[component]
pub(crate) fn NotFound() -> impl IntoView {
    view! {
        <PageHead title="Page not found" about=|| "There is no page at this address, or you do not have access to it." />
        <p>
            <a class="button" href=href("/")>
                "Go to Live"
            </a>
        </p>
    }
}
