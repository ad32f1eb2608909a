//! The frame of a chart with its cursor: a slider over the points, by pointer and by keyboard.

use leptos::{
    ev::{KeyboardEvent, PointerEvent},
    html,
    prelude::*,
};

use crate::format::fixed;

/// The number of points by which the page keys move the cursor.
const PAGE: usize = 10;

/// What the cursor needs to know about the points of a drawing. A *place* is a horizontal position, from 0 at the left
/// to 1 at the right.
#[derive(Clone, Copy)]
pub(super) struct Points {
    pub(super) count: Memo<usize>,
    /// The index of the point nearest to a place; `None` if there are no points.
    pub(super) nearest: Callback<f64, Option<usize>>,
    /// The place of the point with this index.
    pub(super) place: Callback<usize, f64>,
    /// The description of the point with this index, line by line. Reactive.
    pub(super) describe: Callback<usize, Vec<String>>,
}

/// The frame around a drawing, with a description of the point at the cursor.
#[component]
pub(super) fn CursorFrame(
    /// The name of what the drawing shows.
    name: &'static str,
    /// The id of the element that describes the chart.
    described_by: String,
    #[prop(default = "chart-plot")] class: &'static str,
    points: Points,
    /// The index of the point at the cursor; `None` if the pointer and the focus are elsewhere.
    cursor: RwSignal<Option<usize>>,
    children: Children,
) -> impl IntoView {
    let frame = NodeRef::<html::Div>::new();
    let Points { count, nearest, describe, .. } = points;
    // The point from which the arrow keys move: at first the last point.
    let current = Memo::new(move |_| {
        let last = count.get().saturating_sub(1);
        cursor.get().map_or(last, |index| index.min(last))
    });
    let follow = move |event: PointerEvent| {
        let Some(frame) = frame.get_untracked() else { return };
        let bounds = frame.get_bounding_client_rect();
        let place = (f64::from(event.client_x()) - bounds.left()) / bounds.width().max(1.0);
        cursor.set(untrack(|| nearest.run(place)));
    };
    let leave = move |_| {
        let has_focus = frame.get_untracked().is_some_and(|frame| frame.matches(":focus").unwrap_or(false));
        if !has_focus {
            cursor.set(None);
        }
    };
    let press = move |event: KeyboardEvent| {
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        let key = event.key();
        if key == "Escape" {
            cursor.set(None);
        } else if let Some(next) = moved(current.get_untracked(), count.get_untracked(), &key) {
            event.prevent_default();
            cursor.set(Some(next));
        }
    };
    view! {
        <div
            node_ref=frame
            class=class
            role="slider"
            tabindex="0"
            aria-label=format!("{name}: point in time")
            aria-describedby=described_by
            aria-valuemin="0"
            aria-valuemax=move || count.get().saturating_sub(1).to_string()
            aria-valuenow=move || current.get().to_string()
            aria-valuetext=move || describe.run(current.get()).join(", ")
            on:pointermove=follow
            on:pointerdown=follow
            on:pointerleave=leave
            on:focus=move |_| cursor.set(Some(current.get_untracked()))
            on:blur=move |_| cursor.set(None)
            on:keydown=press
        >
            {children()}
            <Readout points cursor />
        </div>
    }
}

/// The description of the point at the cursor.
#[component]
fn Readout(points: Points, cursor: RwSignal<Option<usize>>) -> impl IntoView {
    let shown = Memo::new(move |_| cursor.get().filter(|index| *index < points.count.get()));
    let place = Memo::new(move |_| shown.get().map_or(0.0, |index| points.place.run(index)));
    let lines = move || {
        let lines = shown.get().map(|index| points.describe.run(index)).unwrap_or_default();
        lines.into_iter().map(|line| view! { <p>{line}</p> }).collect_view()
    };
    let side = move || if place.get() > 0.5 { "left" } else { "right" };
    view! {
        <div
            class="chart-readout"
            aria-hidden="true"
            hidden=move || shown.get().is_none()
            data-side=side
            style:left=move || percent(place.get())
        >
            {lines}
        </div>
    }
}

/// The index to which a key moves the cursor from `at`; `None` if the key does not move it.
fn moved(at: usize, count: usize, key: &str) -> Option<usize> {
    let last = count.checked_sub(1)?;
    let next = match key {
        "ArrowLeft" | "ArrowDown" => at.saturating_sub(1),
        "ArrowRight" | "ArrowUp" => at + 1,
        "PageDown" => at.saturating_sub(PAGE),
        "PageUp" => at + PAGE,
        "Home" => 0,
        "End" => last,
        _ => return None,
    };
    Some(next.min(last))
}

/// A place from 0 to 1 as a length in a style.
pub(super) fn percent(place: f64) -> String {
    format!("{}%", fixed(place.clamp(0.0, 1.0) * 100.0, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_move_the_cursor_within_the_points() {
        assert_eq!([moved(5, 60, "ArrowLeft"), moved(5, 60, "ArrowRight")], [Some(4), Some(6)]);
        assert_eq!([moved(5, 60, "PageDown"), moved(5, 60, "PageUp")], [Some(0), Some(15)]);
        assert_eq!([moved(5, 60, "Home"), moved(5, 60, "End")], [Some(0), Some(59)]);
        assert_eq!([moved(59, 60, "ArrowUp"), moved(0, 60, "ArrowDown")], [Some(59), Some(0)]);
        assert_eq!([moved(5, 60, "a"), moved(0, 0, "End")], [None, None]);
    }

    #[test]
    fn places_stay_in_the_frame() {
        assert_eq!([-0.2, 0.125, 3.0].map(percent), ["0.00%", "12.50%", "100.00%"]);
    }
}
