//! A board with signals: one for the order of the rows, and one for each object, so that only what reads an object is
//! drawn again when it changes.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use leptos::prelude::*;

use super::{
    Admission, Live, Seen,
    list_state::{Board, Changes},
};
use crate::{
    api::{Page, Request, Total},
    browser,
};

/// The signal of one object.
pub(crate) type Cell<T> = ArcRwSignal<Seen<T>>;

struct Inner<T> {
    board: Board<T>,
    cells: HashMap<String, Cell<T>>,
}

/// A reactive board. A handle: copies are the same board.
pub(crate) struct Mirror<T: 'static> {
    inner: StoredValue<Rc<RefCell<Inner<T>>>, LocalStorage>,
    order: RwSignal<Vec<String>>,
}

impl<T> Clone for Mirror<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Mirror<T> {}

impl<T: Live + Send + Sync> Mirror<T> {
    /// An empty board.
    pub(crate) fn new(admission: Admission) -> Self {
        let inner = Inner { board: Board::new(admission), cells: HashMap::new() };
        Self { inner: StoredValue::new_local(Rc::new(RefCell::new(inner))), order: RwSignal::new(Vec::new()) }
    }

    /// The ids in the order of their rows. Reactive.
    pub(crate) fn order(self) -> Vec<String> {
        self.order.get()
    }

    /// How many rows there are. Reactive.
    pub(crate) fn len(self) -> usize {
        self.order.with(Vec::len)
    }

    /// The signal of one object.
    pub(crate) fn cell(self, id: &str) -> Option<Cell<T>> {
        self.inner.try_get_value()?.borrow().cells.get(id).cloned()
    }

    /// A query that is asked now, whose answer this board takes in; how many rows there are in all is what is left of it.
    pub(crate) fn fill(self, query: Request<Page<T>>) -> Request<Total> {
        let asked_at = browser::now().0;
        query.map(move |page| {
            self.answer(page.items, asked_at);
            (page.total, page.total_is_at_least)
        })
    }

    /// Takes in the answer of a query that was asked at that time.
    pub(crate) fn answer(self, objects: Vec<T>, asked_at: i64) {
        self.change(|board| board.answer(objects, asked_at));
    }

    /// Takes in a frame.
    pub(crate) fn frame(self, object: T) {
        self.change(|board| board.frame(object, browser::now().0));
    }

    /// Lets go of what ended a while ago.
    pub(crate) fn sweep(self) {
        self.change(|board| board.sweep(browser::now().0));
    }

    fn change(self, change: impl FnOnce(&mut Board<T>) -> Changes) {
        // A late answer may come when its page is gone.
        let Some(inner) = self.inner.try_get_value() else { return };
        let mut stale = Vec::new();
        let order = {
            let Inner { board, cells } = &mut *inner.borrow_mut();
            let changes = change(board);
            for id in changes.fresh {
                let Some(seen) = board.get(&id) else { continue };
                match cells.get(&id) {
                    Some(cell) => stale.push((cell.clone(), seen.clone())),
                    None => drop(cells.insert(id, ArcRwSignal::new(seen.clone()))),
                }
            }
            cells.retain(|id, _| board.get(id).is_some());
            changes.order.then(|| board.order().to_vec())
        };
        // Whoever reads these may read the board as well: it must not be borrowed any more.
        for (cell, seen) in stale {
            cell.set(seen);
        }
        if let Some(order) = order {
            self.order.set(order);
        }
    }
}
