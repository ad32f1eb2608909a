//! Tables. On narrow screens the rows become cards, where each cell is labelled by its `data-label`.

use leptos::prelude::*;

/// A table with its head; the children are its rows.
#[component]
pub(crate) fn Table(
    /// The accessible name of the table.
    label: &'static str,
    /// The names of the columns. An empty one holds actions.
    heads: Vec<&'static str>,
    /// Whether newer rows are loading.
    #[prop(optional, into)]
    is_busy: Signal<bool>,
    children: Children,
) -> impl IntoView {
    let heads = heads
        .into_iter()
        .map(|head| match head {
            "" => view! { <th scope="col"><span class="visually-hidden">"Actions"</span></th> }.into_any(),
            head => view! { <th scope="col">{head}</th> }.into_any(),
        })
        .collect_view();
    view! {
        <table class="table" aria-label=label aria-busy=move || is_busy.get().to_string()>
            <thead>
                <tr>{heads}</tr>
            </thead>
            <tbody>{children()}</tbody>
        </table>
    }
}
