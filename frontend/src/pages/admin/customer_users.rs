//! The card with the users of a customer.

use leptos::prelude::*;

use crate::{
    api::users::{self, User},
    base_path::href,
    format,
    reactive_query::Fetch,
    ui::{Badge, Card, Column, Ellipsis, Empty, QueryResult, Table, Time, Tone},
};

/// The maximum number of users that are shown.
const MOST: i32 = 100;

/// The columns of the table.
const COLUMNS: [Column; 3] = [Column::text("E-mail", 50), Column::text("Status", 18), Column::text("Created", 32)];

/// The newest users of a customer.
#[component]
pub(super) fn CustomerUsers(customer: String) -> impl IntoView {
    let found = Fetch::new(move || users::list_of_customer(&customer, MOST));
    let summary = move || {
        let total = found.read(|page| format::total(page.total.into(), page.total_is_at_least, "user"));
        let more = found.read(|page| page.total > MOST) == Some(true);
        let more = if more { format!(", the newest {MOST} are shown") } else { String::new() };
        view! { <span>{total} {more} " · " <a href=href("/users")>"Manage accounts"</a></span> }
    };
    let rows = move || {
        let users = found.read(|page| page.items.clone()).unwrap_or_default();
        users.into_iter().map(line).collect_view()
    };
    let nothing = || {
        view! {
            <Empty icon="users" title="This customer has no users">
                <a class="button" href=href("/users")>
                    "Create one"
                </a>
            </Empty>
        }
        .into_any()
    };
    view! {
        <Card title="Users" aside=summary>
            <QueryResult
                stage=Signal::derive(move || found.stage())
                is_empty=Memo::new(move |_| found.read(|page| page.items.is_empty()) == Some(true))
                skeleton_rows=3
                on_retry=move |()| found.reload()
                nothing
            >
                <Table label="Users" columns=COLUMNS.to_vec()>
                    {move || rows()}
                </Table>
            </QueryResult>
        </Card>
    }
}

fn line(user: User) -> impl IntoView {
    let state = if user.suspended { ("Suspended", Tone::Warn) } else { ("Active", Tone::Good) };
    view! {
        <tr>
            <td class="cell-main">
                <Ellipsis text=user.email />
            </td>
            <td class="cell-status" data-label="Status">
                <Badge state=Signal::stored(state) />
            </td>
            <td class="cell-quiet" data-label="Created">
                <Time at=user.created_at />
            </td>
        </tr>
    }
}
