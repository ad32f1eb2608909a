//! The newest state of a list of objects: the result of a query, and every update since. Pure.

use std::{cmp::Reverse, collections::HashMap};

use super::{early_updates::EarlyUpdates, revisioned::Revisioned};

/// How long an object that has ended stays in a list of running objects, in milliseconds.
const KEEP_ENDED: i64 = 8000;

/// The rule for updates of objects that are not in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Running objects are added. The list has at most this number of objects: those with [`Revisioned::comes_first`],
    /// then the newest. Objects that have ended leave the list.
    Running(usize),
    /// No objects are added: an update changes only objects that a query has returned.
    Listed,
}

/// An object at its newest known revision.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry<T> {
    pub(crate) object: T,
    /// When an update last changed the object, in milliseconds since 1970; `None` if no update has changed it since it
    /// was queried.
    pub(crate) updated_at: Option<i64>,
    /// When the update arrived that says that the object has ended, in milliseconds since 1970.
    ended_at: Option<i64>,
    /// The value of [`Revisioned::comes_first`] while the object was last running. The object keeps its place after its
    /// end.
    comes_first: bool,
}

/// The changes that one call has made to a list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Ids of objects that are new or have changed.
    pub(crate) changed: Vec<String>,
    /// Whether objects were added, removed or reordered.
    pub(crate) order: bool,
}

/// The objects of a list, in the order of their rows.
pub(crate) struct ListState<T> {
    admission: Admission,
    order: Vec<String>,
    rows: HashMap<String, Entry<T>>,
    /// Whether the rows are held: none is added, removed or moved.
    is_held: bool,
    /// The objects, by their ids, that updates would have added if the rows were not held.
    late: HashMap<String, T>,
    /// Updates of objects that are not in the list.
    early: EarlyUpdates<T>,
}

impl<T: Revisioned> ListState<T> {
    /// An empty list.
    pub(crate) fn new(admission: Admission) -> Self {
        Self {
            admission,
            order: Vec::new(),
            rows: HashMap::new(),
            is_held: false,
            late: HashMap::new(),
            early: EarlyUpdates::default(),
        }
    }

    /// The ids in the order of their rows.
    pub(crate) fn order(&self) -> &[String] {
        &self.order
    }

    /// The object with this id.
    pub(crate) fn get(&self, id: &str) -> Option<&Entry<T>> {
        self.rows.get(id)
    }

    /// Applies the result of a query that was sent at `asked_at`. Updates that arrived since then are newer than the
    /// result.
    pub(crate) fn apply_query(&mut self, objects: Vec<T>, asked_at: i64) -> Changes {
        let mut changes = Changes::default();
        let before = std::mem::take(&mut self.order);
        let mut order: Vec<String> = objects.iter().map(|object| object.id().to_owned()).collect();
        let survives = |entry: &Entry<T>| {
            matches!(self.admission, Admission::Running(_)) && entry.updated_at.is_some_and(|at| at >= asked_at)
        };
        // Rows of running objects stay although the result does not contain them, if an update has changed or ended
        // them since.
        for id in &before {
            if !order.contains(id) && self.rows.get(id).is_some_and(|entry| survives(entry) || entry.ended_at.is_some())
            {
                order.push(id.clone());
            }
        }
        for object in objects {
            if let Some(id) = self.store(object, None) {
                changes.changed.push(id);
            }
        }
        self.order = order;
        self.arrange();
        let rows = &self.rows;
        for (object, at) in self.early.take(asked_at, |id| rows.contains_key(id)) {
            changes.changed.extend(self.store(object, Some(at)));
        }
        changes.order = self.order != before;
        changes
    }

    /// Applies the result of a query to the objects of the list, without adding, removing or reordering any.
    pub(crate) fn apply_known(&mut self, objects: &[T]) -> Changes {
        let mut changes = Changes::default();
        for object in objects {
            if self.rows.contains_key(object.id()) {
                changes.changed.extend(self.store(object.clone(), None));
            }
        }
        changes
    }

