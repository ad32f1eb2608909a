//! The page Transfers: filters and page number in the URL, visible rows live.

mod filter_form;
mod filters;
mod table;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

pub(super) use self::table::TransferTable;
use self::{filter_form::FilterForm, filters::Filters};
use crate::{
    api::{
        Total,
        transfers::{self, Transfer},
    },
    base_path::href,
    browser,
    fetch::Fetch,
    fleet_totals::FleetTotals,
    format,
    live::{Admission, LiveList},
    pages::pages_of,
    ui::{Empty, PageHead, Pager},
};

/// All transfers, with filters.
#[component]
pub(crate) fn Transfers() -> impl IntoView {
    let query = use_query_map();
    let filters = Memo::new(move |_| query.with(|query| Filters::read(|name| query.get(name))));
    let list = LiveList::<Transfer>::new(Admission::Listed);
    let totals = Fetch::new(move || {
        let filters = filters.get();
        list.fill(transfers::list(filters.for_query(browser::local_midnight), filters.page))
    });
    refresh_first_page(totals, filters);
    let summary = move || {
        totals.read(|(total, is_at_least)| format::total((*total).into(), *is_at_least, "transfer")).unwrap_or_default()
    };
    let pages = move || totals.read(|(total, is_at_least)| pages_of(*total, *is_at_least)).flatten();
    let nothing = move || {
        if filters.with(Filters::is_any) {
            view! {
                <Empty icon="transfers" title="No transfers yet">
                    <p>"Transfers appear here when an agent copies a file, for example with "<code>"mftplus-agent copy report.csv /backup/"</code>"."</p>
                </Empty>
            }
            .into_any()
        } else {
            view! {
                <Empty icon="search" title="No transfers match these filters">
                    <a class="button" href=href("/transfers")>
                        "Clear filters"
                    </a>
                </Empty>
            }
            .into_any()
        }
    };
    view! {
        <PageHead title="Transfers" about=summary />
        <FilterForm filters=filters />
        <div class="card">
            <TransferTable list load=totals nothing=nothing />
            <Pager
                summary=Signal::derive(summary)
                page=Signal::derive(move || filters.with(|filters| filters.page))
                pages=Signal::derive(pages)
                address=move |page| filters.with(|filters| Filters { page, ..filters.clone() }.address())
            />
        </div>
    }
}

/// Queries again when transfers were created while the first page is shown.
fn refresh_first_page(totals: Fetch<Total>, filters: Memo<Filters>) {
    let fleet_totals = expect_context::<FleetTotals>();
    let created = Memo::new(move |_| fleet_totals.read(|fleet| fleet.transfers.total));
    Effect::new(move |before: Option<Option<i32>>| {
        let now = created.get();
        let has_new = before.flatten().is_some_and(|before| Some(before) != now);
        if has_new && filters.with_untracked(|filters| filters.page == 1) {
            totals.reload();
        }
        now
    });
}
