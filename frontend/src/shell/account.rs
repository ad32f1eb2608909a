//! The account of the signed-in user, with the preferences that are kept in this browser.

use leptos::{prelude::*, task::spawn_local};

use super::notifications::NotificationChoice;
use crate::{
    browser, labels,
    session::{Session, Viewer},
    shortcuts::Shortcuts,
    ui::{Icon, Toasts},
    zone,
};

/// The theme, the signed-in user, and the button to sign out.
#[component]
pub(super) fn Account(viewer: Viewer) -> impl IntoView {
    let (session, toasts) = (expect_context::<Session>(), expect_context::<Toasts>());
    let shortcuts = expect_context::<Shortcuts>();
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
            <ZoneChoice />
            <NotificationChoice />
            <button type="button" class="button button-small" on:click=move |_| shortcuts.list.set(true)>
                "Keyboard shortcuts"
            </button>
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
    let chosen = RwSignal::new(browser::stored("theme").unwrap_or_default());
    let choose = move |value: &'static str| {
        chosen.set(value.to_owned());
        browser::set_look("theme", (!value.is_empty()).then_some(value));
    };
    view! {
        <Segments
            legend="Theme"
            name="theme"
            options=vec![("", "System"), ("light", "Light"), ("dark", "Dark")]
            chosen
            on_choose=choose
        />
    }
}

/// The choice of the zone in which times are shown: of this browser, or UTC.
#[component]
fn ZoneChoice() -> impl IntoView {
    let chosen = Signal::derive(|| if zone::is_utc() { "utc" } else { "local" }.to_owned());
    view! {
        <Segments
            legend="Times"
            name="zone"
            options=vec![("local", "Local time"), ("utc", "UTC")]
            chosen
            on_choose=|value: &'static str| zone::show_utc(value == "utc")
        />
    }
}

/// A group of radio buttons in one line.
#[component]
fn Segments(
    legend: &'static str,
    /// The name of the group.
    name: &'static str,
    /// Values with their labels.
    options: Vec<(&'static str, &'static str)>,
    #[prop(into)] chosen: Signal<String>,
    #[prop(into)] on_choose: Callback<&'static str>,
) -> impl IntoView {
    let option = move |(value, label): (&'static str, &'static str)| {
        view! {
            <label class="segment">
                <input
                    type="radio"
                    name=name
                    value=value
                    prop:checked=move || chosen.get() == value
                    on:change=move |_| on_choose.run(value)
                />
                <span>{label}</span>
            </label>
        }
    };
    view! {
        <fieldset class="segments">
            <legend class="visually-hidden">{legend}</legend>
            {options.into_iter().map(option).collect_view()}
        </fieldset>
    }
}
