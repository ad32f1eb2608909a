//! The pages for unknown addresses and for what the role of the user withholds.

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

/// The page instead of one that the role of the user withholds.
#[component]
pub(crate) fn Withheld(
    /// Who may see or do what.
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
