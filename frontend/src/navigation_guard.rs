//! The browser's way back, which a page may hold up.
//!
//! Whoever listens first hears of it first, and the router listens as soon as it is there. So this listens before it.

use std::rc::Rc;

use leptos::prelude::*;

use crate::browser::Listener;

type Blocker = Rc<dyn Fn() -> bool>;

/// Who is asked before somebody goes back. A handle: copies are the same.
#[derive(Clone, Copy)]
pub(crate) struct NavigationGuard(StoredValue<Option<Blocker>, LocalStorage>);

impl NavigationGuard {
    /// Listens from now on, as long as the tab is there.
    pub(crate) fn new() -> Self {
        let blocker = StoredValue::new_local(None::<Blocker>);
        let listener = Listener::new(window().into(), "popstate", move |event| {
            if blocker.get_value().is_some_and(|blocks| blocks()) {
                event.stop_immediate_propagation();
            }
        });
        std::mem::forget(listener);
        Self(blocker)
    }

    /// Asks, as long as the current owner lives, whether to stay. By then the address is the other one already.
    pub(crate) fn block_while(self, blocks: impl Fn() -> bool + 'static) {
        self.0.set_value(Some(Rc::new(blocks)));
        on_cleanup(move || self.0.set_value(None));
    }
}
