//! The card with the runs of a job or a pipeline, newest first, live.

use leptos::prelude::*;

use super::{
    list_card::{ListCard, Listed, freeze},
    list_url_parameters::ListQuery,
    run_updates::RunUpdates,
};
use crate::{
    api::{Page, Request, Total},
    live::{Entry, Revisioned},
    reactive_query::Fetch,
    ui::{Card, Column, Empty, Freeze, Rows},
};

/// The rows of a list of runs, without the type of a run.
#[derive(Clone, Copy)]
pub(super) struct RunRows {
    totals: Fetch<Total>,
    keys: Signal<Vec<String>>,
    row: Callback<String, AnyView>,
    freeze: Freeze,
}

impl RunRows {
    /// The rows of the runs that `query` returns, kept up to date by `updates`. `row` creates the view of a run.
    pub(super) fn new<T: Revisioned + Send + Sync + 'static>(
        updates: RunUpdates<T>,
        query: impl Fn() -> Request<Page<T>> + 'static,
        row: fn(RwSignal<Entry<T>>) -> AnyView,
    ) -> Self {
        let list = updates.list;
        let totals = Fetch::new(move || list.fill(query()));
        // This does not run at first, since the query has been sent already.
        Effect::watch(move || updates.unlisted(), move |_, _, _| totals.reload_paced(), false);
        Self {
            totals,
            keys: Signal::derive(move || list.order()),
            row: Callback::new(move |id: String| list.entry(&id).map(|entry| row(entry.into())).into_any()),
            freeze: freeze(list),
        }
    }
}

/// The runs of a job or a pipeline.
#[component]
pub(super) fn RunList(
    query: ListQuery,
    runs: RunRows,
    columns: Vec<Column>,
    /// The icon of a list without runs.
    icon: &'static str,
    /// The text of the empty list, which says when runs appear.
    hint: &'static str,
    /// The controls beside the menu View.
    #[prop(optional, into)]
    tools: ViewFn,
) -> impl IntoView {
    let RunRows { totals, keys, row, freeze } = runs;
    let nothing = move || {
        view! {
            <Empty icon title="No runs yet">
                <p>{hint}</p>
            </Empty>
        }
    };
    view! {
        <Card title="Runs">
            <ListCard
                query
                listed=Listed::of(totals, |total| *total)
                label="Runs"
                noun="run"
                columns
                freeze
                tools
                is_empty=Memo::new(move |_| keys.with(Vec::is_empty))
                nothing
            >
                <Rows keys row />
            </ListCard>
        </Card>
    }
}
