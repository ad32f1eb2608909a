//! The page Pipelines: search, filter and page number in the URL, the newest runs live.

use std::collections::HashMap;

use leptos::prelude::*;

use super::{
    bulk_actions::{BulkAction, BulkBar, Step},
    list_card::{ListCard, Listed},
    list_url_parameters::ListQuery,
    next_run::NextRun,
    recent_runs::{RecentRuns, insert_run, with_updates},
    saved_views_menu::SavedViewsMenu,
    scheduled_order::{DEFAULT_ORDER, order},
    search_field::SearchField,
    webhook_secret::WebhookSecret,
};
use crate::{
    api::{
        Page,
        pipeline_runs::{self, RunMark},
        pipelines::{self, PipelineFilter, PipelineRow},
        scheduled_sort::ScheduledSort,
    },
    base_path::href,
    clock::Clock,
    effect::effect,
    labels::{self, pipelines::PIPELINE_STATES},
    live::Feed,
    reactive_query::Fetch,
    session::{Permission, Session},
    ui::{Badge, Column, Ellipsis, Empty, Icon, PageHead, Rows, Select, SelectCell, Selection},
};

/// The newest runs of each visible pipeline, by its id.
type Newest = RwSignal<HashMap<String, Vec<RunMark>>>;

/// The actions on selected pipelines.
const ACTIONS: &[BulkAction] = &[
    BulkAction {
        verb: "Pause",
        done: "Paused",
        text: "No runs of these pipelines start until they are resumed. Active runs go on.",
        is_dangerous: false,
        steps: |ids| ids.iter().map(|id| Step::of_one(id, pipelines::enable(id, false))).collect(),
    },
    BulkAction {
        verb: "Resume",
        done: "Resumed",
        text: "Runs of these pipelines start again, by their schedules and by users.",
        is_dangerous: false,
        steps: |ids| ids.iter().map(|id| Step::of_one(id, pipelines::enable(id, true))).collect(),
    },
];

/// All pipelines, with search and a filter by state, and their newest runs.
#[component]
pub(crate) fn Pipelines() -> impl IntoView {
    let session = expect_context::<Session>();
    let (has_runs, has_customers) = (session.may(Permission::ViewPipelineRuns), session.may(Permission::ListCustomers));
    let query = ListQuery::of("/pipelines", 100);
    let asked = Memo::new(move |_| (query.get("q").unwrap_or_default(), query.get("state").unwrap_or_default()));
    let filter = Memo::new(move |_| {
        let (search, state) = asked.get();
        PipelineFilter {
            enabled: labels::value_of(&PIPELINE_STATES, &state),
            search: Some(search.trim().to_owned()).filter(|search| !search.is_empty()),
        }
    });
    let sort = Memo::new(move |_| order(query.get("sort").as_deref()));
    let found = Fetch::new(move || pipelines::list(filter.get(), sort.get(), query.rows.get(), query.page.get()));
    let newest = Newest::new(HashMap::new());
    if has_runs {
        follow_runs(newest, (filter, sort), query, found);
    }
    let listed = Listed::of(found, Page::counted);
    let nothing = move || {
        if filter.get() != PipelineFilter::default() {
            return view! {
                <Empty icon="search" title="No pipelines match these filters">
                    <a class="button" href=move || href(query.clear_address())>
                        "Show all pipelines"
                    </a>
                </Empty>
            }
            .into_any();
        }
        view! {
            <Empty icon="pipelines" title="No pipelines yet">
                <p>"A pipeline runs steps in order: it copies, verifies, compresses, renames and deletes files, and calls webhooks."</p>
                <a class="button button-primary" href=href("/pipelines/new")>
                    "Create the first pipeline"
                </a>
            </Empty>
        }
        .into_any()
    };
    let columns = [
        Some(Column::text("Pipeline", 34)),
        Some(Column::text("Status", 10)),
        has_runs.then_some(Column::text("Last runs", 14)),
        Some(Column::number("Version", 9).late()),
        Some(Column::text("Next run", 19).sorted_up_by("nextRunAt")),
        has_customers.then_some(Column::text("Customer", 16)),
        Some(Column::text("Created", 16).optional().sorted_by("createdAt")),
    ];
    let columns: Vec<_> = columns.into_iter().flatten().collect();
    let ids = Memo::new(move |_| {
        found
            .read(|page| page.items.iter().map(|row| row.id.inner().to_owned()).collect::<Vec<_>>())
            .unwrap_or_default()
    });
    let selection = Selection::new(ids.into());
    let name_of = move |id: String| {
        let name = found.read(|page| page.items.iter().find(|row| row.id.inner() == id).map(|row| row.name.clone()));
        name.flatten().unwrap_or(id)
    };
    let bulk = move || {
        view! { <BulkBar selection noun="pipeline" actions=ACTIONS name_of on_change=move |()| found.reload() /> }
    };
    let row = move |id: String| {
        let own = id.clone();
        let row = Memo::new(move |_| {
            found.read(|page| page.items.iter().find(|row| row.id.inner() == own).cloned()).flatten()
        });
        view! { <Row id row newest has_runs has_customers selection /> }.into_any()
    };
    view! {
        <PageHead title="Pipelines">
            <WebhookSecret />
            <a class="button button-primary" href=href("/pipelines/new")>
                <Icon name="plus" />
                "New pipeline"
            </a>
        </PageHead>
        <Filter query asked />
        {(!has_runs).then(|| view! { <p class="form-text">"Only administrators see how pipelines ran."</p> })}
        <div class="card">
            <ListCard
                query
                listed
                label="Pipelines"
                noun="pipeline"
                columns
                default_order=DEFAULT_ORDER
                selection=Some(selection)
                bulk
                tools=move || view! { <SavedViewsMenu query noun="pipelines" /> }
                is_empty=Memo::new(move |_| ids.with(Vec::is_empty))
                nothing
            >
                <Rows keys=Signal::derive(move || ids.get()) row />
            </ListCard>
        </div>
    }
}

