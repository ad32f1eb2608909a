//! The menu with the views of a list that the user has saved: open, save, rename, replace, delete, and the choice of the
//! view that the list opens with.

use leptos::prelude::*;

use super::list_url_parameters::ListQuery;
use crate::{
    api::saved_views::{self, CreateViewInput, SavedView, ViewChange},
    base_path::href,
    browser,
    effect::effect,
    reactive_query::Fetch,
    saved_views::SavedViews,
    session::Session,
    ui::{Confirm, Failure, Field, FormDialog, Icon, Menu, Rows, Toasts},
    user_action::UserAction,
};

/// The element id of the button that opens the menu.
const BUTTON: &str = "saved-views";

/// The saved views of a list. It also opens the list with its default view.
#[component]
pub(super) fn SavedViewsMenu(
    query: ListQuery,
    /// The noun for all rows of the list, such as `transfers`.
    noun: &'static str,
) -> impl IntoView {
    let saved = expect_context::<SavedViews>();
    let load = Fetch::new(move || saved_views::list().map(move |found| saved.fill(found)));
    effect(move || {
        if query.is_plain()
            && let Some(view) = saved.default_of(&query.name())
        {
            open_density(&view.query);
            query.open(&view.query);
        }
    });
    let (is_naming, is_deleting) = (RwSignal::new(false), RwSignal::new(false));
    // The view that is renamed; `None` if a new view is saved.
    let renamed = RwSignal::new(None::<SavedView>);
    let deleted = RwSignal::new(None::<SavedView>);
    let name = Callback::new(move |view: Option<SavedView>| {
        renamed.set(view);
        is_naming.set(true);
    });
    let delete = Callback::new(move |view: SavedView| {
        deleted.set(Some(view));
        is_deleting.set(true);
    });
    // The button in the menu that opened the dialog no longer exists then, so the focus moves to the button of the
    // menu.
    for is_open in [is_naming, is_deleting] {
        Effect::watch(
            move || is_open.get(),
            move |is_open, was_open, _| {
                if !is_open && was_open == Some(&true) {
                    set_timeout(|| browser::focus(BUTTON), std::time::Duration::ZERO);
                }
            },
            false,
        );
    }
    view! {
        <Menu name="Saved views" icon="saved" id=BUTTON>
            <Views query noun load name delete />
            <button type="button" class="button button-primary" on:click=move |_| name.run(None)>
                "Save this view"
            </button>
        </Menu>
        <NameDialog open=is_naming renamed query />
        <DeleteDialog open=is_deleting deleted />
    }
}

/// The list of the views.
#[component]
fn Views(
    query: ListQuery,
    noun: &'static str,
    /// The query of the views.
    load: Fetch<()>,
    name: Callback<Option<SavedView>>,
    delete: Callback<SavedView>,
) -> impl IntoView {
    let saved = expect_context::<SavedViews>();
    // The id of the view whose actions are open.
    let managed = RwSignal::new(None::<String>);
    let ids = Signal::derive(move || {
        saved.of_page(&query.name()).into_iter().map(|view| view.id.into_inner()).collect::<Vec<_>>()
    });
    let row = move |id: String| {
        let id = StoredValue::new(id);
        let view = Memo::new(move |_| id.with_value(|id| saved.find(id)));
        view! { <Row query view managed name delete /> }.into_any()
    };
    let failure = move || load.failure().map(|error| view! { <Failure error on_retry=move |()| load.reload() /> });
    view! {
        <ul class="views" aria-label="Saved views">
            <li class="views-line">
                <a
                    class="views-name"
                    href=move || href(query.clear_address())
                    aria-current=move || query.is_showing("").then_some("true")
                >
                    {format!("All {noun}")}
                </a>
            </li>
            <Rows keys=ids row />
        </ul>
        {failure}
    }
}

