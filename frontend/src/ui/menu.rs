//! A button that opens a panel below it.

use leptos::{
    ev::{FocusEvent, MouseEvent},
    html,
    prelude::*,
    web_sys::Element,
};
use wasm_bindgen::JsCast;

use super::Icon;
use crate::browser;

/// A button with a panel. The panel closes with Escape, when the focus leaves it, and when a link in it is followed.
#[component]
pub(crate) fn Menu(
    /// The label of the button.
    name: &'static str,
    icon: &'static str,
    /// The element id of the button.
    #[prop(optional)]
    id: Option<&'static str>,
    children: ChildrenFn,
) -> impl IntoView {
    let frame = NodeRef::<html::Div>::new();
    let button = NodeRef::<html::Button>::new();
    let is_open = RwSignal::new(false);
    let leave = move |event: FocusEvent| {
        if frame.get_untracked().is_none_or(|frame| !browser::stays_within(&event, &frame)) {
            is_open.set(false);
        }
    };
    let close = move || {
        is_open.set(false);
        if let Some(button) = button.get_untracked() {
            // A failure only leaves the focus where it was.
            let _ = button.focus();
        }
    };
    let follow = move |event: MouseEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        if target.is_some_and(|target| target.closest("a").is_ok_and(|link| link.is_some())) {
            close();
        }
    };
    view! {
        <div
            class="menu"
            node_ref=frame
            on:focusout=leave
            on:keydown=move |event| {
                if event.key() == "Escape" && is_open.get_untracked() {
                    event.stop_propagation();
                    close();
                }
            }
        >
            <button
                type="button"
                class="button button-small"
                id=id
                node_ref=button
                aria-expanded=move || is_open.get().to_string()
                on:click=move |_| is_open.update(|open| *open = !*open)
            >
                <Icon name=icon />
                {name}
            </button>
            <Show when=move || is_open.get()>
                // The panel can get the focus, so that a click between its fields does not close it.
                <div class="menu-panel" role="group" aria-label=name tabindex="-1" on:click=follow>
                    {children()}
                </div>
            </Show>
        </div>
    }
}
