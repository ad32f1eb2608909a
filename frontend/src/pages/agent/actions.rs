//! The actions on an agent: request that it replace its API key, rotate its API key, revoke it.

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};

use crate::{
    api::agents::{self, AgentDetails},
    effect::effect,
    reactive_query::Fetch,
    ui::{Confirm, Dialog, Field, FormDialog, Secret, Select, Toasts},
    user_action::UserAction,
};

/// The buttons that the viewer may use, and their dialogs.
#[component]
pub(super) fn Actions(id: String, name: String, details: Fetch<AgentDetails>) -> impl IntoView {
    let (is_requesting, is_rotating, is_revoking) = (RwSignal::new(false), RwSignal::new(false), RwSignal::new(false));
    let can_rotate = Memo::new(move |_| details.read(|details| details.viewer_can_rotate_key) == Some(true));
    let can_revoke = Memo::new(move |_| details.read(|details| details.viewer_can_revoke) == Some(true));
    view! {
        <Show when=move || can_rotate.get()>
            <button type="button" class="button" on:click=move |_| is_requesting.set(true)>
                "Request key rotation"
            </button>
            <button type="button" class="button" on:click=move |_| is_rotating.set(true)>
                "Rotate key"
            </button>
        </Show>
        <Show when=move || can_revoke.get()>
            <button type="button" class="button button-danger" on:click=move |_| is_revoking.set(true)>
                "Revoke agent"
            </button>
        </Show>
        <RequestRotation open=is_requesting id=id.clone() name=name.clone() />
        <Rotate open=is_rotating id=id.clone() name=name.clone() />
        <Revoke open=is_revoking id name />
    }
}

#[component]
fn RequestRotation(open: RwSignal<bool>, id: String, name: String) -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    let user_action = UserAction::new();
    let requested = name.clone();
    let request = move |()| {
        let requested = requested.clone();
        user_action.run(agents::request_key_rotation(&id), move |_| {
            open.set(false);
            toasts.success(format!("{requested} was asked to replace its key."));
        });
    };
    let text = "The agent gets itself a new key and stores it; no user sees the key. Its old key stays valid for 24 more \
                hours. An agent that is not running does so when it starts; after 24 hours the request expires.";
    view! {
        <Confirm
            open
            title=format!("Request that {name} replaces its key?")
            text
            action="Request key rotation"
            user_action
            on_confirm=request
        />
    }
}

#[component]
fn Rotate(open: RwSignal<bool>, id: String, name: String) -> impl IntoView {
    let overlap = RwSignal::new("86400".to_owned());
    let key = RwSignal::new(None::<String>);
    let has_key = RwSignal::new(false);
    let user_action = UserAction::new();
    let rotate = move |()| {
        let overlap = overlap.get_untracked().parse().unwrap_or(86_400);
        user_action.run(agents::rotate_key(&id, overlap), move |fresh| {
            key.set(Some(fresh));
            open.set(false);
            has_key.set(true);
        });
    };
    // Removes the key from memory when its dialog closes.
    effect(move || {
        if !has_key.get() {
            key.set(None);
        }
    });
    let choices = [("86400", "Valid for 24 more hours"), ("3600", "Valid for 1 more hour"), ("0", "Ends now")];
    let choices: Vec<_> = choices.map(|(value, label)| (value.to_owned(), label.to_owned())).into();
    view! {
        <FormDialog open title=format!("Rotate the key of {name}?") action="Rotate key" user_action on_submit=rotate>
            <p class="form-text">
                "A new key is created and shown once. Put it into the agent's configuration while the old key is still valid."
            </p>
            <Select
                label="Old key"
                options=choices.clone()
                chosen=overlap
                on_choose=move |chosen: String| overlap.set(chosen)
            />
        </FormDialog>
        <Dialog open=has_key title="The new key">
            <p class="form-text">"Copy it now. It is not shown again."</p>
            {move || key.get().map(|key| view! { <Secret what="key" text=key /> })}
            <div class="form-actions">
                <button type="button" class="button button-primary" on:click=move |_| has_key.set(false)>
                    "Done"
                </button>
            </div>
        </Dialog>
    }
}

#[component]
fn Revoke(open: RwSignal<bool>, id: String, name: String) -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    let navigate = use_navigate();
    let typed = RwSignal::new(String::new());
    let user_action = UserAction::new();
    let expected = name.clone();
    let is_blocked = Signal::derive(move || typed.with(|typed| typed.trim() != expected));
    let revoked = name.clone();
    let revoke = move |()| {
        let (revoked, navigate) = (revoked.clone(), navigate.clone());
        user_action.run(agents::revoke(&id), move |_| {
            toasts.success(format!("{revoked} was revoked."));
            // Nothing is shown if the user has left the page.
            if open.try_set(false).is_none() {
                navigate("/agents", NavigateOptions::default());
            }
        });
    };
    effect(move || {
        if open.get() {
            typed.set(String::new());
        }
    });
    view! {
        <FormDialog
            open
            title=format!("Revoke {name}?")
            action="Revoke agent"
            user_action
            on_submit=revoke
            is_dangerous=true
            is_blocked
            dismiss="Keep agent"
        >
            <p class="form-text">
                "Its keys stop working at once and it disappears from the list. Its transfers stay. This cannot be \
                 undone: the machine must be registered again. To confirm, type "
                <b>{name.clone()}</b> "."
            </p>
            <Field label="Agent name" value=typed is_first=true />
        </FormDialog>
    }
}
