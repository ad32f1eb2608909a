//! The card around the rows of every list: the total, the menu with columns, rows and density, and the pagination.

use leptos::prelude::*;

use super::list_url_parameters::ListQuery;
use crate::{
    api::Total,
    base_path::href,
    browser, format,
    live::{LiveList, Revisioned},
    reactive_query::{Fetch, Stage},
    ui::{Column, Empty, Freeze, Menu, Order, Pager, QueryResult, Select, Selection, Table, toggle_column},
};

/// The result of the query of a list, without its rows.
#[derive(Clone, Copy)]
pub(super) struct Listed {
    stage: Signal<Stage>,
    is_busy: Signal<bool>,
    total: Signal<Option<Total>>,
    on_retry: Callback<()>,
}

impl Listed {
    /// Follows a query. `total` returns the number of rows of a result.
    pub(super) fn of<T: PartialEq + Send + Sync + 'static>(query: Fetch<T>, total: fn(&T) -> Total) -> Self {
        Self {
            stage: Signal::derive(move || query.stage()),
            is_busy: Signal::derive(move || query.is_busy()),
            total: Signal::derive(move || query.read(total)),
            on_retry: Callback::new(move |()| query.reload()),
        }
    }

    /// The number of rows of the list as text, such as `3,257 transfers`; empty until it is known. Reactive.
    pub(super) fn summary(self, noun: &str) -> String {
        let total = self.total.get();
        total.map(|(total, is_at_least)| format::total(total.into(), is_at_least, noun)).unwrap_or_default()
    }
}

/// Creates a [`Freeze`], which keeps the rows of a list in their places while the user works with them.
pub(super) fn freeze<T: Revisioned + Send + Sync + 'static>(list: LiveList<T>) -> Freeze {
    Freeze {
        new_rows: Signal::derive(move || list.new_rows()),
        on_hold: Callback::new(move |is_held| list.hold(is_held)),
        on_show: Callback::new(move |()| list.show_waiting()),
    }
}

/// The content of a card with a list: the table and the controls around it. The children are the rows.
#[component]
pub(super) fn ListCard(
    query: ListQuery,
    listed: Listed,
    /// The accessible name of the table.
    label: &'static str,
    /// The name of one row, such as `transfer`.
    noun: &'static str,
    columns: Vec<Column>,
    /// The order if the URL has no parameter `sort`; empty if the rows cannot be sorted.
    #[prop(optional)]
    default_order: &'static str,
    #[prop(optional)] freeze: Option<Freeze>,
    /// The selection, if rows can be selected.
    #[prop(optional_no_strip)]
    selection: Option<Selection>,
    /// The actions on the selected rows.
    #[prop(optional, into)]
    bulk: ViewFn,
    #[prop(into)] is_empty: Signal<bool>,
    /// The controls beside the menu View.
    #[prop(optional, into)]
    tools: ViewFn,
    /// Shown when the list has no rows.
    #[prop(into)]
    nothing: ViewFn,
    children: ChildrenFn,
) -> impl IntoView {
    let children = StoredValue::new(children);
    let hidden = Signal::derive(move || query.get("hide"));
    let summary = Signal::derive(move || listed.summary(noun));
    let last_page = Memo::new(move |_| {
        let (total, is_at_least) = listed.total.get()?;
        (!is_at_least).then(|| pages_of(total, query.rows.get()))
    });
    let nothing = move || if query.page.get() > 1 { no_such_page(query, last_page) } else { nothing.run() };
    let choices = columns.clone();
    let order = (!default_order.is_empty()).then(|| Order {
        current: Signal::derive(move || query.get("sort").unwrap_or_else(|| default_order.to_owned())),
        on_choose: Callback::new(move |order: String| {
            let order = if order == default_order { String::new() } else { order };
            query.change([("sort", order)]);
        }),
    });
    view! {
        <div class="table-tools">
            <p class="table-total">{move || summary.get()}</p>
            {bulk.run()}
            {tools.run()}
            <LookMenu query columns=choices hidden />
        </div>
        <QueryResult
            stage=listed.stage
            is_empty
            skeleton_rows=10
            on_retry=listed.on_retry
            nothing
        >
            <Table label columns=columns.clone() is_busy=listed.is_busy hidden order freeze selection>
                {children.with_value(|children| children())}
            </Table>
        </QueryResult>
        <Pager
            summary
            page=query.page
            pages=last_page
            address=move |page: i32| query.page_address(page)
        />
    }
}

/// The menu View: columns, rows per page and density.
#[component]
fn LookMenu(query: ListQuery, columns: Vec<Column>, hidden: Signal<Option<String>>) -> impl IntoView {
    let columns = StoredValue::new(columns);
    let option = move |column: Column| {
        let toggle = move |_| {
            let hidden = hidden.get_untracked();
            let hidden = columns.with_value(|columns| toggle_column(columns, hidden.as_deref(), column));
            query.set([("hide", hidden)]);
        };
        view! {
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=move || !hidden.with(|hidden| column.is_hidden(hidden.as_deref()))
                    on:change=toggle
                />
                <span>{column.name()}</span>
            </label>
        }
    };
    let rows: Vec<_> = query.choices().map(|rows| (rows.to_string(), rows.to_string())).collect();
    let rows = StoredValue::new(rows);
    view! {
        <Menu name="View" icon="view">
            <fieldset class="checks">
                <legend class="field-label">"Columns"</legend>
                {columns.with_value(|columns| columns.iter().skip(1).copied().filter(Column::can_hide).map(option).collect_view())}
            </fieldset>
            <Select
                label="Rows per page"
                options=rows.get_value()
                chosen=Signal::derive(move || query.rows.get().to_string())
                on_choose=move |rows: String| query.change([("rows", rows)])
            />
            <Density />
        </Menu>
    }
}

/// The choice of the density of all tables, which the browser stores.
#[component]
fn Density() -> impl IntoView {
    let chosen = RwSignal::new(browser::stored("density").unwrap_or_default());
    let option = move |value: &'static str, name: &'static str| {
        view! {
            <label class="segment">
                <input
                    type="radio"
                    name="density"
                    value=value
                    prop:checked=move || chosen.get() == value
                    on:change=move |_| {
                        chosen.set(value.to_owned());
                        browser::set_look("density", (!value.is_empty()).then_some(value));
                    }
                />
                <span>{name}</span>
            </label>
        }
    };
    view! {
        <fieldset class="segments">
            <legend class="visually-hidden">"Density"</legend>
            {option("", "Comfortable")}
            {option("compact", "Compact")}
        </fieldset>
    }
}

/// The placeholder for a page number after the last page.
fn no_such_page(query: ListQuery, last_page: Memo<Option<i32>>) -> AnyView {
    let title = format!("Page {} does not exist", format::count(query.page.get().into()));
    let last = last_page.get().unwrap_or(1).max(1);
    let name = if last > 1 {
        format!("Go to the last page, {}", format::count(last.into()))
    } else {
        "Go to the first page".to_owned()
    };
    view! {
        <Empty icon="search" title>
            <a class="button" href=href(query.page_address(last))>
                {name}
            </a>
        </Empty>
    }
    .into_any()
}

/// The number of pages of a list.
fn pages_of(total: i32, rows: i32) -> i32 {
    (total + rows - 1) / rows
}

#[cfg(test)]
mod tests {
    use super::pages_of;

    #[test]
    fn the_last_page_holds_the_rest() {
        assert_eq!([pages_of(0, 25), pages_of(25, 25), pages_of(26, 25), pages_of(3257, 100)], [0, 1, 2, 33]);
    }
}
