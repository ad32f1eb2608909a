//! The browser's way back, which a page may hold up.
//!
//! Whoever listens first hears of it first, and the router listens as soon as it is there. So this listens before it.

use std::rc::Rc;

use leptos::prelude::*;

use crate::browser::Listener;

type Holder = Rc<dyn Fn() -> bool>;

/// Who is asked before somebody goes back. A handle: copies are the same.
#[derive(Clone, Copy)]
pub(crate) struct WayBack(StoredValue<Option<Holder>, LocalStorage>);

impl WayBack {
    /// Listens from now on, as long as the tab is there.
    pub(crate) fn new() -> Self {
        let holder = StoredValue::new_local(None::<Holder>);
        let listener = Listener::new(window().into(), "popstate", move |event| {
            if holder.get_value().is_some_and(|holds_up| holds_up()) {
                event.stop_immediate_propagation();
            }
        });
        std::mem::forget(listener);
        Self(holder)
    }

    /// Asks, as long as the current owner lives, whether to stay. By then the address is the other one already.
    pub(crate) fn hold_up(self, holds_up: impl Fn() -> bool + 'static) {
        self.0.set_value(Some(Rc::new(holds_up)));
        on_cleanup(move || self.0.set_value(None));
    }
}
