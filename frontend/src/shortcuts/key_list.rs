//! The dialog with the list of keys.

use leptos::prelude::*;

use super::{Shortcuts, destinations};
use crate::{session::Session, ui::Dialog};

/// The list of keys, with the switch for those without Ctrl or Cmd.
#[component]
pub(crate) fn KeyList() -> impl IntoView {
    let (shortcuts, session) = (expect_context::<Shortcuts>(), expect_context::<Session>());
    let pages = move || session.viewer().map(|viewer| destinations(&viewer)).unwrap_or_default();
    let row = |keys: Vec<String>, text: String| {
        let keys = keys.into_iter().map(|key| view! { <kbd>{key}</kbd> }).collect_view();
        view! {
            <div class="key-row">
                <dt>{text}</dt>
                <dd>{keys}</dd>
            </div>
        }
    };
    let of = |keys: &[&str]| -> Vec<String> { keys.iter().map(|key| (*key).to_owned()).collect() };
    let go = move || {
        let page = |key: char, name: &str| row(vec!["g".to_owned(), key.to_string()], format!("Go to {name}"));
        pages().into_iter().map(|destination| page(destination.key, destination.name)).collect_view()
    };
    view! {
        <Dialog open=shortcuts.list title="Keyboard shortcuts">
            <dl class="key-list">
                {row(of(&["Ctrl", "K"]), "Search pages, objects and actions (Cmd K on a Mac)".to_owned())}
                {row(of(&["/"]), "Search on this page, or everywhere".to_owned())} {row(of(&["?"]), "Show this list".to_owned())}
                {go()} {row(of(&["Esc"]), "Close a dialog".to_owned())}
            </dl>
            <label class="check">
                <input
                    type="checkbox"
                    autofocus=true
                    prop:checked=move || shortcuts.has_single_keys()
                    on:change=move |event| shortcuts.use_single_keys(event_target_checked(&event))
                />
                <span>"Single-key shortcuts: all but Ctrl K and Esc"</span>
            </label>
            <p class="form-text">"Shortcuts do nothing while a field has the focus."</p>
            <div class="form-actions">
                <button type="button" class="button button-primary" on:click=move |_| shortcuts.list.set(false)>
                    "Close"
                </button>
            </div>
        </Dialog>
    }
}
