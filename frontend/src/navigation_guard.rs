//! Lets a page block the back and forward buttons of the browser while it has unsaved changes.
//!
//! Listeners run in the order in which they were added, so this one must be added before the router is created.

use std::{
    rc::Rc,
    sync::atomic::{AtomicU32, Ordering},
};

use leptos::prelude::*;

use crate::browser::Listener;

/// The CSS selector of the button that signs out, which leaves every page.
pub(crate) const SIGN_OUT: &str = ".account-leave";

type Blocker = Rc<dyn Fn() -> bool>;

/// The function that decides whether to block navigation. A handle: copies share the same function.
#[derive(Clone, Copy)]
pub(crate) struct NavigationGuard(StoredValue<Option<(u32, Blocker)>, LocalStorage>);

impl NavigationGuard {
    /// Adds the listener, which stays as long as the tab is open.
    pub(crate) fn new() -> Self {
        let blocker = StoredValue::new_local(None::<(u32, Blocker)>);
        let listener = Listener::new(window().into(), "popstate", move |event| {
            if blocker.get_value().is_some_and(|(_, blocks)| blocks()) {
                event.stop_immediate_propagation();
            }
        });
        std::mem::forget(listener);
        Self(blocker)
    }

    /// Blocks navigation while `blocks` returns true, as long as the current reactive owner lives. When `blocks` is
    /// called, the browser has already changed the address.
    pub(crate) fn block_while(self, blocks: impl Fn() -> bool + 'static) {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let own = LAST.fetch_add(1, Ordering::Relaxed);
        self.0.set_value(Some((own, Rc::new(blocks))));
        // The next page may have set its own function before this page is removed.
        on_cleanup(move || {
            self.0.try_update_value(|blocker| blocker.take_if(|(number, _)| *number == own));
        });
    }
}
