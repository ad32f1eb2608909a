//! An instant as text, with the exact time in both zones on hover and focus.

use leptos::{html, prelude::*};

use super::Tooltip;
use crate::{browser, clock::Clock, format, time::Instant};

/// How an instant is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeFormat {
    /// Day and time.
    Full,
    /// The time until then, or since then.
    Relative,
    /// The time since then. For past events: they are never shown as future, even if the clocks of machines differ.
    Age,
}

/// An instant. It can get the focus, so that keyboard users can see the exact time, too. So it must not be used inside
/// a link.
#[component]
pub(crate) fn Time(
    #[prop(into)] at: Signal<Instant>,
    #[prop(default = TimeFormat::Full)] format: TimeFormat,
) -> impl IntoView {
    let (clock, tooltip) = (expect_context::<Clock>(), expect_context::<Tooltip>());
    let element = NodeRef::<html::Time>::new();
    let key = tooltip.key();
    let text = move || match format {
        TimeFormat::Full => Clock::full_moment(at.get()),
        TimeFormat::Relative => clock.relative(at.get()),
        TimeFormat::Age => clock.ago(at.get()),
    };
    let show = move || {
        if let Some(element) = element.get_untracked() {
            let at = at.get_untracked();
            tooltip.show(key, &element, format::exact(at, browser::utc_offset(at), &browser::time_zone()));
        }
    };
    let leave = move || {
        let has_focus = element.get_untracked().is_some_and(|element| element.matches(":focus").unwrap_or(false));
        if !has_focus {
            tooltip.leave(key);
        }
    };
    on_cleanup(move || tooltip.close(key));
    view! {
        <time
            node_ref=element
            class="time"
            tabindex="0"
            datetime=move || at.get().to_string()
            aria-describedby=move || tooltip.is_shown(key).then_some(Tooltip::ID)
            on:pointerenter=move |_| show()
            on:pointerleave=move |_| leave()
            on:focus=move |_| show()
            on:blur=move |_| tooltip.close(key)
        >
            {text}
        </time>
    }
}

/// An instant, or a text if there is none.
#[component]
pub(crate) fn OptionalTime(
    #[prop(into)] at: Signal<Option<Instant>>,
    #[prop(default = TimeFormat::Full)] format: TimeFormat,
    /// The text if there is no instant.
    #[prop(default = "–")]
    otherwise: &'static str,
) -> impl IntoView {
    let has_one = Memo::new(move |_| at.with(Option::is_some));
    // Keeps the last instant while the element is being removed.
    let known = Memo::new(move |last: Option<&Instant>| at.get().or(last.copied()).unwrap_or(Instant(0)));
    move || if has_one.get() { view! { <Time at=known format /> }.into_any() } else { otherwise.into_any() }
}