/// A view: a link that opens it, and its actions.
#[component]
fn Row(
    query: ListQuery,
    /// `None` once it was deleted.
    view: Memo<Option<SavedView>>,
    managed: RwSignal<Option<String>>,
    name: Callback<Option<SavedView>>,
    delete: Callback<SavedView>,
) -> impl IntoView {
    let (saved, session, toasts) =
        (expect_context::<SavedViews>(), expect_context::<Session>(), expect_context::<Toasts>());
    let user_action = UserAction::new();
    // There is no dialog that could show the error.
    effect(move || {
        if let Some(failure) = user_action.failure() {
            toasts.error(failure);
        }
    });
    let of = move |read: fn(&SavedView) -> String| {
        Memo::new(move |_| view.with(|view| view.as_ref().map(read)).unwrap_or_default())
    };
    let (id, label, text) =
        (of(|view| view.id.inner().to_owned()), of(|view| view.name.clone()), of(|view| view.query.clone()));
    let is_default = Memo::new(move |_| view.with(|view| view.as_ref().is_some_and(|view| view.is_default)));
    let is_managed = Memo::new(move |_| managed.with(|managed| managed.as_ref() == Some(&id.get())));
    let manage = move |_| managed.set((!is_managed.get_untracked()).then(|| id.get_untracked()));
    let replace = move |_| {
        let (id, before, now) = (id.get_untracked(), text.get_untracked(), present(query));
        let change = ViewChange { query: Some(now), ..ViewChange::default() };
        user_action.run(saved_views::update(&id, change), move |view| {
            let (id, name) = (view.id.inner().to_owned(), view.name.clone());
            saved.keep(view);
            let undo = move || {
                let change = ViewChange { query: Some(before.clone()), ..ViewChange::default() };
                session.execute(saved_views::update(&id, change), move |outcome| {
                    toasts.undone(outcome.map(|view| saved.keep(view)));
                });
            };
            toasts.undoable(format!("{name} was replaced with what the list shows."), undo);
        });
    };
    let make_default = move |_| {
        let change = ViewChange { is_default: Some(!is_default.get_untracked()), ..ViewChange::default() };
        user_action.run(saved_views::update(&id.get_untracked(), change), move |view| {
            let what = if view.is_default { "opens the list from now on" } else { "no longer opens the list" };
            toasts.success(format!("{} {what}.", view.name));
            saved.keep(view);
        });
    };
    let rename = move |_| name.run(view.get_untracked());
    let remove = move |_| view.get_untracked().into_iter().for_each(|view| delete.run(view));
    view! {
        <li>
            <div class="views-line">
                <a
                    class="views-name"
                    href=move || href(text.with(|text| query.view_address(text)))
                    aria-current=move || text.with(|text| query.is_showing(text)).then_some("true")
                    on:click=move |_| text.with_untracked(|text| open_density(text))
                >
                    {move || label.get()}
                </a>
                <Show when=move || is_default.get()>
                    <span class="views-default">"Default"</span>
                </Show>
                <button
                    type="button"
                    class="button button-bare"
                    aria-expanded=move || is_managed.get().to_string()
                    aria-label=move || format!("Change {}", label.get())
                    on:click=manage
                >
                    <Icon name="more" />
                </button>
            </div>
            <Show when=move || is_managed.get()>
                <div class="views-actions" role="group" aria-label=move || format!("Change {}", label.get())>
                    <button type="button" class="button button-small" on:click=rename>
                        "Rename"
                    </button>
                    <button type="button" class="button button-small" on:click=replace>
                        "Replace with what is shown"
                    </button>
                    <button type="button" class="button button-small" on:click=make_default>
                        {move || if is_default.get() { "Do not open the list with it" } else { "Open the list with it" }}
                    </button>
                    <button type="button" class="button button-small button-danger" on:click=remove>
                        "Delete"
                    </button>
                </div>
            </Show>
        </li>
    }
}

/// The dialog for the name of a view.
#[component]
fn NameDialog(open: RwSignal<bool>, renamed: RwSignal<Option<SavedView>>, query: ListQuery) -> impl IntoView {
    let (saved, toasts) = (expect_context::<SavedViews>(), expect_context::<Toasts>());
    let user_action = UserAction::new();
    let name = RwSignal::new(String::new());
    effect(move || {
        if open.get() {
            name.set(renamed.with_untracked(|view| view.as_ref().map(|view| view.name.clone())).unwrap_or_default());
        }
    });
    let submit = move |()| {
        let name = name.get_untracked().trim().to_owned();
        let done = move |view: SavedView| {
            toasts.success(format!("{} was saved.", view.name));
            saved.keep(view);
            open.try_set(false);
        };
        if let Some(view) = renamed.get_untracked() {
            let change = ViewChange { name: Some(name), ..ViewChange::default() };
            user_action.run(saved_views::update(view.id.inner(), change), done);
        } else {
            let input = CreateViewInput { name, page: query.name(), query: present(query) };
            user_action.run(saved_views::create(input), done);
        }
    };
    let title = move || {
        renamed.with(|view| {
            view.as_ref().map_or_else(|| "Save this view".to_owned(), |view| format!("Rename {}", view.name))
        })
    };
    let action = move || if renamed.with(Option::is_some) { "Rename" } else { "Save" }.to_owned();
    view! {
        <FormDialog open title=Signal::derive(title) action=Signal::derive(action) user_action on_submit=submit>
            <p class="form-text">"A view holds the filters, the order, the columns, the rows per page and the density of the list. Only you see it."</p>
            <Field label="Name" value=name bounds=(1, 100) is_required=true is_first=true />
        </FormDialog>
    }
}

/// The dialog that asks before a view is deleted.
#[component]
fn DeleteDialog(open: RwSignal<bool>, deleted: RwSignal<Option<SavedView>>) -> impl IntoView {
    let (saved, toasts) = (expect_context::<SavedViews>(), expect_context::<Toasts>());
    let user_action = UserAction::new();
    let confirm = move |()| {
        let Some(view) = deleted.get_untracked() else { return };
        user_action.run(saved_views::delete(view.id.inner()), move |id| {
            saved.remove(id.inner());
            toasts.success(format!("{} was deleted.", view.name));
            open.try_set(false);
        });
    };
    let title =
        move || deleted.with(|view| view.as_ref().map(|view| format!("Delete {}?", view.name))).unwrap_or_default();
    view! {
        <Confirm
            open
            title=Signal::derive(title)
            text="The view is deleted. What the list shows does not change."
            action="Delete view"
            user_action
            on_confirm=confirm
            is_dangerous=true
            dismiss="Keep view"
        />
    }
}

/// What the list shows, in the form of a saved view. The density is added, since it is not a parameter of the list: it
/// applies to all tables.
fn present(query: ListQuery) -> String {
    let density = browser::stored("density").unwrap_or_else(|| "comfortable".to_owned());
    let shown = untrack(|| query.text());
    if shown.is_empty() { format!("density={density}") } else { format!("{shown}&density={density}") }
}

/// Applies the density of a view, if it has one.
fn open_density(view: &str) {
    if let Some(density) = view.split('&').find_map(|parameter| parameter.strip_prefix("density=")) {
        browser::set_look("density", (density == "compact").then_some("compact"));
    }
}
