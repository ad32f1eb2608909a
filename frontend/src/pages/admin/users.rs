//! The page Users.

use leptos::prelude::*;

use super::user_forms::{ChangePassword, ChangeRole, Create, Suspend};
use crate::{
    api::{
        Page,
        users::{self, User},
    },
    base_path::href,
    clock::Clock,
    labels,
    pages::{
        list_card::{ListCard, Listed},
        list_url_parameters::ListQuery,
    },
    reactive_query::Fetch,
    ui::{Badge, Column, Ellipsis, Empty, Icon, PageHead, Tone},
};

/// The columns of the table.
const COLUMNS: [Column; 6] = [
    Column::text("E-mail", 23),
    Column::text("Role", 17),
    Column::text("Customer", 14),
    Column::text("Status", 10),
    Column::text("Created", 12).late(),
    Column::actions(24),
];

/// All users, with dialogs to create and change them.
#[component]
pub(crate) fn Users() -> impl IntoView {
    let query = ListQuery::of("/users", 100);
    let list = Fetch::new(move || users::list(query.rows.get(), query.page.get()));
    let is_creating = RwSignal::new(false);
    let listed = Listed::of(list, Page::counted);
    let rows = move || {
        let rows = list.read(|list| list.items.clone()).unwrap_or_default();
        rows.into_iter().map(|user| view! { <Row user on_change=move |()| list.reload() /> }).collect_view()
    };
    view! {
        <PageHead title="Users">
            <button type="button" class="button button-primary" on:click=move |_| is_creating.set(true)>
                <Icon name="plus" />
                "New user"
            </button>
        </PageHead>
        <Create open=is_creating on_change=move |()| list.reload() />
        <div class="card">
            <ListCard
                query
                listed
                label="Users"
                noun="user"
                columns=COLUMNS.to_vec()
                is_empty=Signal::derive(move || list.read(|list| list.items.is_empty()) == Some(true))
                nothing=|| view! { <Empty icon="users" title="No users yet" /> }.into_any()
            >
                {move || rows()}
            </ListCard>
        </div>
    }
}

#[component]
fn Row(user: User, #[prop(into)] on_change: Callback<()>) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let open = [RwSignal::new(false), RwSignal::new(false), RwSignal::new(false)];
    let [is_changing_role, is_changing_password, is_switching] = open;
    let state = Signal::stored(if user.suspended { ("Suspended", Tone::Warn) } else { ("Active", Tone::Good) });
    let (id, email, role) = (user.id.inner().to_owned(), user.email, user.role);
    let customer = match user.customer {
        Some(customer) => {
            let address = href(format!("/customers/{}", customer.id.inner()));
            view! { <Ellipsis text=customer.name href=address class="cell-link" /> }.into_any()
        }
        None => "–".into_any(),
    };
    let button = |verb: &'static str, open: RwSignal<bool>| {
        view! {
            <button
                type="button"
                class="button button-small"
                aria-label=format!("{verb} of {email}")
                on:click=move |_| open.set(true)
            >
                {verb}
            </button>
        }
    };
    view! {
        <tr>
            <td class="cell-main">
                <Ellipsis text=email.clone() />
            </td>
            <td data-label="Role">{labels::role(role)}</td>
            <td data-label="Customer">{customer}</td>
            <td class="cell-status" data-label="Status">
                <Badge state />
            </td>
            <td class="cell-quiet" data-label="Created">
                {move || clock.moment(user.created_at)}
            </td>
            <td class="cell-actions">
                {button("Role", is_changing_role)}
                {button("Password", is_changing_password)}
                <button
                    type="button"
                    class="button button-small"
                    aria-label=format!("{} {email}", if user.suspended { "Reactivate" } else { "Suspend" })
                    on:click=move |_| is_switching.set(true)
                >
                    {if user.suspended { "Reactivate" } else { "Suspend" }}
                </button>
                <ChangeRole open=is_changing_role id=id.clone() email=email.clone() role on_change />
                <ChangePassword open=is_changing_password id=id.clone() email=email.clone() on_change />
                <Suspend open=is_switching id email suspended=user.suspended on_change />
            </td>
        </tr>
    }
}
