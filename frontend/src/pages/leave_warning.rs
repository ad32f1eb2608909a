//! Asks before unsaved changes are lost: on a link, on the button to sign out, on the back button, and when the tab is
//! closed.

use leptos::{
    prelude::*,
    web_sys::{BeforeUnloadEvent, Element, HtmlAnchorElement, MouseEvent},
};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use wasm_bindgen::JsCast;

use crate::{
    base_path,
    browser::{self, Listener},
    navigation_guard::{NavigationGuard, SIGN_OUT},
    ui::Confirm,
    user_action::UserAction,
};

/// Where the user wants to go.
#[derive(Clone)]
enum Target {
    /// An address of the dashboard.
    Address(String),
    /// The button to sign out, which is clicked again after the user has confirmed.
    SignOut,
}

/// The dialog and the listeners that open it.
#[component]
pub(super) fn LeaveWarning(
    /// Whether there are unsaved changes.
    is_unsaved: RwSignal<bool>,
) -> impl IntoView {
    let navigate = use_navigate();
    let (is_asking, target) = (RwSignal::new(false), StoredValue::new(Target::SignOut));
    let here = browser::current_address();
    let ask = move |to: Target| {
        target.set_value(to);
        is_asking.set(true);
    };
    let on_link = move |event: leptos::web_sys::Event| {
        // With one of these keys, the browser opens a link in another tab or window, or downloads it.
        let has_key = event
            .dyn_ref::<MouseEvent>()
            .is_some_and(|event| event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key());
        if !is_unsaved.get_untracked() || has_key {
            return;
        }
        let element = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let within = move |selector: &str| element.as_ref()?.closest(selector).ok().flatten();
        if within(SIGN_OUT).is_some() {
            event.prevent_default();
            event.stop_propagation();
            return ask(Target::SignOut);
        }
        let link = within("a[href]");
        let Some(anchor) = link.and_then(|link| link.dyn_into::<HtmlAnchorElement>().ok()) else { return };
        // Links to a part of this page, to another tab or to a download do not leave the page.
        let stays = anchor.has_attribute("download")
            || !anchor.target().is_empty()
            || anchor.get_attribute("href").is_some_and(|to| to.starts_with('#'));
        if !stays && anchor.origin() == browser::origin() {
            event.prevent_default();
            event.stop_propagation();
            ask(Target::Address(format!("{}{}", base_path::address(&anchor.pathname()), anchor.search())));
        }
    };
    expect_context::<NavigationGuard>().block_while(move || {
        let is_blocked = is_unsaved.get_untracked();
        if is_blocked {
            let to = browser::current_address();
            browser::push_address(&here);
            ask(Target::Address(base_path::address(&to).to_owned()));
        }
        is_blocked
    });
    let on_close = move |event: leptos::web_sys::Event| {
        if is_unsaved.get_untracked()
            && let Ok(event) = event.dyn_into::<BeforeUnloadEvent>()
        {
            event.prevent_default();
            event.set_return_value("unsaved");
        }
    };
    let listeners =
        [Listener::new(document().into(), "click", on_link), Listener::new(window().into(), "beforeunload", on_close)];
    // The listeners are removed together with the page.
    let kept = StoredValue::new_local(listeners);
    on_cleanup(move || kept.dispose());
    let leave = move |()| {
        is_unsaved.set(false);
        is_asking.set(false);
        match target.get_value() {
            Target::Address(address) => navigate(&address, NavigateOptions::default()),
            Target::SignOut => browser::press(SIGN_OUT),
        }
    };
    view! {
        <Confirm
            open=is_asking
            title="Leave without saving?"
            text="Your changes are not saved and will be lost."
            action="Leave"
            user_action=UserAction::new()
            on_confirm=leave
            is_dangerous=true
            dismiss="Keep editing"
        />
    }
}
