//! The form that changes the filters in the URL.

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};

use super::filters::{CHOICES, Choice, Filters};
use crate::{
    api::agents::{self, AgentFilter},
    base_path::href,
    fetch::Fetch,
    labels::TRANSFER_STATUSES,
    ui::Select,
};

/// Search, status, agent, protocol, direction and days.
#[component]
pub(super) fn FilterForm(filters: Memo<Filters>) -> impl IntoView {
    let navigate = use_navigate();
    let change = Callback::new(move |change: Change| {
        let mut changed = filters.get_untracked();
        change(&mut changed);
        changed.page = 1;
        navigate(&changed.address(), NavigateOptions { replace: true, scroll: false, ..Default::default() });
    });
    view! {
        <form class="filters" role="search" aria-label="Filter transfers" on:submit=|event| event.prevent_default()>
            <label class="field filters-search">
                <span class="field-label">"File name begins with"</span>
                <input
                    class="control"
                    type="search"
                    prop:value=move || filters.with(|filters| filters.search.clone())
                    on:change=move |event| {
                        let search = event_target_value(&event).trim().to_owned();
                        change.run(Box::new(move |filters| filters.search = search));
                    }
                />
            </label>
            <Agents filters change />
            {CHOICES
                .iter()
                .map(|choice| {
                    view! {
                        <Select
                            label=choice.label
                            options=options(choice)
                            chosen=Signal::derive(move || filters.with(|filters| (choice.chosen)(&filters.chosen).to_owned()))
                            on_choose=move |name: String| {
                                change.run(Box::new(move |filters| (choice.choose)(&mut filters.chosen, &name)));
                            }
                        />
                    }
                })
                .collect_view()}
            <Day
                label="Created from"
                day=Signal::derive(move || filters.with(|filters| filters.from.clone()))
                on_change=move |day: String| change.run(Box::new(move |filters| filters.from = day))
            />
            <Day
                label="Created until"
                day=Signal::derive(move || filters.with(|filters| filters.to.clone()))
                on_change=move |day: String| change.run(Box::new(move |filters| filters.to = day))
            />
            <States filters change />
        </form>
    }
}

type Change = Box<dyn FnOnce(&mut Filters)>;

/// The options of a select element: any value, and those of the filter.
fn options(choice: &Choice) -> Vec<(String, String)> {
    let any = (String::new(), "Any".to_owned());
    let values = (choice.options)().into_iter().map(|(name, label)| (name.to_owned(), label.to_owned()));
    [any].into_iter().chain(values).collect()
}

/// The statuses; several can be chosen.
#[component]
fn States(filters: Memo<Filters>, change: Callback<Change>) -> impl IntoView {
    let state = move |(status, _, label): (_, &'static str, &'static str)| {
        let toggle = move |filters: &mut Filters| {
            let count = filters.status.len();
            filters.status.retain(|known| *known != status);
            if filters.status.len() == count {
                filters.status.push(status);
            }
        };
        view! {
            <label class="chip">
                <input
                    type="checkbox"
                    prop:checked=move || filters.with(|filters| filters.status.contains(&status))
                    on:change=move |_| change.run(Box::new(toggle))
                />
                <span>{label}</span>
            </label>
        }
    };
    view! {
        <fieldset class="chips">
            <legend class="field-label">"Status"</legend>
            {TRANSFER_STATUSES.map(state).collect_view()}
            <Show when=move || !filters.with(Filters::is_any)>
                <a class="chips-clear" href=href("/transfers")>
                    "Clear filters"
                </a>
            </Show>
        </fieldset>
    }
}

/// The agents to choose from.
#[component]
fn Agents(filters: Memo<Filters>, change: Callback<Change>) -> impl IntoView {
    let agents = Fetch::new(|| agents::list_some(AgentFilter::default(), 100, 1));
    let options = move || {
        let mut options = vec![(String::new(), "Any".to_owned())];
        let known = agents.read(|page| {
            page.items
                .iter()
                .map(|row| (row.agent.id.inner().to_owned(), row.agent.label().to_owned()))
                .collect::<Vec<_>>()
        });
        options.extend(known.unwrap_or_default());
        // The agent in the URL may not be among the newest hundred.
        let chosen = filters.with(|filters| filters.agent.clone());
        if !options.iter().any(|(id, _)| *id == chosen) {
            options.push((chosen, "This agent".to_owned()));
        }
        options
    };
    view! {
        <Select
            label="Agent"
            options=Signal::derive(options)
            chosen=Signal::derive(move || filters.with(|filters| filters.agent.clone()))
            on_choose=move |agent: String| change.run(Box::new(move |filters| filters.agent = agent))
        />
    }
}

#[component]
fn Day(
    label: &'static str,
    #[prop(into)] day: Signal<String>,
    #[prop(into)] on_change: Callback<String>,
) -> impl IntoView {
    view! {
        <label class="field">
            <span class="field-label">{label}</span>
            <input
                class="control"
                type="date"
                prop:value=move || day.get()
                on:change=move |event| on_change.run(event_target_value(&event))
            />
        </label>
    }
}
