//! Tables with a fixed layout. On narrow screens the rows become cards, in which each cell is labelled by its
//! `data-label`.

use leptos::{
    ev::FocusEvent,
    html,
    prelude::*,
    web_sys::{Element, HtmlElement},
};
use wasm_bindgen::JsCast;

use super::selection::{SelectAll, Selection};
use crate::{browser, effect::effect, format};

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// The name in the head; empty for actions.
    name: &'static str,
    /// The share of the width, relative to the other columns.
    weight: u16,
    /// Whether the cells are aligned at the right.
    is_number: bool,
    /// Whether tables hide the column when there is little space.
    is_late: bool,
    /// Whether the column is hidden until the user chooses it.
    is_optional: bool,
    /// How the rows can be sorted by this column; `None` if they cannot.
    order: Option<ColumnOrder>,
}

/// How a column orders the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ColumnOrder {
    name: &'static str,
    /// Which values come first when the user first sorts by the column.
    first: First,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    Lowest,
    Highest,
}

/// The current order of the rows of a table: the name of a column's order, with `-` before it if the highest values
/// come first.
#[derive(Clone, Copy)]
pub(crate) struct Order {
    pub(crate) current: Signal<String>,
    pub(crate) on_choose: Callback<String>,
}

/// Keeps the rows of a table in their places while the pointer or the focus is in it.
#[derive(Clone, Copy)]
pub(crate) struct Freeze {
    /// The number of new rows that wait.
    pub(crate) new_rows: Signal<usize>,
    /// Called when the rows have to keep their places, and when they no longer have to.
    pub(crate) on_hold: Callback<bool>,
    /// Shows the new rows.
    pub(crate) on_show: Callback<()>,
}

impl Column {
    /// A column with text. The first column of a table gets the width that the others leave.
    pub(crate) const fn text(name: &'static str, weight: u16) -> Self {
        Self { name, weight, is_number: false, is_late: false, is_optional: false, order: None }
    }

    /// A column with numbers, which are aligned at the right.
    pub(crate) const fn number(name: &'static str, weight: u16) -> Self {
        Self { is_number: true, ..Self::text(name, weight) }
    }

    /// A column with buttons.
    pub(crate) const fn actions(weight: u16) -> Self {
        Self::text("", weight)
    }

    /// The same column, hidden when there is little space. Cards still show it.
    pub(crate) const fn late(self) -> Self {
        Self { is_late: true, ..self }
    }

    /// The same column, hidden until the user chooses it.
    pub(crate) const fn optional(self) -> Self {
        Self { is_optional: true, ..self }
    }

    /// The same column, by which rows can be sorted. The first click puts the highest values first.
    pub(crate) const fn sorted_by(self, order: &'static str) -> Self {
        Self { order: Some(ColumnOrder { name: order, first: First::Highest }), ..self }
    }

    /// The same column, by which rows can be sorted. The first click puts the lowest values first.
    pub(crate) const fn sorted_up_by(self, order: &'static str) -> Self {
        Self { order: Some(ColumnOrder { name: order, first: First::Lowest }), ..self }
    }

    /// The name in the head.
    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    /// Whether the user may hide the column.
    pub(crate) const fn can_hide(&self) -> bool {
        !self.name.is_empty()
    }

    /// Whether the column is hidden. `hidden` lists the hidden columns in the form of the URL; if it is `None`,
    /// optional columns are hidden.
    pub(crate) fn is_hidden(&self, hidden: Option<&str>) -> bool {
        match hidden {
            Some(hidden) => hidden.split(',').any(|key| key == self.key()),
            None => self.is_optional,
        }
    }

    /// The name in the URL.
    fn key(&self) -> String {
        self.name.to_ascii_lowercase().replace(' ', "-")
    }
}

/// The list of hidden columns in the form of the URL, after `toggled` was hidden or shown.
pub(crate) fn toggle_column(columns: &[Column], hidden: Option<&str>, toggled: Column) -> String {
    let is_hidden = |column: &&Column| column.is_hidden(hidden) != (**column == toggled);
    let keys: Vec<_> = columns.iter().filter(is_hidden).map(Column::key).collect();
    // An empty parameter would mean the default.
    if keys.is_empty() { "none".to_owned() } else { keys.join(",") }
}

