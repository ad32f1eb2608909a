//! The setting whether this browser shows notifications when there are new attention items. The code of the
//! notifications is loaded when they are first turned on.

mod browser_notifications;

use js_sys::Reflect;
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Notification, NotificationPermission};

use crate::{
    browser,
    lazy::{lazy_dialog, pieces},
    ui::Toasts,
};

/// The name under which the choice is stored.
const STORED: &str = "notifications";

/// The context that says whether notifications are on.
#[derive(Clone, Copy)]
struct NotificationsOn(RwSignal<bool>);

pieces! {
    notifications:
        alerts => browser_notifications::follow;
}

/// The button that turns notifications on and off. The browser is asked for permission only when the user turns them
/// on.
#[component]
pub(super) fn NotificationChoice() -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    let is_allowed = permission() == Some(NotificationPermission::Granted);
    let is_on = RwSignal::new(is_allowed && browser::stored(STORED).is_some());
    provide_context(NotificationsOn(is_on));
    let switch = move |_| {
        if is_on.get_untracked() {
            browser::store(STORED, None);
            is_on.set(false);
            return;
        }
        spawn_local(async move {
            if ask().await {
                browser::store(STORED, Some("on"));
                is_on.try_set(true);
                toasts.success("This browser notifies you while the dashboard is in a background tab.".to_owned());
            } else {
                toasts.error(
                    "This browser does not allow notifications. Allow them in its settings for this page.".to_owned(),
                );
            }
        });
    };
    permission().is_some().then(|| {
        view! {
            <button type="button" class="button button-small" on:click=switch>
                {move || if is_on.get() { "Turn notifications off" } else { "Turn notifications on" }}
            </button>
            {lazy_dialog(is_on, alerts)}
        }
    })
}

/// The browser's permission for notifications; `None` if the browser does not support them.
fn permission() -> Option<NotificationPermission> {
    let has_them = Reflect::has(&js_sys::global(), &"Notification".into()).unwrap_or(false);
    has_them.then(Notification::permission)
}

/// Asks the browser for permission. Returns whether it was granted.
async fn ask() -> bool {
    let Ok(asked) = Notification::request_permission() else { return false };
    JsFuture::from(asked).await.is_ok_and(|answer| answer.as_string().as_deref() == Some("granted"))
}
