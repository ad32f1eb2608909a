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
    effect::effect,
};

/// The signal of one object.
pub(crate) type EntrySignal<T> = ArcRwSignal<Entry<T>>;

struct Inner<T> {
    state: ListState<T>,
    signals: HashMap<String, EntrySignal<T>>,
    /// The text of the query whose result is shown, or what it was filled as.
    query: String,
    /// The result of a later run of the same query, which waits until the rows are no longer held, and when it was sent.
    waiting: Option<(Vec<T>, i64)>,
}

/// A reactive list of objects. A handle: copies are the same list.
pub(crate) struct LiveList<T: 'static> {
    inner: StoredValue<Rc<RefCell<Inner<T>>>, LocalStorage>,
    order: RwSignal<Vec<String>>,
    /// The number of new rows in the result that waits.
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

    /// Removes the signals of objects that are not in the list any more. Only when rows are rendered: the row of an
    /// object that leaves the list and comes back before then stays, and reads the same signal.
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

    /// The signal of one object.
    pub(crate) fn entry(self, id: &str) -> Option<EntrySignal<T>> {
        self.inner.try_get_value()?.borrow().signals.get(id).cloned()
    }

    /// The number of new rows that wait until the rows are no longer held. Reactive.
    pub(crate) fn new_rows(self) -> usize {
        self.new_rows.get()
    }

    /// Holds the rows, or no longer: as long as they are held, because they are in use, none is added, removed or moved by
    /// updates or by a query that is sent again.
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

    /// Shows these objects in place of all others, or lets them wait if the rows are held.
    pub(crate) fn replace(self, objects: Vec<T>) {
        self.apply_page("", objects, browser::now().0);
    }

    /// A query that is sent now and whose rows this list takes; the total number of rows remains as its result.
    pub(crate) fn fill(self, query: Request<Page<T>>) -> Request<Total> {
        let text = query.text.clone();
        self.fill_as(text, query)
    }

    /// Like [`fill`](Self::fill), for a query whose text changes with the time: it is the same query as before if `same` is.
    pub(crate) fn fill_as(self, same: String, query: Request<Page<T>>) -> Request<Total> {
        let asked_at = browser::now().0;
        query.map(move |page| {
            let total = page.counted();
            self.apply_page(&same, page.items, asked_at);
            total
        })
    }

    /// Applies the result of a query, or lets it wait if the rows are held and it is the same query as before.
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

    /// Counts the new rows that wait.
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

    /// Removes objects that ended a while ago.
    pub(crate) fn remove_ended(self) {
        self.change(|state| state.remove_ended(browser::now().0));
    }

    fn change(self, change: impl FnOnce(&mut ListState<T>) -> Changes) {
        // A late result may arrive after its page was left.
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
        // Readers of these signals may read the list as well, so it must not be borrowed any more.
        for (signal, entry) in outdated {
            signal.set(entry);
        }
        if let Some(order) = order {
            self.order.set(order);
        }
    }
}
