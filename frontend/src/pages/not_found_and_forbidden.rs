//! The pages for unknown addresses, and for pages that the user's role may not see.

use leptos::prelude::*;

use crate::{
    base_path::href,
    ui::{Empty, PageHead},
};

/// The page for an unknown address, with a link to the first page.
#[component]
pub(crate) fn NotFound() -> impl IntoView {
    view! {
        <PageHead title="Page not found" />
        <div class="card">
            <Empty icon="search" title="There is no page at this address">
                <p>"The address may be mistyped, or the page may have moved."</p>
                <a class="button" href=href("/")>
                    "Go to the overview"
                </a>
            </Empty>
        </div>
    }
}

/// The page in place of one that the user's role may not see.
#[component]
pub(crate) fn Withheld(
    /// A sentence that says who may see the page.
    text: &'static str,
) -> impl IntoView {
    view! {
        <PageHead title="For administrators only" />
        <div class="card">
            <Empty icon="key" title=text>
                <p>"Ask an administrator if you need it."</p>
                <a class="button" href=href("/")>
                    "Go to the overview"
                </a>
            </Empty>
        </div>
    }
}