/// A table with its head; the children are its rows.
#[component]
pub(crate) fn Table(
    /// The accessible name of the table.
    label: &'static str,
    columns: Vec<Column>,
    /// Whether newer rows are loading.
    #[prop(optional, into)]
    is_busy: Signal<bool>,
    /// The hidden columns in the form of the URL; `None` for the optional ones.
    #[prop(optional, into)]
    hidden: Signal<Option<String>>,
    /// The order of the rows, if the user may choose it.
    #[prop(optional_no_strip)]
    order: Option<Order>,
    #[prop(optional_no_strip)] freeze: Option<Freeze>,
    /// The selection, if rows can be selected. Each row then begins with a cell for it.
    #[prop(optional_no_strip)]
    selection: Option<Selection>,
    children: Children,
) -> impl IntoView {
    let weighed = columns.clone();
    let total = Memo::new(move |_| {
        let hidden = hidden.get();
        let shown = weighed.iter().filter(|column| !column.is_hidden(hidden.as_deref()));
        shown.map(|column| column.weight).sum::<u16>()
    });
    let first = if selection.is_some() { 2 } else { 1 };
    let late = numbers(&columns, first, |column| column.is_late);
    let widths = columns
        .iter()
        .enumerate()
        .map(|(index, Column { weight, .. })| {
            let weight = *weight;
            let width = move || if index == 0 { "auto".to_owned() } else { share(weight, total.get()) };
            view! { <col style:width=width /> }
        })
        .collect_view();
    let heads = columns.iter().map(|column| head(*column, order)).collect_view();
    let hidden = move || hidden.with(|hidden| numbers(&columns, first, |column| column.is_hidden(hidden.as_deref())));
    let frame = NodeRef::<html::Div>::new();
    let (has_pointer, has_focus) = (RwSignal::new(false), RwSignal::new(false));
    let waiting = freeze.map(|freeze| {
        let is_used = Memo::new(move |_| has_pointer.get() || has_focus.get());
        effect(move || freeze.on_hold.run(is_used.get()));
        // Not all browsers send an event when the element with the focus is removed. Without this, the rows would be
        // held for ever.
        effect(move || {
            let is_waiting = freeze.new_rows.get() != 0;
            if is_waiting && has_focus.get_untracked() && frame.get_untracked().is_none_or(|frame| !has_focused(&frame))
            {
                has_focus.set(false);
            }
        });
        // The button is removed while it has the focus. If it was pressed with the keyboard, the table gets the focus.
        let shown = move |by_key: bool| {
            has_focus.set(false);
            let frame = frame.get_untracked().filter(|_| by_key);
            let first = frame.and_then(|frame| frame.query_selector("table :is(a, button, input)").ok().flatten());
            if let Some(first) = first.and_then(|first| first.dyn_into::<HtmlElement>().ok()) {
                browser::focus_in_place(&first);
            }
        };
        view! { <NewRows freeze on_show=shown /> }
    });
    let leave = move |event: FocusEvent| {
        if frame.get_untracked().is_none_or(|frame| !browser::stays_within(&event, &frame)) {
            has_focus.set(false);
        }
    };
    view! {
        <div
            class="table-frame"
            node_ref=frame
            on:pointerenter=move |_| has_pointer.set(true)
            on:pointerleave=move |_| has_pointer.set(false)
            on:focusin=move |_| has_focus.set(true)
            on:focusout=leave
        >
            {waiting}
            <table
                class="table"
                aria-label=label
                aria-busy=move || is_busy.get().to_string()
                data-late=late
                data-hidden=hidden
            >
                <colgroup>{selection.map(|_| view! { <col class="col-select" /> })} {widths}</colgroup>
                <thead>
                    <tr>{selection.map(|selection| view! { <SelectAll selection /> })} {heads}</tr>
                </thead>
                <tbody>{children()}</tbody>
            </table>
        </div>
    }
}

/// Whether an element inside another one has the focus.
fn has_focused(frame: &Element) -> bool {
    frame.query_selector(":focus").is_ok_and(|focused| focused.is_some())
}

/// The number of new rows, as a button that shows them.
#[component]
fn NewRows(
    freeze: Freeze,
    /// Called when the rows are shown. The argument says whether the user pressed the button with the keyboard.
    #[prop(into)]
    on_show: Callback<bool>,
) -> impl IntoView {
    let count = move || format::count(i64::try_from(freeze.new_rows.get()).unwrap_or(i64::MAX));
    let has_any = Memo::new(move |_| freeze.new_rows.get() != 0);
    view! {
        // The text does not contain the number: screen readers would announce each change of it.
        <p class="visually-hidden" role="status" aria-label="New rows">
            {move || if has_any.get() { "There are new rows" } else { "" }}
        </p>
        <div class="table-waiting">
            <Show when=move || has_any.get()>
                <button
                    type="button"
                    class="button button-small button-primary"
                    on:click=move |event| {
                        let by_key = event.detail() == 0;
                        freeze.on_show.run(());
                        on_show.run(by_key);
                    }
                >
                    {count}
                    " new"
                </button>
            </Show>
        </div>
    }
}

