//! A list of objects with signals: one for the order of the rows, and one for each object. So a change of an object
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
    effect::effect,
};

/// The signal of one object of the list.
pub(crate) type EntrySignal<T> = ArcRwSignal<Entry<T>>;

struct Inner<T> {
    state: ListState<T>,
    signals: HashMap<String, EntrySignal<T>>,
    /// The text of the query whose result is shown, or the text that [`LiveList::fill_as`] was given instead.
    query: String,
    /// The result of a later run of the same query, which waits while the rows are held, and when that query was sent.
    waiting: Option<(Vec<T>, i64)>,
}

/// A reactive list of objects. A handle: copies are the same list.
pub(crate) struct LiveList<T: 'static> {
    inner: StoredValue<Rc<RefCell<Inner<T>>>, LocalStorage>,
    order: RwSignal<Vec<String>>,
    /// The number of new rows that wait.
    new_rows: RwSignal<usize>,
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
        let inner =
            Inner { state: ListState::new(admission), signals: HashMap::new(), query: String::new(), waiting: None };
        let list = Self {
            inner: StoredValue::new_local(Rc::new(RefCell::new(inner))),
            order: RwSignal::new(Vec::new()),
            new_rows: RwSignal::new(0),
        };
        effect(move || {
            list.order.track();
            list.remove_unused_signals();
        });
        list
    }

    /// Removes the signals of objects that are no longer in the list. This happens only when rows are rendered: if an
    /// object leaves the list and comes back before that, its row stays and reads the same signal.
    fn remove_unused_signals(self) {
        let Some(inner) = self.inner.try_get_value() else { return };
        let Inner { state, signals, .. } = &mut *inner.borrow_mut();
        signals.retain(|id, _| state.get(id).is_some());
    }

    /// The ids in the order of their rows. Reactive.
    pub(crate) fn order(self) -> Vec<String> {
        self.order.get()
    }

    /// The number of rows. Reactive.
    pub(crate) fn len(self) -> usize {
        self.order.with(Vec::len)
    }

    /// The signal of the object with this id, if the object is in the list.
    pub(crate) fn entry(self, id: &str) -> Option<EntrySignal<T>> {
        self.inner.try_get_value()?.borrow().signals.get(id).cloned()
    }

    /// The number of new rows that wait while the rows are held. Reactive.
    pub(crate) fn new_rows(self) -> usize {
        self.new_rows.get()
    }

    /// Holds the rows, or stops holding them. The rows are held while the user works with them: updates, and a repeated
    /// query, add, remove and move no rows then.
    pub(crate) fn hold(self, is_held: bool) {
        self.change(|state| state.hold(is_held, browser::now().0));
        if !is_held {
            self.show_waiting();
        }
    }

    /// Shows the rows that wait.
    pub(crate) fn show_waiting(self) {
        self.change(|state| state.add_late(browser::now().0));
        let waiting = self.inner.try_get_value().and_then(|inner| inner.borrow_mut().waiting.take());
        if let Some((objects, asked_at)) = waiting {
            self.apply_query(objects, asked_at);
        }
        self.count_new();
    }

    /// Replaces all objects by these, or lets them wait while the rows are held.
    pub(crate) fn replace(self, objects: Vec<T>) {
        self.apply_page("", objects, browser::now().0);
    }

    /// Returns a query that fills this list with its rows and has the total as its result. The caller must send it now.
    pub(crate) fn fill(self, query: Request<Page<T>>) -> Request<Total> {
        let text = query.text.clone();
        self.fill_as(text, query)
    }

    /// Like [`fill`](Self::fill), for a query whose text changes with the time. If `same` is the same text as before,
    /// it counts as the same query.
    pub(crate) fn fill_as(self, same: String, query: Request<Page<T>>) -> Request<Total> {
        let asked_at = browser::now().0;
        query.map(move |page| {
            let total = page.counted();
            self.apply_page(&same, page.items, asked_at);
            total
        })
    }

    /// Applies the result of a query. If the rows are held and it is the same query as before, the result waits.
    fn apply_page(self, query: &str, objects: Vec<T>, asked_at: i64) {
        let Some(inner) = self.inner.try_get_value() else { return };
        let has_to_wait = {
            let mut inner = inner.borrow_mut();
            let is_same = inner.query == query;
            query.clone_into(&mut inner.query);
            inner.waiting = None;
            is_same && inner.state.is_held() && !inner.state.order().is_empty()
        };
        if has_to_wait {
            self.change(|state| state.apply_known(&objects));
            inner.borrow_mut().waiting = Some((objects, asked_at));
        } else {
            self.apply_query(objects, asked_at);
        }
        self.count_new();
    }

    /// Updates the number of new rows that wait.
    fn count_new(self) {
        let Some(inner) = self.inner.try_get_value() else { return };
        let count = {
            let Inner { state, waiting, .. } = &*inner.borrow();
            state.new_among(waiting.as_ref().map_or(&[][..], |(objects, _)| objects.as_slice()))
        };
        if self.new_rows.get_untracked() != count {
            self.new_rows.set(count);
        }
    }

    /// Applies the result of a query that was sent at `asked_at`, in milliseconds since 1970.
    pub(crate) fn apply_query(self, objects: Vec<T>, asked_at: i64) {
        self.change(|state| state.apply_query(objects, asked_at));
    }

    /// Applies an update.
    pub(crate) fn apply_update(self, object: T) {
        self.change(|state| state.apply_update(object, browser::now().0));
        if self.inner.try_get_value().is_some_and(|inner| inner.borrow().state.is_held()) {
            self.count_new();
        }
    }

    /// Removes running-list objects whose end was shown long enough; see [`ListState::remove_ended`].
    pub(crate) fn remove_ended(self) {
        self.change(|state| state.remove_ended(browser::now().0));
    }

    fn change(self, change: impl FnOnce(&mut ListState<T>) -> Changes) {
        // A late result may arrive after the user has left the page.
        let Some(inner) = self.inner.try_get_value() else { return };
        let mut outdated = Vec::new();
        let order = {
            let Inner { state, signals, .. } = &mut *inner.borrow_mut();
            let changes = change(state);
            for id in changes.changed {
                let Some(entry) = state.get(&id) else { continue };
                match signals.get(&id) {
                    Some(signal) => outdated.push((signal.clone(), entry.clone())),
                    None => drop(signals.insert(id, ArcRwSignal::new(entry.clone()))),
                }
            }
            changes.order.then(|| state.order().to_vec())
        };
        // Effects that read these signals may read the list, too, so it must not be borrowed here.
        for (signal, entry) in outdated {
            signal.set(entry);
        }
        if let Some(order) = order {
            self.order.set(order);
        }
    }
}
