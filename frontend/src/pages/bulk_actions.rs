//! Actions on the selected rows of a list: a bar with buttons, and a dialog that asks first and then shows the result for
//! each row.

use std::time::Duration;

use leptos::prelude::*;

use crate::{
    api::{ItemResult, Request},
    browser, format,
    session::Session,
    ui::{Dialog, Message, Selection, Toasts, Tone},
};

/// A request that changes some rows, with the ids of these rows.
pub(super) struct Step {
    ids: Vec<String>,
    request: Request<Vec<ItemResult>>,
}

impl Step {
    /// A request that changes several rows and returns the result of each.
    pub(super) fn of_several(ids: &[String], request: Request<Vec<ItemResult>>) -> Self {
        Self { ids: ids.to_vec(), request }
    }

    /// A request that changes one row.
    pub(super) fn of_one<T: 'static>(id: &str, request: Request<T>) -> Self {
        let changed = ItemResult { id: id.to_owned(), error: None };
        Self { ids: vec![id.to_owned()], request: request.map(move |_| vec![changed.clone()]) }
    }
}

/// An action on several rows.
pub(super) struct BulkAction {
    /// The verb on the button, such as `Retry`.
    pub(super) verb: &'static str,
    /// The text of the result for a row that was changed.
    pub(super) done: &'static str,
    /// The text of the dialog, which explains the consequence.
    pub(super) text: &'static str,
    pub(super) is_dangerous: bool,
    /// Returns the requests for the rows with these ids. They are sent one after the other.
    pub(super) steps: fn(&[String]) -> Vec<Step>,
}

/// The name of a row and why it was not changed; `None` if it was.
type NamedResult = (String, Option<String>);

/// A bar with the number of selected rows and the actions on them. It is hidden while no row is selected.
#[component]
pub(super) fn BulkBar(
    selection: Selection,
    /// The name of one row, such as `transfer`.
    noun: &'static str,
    actions: &'static [BulkAction],
    /// The name of the row with an id.
    #[prop(into)]
    name_of: Callback<String, String>,
    /// Called after rows were changed.
    #[prop(into)]
    on_change: Callback<()>,
) -> impl IntoView {
    let (session, toasts) = (expect_context::<Session>(), expect_context::<Toasts>());
    let chosen = Memo::new(move |_| selection.chosen());
    let is_open = RwSignal::new(false);
    let current = RwSignal::new(None::<&'static BulkAction>);
    let results = RwSignal::new(None::<Vec<NamedResult>>);
    let is_busy = RwSignal::new(false);
    let open = move |action: &'static BulkAction| {
        // If an action still runs although its dialog was closed, the dialog shows that action again.
        if !is_busy.get_untracked() {
            results.set(None);
            current.set(Some(action));
        }
        is_open.set(true);
    };
    // The focus cannot return to the button that has opened the dialog: the bar is removed when no row is selected any
    // more.
    Effect::watch(
        move || is_open.get(),
        move |is_open, _, _| {
            if !is_open && results.with_untracked(Option::is_some) {
                set_timeout(focus_content, Duration::ZERO);
            }
        },
        false,
    );
    let start = move |action: &'static BulkAction| {
        is_busy.set(true);
        let ids = chosen.get_untracked();
        let names: Vec<_> = ids.iter().map(|id| (id.clone(), name_of.run(id.clone()))).collect();
        let done = move |found: Vec<ItemResult>| {
            let name =
                |id: &str| names.iter().find(|(known, _)| known == id).map_or("", |(_, name)| name.as_str()).to_owned();
            let found: Vec<NamedResult> = found.into_iter().map(|item| (name(&item.id), item.error)).collect();
            let text = summary(action, &found, noun);
            // The user may have left the page, or closed the dialog.
            if is_open.try_get_untracked() != Some(true) {
                let is_done = found.iter().all(|(_, error)| error.is_none());
                if is_done { toasts.success(text) } else { toasts.error(text) }
            }
            if results.try_set(Some(found)).is_none() {
                is_busy.set(false);
                selection.clear();
                on_change.run(());
            }
        };
        run(session, (action.steps)(&ids).into_iter(), Vec::new(), Box::new(done));
    };
    let title = move || {
        let verb = current.get().map_or("", |action| action.verb);
        match results.get() {
            None => format!("{verb} {}?", format::counted(count(chosen.with(Vec::len)), noun)),
            Some(results) => current.get().map(|action| summary(action, &results, noun)).unwrap_or_default(),
        }
    };
    let content = move || match (results.get(), current.get()) {
        (Some(results), Some(action)) => finished(&results, action, is_open),
        (None, Some(action)) => {
            let is_blocked = Signal::derive(move || is_busy.get() || chosen.with(Vec::is_empty));
            question(action, is_open, is_blocked, move || start(action))
        }
        (_, None) => ().into_any(),
    };
    view! {
        <Show when=move || chosen.with(|chosen| !chosen.is_empty())>
            <div class="bulk" role="group" aria-label="Selected rows">
                <span role="status">{move || format!("{} selected", format::count(count(chosen.with(Vec::len))))}</span>
                {actions
                    .iter()
                    .map(|action| {
                        view! {
                            <button type="button" class="button button-small" on:click=move |_| open(action)>
                                {action.verb}
                            </button>
                        }
                    })
                    .collect_view()}
                <button
                    type="button"
                    class="button button-small"
                    on:click=move |_| {
                        selection.clear();
                        focus_content();
                    }
                >
                    "Clear selection"
                </button>
            </div>
        </Show>
        <Dialog open=is_open title=Signal::derive(title)>
            {content}
        </Dialog>
    }
}

