//! Tables with a fixed layout. Where there is little room the rows become cards, in which each cell is labelled by its
//! `data-label`.

use leptos::prelude::*;

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// The name in the head; empty for actions.
    name: &'static str,
    /// The share of the width, relative to the other columns.
    weight: u16,
    /// Whether the cells are aligned at the right.
    is_number: bool,
    /// Whether a table with little room leaves the column out.
    is_late: bool,
}

impl Column {
    /// A column with text. The first column of a table gets the width that the others leave.
    pub(crate) const fn text(name: &'static str, weight: u16) -> Self {
        Self { name, weight, is_number: false, is_late: false }
    }

    /// A column with numbers, which are aligned at the right.
    pub(crate) const fn number(name: &'static str, weight: u16) -> Self {
        Self { is_number: true, ..Self::text(name, weight) }
    }

    /// A column with buttons.
    pub(crate) const fn actions(weight: u16) -> Self {
        Self::text("", weight)
    }

    /// The column, left out by a table with little room. Cards show it.
    pub(crate) const fn late(self) -> Self {
        Self { is_late: true, ..self }
    }
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
    children: Children,
) -> impl IntoView {
    let total: u16 = columns.iter().map(|column| column.weight).sum();
    let late = numbers(&columns, |column| column.is_late);
    let widths = columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let width = if index == 0 { "auto".to_owned() } else { share(column.weight, total) };
            view! { <col style:width=move || width.clone() /> }
        })
        .collect_view();
    let heads = columns.into_iter().map(head).collect_view();
    view! {
        <div class="table-frame">
            <table class="table" aria-label=label aria-busy=move || is_busy.get().to_string() data-late=late>
                <colgroup>{widths}</colgroup>
                <thead>
                    <tr>{heads}</tr>
                </thead>
                <tbody>{children()}</tbody>
            </table>
        </div>
    }
}

fn head(column: Column) -> AnyView {
    let kind = if column.is_number { "number" } else { "text" };
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

/// A weight as a part of the whole width, in percent.
fn share(weight: u16, total: u16) -> String {
    format!("{}%", u32::from(weight) * 100 / u32::from(total.max(1)))
}

/// The numbers of some columns as the style sheet counts them, from 1, separated by spaces.
fn numbers(columns: &[Column], is_meant: impl Fn(&Column) -> bool) -> String {
    let meant = columns.iter().enumerate().filter(|(_, column)| is_meant(column));
    meant.map(|(index, _)| (index + 1).to_string()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_columns_are_counted_from_one() {
        let columns = [Column::text("File", 3), Column::number("Size", 1).late(), Column::text("Agent", 1).late()];
        assert_eq!(numbers(&columns, |column| column.is_late), "2 3");
        assert_eq!(numbers(&columns, |column| column.name == "Gone"), "");
    }

    #[test]
    fn a_share_is_a_whole_number_of_percent() {
        assert_eq!([share(1, 3), share(20, 100), share(0, 0)], ["33%", "20%", "0%"]);
    }
}
