//! The selection of rows of a table.

use std::collections::BTreeSet;

use leptos::{html, prelude::*};

use crate::effect::effect;

/// The selected rows. A handle: copies share the same selection.
#[derive(Clone, Copy)]
pub(crate) struct Selection {
    ids: RwSignal<BTreeSet<String>>,
    /// The ids of the rows in the table, in their order.
    rows: Signal<Vec<String>>,
}

impl Selection {
    /// A selection among the rows with these ids. At first, no row is selected.
    pub(crate) fn new(rows: Signal<Vec<String>>) -> Self {
        Self { ids: RwSignal::new(BTreeSet::new()), rows }
    }

    /// The ids of the selected rows, in the order of the table. Rows that are no longer in the table are not selected.
    /// Reactive.
    pub(crate) fn chosen(self) -> Vec<String> {
        self.rows.with(|rows| self.ids.with(|ids| rows.iter().filter(|id| ids.contains(*id)).cloned().collect()))
    }

    /// Deselects all rows.
    pub(crate) fn clear(self) {
        self.ids.update(BTreeSet::clear);
    }

    fn toggle(self, id: &str) {
        self.ids.update(|ids| {
            if !ids.remove(id) {
                ids.insert(id.to_owned());
            }
        });
    }

    /// Whether all rows are selected, and whether any row is. Reactive.
    fn extent(self) -> (bool, bool) {
        let chosen = self.chosen().len();
        (chosen > 0 && chosen == self.rows.with(Vec::len), chosen > 0)
    }
}

/// The cell with the checkbox that selects a row.
#[component]
pub(crate) fn SelectCell(
    selection: Selection,
    id: String,
    /// The name of the row.
    #[prop(into)]
    name: Signal<String>,
) -> impl IntoView {
    let id = StoredValue::new(id);
    view! {
        <td class="cell-select">
            <input
                type="checkbox"
                aria-label=move || format!("Select {}", name.get())
                prop:checked=move || selection.ids.with(|ids| id.with_value(|id| ids.contains(id)))
                on:change=move |_| id.with_value(|id| selection.toggle(id))
            />
        </td>
    }
}

/// The cell with the checkbox that selects all rows.
#[component]
pub(super) fn SelectAll(selection: Selection) -> impl IntoView {
    let input = NodeRef::<html::Input>::new();
    let extent = Memo::new(move |_| selection.extent());
    effect(move || {
        let (is_all, is_any) = extent.get();
        if let Some(input) = input.get() {
            input.set_indeterminate(is_any && !is_all);
        }
    });
    let toggle = move |_| {
        if extent.get_untracked().0 {
            selection.clear();
        } else {
            let rows = selection.rows.get_untracked();
            selection.ids.set(rows.into_iter().collect());
        }
    };
    view! {
        // This is an ordinary cell, because the column has no name.
        <td class="cell-select">
            <label class="select-all">
                <input
                    type="checkbox"
                    node_ref=input
                    aria-label="Select all rows of this page"
                    prop:checked=move || extent.get().0
                    on:change=toggle
                />
                <span>"Select all"</span>
            </label>
        </td>
    }
}
