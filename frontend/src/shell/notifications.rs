//! Notifications of the browser, for whom they were turned on, when more things need attention than before.

use js_sys::Reflect;
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Notification, NotificationOptions, NotificationPermission};

use crate::{browser, format, tab::Tab, ui::Toasts};

/// The name under which the choice is stored.
const STORED: &str = "notifications";

/// The button that turns notifications on and off. The browser is asked for its permission only then.
#[component]
pub(super) fn NotificationChoice() -> impl IntoView {
    let (tab, toasts) = (expect_context::<Tab>(), expect_context::<Toasts>());
    let is_allowed = permission() == Some(NotificationPermission::Granted);
    let is_on = RwSignal::new(is_allowed && browser::stored(STORED).is_some());
    Effect::watch(
        move || tab.count(),
        move |count, before, _| {
            let before = before.copied().flatten();
            if let (Some(count), Some(before)) = (*count, before)
                && count > before
                && is_on.get_untracked()
                && browser::is_hidden()
            {
                notify(&sentence(count));
            }
        },
        false,
    );
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
        }
    })
}

fn sentence(count: i32) -> String {
    let verb = if count == 1 { "needs" } else { "need" };
    format!("{} {verb} attention", format::counted(count.into(), "thing"))
}

/// What the browser has decided; `None` if it has no notifications.
fn permission() -> Option<NotificationPermission> {
    let has_them = Reflect::has(&js_sys::global(), &"Notification".into()).unwrap_or(false);
    has_them.then(Notification::permission)
}

/// Asks the browser for its permission.
async fn ask() -> bool {
    let Ok(asked) = Notification::request_permission() else { return false };
    JsFuture::from(asked).await.is_ok_and(|answer| answer.as_string().as_deref() == Some("granted"))
}

/// Shows a notification in place of the last one.
fn notify(text: &str) {
    let options = NotificationOptions::new();
    options.set_body(text);
    options.set_tag("attention");
    if let Err(error) = Notification::new_with_options("MFTPlus", &options) {
        leptos::logging::warn!("the notification could not be shown: {error:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn a_notification_says_how_many() {
        assert_eq!([1, 3].map(sentence), ["1 thing needs attention", "3 things need attention"]);
    }
}
