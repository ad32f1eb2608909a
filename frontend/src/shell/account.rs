//! The account of the signed-in user, with the preferences that are kept in this browser.

use leptos::{prelude::*, task::spawn_local};

use crate::{
    browser, labels,
    session::{Session, Viewer},
    ui::{Icon, Toasts},
};

/// The theme, the signed-in user, and the button to sign out.
#[component]
pub(super) fn Account(viewer: Viewer) -> impl IntoView {
    let (session, toasts) = (expect_context::<Session>(), expect_context::<Toasts>());
    let sign_out = move |_| {
        spawn_local(async move {
            if let Err(error) = session.sign_out().await {
                toasts.error(error.to_string());
            }
        });
    };
    view! {
        <section class="account" aria-label="Account">
            <ThemeChoice />
            <div class="account-user">
                <span class="account-name" title=viewer.email.clone()>
                    {viewer.email.clone()}
                </span>
                <span class="account-role">{labels::role(viewer.role.into())}</span>
            </div>
            <button type="button" class="button account-leave" on:click=sign_out>
                <Icon name="leave" />
                "Sign out"
            </button>
        </section>
    }
}

/// The choice of the theme: system, light or dark.
#[component]
fn ThemeChoice() -> impl IntoView {
    let chosen = RwSignal::new(browser::stored_theme().unwrap_or_default());
    let option = move |value: &'static str, name: &'static str| {
        view! {
            <label class="segment">
                <input
                    type="radio"
                    name="theme"
                    value=value
                    prop:checked=move || chosen.get() == value
                    on:change=move |_| {
                        chosen.set(value.to_owned());
                        browser::set_theme((!value.is_empty()).then_some(value));
                    }
                />
                <span>{name}</span>
            </label>
        }
    };
    view! {
        <fieldset class="segments">
            <legend class="visually-hidden">"Theme"</legend>
            {option("", "System")}
            {option("light", "Light")}
            {option("dark", "Dark")}
        </fieldset>
    }
}
