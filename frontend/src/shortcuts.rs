//! The keys that work on every page, and the switch for those without Ctrl or Cmd.

mod key_list;
mod keys;
mod menu_pages;

use leptos::{ev::KeyboardEvent, prelude::*, web_sys::Element};
use wasm_bindgen::JsCast;

use self::keys::{Command, Keys, Modifiers, Press};
pub(crate) use self::{
    key_list::KeyList,
    menu_pages::{Destination, destinations},
};
use crate::{base_path::href, browser, session::Viewer};

/// The name under which the browser stores that keys without Ctrl or Cmd are off.
const STORED: &str = "single-keys";

/// The state of the shortcuts, and of the dialogs that they open. A handle: copies share the same state.
#[derive(Clone, Copy)]
pub(crate) struct Shortcuts {
    /// Whether the palette is open.
    pub(crate) palette: RwSignal<bool>,
    /// Whether the list of keys is open.
    pub(crate) list: RwSignal<bool>,
    single_keys: RwSignal<bool>,
    keys: StoredValue<Keys>,
}

impl Shortcuts {
    /// The shortcuts before [`listen`](Self::listen) is called.
    pub(crate) fn new() -> Self {
        Self {
            palette: RwSignal::new(false),
            list: RwSignal::new(false),
            single_keys: RwSignal::new(browser::stored(STORED).as_deref() != Some("off")),
            keys: StoredValue::new(Keys::default()),
        }
    }

    /// Whether keys without Ctrl or Cmd do something. Reactive.
    pub(crate) fn has_single_keys(self) -> bool {
        self.single_keys.get()
    }

    /// Switches the keys without Ctrl or Cmd on or off. The choice is kept in this browser.
    pub(crate) fn use_single_keys(self, used: bool) {
        browser::store(STORED, (!used).then_some("off"));
        self.single_keys.set(used);
    }

    /// Handles pressed keys as long as the current reactive owner lives.
    pub(crate) fn listen(self, viewer: &Viewer) {
        let pages = destinations(viewer);
        let listener = window_event_listener_untyped("keydown", move |event| {
            // When browsers fill in a form, they send this event without a key.
            let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
            if event.default_prevented() || event.is_composing() || event.repeat() || is_dialog_open() {
                return;
            }
            let key = event.key();
            let press =
                Press { key: &key, modifiers: modifiers(event), is_typing: is_typing(event), at: browser::now().0 };
            let has_single_keys = self.single_keys.get_untracked();
            let command = self.keys.try_update_value(|keys| keys.press(&press, has_single_keys)).flatten();
            let is_done = match command {
                Some(Command::OpenPalette) => {
                    self.palette.set(true);
                    true
                }
                Some(Command::Search) => {
                    if !browser::focus_search() {
                        self.palette.set(true);
                    }
                    true
                }
                Some(Command::ListKeys) => {
                    self.list.set(true);
                    true
                }
                Some(Command::Go(key)) => match pages.iter().find(|page| page.key == key) {
                    Some(page) => {
                        go(&page.address);
                        true
                    }
                    None => false,
                },
                None => false,
            };
            if is_done {
                event.prevent_default();
            }
        });
        on_cleanup(move || listener.remove());
    }
}

/// Goes to an address of the dashboard. The heading of the new page gets the focus.
pub(crate) fn go(address: &str) {
    let has_focus = document().active_element().is_some_and(|element| element.tag_name() != "BODY");
    if !has_focus {
        browser::focus("content");
    }
    browser::follow_link(&href(address));
}

fn modifiers(event: &KeyboardEvent) -> Modifiers {
    match (event.ctrl_key() != event.meta_key(), event.alt_key()) {
        (true, false) => Modifiers::Command,
        (false, false) if !event.ctrl_key() => Modifiers::None,
        _ => Modifiers::Other,
    }
}

/// Whether the key is typed into a field.
fn is_typing(event: &KeyboardEvent) -> bool {
    let Some(element) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else { return false };
    let kind = element.get_attribute("type").unwrap_or_default();
    let is_editable = element.closest("[contenteditable]").is_ok_and(|found| found.is_some());
    is_editable || keys::is_field(&element.tag_name(), &kind)
}

fn is_dialog_open() -> bool {
    document().query_selector("dialog[open]").is_ok_and(|dialog| dialog.is_some())
}
