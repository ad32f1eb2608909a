//! Actions on the selected rows of a list: a bar with buttons, and a dialog that asks first and then shows the result for
//! each row.

use leptos::prelude::*;

use crate::{
    api::{ItemResult, Request},
    format,
    session::Session,
    ui::{Dialog, Selection, Tone},
};

/// A request that changes some rows, with their ids.
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
    /// The verb on the button.
    pub(super) verb: &'static str,
    /// The result for a row that was changed.
    pub(super) done: &'static str,
    /// The consequence, as the dialog says it.
    pub(super) text: &'static str,
    pub(super) is_dangerous: bool,
    /// The requests for these rows, which are sent one after the other.
    pub(super) steps: fn(&[String]) -> Vec<Step>,
}

/// The name of a row and why it was not changed; `None` if it was.
type NamedResult = (String, Option<String>);

/// The number of selected rows and the actions on them, as long as any is selected.
#[component]
pub(super) fn BulkBar(
    selection: Selection,
    /// The name of one row, such as `transfer`.
    noun: &'static str,
    actions: &'static [BulkAction],
    /// The name of the row with an id.
    #[prop(into)]
    name_of: Callback<String, String>,
    /// Called when rows were changed.
    #[prop(into)]
    on_change: Callback<()>,
) -> impl IntoView {
    let session = expect_context::<Session>();
    let chosen = Memo::new(move |_| selection.chosen());
    let is_open = RwSignal::new(false);
    let current = RwSignal::new(None::<&'static BulkAction>);
    let results = RwSignal::new(None::<Vec<NamedResult>>);
    let is_busy = RwSignal::new(false);
    let open = move |action: &'static BulkAction| {
        results.set(None);
        is_busy.set(false);
        current.set(Some(action));
        is_open.set(true);
    };
    let start = move |action: &'static BulkAction| {
        is_busy.set(true);
        let ids = chosen.get_untracked();
        let names: Vec<_> = ids.iter().map(|id| (id.clone(), name_of.run(id.clone()))).collect();
        let done = move |found: Vec<ItemResult>| {
            let name =
                |id: &str| names.iter().find(|(known, _)| known == id).map_or("", |(_, name)| name.as_str()).to_owned();
            // The user may have left the page.
            if results.try_set(Some(found.into_iter().map(|item| (name(&item.id), item.error)).collect())).is_none() {
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
            Some(results) => {
                let done = results.iter().filter(|(_, error)| error.is_none()).count();
                format!("{verb}: {} of {}", format::count(count(done)), format::counted(count(results.len()), noun))
            }
        }
    };
    let content = move || match (results.get(), current.get()) {
        (Some(results), Some(action)) => finished(&results, action, is_open),
        (None, Some(action)) => {
            let class = if action.is_dangerous { "button button-danger" } else { "button button-primary" };
            view! {
                <p class="form-text">{action.text}</p>
                <div class="form-actions">
                    <button type="button" class="button" on:click=move |_| is_open.set(false)>
                        "Close"
                    </button>
                    <button type="button" class=class disabled=move || is_busy.get() on:click=move |_| start(action)>
                        {action.verb}
                    </button>
                </div>
            }
            .into_any()
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
                <button type="button" class="button button-small" on:click=move |_| selection.clear()>
                    "Clear selection"
                </button>
            </div>
        </Show>
        <Dialog open=is_open title=Signal::derive(title)>
            {content}
        </Dialog>
    }
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
                <span class="bulk-outcome">{text}</span>
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

/// Sends the requests one after the other. If one fails, its error is the result of each of its rows.
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
