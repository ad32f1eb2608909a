//! The saved views of the user, which are kept while the user goes from page to page.

use leptos::prelude::*;

use crate::api::saved_views::SavedView;

/// The saved views; `None` before they are queried. A handle: copies share the same views.
#[derive(Clone, Copy)]
pub(crate) struct SavedViews(RwSignal<Option<Vec<SavedView>>>);

impl SavedViews {
    /// The saved views before they are queried.
    pub(crate) fn new() -> Self {
        Self(RwSignal::new(None))
    }

    /// Sets all saved views of the user.
    pub(crate) fn fill(self, views: Vec<SavedView>) {
        // The user may have signed out.
        self.0.try_set(Some(views));
    }

    /// The views of a list, ordered by name. Reactive.
    pub(crate) fn of_page(self, page: &str) -> Vec<SavedView> {
        let mut found = self.read(|view| view.page == page);
        found.sort_by(|one, other| (&one.name, one.id.inner()).cmp(&(&other.name, other.id.inner())));
        found
    }

    /// The view with this id. Reactive.
    pub(crate) fn find(self, id: &str) -> Option<SavedView> {
        self.read(|view| view.id.inner() == id).pop()
    }

    /// The view that a list opens with, if there is one. Reactive.
    pub(crate) fn default_of(self, page: &str) -> Option<SavedView> {
        self.read(|view| view.is_default && view.page == page).pop()
    }

    /// Adds a view that was created, or replaces one that was changed.
    pub(crate) fn keep(self, view: SavedView) {
        self.0.try_update(|views| keep(views.get_or_insert_default(), view));
    }

    /// Removes a view that was deleted.
    pub(crate) fn remove(self, id: &str) {
        self.0.try_update(|views| views.iter_mut().for_each(|views| views.retain(|view| view.id.inner() != id)));
    }

    fn read(self, is_wanted: impl Fn(&SavedView) -> bool) -> Vec<SavedView> {
        self.0.with(|views| views.iter().flatten().filter(|view| is_wanted(view)).cloned().collect())
    }
}

/// Adds a view or replaces its earlier state. If it is the default view, the list's other views no longer are.
fn keep(views: &mut Vec<SavedView>, view: SavedView) {
    if view.is_default {
        for other in views.iter_mut().filter(|other| other.page == view.page) {
            other.is_default = false;
        }
    }
    match views.iter_mut().find(|known| known.id == view.id) {
        Some(known) => *known = view,
        None => views.push(view),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(id: &str, page: &str, is_default: bool) -> SavedView {
        let (name, query) = (id.to_owned(), String::new());
        SavedView { id: cynic::Id::new(id), name, page: page.to_owned(), query, is_default }
    }

    #[test]
    fn a_list_has_one_default_view() {
        let mut views = vec![view("a", "transfers", true), view("b", "transfers", false), view("c", "jobs", true)];
        keep(&mut views, view("b", "transfers", true));
        keep(&mut views, view("d", "agents", false));
        let shown: Vec<_> = views.iter().map(|view| (view.id.inner(), view.is_default)).collect();
        assert_eq!(shown, [("a", false), ("b", true), ("c", true), ("d", false)]);
    }
}
