//! The tooltip of the page. Only one is shown at a time, beside the element that has the pointer or the focus. It stays
//! while the pointer is on the tooltip, and Escape closes it.

use std::time::Duration;

use leptos::{ev::KeyboardEvent, leptos_dom::helpers::TimeoutHandle, prelude::*, web_sys::Element};
use wasm_bindgen::{JsCast, JsValue};

use crate::format;

/// How long the pointer may take to move from the element to the tooltip.
const LEAVE_AFTER: Duration = Duration::from_millis(200);
/// Distance between the element and the tooltip, in pixels.
const GAP: f64 = 6.0;
/// If there is less space than this below the element, in pixels, the tooltip is shown above it.
const ROOM: f64 = 72.0;
/// The maximum width of the tooltip, in pixels. The style sheet has the same value.
const WIDTH: f64 = 288.0;

#[derive(Clone)]
struct Shown {
    key: u32,
    lines: Vec<String>,
    left: f64,
    top: f64,
    is_above: bool,
}

/// The tooltip of the page. A handle: copies share the same tooltip.
#[derive(Clone, Copy)]
pub(crate) struct Tooltip {
    shown: RwSignal<Option<Shown>>,
    last_key: StoredValue<u32>,
    leaving: StoredValue<Option<TimeoutHandle>>,
}

impl Tooltip {
    /// The element id of the tooltip, for `aria-describedby`.
    pub(crate) const ID: &'static str = "tooltip";

    /// A tooltip that is not shown.
    pub(crate) fn new() -> Self {
        Self { shown: RwSignal::new(None), last_key: StoredValue::new(0), leaving: StoredValue::new(None) }
    }

    /// A new key, which identifies an element that shows the tooltip.
    pub(crate) fn key(self) -> u32 {
        self.last_key.update_value(|last| *last += 1);
        self.last_key.get_value()
    }

    /// Shows a tooltip with these lines beside an element. `key` identifies the element.
    pub(crate) fn show(self, key: u32, element: &Element, lines: Vec<String>) {
        self.stay();
        let rect = element.get_bounding_client_rect();
        let view = |size: Result<JsValue, JsValue>| size.ok().and_then(|size| size.as_f64()).unwrap_or(0.0);
        let (width, height) = (view(window().inner_width()), view(window().inner_height()));
        let is_above = rect.bottom() + ROOM > height && rect.top() > ROOM;
        let top = if is_above { rect.top() - GAP } else { rect.bottom() + GAP };
        let left = rect.left().min(width - WIDTH).max(GAP);
        self.shown.set(Some(Shown { key, lines, left, top, is_above }));
    }

    /// Whether the tooltip of the element with this key is shown. Reactive.
    pub(crate) fn is_shown(self, key: u32) -> bool {
        self.shown.with(|shown| shown.as_ref().is_some_and(|shown| shown.key == key))
    }

    /// Closes the tooltip of the element with this key after a short time, unless the pointer moves onto the tooltip.
    pub(crate) fn leave(self, key: u32) {
        self.stay();
        let leaving = set_timeout_with_handle(move || self.close(key), LEAVE_AFTER).ok();
        self.leaving.set_value(leaving);
    }

    /// Closes the tooltip of the element with this key at once.
    pub(crate) fn close(self, key: u32) {
        let is_its = |shown: &Option<Shown>| shown.as_ref().is_some_and(|shown| shown.key == key);
        if self.shown.try_with_untracked(is_its) == Some(true) {
            self.shown.set(None);
        }
    }

    fn stay(self) {
        if let Some(leaving) = self.leaving.get_value() {
            leaving.clear();
        }
    }

    fn leave_shown(self) {
        if let Some(key) = self.shown.with_untracked(|shown| shown.as_ref().map(|shown| shown.key)) {
            self.leave(key);
        }
    }
}

/// The element of the tooltip. Each page has one.
#[component]
pub(crate) fn TooltipLayer() -> impl IntoView {
    let tooltip = expect_context::<Tooltip>();
    let shown = tooltip.shown;
    let escape = window_event_listener_untyped("keydown", move |event| {
        // When browsers fill in a form, they send this event without a key.
        if event.dyn_ref::<KeyboardEvent>().is_some_and(|event| event.key() == "Escape") {
            shown.set(None);
        }
    });
    on_cleanup(move || escape.remove());
    let pixels = move |read: fn(&Shown) -> f64| {
        move || shown.with(|shown| format!("{}px", format::fixed(shown.as_ref().map_or(0.0, read), 0)))
    };
    let lines = move || {
        let lines = shown.with(|shown| shown.as_ref().map(|shown| shown.lines.clone())).unwrap_or_default();
        lines.into_iter().map(|line| view! { <p>{line}</p> }).collect_view()
    };
    view! {
        <div
            id=Tooltip::ID
            class="tooltip"
            role="tooltip"
            hidden=move || shown.with(Option::is_none)
            data-above=move || shown.with(|shown| shown.as_ref().is_some_and(|shown| shown.is_above)).to_string()
            style:left=pixels(|shown| shown.left)
            style:top=pixels(|shown| shown.top)
            on:pointerenter=move |_| tooltip.stay()
            on:pointerleave=move |_| tooltip.leave_shown()
        >
            {lines}
        </div>
    }
}
