//! The dialogs that create a new webhook secret and show it once.

use leptos::prelude::*;

use crate::{
    api::webhook_secret,
    effect::effect,
    session::{Permission, Session},
    ui::{Dialog, FormDialog, Secret},
    user_action::UserAction,
};

/// The button that creates a new webhook secret, and its dialogs. Without a customer, the secret is that of the user's
/// own customer or, for administrators, of the platform.
#[component]
pub(super) fn WebhookSecret(#[prop(optional, into)] customer: Option<String>) -> impl IntoView {
    let has_customers = expect_context::<Session>().may(Permission::ListCustomers);
    let about = match (&customer, has_customers) {
        (None, true) => "It signs the webhooks of the platform's own pipelines. Each customer has a secret of its own.",
        (Some(_), true) => "It signs the webhooks of this customer's pipelines.",
        (_, false) => "It signs the webhooks of your pipelines.",
    };
    let (is_asking, has_secret) = (RwSignal::new(false), RwSignal::new(false));
    let secret = RwSignal::new(None::<String>);
    let user_action = UserAction::new();
    let rotate = move |()| {
        user_action.run(webhook_secret::rotate_secret(customer.as_ref().map(cynic::Id::new)), move |fresh| {
            secret.set(Some(fresh));
            is_asking.set(false);
            has_secret.set(true);
        });
    };
    // Removes the secret from memory when its dialog closes.
    effect(move || {
        if !has_secret.get() {
            secret.set(None);
        }
    });
    view! {
        <button type="button" class="button" on:click=move |_| is_asking.set(true)>
            "Webhook secret"
        </button>
        <FormDialog open=is_asking title="Create a new webhook secret?" action="Create secret" user_action on_submit=rotate>
            <p class="form-text">{about}</p>
            <p class="form-text">
                "The new secret is shown once. The old secret becomes invalid at once: receivers that verify signatures reject webhooks until they have the new one."
            </p>
        </FormDialog>
        <Dialog open=has_secret title="The new webhook secret">
            <p class="form-text">"Copy it now. It is not shown again."</p>
            {move || secret.get().map(|secret| view! { <Secret what="secret" text=secret /> })}
            <div class="form-actions">
                <button type="button" class="button button-primary" on:click=move |_| has_secret.set(false)>
                    "Done"
                </button>
            </div>
        </Dialog>
    }
}
