//! The dialog of the palette: a combobox with a list of entries.

use leptos::{ev::KeyboardEvent, prelude::*};

use super::{
    entries::{Entry, arrange, general, of_agents, of_jobs, of_pipelines, of_transfers},
    matching::name_in,
    perform_action::Actions,
};
use crate::{
    api::object_search,
    browser,
    effect::{debounced, effect},
    format,
    reactive_query::Fetch,
    session::Session,
    shortcuts::Shortcuts,
    ui::{Dialog, Icon, Notice},
    zone,
};

/// The element id of the list.
const LIST: &str = "palette-list";

/// The dialog.
#[component]
pub(super) fn Palette() -> impl IntoView {
    let shortcuts = expect_context::<Shortcuts>();
    view! {
        <Dialog open=shortcuts.palette title="Search pages, objects and actions">
            <Search />
        </Dialog>
    }
}

/// The field and the list, created each time the dialog opens.
#[component]
fn Search() -> impl IntoView {
    let (session, shortcuts, actions) = (expect_context::<Session>(), expect_context::<Shortcuts>(), Actions::new());
    let text = RwSignal::new(String::new());
    let asked = debounced(text);
    let name = Memo::new(move |_| asked.with(|asked| name_in(asked).to_owned()));
    let jobs = Fetch::new(object_search::jobs);
    let named = Fetch::when(move || name.with(|name| (!name.is_empty()).then(|| object_search::named(name))));
    let transfers = Fetch::when(move || name.with(|name| is_long_enough(name).then(|| object_search::transfers(name))));
    let entries = Memo::new(move |_| {
        let Some(viewer) = session.viewer() else { return Vec::new() };
        let mut offered = general(&viewer, zone::is_utc(), shortcuts.has_single_keys());
        let mut found = Vec::new();
        if text.with(|text| !text.trim().is_empty()) {
            offered.extend(jobs.read(|(jobs, _)| of_jobs(jobs)).unwrap_or_default());
        }
        if name.with(|name| !name.is_empty()) {
            found.extend(named.read(|(agents, _)| of_agents(agents)).unwrap_or_default());
            found.extend(named.read(|(_, pipelines)| of_pipelines(pipelines)).unwrap_or_default());
        }
        if name.with(|name| is_long_enough(name)) {
            found.extend(transfers.read(|transfers| of_transfers(transfers)).unwrap_or_default());
        }
        text.with(|text| arrange(text, offered, found))
    });
    let chosen = RwSignal::new(0);
    effect(move || {
        text.track();
        chosen.set(0);
    });
    // The list may have become shorter.
    let current = Memo::new(move |_| chosen.get().min(entries.with(Vec::len).saturating_sub(1)));
    effect(move || browser::show_element(&element_id(current.get())));
    let press = move |event: KeyboardEvent| {
        // During input with an input method, the key is not for the palette.
        if event.is_composing() {
            return;
        }
        let (count, at) = (entries.with_untracked(Vec::len), current.get_untracked());
        match event.key().as_str() {
            "ArrowDown" if count > 0 => chosen.set((at + 1) % count),
            "ArrowUp" if count > 0 => chosen.set((at + count - 1) % count),
            "Enter" => {
                if let Some(entry) = entries.with_untracked(|entries| entries.get(at).cloned()) {
                    actions.choose(entry.act);
                }
            }
            _ => return,
        }
        event.prevent_default();
    };
    let is_searching = move || named.is_busy() || transfers.is_busy();
    let summary = move || match entries.with(Vec::len) {
        0 if is_searching() => "Searching".to_owned(),
        0 => "Nothing matches".to_owned(),
        count => format::counted(i64::try_from(count).unwrap_or(i64::MAX), "result"),
    };
    let job_counts = move || jobs.read(|(jobs, total)| (jobs.len(), *total));
    let about = move || name.with(|name| hint(name, job_counts()));
    let failure = move || named.failure().or_else(|| transfers.failure()).or_else(|| jobs.failure());
    view! {
        <div class="palette">
            <input
                class="control"
                type="text"
                role="combobox"
                autocomplete="off"
                autofocus=true
                spellcheck="false"
                placeholder="Search pages, objects and actions"
                aria-label="Search pages, objects and actions"
                aria-autocomplete="list"
                aria-expanded="true"
                aria-controls=LIST
                aria-activedescendant=move || entries.with(|entries| !entries.is_empty()).then(|| element_id(current.get()))
                prop:value=move || text.get()
                on:input=move |event| text.set(event_target_value(&event))
                on:keydown=press
            />
            <div class="palette-list" id=LIST role="listbox" aria-label="Results">
                {move || entries.with(|entries| groups(entries, chosen, current, actions))}
            </div>
            <Notice text=Signal::derive(move || failure().map(|error| error.to_string())) />
            <p class="palette-foot">
                <span role="status">{summary}</span>
                <span>{about}</span>
            </p>
        </div>
    }
}

fn is_long_enough(name: &str) -> bool {
    name.chars().count() >= object_search::LEAST
}

/// A hint about what the search for `name` does not cover. `jobs` has the number of searched jobs and of all jobs.
fn hint(name: &str, jobs: Option<(usize, i32)>) -> String {
    if name.is_empty() {
        return "Type a name, a path or an error.".to_owned();
    }
    if !is_long_enough(name) {
        return format!("Type at least {} characters to search transfers.", object_search::LEAST);
    }
    match jobs {
        Some((read, total)) if usize::try_from(total).is_ok_and(|total| total > read) => {
            format!("Of {} jobs, the newest {read} are searched.", format::count(total.into()))
        }
        _ => String::new(),
    }
}

fn element_id(index: usize) -> String {
    format!("palette-{index}")
}

/// The entries under the headings of their groups.
fn groups(entries: &[Entry], chosen: RwSignal<usize>, current: Memo<usize>, actions: Actions) -> AnyView {
    let mut index = 0;
    let group = |entries: &[Entry]| {
        let title = entries.first().map_or("", |entry| entry.group.title());
        let options = entries
            .iter()
            .map(|entry| {
                index += 1;
                option(entry.clone(), index - 1, chosen, current, actions)
            })
            .collect_view();
        view! {
            <div role="group" aria-label=title>
                <p class="palette-group" aria-hidden="true">
                    {title}
                </p>
                {options}
            </div>
        }
    };
    entries.chunk_by(|one, other| one.group == other.group).map(group).collect_view().into_any()
}

fn option(
    entry: Entry,
    index: usize,
    chosen: RwSignal<usize>,
    current: Memo<usize>,
    actions: Actions,
) -> impl IntoView {
    let Entry { icon, title, about, act, .. } = entry;
    view! {
        <div
            class="palette-option"
            id=element_id(index)
            role="option"
            aria-selected=move || (current.get() == index).to_string()
            on:pointermove=move |_| {
                if chosen.get_untracked() != index {
                    chosen.set(index);
                }
            }
            on:click=move |_| actions.choose(act.clone())
        >
            <Icon name=icon />
            <span class="palette-title">{title}</span>
            <span class="palette-about">{about}</span>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::hint;

    #[test]
    fn the_palette_says_what_it_does_not_search() {
        assert_eq!(hint("", None), "Type a name, a path or an error.");
        assert_eq!(hint("or", Some((3, 3))), "Type at least 3 characters to search transfers.");
        assert_eq!(hint("ord", Some((3, 3))), "");
        assert_eq!(hint("ord", Some((100, 1234))), "Of 1,234 jobs, the newest 100 are searched.");
    }
}