fn head(column: Column, order: Option<Order>) -> AnyView {
    let kind = if column.is_number { "number" } else { "text" };
    if let Some((order, by)) = order.zip(column.order) {
        return sortable_head(column.name, kind, order, by);
    }
    if column.name.is_empty() {
        return view! { <th scope="col"><span class="visually-hidden">"Actions"</span></th> }.into_any();
    }
    view! {
        <th scope="col" data-kind=kind>
            {column.name}
        </th>
    }
    .into_any()
}

/// The head of a column by which the rows can be sorted.
fn sortable_head(name: &'static str, kind: &'static str, order: Order, by: ColumnOrder) -> AnyView {
    let direction = move || order.current.with(|current| direction_of(current, by.name));
    let choose = move |_| order.on_choose.run(order.current.with_untracked(|current| next_order(current, by)));
    view! {
        <th scope="col" data-kind=kind aria-sort=direction>
            <button type="button" class="head-sort" on:click=choose>
                {name}
            </button>
        </th>
    }
    .into_any()
}

/// The direction in which the rows are sorted by a column, as a value of `aria-sort`.
fn direction_of(current: &str, key: &str) -> &'static str {
    match current.strip_prefix('-') {
        Some(current) if current == key => "descending",
        None if current == key => "ascending",
        _ => "none",
    }
}

/// The order after a click on the head of a column. The first click sorts in the column's first direction, the next one
/// in the other.
fn next_order(current: &str, ColumnOrder { name, first }: ColumnOrder) -> String {
    let is_descending = match direction_of(current, name) {
        "ascending" => true,
        "descending" => false,
        _ => first == First::Highest,
    };
    if is_descending { format!("-{name}") } else { name.to_owned() }
}

/// The width of a column with this weight, in percent of the table's width.
fn share(weight: u16, total: u16) -> String {
    format!("{}%", u32::from(weight) * 100 / u32::from(total.max(1)))
}

/// The numbers of the columns for which `is_meant` returns true, separated by spaces, as the style sheet counts them.
/// The first column has the number `first`.
fn numbers(columns: &[Column], first: usize, is_meant: impl Fn(&Column) -> bool) -> String {
    let meant = columns.iter().enumerate().filter(|(_, column)| is_meant(column));
    meant.map(|(index, _)| (index + first).to_string()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_from_the_first() {
        let columns = [Column::text("File", 3), Column::number("Size", 1).late(), Column::text("Agent", 1).late()];
        assert_eq!(numbers(&columns, 1, |column| column.is_late), "2 3");
        assert_eq!(numbers(&columns, 2, |column| column.is_late), "3 4");
        assert_eq!(numbers(&columns, 1, |column| column.name == "Gone"), "");
    }

    #[test]
    fn a_minus_means_descending() {
        let directions = ["size", "-size", "-speed", ""].map(|current| direction_of(current, "size"));
        assert_eq!(directions, ["ascending", "descending", "none", "none"]);
    }

    #[test]
    fn the_second_click_on_a_head_turns_the_order_round() {
        let sizes = ["", "-size", "size"]
            .map(|current| next_order(current, ColumnOrder { name: "size", first: First::Highest }));
        assert_eq!(sizes, ["-size", "size", "-size"]);
        let times =
            ["-size", "at", "-at"].map(|current| next_order(current, ColumnOrder { name: "at", first: First::Lowest }));
        assert_eq!(times, ["at", "-at", "at"]);
    }

    #[test]
    fn optional_columns_are_hidden_until_they_are_chosen() {
        let columns = [Column::text("File", 3), Column::text("Last run", 1), Column::text("Ended", 1).optional()];
        assert!(columns[2].is_hidden(None) && !columns[1].is_hidden(None));
        assert_eq!(toggle_column(&columns, None, columns[1]), "last-run,ended");
        assert_eq!(toggle_column(&columns, Some("last-run,ended"), columns[2]), "last-run");
        assert_eq!(toggle_column(&columns, Some("last-run"), columns[1]), "none");
        assert!(!columns[2].is_hidden(Some("none")));
    }

    #[test]
    fn a_share_is_a_whole_number_of_percent() {
        assert_eq!([share(1, 3), share(20, 100), share(0, 0)], ["33%", "20%", "0%"]);
    }
}
