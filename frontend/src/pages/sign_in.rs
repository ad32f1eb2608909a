//! The sign-in form.

use leptos::{ev::SubmitEvent, prelude::*};

use crate::{
    api::ApiError,
    session::Session,
    tab::Tab,
    ui::{Field, Logo, Notice},
    user_action::UserAction,
};

/// The form to sign in. `ended` says that the last session has expired.
#[component]
pub(crate) fn SignIn(ended: bool) -> impl IntoView {
    let session = expect_context::<Session>();
    let (email, password) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
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
    expect_context::<Tab>().set_title("Sign in");
    view! {
        <main class="gate">
            <form class="gate-card form" on:submit=submit>
                <Logo />
                <h1>"Sign in to MFTPlus"</h1>
                {ended.then(|| view! { <p class="notice" data-tone="warn">"Your session has ended. Sign in again."</p> })}
                <Field label="E-mail" value=email kind="email" autocomplete="username" is_required=true is_first=true />
                <Field
                    label="Password"
                    value=password
                    kind="password"
                    autocomplete="current-password"
                    is_required=true
                />
                <Notice text=Signal::derive(move || user_action.failure()) />
                <button type="submit" class="button button-primary" disabled=move || user_action.is_busy()>
                    {move || if user_action.is_busy() { "Signing in…" } else { "Sign in" }}
                </button>
            </form>
        </main>
    }
}