/// The question before an action, with the button that starts it.
fn question(
    action: &BulkAction,
    is_open: RwSignal<bool>,
    is_blocked: Signal<bool>,
    start: impl Fn() + 'static,
) -> AnyView {
    let class = if action.is_dangerous { "button button-danger" } else { "button button-primary" };
    view! {
        <p class="form-text">{action.text}</p>
        <div class="form-actions">
            <button type="button" class="button" on:click=move |_| is_open.set(false)>
                "Close"
            </button>
            <button type="button" class=class disabled=move || is_blocked.get() on:click=move |_| start()>
                {action.verb}
            </button>
        </div>
    }
    .into_any()
}

/// How many of the rows were changed: `Retry: 3 of 5 transfers`.
fn summary(action: &BulkAction, results: &[NamedResult], noun: &str) -> String {
    let done = results.iter().filter(|(_, error)| error.is_none()).count();
    format!("{}: {} of {}", action.verb, format::count(count(done)), format::counted(count(results.len()), noun))
}

/// Moves the focus to the content of the page, because the button that had the focus is removed.
fn focus_content() {
    browser::focus("content");
}

/// The result for each row.
fn finished(results: &[NamedResult], action: &'static BulkAction, is_open: RwSignal<bool>) -> AnyView {
    let line = |(name, error): &NamedResult| {
        let (tone, text) = match error {
            Some(error) => (Tone::Bad, error.clone()),
            None => (Tone::Good, action.done.to_owned()),
        };
        view! {
            <li class="bulk-result" data-tone=tone.name()>
                <span class="bulk-name">{name.clone()}</span>
                <span class="bulk-outcome"><Message text /></span>
            </li>
        }
    };
    view! {
        <ul class="bulk-results" tabindex="0" aria-label="Results">
            {results.iter().map(line).collect_view()}
        </ul>
        <div class="form-actions">
            <button type="button" class="button button-primary" on:click=move |_| is_open.set(false)>
                "Done"
            </button>
        </div>
    }
    .into_any()
}

/// Sends the requests one after the other. If a request fails, its error is the result for each of its rows.
fn run(
    session: Session,
    mut steps: std::vec::IntoIter<Step>,
    mut results: Vec<ItemResult>,
    done: Box<dyn FnOnce(Vec<ItemResult>)>,
) {
    let Some(Step { ids, request }) = steps.next() else { return done(results) };
    session.execute(request, move |outcome| {
        match outcome {
            Ok(found) => results.extend(found),
            Err(error) => {
                let failed = |id| ItemResult { id, error: Some(error.to_string()) };
                results.extend(ids.into_iter().map(failed));
            }
        }
        run(session, steps, results, done);
    });
}

fn count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
