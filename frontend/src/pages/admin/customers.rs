//! The page Customers.

use leptos::prelude::*;

use crate::{
    api::{
        Page,
        customers::{self, Customer, UpdateCustomer},
    },
    base_path::href,
    clock::Clock,
    pages::{
        list_card::{ListCard, Listed},
        list_url_parameters::ListQuery,
    },
    reactive_query::Fetch,
    ui::{Badge, Column, Confirm, Ellipsis, Empty, Field, FormDialog, Icon, PageHead, Toasts, Tone},
    user_action::UserAction,
};

/// The columns of the table.
const COLUMNS: [Column; 4] =
    [Column::text("Name", 46), Column::text("Status", 14), Column::text("Created", 18), Column::actions(22)];

/// All customers, with dialogs to create, rename, suspend and reactivate them.
#[component]
pub(crate) fn Customers() -> impl IntoView {
    let query = ListQuery::of("/customers", 100);
    let list = Fetch::new(move || customers::list_some(query.rows.get(), query.page.get()));
    let is_creating = RwSignal::new(false);
    let nothing = || {
        view! {
            <Empty icon="customers" title="No customers yet">
                <p>"A customer owns agents and their transfers. Create the first one, then an enrolment code for its machines."</p>
            </Empty>
        }
        .into_any()
    };
    let listed = Listed::of(list, Page::counted);
    let rows = move || {
        let rows = list.read(|list| list.items.clone()).unwrap_or_default();
        rows.into_iter().map(|customer| view! { <Row customer on_change=move |()| list.reload() /> }).collect_view()
    };
    view! {
        <PageHead title="Customers">
            <button type="button" class="button button-primary" on:click=move |_| is_creating.set(true)>
                <Icon name="plus" />
                "New customer"
            </button>
        </PageHead>
        <Create open=is_creating on_change=move |()| list.reload() />
        <div class="card">
            <ListCard
                query
                listed
                label="Customers"
                noun="customer"
                columns=COLUMNS.to_vec()
                is_empty=Signal::derive(move || list.read(|list| list.items.is_empty()) == Some(true))
                nothing
            >
                {move || rows()}
            </ListCard>
        </div>
    }
}

#[component]
fn Row(customer: Customer, #[prop(into)] on_change: Callback<()>) -> impl IntoView {
    let Customer { id, name, suspended, created_at } = customer;
    let (is_renaming, is_switching) = (RwSignal::new(false), RwSignal::new(false));
    let state = Signal::stored(if suspended { ("Suspended", Tone::Warn) } else { ("Active", Tone::Good) });
    let clock = expect_context::<Clock>();
    view! {
        <tr>
            <td class="cell-main">
                <Ellipsis text=name.clone() href=href(format!("/customers/{}", id.inner())) />
            </td>
            <td class="cell-status" data-label="Status">
                <Badge state />
            </td>
            <td class="cell-quiet" data-label="Created">
                {move || clock.moment(created_at)}
            </td>
            <td class="cell-actions">
                <button
                    type="button"
                    class="button button-small"
                    aria-label=format!("Rename {name}")
                    on:click=move |_| is_renaming.set(true)
                >
                    "Rename"
                </button>
                <button
                    type="button"
                    class="button button-small"
                    aria-label=format!("{} {name}", if suspended { "Reactivate" } else { "Suspend" })
                    on:click=move |_| is_switching.set(true)
                >
                    {if suspended { "Reactivate" } else { "Suspend" }}
                </button>
                <Rename open=is_renaming id=id.inner().to_owned() name=name.clone() on_change />
                <Suspend open=is_switching id=id.inner().to_owned() name suspended on_change />
            </td>
        </tr>
    }
}

#[component]
fn Create(open: RwSignal<bool>, #[prop(into)] on_change: Callback<()>) -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    let name = RwSignal::new(String::new());
    let user_action = UserAction::new();
    let create = move |()| {
        let wanted = name.get_untracked();
        user_action.run(customers::create(wanted.trim()), move |customer| {
            open.set(false);
            name.set(String::new());
            toasts.success(format!("{} was created.", customer.name));
            on_change.try_run(());
        });
    };
    view! {
        <FormDialog open title="New customer" action="Create customer" user_action on_submit=create>
            <Field label="Name" value=name is_required=true is_first=true />
        </FormDialog>
    }
}

#[component]
fn Rename(open: RwSignal<bool>, id: String, name: String, on_change: Callback<()>) -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    let wanted = RwSignal::new(name.clone());
    let user_action = UserAction::new();
    let rename = move |()| {
        let name = wanted.get_untracked().trim().to_owned();
        let input = UpdateCustomer { name: Some(name), ..UpdateCustomer::default() };
        user_action.run(customers::update(&id, input), move |customer| {
            open.set(false);
            toasts.success(format!("Renamed to {}.", customer.name));
            on_change.try_run(());
        });
    };
    view! {
        <FormDialog open title=format!("Rename {name}") action="Rename" user_action on_submit=rename>
            <Field label="Name" value=wanted is_required=true is_first=true />
        </FormDialog>
    }
}

/// The dialog that suspends or reactivates a customer.
#[component]
fn Suspend(open: RwSignal<bool>, id: String, name: String, suspended: bool, on_change: Callback<()>) -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    let user_action = UserAction::new();
    let switch = move |()| {
        let input = UpdateCustomer { suspended: Some(!suspended), ..UpdateCustomer::default() };
        user_action.run(customers::update(&id, input), move |customer| {
            open.set(false);
            toasts.success(format!("{} is {}.", customer.name, if suspended { "active again" } else { "suspended" }));
            on_change.try_run(());
        });
    };
    let text = if suspended {
        "Its users can sign in again, and its agents can connect again."
    } else {
        "Its users are signed out at once, its agents are refused, and no machine can register. Nothing is deleted."
    };
    let verb = if suspended { "Reactivate" } else { "Suspend" };
    view! {
        <Confirm
            open
            title=format!("{verb} {name}?")
            text
            action=verb
            user_action
            on_confirm=switch
            is_dangerous=!suspended
        />
    }
}