#[component]
fn Filter(query: ListQuery, asked: Memo<(String, String)>) -> impl IntoView {
    let any = (String::new(), "Any".to_owned());
    let named = PIPELINE_STATES.iter().map(|(_, word, label)| ((*word).to_owned(), (*label).to_owned()));
    let options: Vec<_> = [any].into_iter().chain(named).collect();
    view! {
        <form
            class="filters"
            role="search"
            aria-label="Filter pipelines"
            on:submit=|event| event.prevent_default()
        >
            <SearchField query label="Identifier, name or description" />
            <Select
                label="Status"
                options
                chosen=Signal::derive(move || asked.with(|(_, state)| state.clone()))
                on_choose=move |state: String| query.change([("state", state)])
            />
        </form>
    }
}

/// Queries the newest runs of the pipelines on a page, and keeps them up to date.
fn follow_runs(
    newest: Newest,
    (filter, sort): (Memo<PipelineFilter>, Memo<Option<ScheduledSort>>),
    query: ListQuery,
    list: Fetch<Page<PipelineRow>>,
) {
    let feed = expect_context::<Feed>();
    let page = move || pipelines::newest_runs(filter.get(), sort.get(), query.rows.get(), query.page.get());
    let found = Fetch::new(page);
    // Whether the pipelines on the page are known.
    let is_known = StoredValue::new(false);
    effect(move || {
        let Some(found) = found.read(Clone::clone) else { return };
        is_known.set_value(true);
        newest.update(|newest| {
            let mut known = std::mem::take(newest);
            let of_pipeline = |row: pipelines::NewestRuns| {
                let id = row.id.into_inner();
                let before = known.remove(&id).unwrap_or_default();
                (id, with_updates(row.runs, before, |run| run.id.inner().to_owned()))
            };
            *newest = found.into_iter().map(of_pipeline).collect();
        });
    });
    let moved = move |run: RunMark| {
        let is_new = newest.try_update(|newest| {
            if is_known.try_get_value() == Some(false) {
                newest.entry(run.pipeline_id.inner().to_owned()).or_default();
            }
            let Some(runs) = newest.get_mut(run.pipeline_id.inner()) else { return false };
            let is_new = !runs.iter().any(|known| known.id == run.id);
            // The order of ids is the order of creation.
            insert_run(runs, run, |run| run.id.inner().to_owned());
            is_new
        });
        if is_new == Some(true) {
            // If the schedule has started the run, the pipeline has a new next time.
            list.reload_paced();
        }
    };
    feed.watch(pipeline_runs::watch_marks(), moved, move || {
        found.reload();
        list.reload();
    });
}

#[component]
fn Row(
    id: String,
    row: Memo<Option<PipelineRow>>,
    newest: Newest,
    /// Whether there is a column with the newest runs.
    has_runs: bool,
    /// Whether there is a column with the customer.
    has_customers: bool,
    selection: Selection,
) -> impl IntoView {
    let read =
        move |read: fn(&PipelineRow) -> String| move || row.with(|row| row.as_ref().map(read).unwrap_or_default());
    let is_enabled = move || row.with(|row| row.as_ref().is_some_and(|row| row.enabled));
    let next = Signal::derive(move || row.with(|row| row.as_ref().and_then(|row| row.next_run_at)));
    let (own, address) = (id.clone(), format!("/pipelines/{id}"));
    let runs = Memo::new(move |_| newest.with(|newest| newest.get(&id).cloned()).unwrap_or_default());
    let state =
        Signal::derive(move || runs.with(|runs| labels::pipelines::pipeline_state_with_runs(is_enabled(), runs)));
    let label = Signal::derive(move || runs.with(|runs| labels::pipelines::runs(runs)));
    let mark = |run: &RunMark| {
        let (word, tone) = labels::pipelines::run_state(run.status, run.cancel_requested_at.is_some());
        let at = run.started_at.map(|at| format!("{}: ", Clock::full_moment(at))).unwrap_or_default();
        (tone, format!("{at}{word}"))
    };
    let marks = Signal::derive(move || runs.with(|runs| runs.iter().map(mark).collect()));
    let created = read(|row| Clock::full_moment(row.created_at));
    let customer = read(|row| row.customer.as_ref().map_or_else(|| "The platform".to_owned(), |of| of.name.clone()));
    let about = read(|row| match &row.description {
        Some(description) => format!("{} · {description}", row.identifier),
        None => row.identifier.clone(),
    });
    view! {
        <tr>
            <SelectCell selection id=own name=Signal::derive(read(|row| row.name.clone())) />
            <td class="cell-main">
                <Ellipsis text=Signal::derive(read(|row| row.name.clone())) href=href(address) />
                <Ellipsis text=Signal::derive(about) class="cell-about" />
            </td>
            <td class="cell-status" data-label="Status">
                <Badge state />
            </td>
            {has_runs.then(|| view! { <td class="cell-wide" data-label="Last runs"><RecentRuns label runs=marks /></td> })}
            <td class="cell-number cell-quiet" data-label="Version">
                {read(|row| row.version.to_string())}
            </td>
            <td data-label="Next run">
                <NextRun next />
            </td>
            {has_customers
                .then(|| {
                    view! {
                        <td data-label="Customer">
                            <Ellipsis text=Signal::derive(customer) class="cell-text" />
                        </td>
                    }
                })}
            <td class="cell-quiet" data-label="Created">
                {created}
            </td>
        </tr>
    }
}
