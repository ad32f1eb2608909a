//! The field that chooses an agent. It lists all agents of a small fleet, and the results of a search in a large one.

use leptos::prelude::*;

use crate::{
    api::agents::{self, AgentFilter, AgentLinks},
    effect::debounced,
    reactive_query::Fetch,
    session::{Permission, Session},
    ui::SearchSelect,
};

/// The maximum number of agents in the list.
const MOST: i32 = 100;

/// The field that chooses an agent; its value is the id of the agent.
#[component]
pub(super) fn AgentSelect(
    /// The label of the option for no agent.
    none: &'static str,
    #[prop(into)] chosen: Signal<String>,
    #[prop(into)] on_choose: Callback<String>,
    #[prop(optional, into)] problem: Signal<Option<String>>,
) -> impl IntoView {
    let has_customers = expect_context::<Session>().may(Permission::ListCustomers);
    let search = RwSignal::new(String::new());
    let asked = debounced(search);
    let found = Fetch::new(move || {
        let search = asked.with(|search| search.trim().to_owned());
        let filter = AgentFilter { search: (!search.is_empty()).then_some(search), ..AgentFilter::default() };
        agents::list_some(filter, MOST, 1)
    });
    let is_large = Memo::new(move |was: Option<&bool>| {
        was == Some(&true) || found.read(|page| page.total > MOST || page.total_is_at_least) == Some(true)
    });
    let option = move |row: &AgentLinks| {
        let owner = row.customer.as_ref().filter(|_| has_customers);
        let owner = owner.map(|customer| format!(" ({})", customer.name)).unwrap_or_default();
        (row.agent.id.inner().to_owned(), format!("{}{owner}", row.agent.label()))
    };
    let options =
        Memo::new(move |_| found.read(|page| page.items.iter().map(option).collect::<Vec<_>>()).unwrap_or_default());
    // The agent in the URL may not be among the listed ones.
    let other = Memo::new(move |_| {
        let chosen = chosen.get();
        let is_other = !chosen.is_empty() && options.with(|options| options.iter().all(|(id, _)| *id != chosen));
        is_other.then_some(chosen).filter(|_| found.read(|_| ()).is_some())
    });
    let named = Fetch::when(move || other.get().map(|id| agents::get(&id)));
    let chosen_label = Signal::derive(move || named.read(|(agent, _)| agent.label().to_owned()));
    view! {
        <SearchSelect
            label="Agent"
            search_label="Find agents by name or host name"
            none
            is_large
            search
            found=options
            chosen
            chosen_label
            on_choose
            problem
        />
    }
}
