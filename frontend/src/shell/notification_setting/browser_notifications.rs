//! Browser notifications about new attention items.

use std::collections::BTreeSet;

use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Notification, NotificationOptions};

use super::NotificationsOn;
use crate::{
    api::attention_alerts::{self, Alert},
    browser,
    effect::effect,
    format,
    live::Feed,
    session::Session,
    ui::plain,
};

/// The maximum number of items that a notification names.
const NAMED: usize = 3;

/// The ids of the items that need attention; `None` before they are known.
type Known = Option<BTreeSet<String>>;

/// Subscribes to the attention items while notifications are on. Its view is empty.
pub(super) fn follow() -> AnyView {
    let NotificationsOn(is_on) = expect_context();
    let (session, feed) = (expect_context::<Session>(), expect_context::<Feed>());
    let known = StoredValue::new(Known::None);
    let take = move |alerts: Vec<Alert>| {
        let fresh = known.try_update_value(|known| take_fresh(known, &alerts)).unwrap_or_default();
        if let Some(text) = sentences(&fresh)
            && browser::is_hidden()
        {
            notify(&text);
        }
    };
    let catch_up = move || {
        session.execute(attention_alerts::get(), move |outcome| {
            // If the query fails, the next update contains the same items.
            if let Ok(alerts) = outcome {
                take(alerts);
            }
        });
    };
    effect(move || {
        known.set_value(None);
        if is_on.get() {
            feed.watch(attention_alerts::watch(), take, catch_up);
        }
    });
    ().into_any()
}

/// The summaries of the items that are new since the last call, without snoozed ones; empty at the first call. Updates
/// `known`.
fn take_fresh(known: &mut Known, alerts: &[Alert]) -> Vec<String> {
    let active = || alerts.iter().filter(|alert| alert.snoozed_until.is_none());
    let before = known.replace(active().map(|alert| alert.id.inner().to_owned()).collect());
    let Some(before) = before else { return Vec::new() };
    active().filter(|alert| !before.contains(alert.id.inner())).map(|alert| plain(&alert.summary)).collect()
}

/// The text of a notification about new items; `None` if there are none.
fn sentences(fresh: &[String]) -> Option<String> {
    let mut lines: Vec<_> = fresh.iter().take(NAMED).map(|summary| format::capitalized(summary)).collect();
    let more = fresh.len().saturating_sub(NAMED);
    if more > 0 {
        lines.push(format!("and {} more", format::count(i64::try_from(more).unwrap_or(i64::MAX))));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Shows a notification, which replaces the last one. A click on the notification shows this tab.
fn notify(text: &str) {
    let options = NotificationOptions::new();
    options.set_body(text);
    options.set_tag("attention");
    match Notification::new_with_options("MFTPlus", &options) {
        Ok(notification) => {
            let show_tab: Closure<dyn Fn()> = Closure::new(|| {
                // A failure only leaves the tab in the background.
                let _ = window().focus();
            });
            notification.set_onclick(Some(show_tab.into_js_value().unchecked_ref()));
        }
        Err(error) => leptos::logging::warn!("the notification could not be shown: {error:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Instant;

    fn alert(id: &str, is_snoozed: bool) -> Alert {
        let snoozed_until = is_snoozed.then_some(Instant(1));
        Alert { id: cynic::Id::new(id), summary: format!("{id} failed"), snoozed_until }
    }

    #[test]
    fn only_what_did_not_need_attention_before_is_new() {
        let mut known = None;
        let mut fresh = |ids: &[&str]| {
            let alerts: Vec<_> = ids.iter().map(|id| alert(id.trim_end_matches('~'), id.ends_with('~'))).collect();
            take_fresh(&mut known, &alerts).join(", ")
        };
        assert_eq!(fresh(&["a", "b~"]), "");
        assert_eq!(fresh(&["a", "b~", "c"]), "c failed");
        assert_eq!(fresh(&["a", "b", "c"]), "b failed", "its snooze has ended");
        assert_eq!(fresh(&["b"]), "");
        assert_eq!(fresh(&["a", "b"]), "a failed", "it is back");
    }

    #[test]
    fn a_notification_names_three_and_counts_the_others() {
        let fresh: Vec<_> = ["one", "two", "three", "four", "five"].map(str::to_owned).into();
        assert_eq!(sentences(&[]), None);
        assert_eq!(sentences(&fresh[..2]).as_deref(), Some("One\nTwo"));
        assert_eq!(sentences(&fresh).as_deref(), Some("One\nTwo\nThree\nand 2 more"));
    }
}
