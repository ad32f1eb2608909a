//! The page Transfers: search, filters, order and page number in the URL, visible rows live.

mod filter_form;
mod filters;
mod table;

use leptos::prelude::*;

pub(super) use self::table::TransferTable;
use self::{
    filter_form::FilterForm,
    filters::{DEFAULT_ORDER, Filters, order},
    table::{COLUMNS, TransferRows, watch_visible},
};
use crate::{
    api::{
        Total,
        transfers::{self, Transfer},
    },
    base_path::href,
    browser,
    clock::Clock,
    fleet_totals::FleetTotals,
    format,
    live::{Admission, LiveList},
    pages::{
        bulk_actions::{BulkAction, BulkBar, Step},
        export::ExportMenu,
        list_card::{ListCard, Listed, freeze},
        list_url_parameters::ListQuery,
        saved_views_menu::SavedViewsMenu,
    },
    reactive_query::Fetch,
    time::Instant,
    ui::{Empty, PageHead, Selection},
    zone,
};

/// The number of seconds after which a list of the last hours or days is queried again.
const REFRESH_AFTER: i64 = 60;

/// The actions on selected transfers.
const ACTIONS: &[BulkAction] = &[
    BulkAction {
        verb: "Retry",
        done: "Queued again",
        text: "Failed transfers are queued again, and their agents start another attempt. Others are not changed.",
        is_dangerous: false,
        steps: |ids| vec![Step::of_several(ids, transfers::retry_several(ids))],
    },
    BulkAction {
        verb: "Cancel",
        done: "Cancelled, or cancellation requested",
        text: "Queued transfers end at once, running ones when their agents confirm it. Ended ones are not changed.",
        is_dangerous: true,
        steps: |ids| vec![Step::of_several(ids, transfers::cancel_several(ids))],
    },
];

/// All transfers, with search and filters.
#[component]
pub(crate) fn Transfers() -> impl IntoView {
    let query = ListQuery::of("/transfers", 200);
    let filters = Memo::new(move |_| Filters::read(|name| query.get(name)));
    let sort = Memo::new(move |_| order(query.get("sort").as_deref()));
    let list = LiveList::<Transfer>::new(Admission::Listed);
    let at = move |now: Instant| {
        let filter = filters.with(|filters| filters.for_query(now, zone::midnight));
        transfers::list(filter, sort.get(), query.rows.get(), query.page.get())
    };
    // With a filter such as the last hour, the query's text changes with the time, but it is the same list. So a text
    // with a fixed time identifies the query.
    let totals = Fetch::new(move || list.fill_as(at(Instant(0)).text, at(browser::now())));
    refresh_last_hours(totals, filters);
    watch_visible(list, totals);
    refresh_first_page(totals, query);
    let selection = Selection::new(Signal::derive(move || list.order()));
    let name_of = move |id: String| {
        let name = list.entry(&id).map(|entry| entry.with_untracked(|entry| format::file_name(&entry.object.source)));
        name.unwrap_or(id)
    };
    let bulk = move || {
        view! { <BulkBar selection noun="transfer" actions=ACTIONS name_of on_change=move |()| totals.reload() /> }
    };
    let paths = move |()| {
        let sort = query.get("sort");
        filters.with(|filters| filters.api_paths(sort.as_deref(), browser::now(), zone::midnight))
    };
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
                    <a class="button" href=move || href(query.clear_address())>
                        "Clear filters"
                    </a>
                </Empty>
            }
            .into_any()
        }
    };
    view! {
        <PageHead title="Transfers" />
        <FilterForm query filters />
        <div class="card">
            <ListCard
                query
                listed=Listed::of(totals, |total| *total)
                label="Transfers"
                noun="transfer"
                columns=COLUMNS.to_vec()
                default_order=DEFAULT_ORDER
                freeze=freeze(list)
                selection=Some(selection)
                bulk
                tools=move || view! { <SavedViewsMenu query noun="transfers" /> <ExportMenu paths /> }
                is_empty=Memo::new(move |_| list.len() == 0)
                nothing
            >
                <TransferRows list selection />
            </ListCard>
        </div>
    }
}

/// Repeats the query as time passes, if the filters depend on the time. A page may stay open for days.
fn refresh_last_hours(totals: Fetch<Total>, filters: Memo<Filters>) {
    let passed = expect_context::<Clock>().every(REFRESH_AFTER);
    let refresh = move |_: &i64, _: Option<&i64>, _: Option<()>| {
        if !filters.with_untracked(|filters| filters.ended_name().is_empty()) {
            totals.reload();
        }
    };
    Effect::watch(move || passed.get(), refresh, false);
}

/// Repeats the query when transfers are created while the first page is shown.
fn refresh_first_page(totals: Fetch<Total>, query: ListQuery) {
    let fleet_totals = expect_context::<FleetTotals>();
    let created = Memo::new(move |_| fleet_totals.read(|fleet| fleet.transfers.total));
    Effect::new(move |before: Option<Option<i32>>| {
        let now = created.get();
        let has_new = before.flatten().is_some_and(|before| Some(before) != now);
        if has_new && query.page.get_untracked() == 1 {
            totals.reload();
        }
        now
    });
}
