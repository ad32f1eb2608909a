//! The account of the signed-in user, with the preferences above it and the button to sign out.

use leptos::{prelude::*, task::spawn_local};

use super::{
    notification_setting::NotificationChoice,
    preferences::{ThemeChoice, ZoneChoice},
};
use crate::{
    labels,
    session::{Session, Viewer},
    shortcuts::Shortcuts,
    ui::{Icon, Toasts},
};

/// The preferences, the signed-in user, and the button to sign out.
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
