//! A list of objects with signals: one for the order of the rows and one for each object, so that a change of an object
//! renders only its own row again.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use leptos::prelude::*;

use super::{
    Admission, Entry, Revisioned,
    list_state::{Changes, ListState},
};
use crate::{
    api::{Page, Request, Total},
    browser,
};

/// The signal of one object.
pub(crate) type EntrySignal<T> = ArcRwSignal<Entry<T>>;

struct Inner<T> {
    state: ListState<T>,
    signals: HashMap<String, EntrySignal<T>>,
}

/// A reactive list of objects. A handle: copies are the same list.
pub(crate) struct LiveList<T: 'static> {
    inner: StoredValue<Rc<RefCell<Inner<T>>>, LocalStorage>,
    order: RwSignal<Vec<String>>,
}

impl<T> Clone for LiveList<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for LiveList<T> {}

impl<T: Revisioned + Send + Sync> LiveList<T> {
    /// An empty list.
    pub(crate) fn new(admission: Admission) -> Self {
        let inner = Inner { state: ListState::new(admission), signals: HashMap::new() };
        Self { inner: StoredValue::new_local(Rc::new(RefCell::new(inner))), order: RwSignal::new(Vec::new()) }
    }

    /// The ids in the order of their rows. Reactive.
    pub(crate) fn order(self) -> Vec<String> {
        self.order.get()
    }

    /// The number of rows. Reactive.
    pub(crate) fn len(self) -> usize {
        self.order.with(Vec::len)
    }

    /// The signal of one object.
    pub(crate) fn entry(self, id: &str) -> Option<EntrySignal<T>> {
        self.inner.try_get_value()?.borrow().signals.get(id).cloned()
    }

    /// A query that is sent now and whose rows this list takes; the total number of rows remains as its result.
    pub(crate) fn fill(self, query: Request<Page<T>>) -> Request<Total> {
        let asked_at = browser::now().0;
        query.map(move |page| {
            self.apply_query(page.items, asked_at);
            (page.total, page.total_is_at_least)
        })
    }

    /// Applies the result of a query that was sent at `asked_at`, in milliseconds since 1970.
    pub(crate) fn apply_query(self, objects: Vec<T>, asked_at: i64) {
        self.change(|state| state.apply_query(objects, asked_at));
    }

    /// Applies an update.
    pub(crate) fn apply_update(self, object: T) {
        self.change(|state| state.apply_update(object, browser::now().0));
    }

    /// Removes objects that ended a while ago.
    pub(crate) fn remove_ended(self) {
        self.change(|state| state.remove_ended(browser::now().0));
    }

    fn change(self, change: impl FnOnce(&mut ListState<T>) -> Changes) {
        // A late result may arrive after its page was left.
        let Some(inner) = self.inner.try_get_value() else { return };
        let mut outdated = Vec::new();
        let order = {
            let Inner { state, signals } = &mut *inner.borrow_mut();
            let changes = change(state);
            for id in changes.changed {
                let Some(entry) = state.get(&id) else { continue };
                match signals.get(&id) {
                    Some(signal) => outdated.push((signal.clone(), entry.clone())),
                    None => drop(signals.insert(id, ArcRwSignal::new(entry.clone()))),
                }
            }
            signals.retain(|id, _| state.get(id).is_some());
            changes.order.then(|| state.order().to_vec())
        };
        // Readers of these signals may read the list as well, so it must not be borrowed any more.
        for (signal, entry) in outdated {
            signal.set(entry);
        }
        if let Some(order) = order {
            self.order.set(order);
        }
    }
}
