//! The field that chooses a customer among all customers.

use leptos::prelude::*;

use crate::{api::customers, effect::effect, session::Session, ui::SearchSelect};

/// The number of customers per query.
const PAGE: i32 = 100;
/// The maximum number of queries. It ends the loop even if customers are added meanwhile.
const MOST_PAGES: i32 = 200;

/// The field that chooses a customer; its value is the id of the customer. For administrators.
#[component]
pub(super) fn CustomerSelect(
    /// The label of the option for no customer.
    none: &'static str,
    chosen: RwSignal<String>,
) -> impl IntoView {
    let all = RwSignal::new(Vec::<(String, String)>::new());
    let is_large = RwSignal::new(false);
    let next = RwSignal::new(1);
    let session = expect_context::<Session>();
    // All pages are queried one after the other. The server cannot search customers, and there are far fewer customers
    // than agents.
    effect(move || {
        let page = next.get();
        session.execute(customers::list_some(PAGE, page), move |found| {
            let Ok(found) = found else { return };
            let is_last = found.items.is_empty() || page >= MOST_PAGES;
            is_large.try_set(found.total > PAGE || found.total_is_at_least);
            let rows = found.items.into_iter().map(|customer| (customer.id.into_inner(), customer.name));
            let loaded = all.try_update(|all| {
                all.extend(rows);
                i32::try_from(all.len()).unwrap_or(i32::MAX)
            });
            if !is_last && loaded.is_some_and(|loaded| loaded < found.total || found.total_is_at_least) {
                next.try_set(page + 1);
            }
        });
    });
    let search = RwSignal::new(String::new());
    let found = Memo::new(move |_| {
        let search = search.with(|search| search.trim().to_lowercase());
        let holds = |name: &str| name.to_lowercase().contains(&search);
        all.with(|all| all.iter().filter(|(_, name)| holds(name)).cloned().collect::<Vec<_>>())
    });
    view! {
        <SearchSelect
            label="Customer"
            search_label="Find customers by name"
            none
            is_large
            search
            found
            chosen
            chosen_label=Signal::stored(None::<String>)
            on_choose=move |customer: String| chosen.set(customer)
        />
    }
}
