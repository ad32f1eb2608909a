//! The dialogs that create and change users.

use leptos::prelude::*;
use mftplus_protocol::password;

use crate::{
    api::users::{self, CreateUser, Role, UpdateUser},
    labels::{self, ROLES},
    pages::customer_select::CustomerSelect,
    ui::{Confirm, Field, FormDialog, Select, Toasts},
    user_action::UserAction,
};

fn roles() -> Vec<(String, String)> {
    ROLES.map(|(_, name, label)| (name.to_owned(), label.to_owned())).into()
}

fn role_of(name: &str) -> Role {
    labels::value_of(&ROLES, name).unwrap_or(Role::Customer)
}

/// The dialog that creates a user.
#[component]
pub(super) fn Create(open: RwSignal<bool>, #[prop(into)] on_change: Callback<()>) -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    let [email, password, role, customer] = ["", "", "customer", ""].map(|text| RwSignal::new(text.to_owned()));
    let needs_customer = Memo::new(move |_| role.with(|role| role == "customer"));
    let is_blocked = Signal::derive(move || {
        let lacks_customer = needs_customer.get() && customer.with(String::is_empty);
        lacks_customer || password.with(|password| password::check(password).is_err())
    });
    let user_action = UserAction::new();
    let create = move |()| {
        let input = CreateUser {
            email: email.get_untracked().trim().to_owned(),
            password: password.get_untracked(),
            role: role_of(&role.get_untracked()),
            customer_id: needs_customer.get_untracked().then(|| cynic::Id::new(customer.get_untracked())),
        };
        user_action.run(users::create(input), move |user| {
            open.set(false);
            email.set(String::new());
            password.set(String::new());
            toasts.success(format!("{} was created.", user.email));
            on_change.try_run(());
        });
    };
    view! {
        <FormDialog open title="New user" action="Create user" user_action on_submit=create is_blocked>
            <Field label="E-mail" value=email kind="email" is_required=true is_first=true />
            <Field
                label="Password"
                value=password
                kind="password"
                autocomplete="new-password"
                hint=password::RULE
                is_required=true
            />
            <Select label="Role" options=roles() chosen=role on_choose=move |chosen: String| role.set(chosen) />
            <Show when=move || needs_customer.get()>
                <CustomerSelect none="Choose a customer" chosen=customer />
            </Show>
        </FormDialog>
    }
}

/// The dialog that changes the role of a user.
#[component]
pub(super) fn ChangeRole(
    open: RwSignal<bool>,
    id: String,
    email: String,
    role: Role,
    on_change: Callback<()>,
) -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    let chosen = RwSignal::new(labels::name_of(&ROLES, &role).to_owned());
    let user_action = UserAction::new();
    let change = move |()| {
        let role = role_of(&chosen.get_untracked());
        let input = UpdateUser { role: Some(role), ..UpdateUser::default() };
        user_action.run(users::update(&id, input), move |user| {
            open.set(false);
            toasts.success(format!(
                "The role of {} is now {}.",
                user.email,
                labels::role(user.role).to_ascii_lowercase()
            ));
            on_change.try_run(());
        });
    };
    view! {
        <FormDialog open title=format!("Change the role of {email}") action="Change role" user_action on_submit=change>
            <Select label="Role" options=roles() chosen on_choose=move |role: String| chosen.set(role) />
        </FormDialog>
    }
}

/// The dialog that sets a new password of a user.
#[component]
pub(super) fn ChangePassword(
    open: RwSignal<bool>,
    id: String,
    email: String,
    on_change: Callback<()>,
) -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    let password = RwSignal::new(String::new());
    let is_blocked = Signal::derive(move || password.with(|password| password::check(password).is_err()));
    let user_action = UserAction::new();
    let change = move |()| {
        let input = UpdateUser { password: Some(password.get_untracked()), ..UpdateUser::default() };
        user_action.run(users::update(&id, input), move |user| {
            open.set(false);
            password.set(String::new());
            toasts.success(format!("{} has a new password.", user.email));
            on_change.try_run(());
        });
    };
    view! {
        <FormDialog open title=format!("New password for {email}") action="Set password" user_action on_submit=change is_blocked>
            <Field
                label="New password"
                value=password
                kind="password"
                autocomplete="new-password"
                hint=password::RULE
                is_required=true
                is_first=true
            />
        </FormDialog>
    }
}

/// The dialog that suspends or reactivates a user.
#[component]
pub(super) fn Suspend(
    open: RwSignal<bool>,
    id: String,
    email: String,
    suspended: bool,
    on_change: Callback<()>,
) -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    let user_action = UserAction::new();
    let switch = move |()| {
        let input = UpdateUser { suspended: Some(!suspended), ..UpdateUser::default() };
        user_action.run(users::update(&id, input), move |user| {
            open.set(false);
            toasts.success(format!("{} is {}.", user.email, if suspended { "active again" } else { "suspended" }));
            on_change.try_run(());
        });
    };
    let text = if suspended {
        "The user can sign in again."
    } else {
        "The user is signed out everywhere at once and cannot sign in until reactivated."
    };
    let verb = if suspended { "Reactivate" } else { "Suspend" };
    view! {
        <Confirm
            open
            title=format!("{verb} {email}?")
            text
            action=verb
            user_action
            on_confirm=switch
            is_dangerous=!suspended
        />
    }
}
