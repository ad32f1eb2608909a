//! The pagination of a list.

use leptos::prelude::*;

use crate::base_path::href;

/// Links to the previous and the next page, with the total. Empty if there is only one page.
#[component]
pub(crate) fn Pager(
    /// The total as text.
    #[prop(into)]
    summary: Signal<String>,
    /// The page number, counted from 1.
    #[prop(into)]
    page: Signal<i32>,
    /// The number of pages; `None` if it is not known.
    #[prop(into)]
    pages: Signal<Option<i32>>,
    /// The address of a page.
    #[prop(into)]
    address: Callback<i32, String>,
) -> impl IntoView {
    let step = move |name: &'static str, by: i32| {
        move || {
            let target = page.get().saturating_add(by);
            let is_there = target >= 1 && pages.get().is_none_or(|pages| target <= pages);
            if is_there {
                view! {
                    <a class="button button-small" href=href(address.run(target)) rel=if by < 0 { "prev" } else { "next" }>
                        {name}
                    </a>
                }
                .into_any()
            } else {
                view! { <span class="button button-small" aria-disabled="true">{name}</span> }.into_any()
            }
        }
    };
    let place = move || match pages.get() {
        Some(pages) => format!("Page {} of {}", page.get(), pages.max(1)),
        None => format!("Page {}", page.get()),
    };
    // While the summary is empty, the total is not known yet.
    let is_needed = Memo::new(move |_| {
        page.get() > 1 || pages.get().is_none_or(|pages| pages > 1) && !summary.with(String::is_empty)
    });
    view! {
        <Show when=move || is_needed.get()>
            <nav class="pager" aria-label="Pages">
                <p class="pager-summary">{move || summary.get()}</p>
                <span class="pager-place">{place}</span>
                {step("Previous", -1)}
                {step("Next", 1)}
            </nav>
        </Show>
    }
}
