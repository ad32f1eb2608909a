//! The sign-in form: on a separate page, and as a dialog over a page on which the session has expired.

use leptos::{ev::SubmitEvent, prelude::*};

use crate::{
    api::ApiError,
    browser_tab::Tab,
    effect::effect,
    session::Session,
    ui::{Dialog, Field, Logo, Notice},
    user_action::UserAction,
};

/// The page to sign in.
#[component]
pub(crate) fn SignIn() -> impl IntoView {
    expect_context::<Tab>().set_title("Sign in");
    view! {
        <main class="gate">
            <div class="gate-card">
                <Logo />
                <h1>"Sign in to MFTPlus"</h1>
                <Form />
            </div>
        </main>
    }
}

/// The dialog to sign in again after the session has expired. The page below it stays as it is, with all unsaved
/// changes, unless another user signs in.
#[component]
pub(crate) fn SignInAgain(
    /// The e-mail address of the user who was signed in.
    email: String,
) -> impl IntoView {
    let session = expect_context::<Session>();
    let open = RwSignal::new(false);
    effect(move || {
        // The dialog opens again if the user closes it, because nothing works without a session.
        let is_expired = session.is_expired();
        if open.get() != is_expired {
            open.set(is_expired);
        }
    });
    view! {
        <Dialog open title="Sign in again" covers_page=true>
            <p class="notice" data-tone="warn">
                "Your session has ended. Sign in again."
            </p>
            <p class="form-text">"What you have not saved is still there, unless you reload the page."</p>
            <Form email=email.clone() />
        </Dialog>
    }
}

/// The fields, the last error, and the button.
#[component]
fn Form(
    /// The initial e-mail address.
    #[prop(optional)]
    email: String,
) -> impl IntoView {
    let session = expect_context::<Session>();
    let is_known = !email.is_empty();
    let (email, password) = (RwSignal::new(email), RwSignal::new(String::new()));
    let user_action = UserAction::new();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let (email, password) = (email.get_untracked(), password.get_untracked());
        let attempt = async move {
            session.sign_in(email.trim(), &password).await.map_err(|error| match error {
                ApiError::SignedOut => {
                    let message = "E-mail or password is wrong, or the account is suspended".to_owned();
                    ApiError::Refused { code: String::new(), message }
                }
                other => other,
            })
        };
        user_action.wait(Box::pin(attempt));
    };
    view! {
        <form class="form" on:submit=submit>
            <Field
                label="E-mail"
                value=email
                kind="email"
                autocomplete="username"
                is_required=true
                is_first=!is_known
            />
            <Field
                label="Password"
                value=password
                kind="password"
                autocomplete="current-password"
                is_required=true
                is_first=is_known
            />
            <Notice text=Signal::derive(move || user_action.failure()) />
            <button type="submit" class="button button-primary" disabled=move || user_action.is_busy()>
                {move || if user_action.is_busy() { "Signing in…" } else { "Sign in" }}
            </button>
        </form>
    }
}