    /// Applies an update that arrived at `now`.
    pub(crate) fn apply_update(&mut self, object: T, now: i64) -> Changes {
        let mut changes = Changes::default();
        let id = object.id().to_owned();
        let is_known = self.rows.contains_key(&id);
        if !is_known && !self.admits(&object) {
            self.late.remove(&id);
            self.early.keep(object, now);
            return changes;
        }
        if !is_known && self.is_held && !self.order.is_empty() {
            if self.late.get(&id).is_none_or(|known| known.revision() < object.revision()) {
                self.late.insert(id, object);
            }
            return changes;
        }
        let came_first = self.rows.get(&id).map(|entry| entry.comes_first);
        changes.changed.extend(self.store(object, Some(now)));
        if !is_known {
            self.order.push(id.clone());
        }
        // Only a change of `comes_first` moves a row.
        let comes_first = self.rows.get(&id).map(|entry| entry.comes_first);
        if came_first != comes_first && !self.is_held && self.admission != Admission::Listed {
            let before = self.order.clone();
            self.arrange();
            changes.order = !is_known || self.order != before;
        }
        changes
    }

    /// Whether an object that is not in the list may be added to it.
    fn admits(&self, object: &T) -> bool {
        let Admission::Running(most) = self.admission else { return false };
        let last = self.order.last().and_then(|id| self.rows.get(id)).filter(|_| self.order.len() >= most);
        object.is_running()
            && last.is_none_or(|last| {
                (!object.comes_first(), Reverse(object.id())) < (!last.comes_first, Reverse(last.object.id()))
            })
    }

    /// Whether rows keep their places.
    pub(crate) fn is_held(&self) -> bool {
        self.is_held
    }

    /// The number of objects that are not in the list, among `objects` and those that wait because the rows are held.
    pub(crate) fn new_among(&self, objects: &[T]) -> usize {
        let is_new = |object: &&T| !self.rows.contains_key(object.id()) && !self.late.contains_key(object.id());
        self.late.len() + objects.iter().filter(is_new).count()
    }

    /// Holds the rows, or stops holding them. When it stops, adds the objects that wait and sorts all rows.
    pub(crate) fn hold(&mut self, is_held: bool, now: i64) -> Changes {
        self.is_held = is_held;
        if is_held { Changes::default() } else { self.add_late(now) }
    }

    /// Adds the objects that wait because the rows are held, and sorts all rows.
    pub(crate) fn add_late(&mut self, now: i64) -> Changes {
        let mut changes = Changes::default();
        let before = self.order.clone();
        for (id, object) in std::mem::take(&mut self.late) {
            if !self.rows.contains_key(&id) {
                self.order.push(id);
            }
            changes.changed.extend(self.store(object, Some(now)));
        }
        self.arrange();
        changes.order = self.order != before;
        changes
    }

    /// Sorts a list of running objects, and removes the objects beyond its maximum number.
    fn arrange(&mut self) {
        if let Admission::Running(most) = self.admission {
            // Ids begin with their time of creation, so the reverse order of ids is newest first.
            let rows = &self.rows;
            let comes_first = |id: &String| rows.get(id).is_some_and(|entry| entry.comes_first);
            self.order.sort_by_cached_key(|id| (!comes_first(id), Reverse(id.clone())));
            self.order.truncate(most);
        }
        let order = &self.order;
        self.rows.retain(|id, _| order.contains(id));
    }

    /// Removes objects that ended [`KEEP_ENDED`] ago, unless the rows are held.
    pub(crate) fn remove_ended(&mut self, now: i64) -> Changes {
        if self.is_held {
            return Changes::default();
        }
        let before = self.order.len();
        self.rows.retain(|_, entry| entry.ended_at.is_none_or(|at| now - at < KEEP_ENDED));
        self.order.retain(|id| self.rows.contains_key(id));
        Changes { changed: Vec::new(), order: self.order.len() != before }
    }

    /// Stores an object unless its revision is outdated; returns its id if it was stored.
    fn store(&mut self, object: T, updated_at: Option<i64>) -> Option<String> {
        let id = object.id().to_owned();
        let known = self.rows.get(&id);
        if let Some(Entry { object: old, .. }) = known
            && (object.revision() < old.revision() || object == *old)
        {
            return None;
        }
        let follows_ends = matches!(self.admission, Admission::Running(_));
        let ended_at = (follows_ends && !object.is_running()).then_some(updated_at).flatten();
        let came_first = known.is_some_and(|entry| entry.comes_first);
        let comes_first = if object.is_running() { object.comes_first() } else { came_first };
        let updated_at = updated_at.or(known.and_then(|entry| entry.updated_at));
        self.rows.insert(id.clone(), Entry { object, updated_at, ended_at, comes_first });
        Some(id)
    }
}

#[cfg(test)]
mod tests;
