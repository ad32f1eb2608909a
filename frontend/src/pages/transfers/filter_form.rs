//! The search and the filters of the list of transfers. They change the parameters of the URL.

use leptos::prelude::*;

use super::filters::{ActiveFilter, CHOICES, Choice, Filters, SHORTEST_SEARCH, ended_options};
use crate::{
    api::{
        Total, agents,
        transfer_counts::{self, TransferCounts},
        transfers::TransferStatus,
    },
    base_path::href,
    browser,
    clock::Clock,
    format,
    labels::TRANSFER_STATUSES,
    pages::{agent_select::AgentSelect, list_url_parameters::ListQuery, search_field::SearchField},
    reactive_query::Fetch,
    ui::{Icon, Menu, Select},
    zone,
};

/// The number of seconds after which the numbers beside the statuses are queried again.
const RECOUNT_AFTER: i64 = 30;

/// The search, the statuses, and the filters that are set.
#[component]
pub(super) fn FilterForm(query: ListQuery, filters: Memo<Filters>) -> impl IntoView {
    view! {
        <form class="list-filters" role="search" aria-label="Filter transfers" on:submit=|event| event.prevent_default()>
            <div class="list-filters-line">
                <SearchField query label="Name, path or error" least=SHORTEST_SEARCH />
                <Menu name="Filter" icon="filter">
                    <AgentSelect
                        none="Any"
                        chosen=Signal::derive(move || filters.with(|filters| filters.agent.clone()))
                        on_choose=move |agent: String| query.change([("agent", agent)])
                    />
                    {CHOICES.iter().map(|choice| view! { <Value query filters choice /> }).collect_view()}
                    <Day query label="Created from" parameter="from" day=move || filters.with(|filters| filters.from.clone()) />
                    <Day query label="Created until" parameter="to" day=move || filters.with(|filters| filters.to.clone()) />
                    <Ended query filters />
                </Menu>
            </div>
            <States query filters />
            <Active query filters />
        </form>
    }
}

/// The control of a filter that is one value of a table of labels.
#[component]
fn Value(query: ListQuery, filters: Memo<Filters>, choice: &'static Choice) -> impl IntoView {
    let any = (String::new(), "Any".to_owned());
    let values = (choice.options)().into_iter().map(|(name, label)| (name.to_owned(), label.to_owned()));
    let options: Vec<_> = [any].into_iter().chain(values).collect();
    view! {
        <Select
            label=choice.label
            options
            chosen=Signal::derive(move || filters.with(|filters| (choice.chosen)(&filters.chosen).to_owned()))
            on_choose=move |name: String| query.change([(choice.parameter, name)])
        />
    }
}

/// The control of the time within which the transfers ended.
#[component]
fn Ended(query: ListQuery, filters: Memo<Filters>) -> impl IntoView {
    let any = (String::new(), "Any time".to_owned());
    let times = ended_options().into_iter().map(|(name, label)| (name.to_owned(), label.to_owned()));
    let options: Vec<_> = [any].into_iter().chain(times).collect();
    view! {
        <Select
            label="Ended"
            options
            chosen=Signal::derive(move || filters.with(|filters| filters.ended_name().to_owned()))
            on_choose=move |name: String| query.change([("ended", name)])
        />
    }
}

/// Counts the transfers with each status, among those that match the other filters.
fn count(filters: Memo<Filters>) -> Fetch<TransferCounts> {
    let others = Memo::new(move |_| filters.with(Filters::without_statuses));
    let counts = Fetch::new(move || {
        let filter = others.with(|others| others.for_query(browser::now(), zone::midnight));
        transfer_counts::get(&filter)
    });
    let passed = expect_context::<Clock>().every(RECOUNT_AFTER);
    let recount = move |_: &i64, _: Option<&i64>, _: Option<()>| {
        if !browser::is_hidden() {
            counts.reload();
        }
    };
    Effect::watch(move || passed.get(), recount, false);
    counts
}

/// A number beside a status: `10,000+` if the server stopped counting.
fn number((total, is_at_least): Total) -> String {
    format!("{}{}", format::count(total.into()), if is_at_least { "+" } else { "" })
}

/// The buttons of the statuses, each with the number of transfers. Several can be chosen.
#[component]
fn States(query: ListQuery, filters: Memo<Filters>) -> impl IntoView {
    let counts = count(filters);
    let state = move |(status, _, label): (TransferStatus, &'static str, &'static str)| {
        let toggle =
            move |_| query.change([("status", filters.with_untracked(|filters| filters.toggle_status(status)))]);
        view! {
            <label class="chip">
                <input
                    type="checkbox"
                    prop:checked=move || filters.with(|filters| filters.status.contains(&status))
                    on:change=toggle
                />
                <span>
                    {label} " "
                    <b class="chip-count">{move || counts.read(|counts| number(counts.of(status)))}</b>
                </span>
            </label>
        }
    };
    let toggle_stalled = move |_| {
        let is_stalled = filters.with_untracked(|filters| filters.is_stalled);
        query.change([("stalled", if is_stalled { String::new() } else { "true".to_owned() })]);
    };
    view! {
        <fieldset class="chips">
            <legend class="field-label">"Status"</legend>
            {TRANSFER_STATUSES.map(state).collect_view()}
            <label class="chip">
                <input
                    type="checkbox"
                    prop:checked=move || filters.with(|filters| filters.is_stalled)
                    on:change=toggle_stalled
                />
                <span>"Stalled " <b class="chip-count">{move || counts.read(|counts| number(counts.stalled))}</b></span>
            </label>
            <Show when=move || !filters.with(Filters::is_any)>
                <a class="chips-clear" href=move || href(query.clear_address())>
                    "Clear filters"
                </a>
            </Show>
        </fieldset>
    }
}

/// The other filters that are set, as chips with a button that removes the filter.
#[component]
fn Active(query: ListQuery, filters: Memo<Filters>) -> impl IntoView {
    let agent = Fetch::when(move || {
        let id = filters.with(|filters| filters.agent.clone());
        (!id.is_empty()).then(|| agents::get(&id).map(|(agent, _)| agent.label().to_owned()))
    });
    let active = Memo::new(move |_| filters.with(Filters::active));
    let chip = move |ActiveFilter { parameter, label, value }: ActiveFilter| {
        let value = if parameter == "agent" {
            agent.read(Clone::clone).unwrap_or_else(|| "one agent".to_owned())
        } else {
            value
        };
        view! {
            <li>
                <button
                    type="button"
                    class="chip-active"
                    aria-label=format!("Remove the filter {label}: {value}")
                    on:click=move |_| {
                        // The button is removed together with its filter, so the focus moves to the content.
                        browser::focus("content");
                        query.change([(parameter, String::new())]);
                    }
                >
                    {format!("{label}: {value}")}
                    <Icon name="close" />
                </button>
            </li>
        }
    };
    view! {
        <Show when=move || active.with(|active| !active.is_empty())>
            <ul class="chips" aria-label="Filters">
                {move || active.get().into_iter().map(chip).collect_view()}
            </ul>
        </Show>
    }
}

#[component]
fn Day(
    query: ListQuery,
    label: &'static str,
    /// The name of the parameter in the URL.
    parameter: &'static str,
    day: impl Fn() -> String + Send + Sync + 'static,
) -> impl IntoView {
    view! {
        <label class="field">
            <span class="field-label">{label}</span>
            <input
                class="control"
                type="date"
                prop:value=day
                on:change=move |event| query.change([(parameter, event_target_value(&event))])
            />
        </label>
    }
}
