//! The frame around a graph. The graph is first fitted into the frame; it can be zoomed with buttons or keys, and
//! scrolled with the arrow keys.

use leptos::{ev::KeyboardEvent, html, prelude::*};

/// The padding of the frame at both sides together, in pixels.
const PADDING: i32 = 32;
/// The factor of one step of zooming.
const STEP: f64 = 1.25;
const LEAST: f64 = 0.2;
const MOST: f64 = 2.0;

/// The frame of a graph.
#[component]
pub(super) fn ZoomFrame(
    /// The scale that the user has chosen; `None` for the fitted graph.
    zoom: RwSignal<Option<f64>>,
    /// The width of the graph in its natural size, in pixels.
    width: Memo<i32>,
    children: Children,
) -> impl IntoView {
    let frame = NodeRef::<html::Div>::new();
    let change = move |by: f64| {
        let room = frame.get_untracked().map_or(0, |frame| frame.client_width());
        let scale = zoom.get_untracked().unwrap_or_else(|| fitted(room - PADDING, width.get_untracked()));
        zoom.set(Some(zoomed(scale, by)));
    };
    let press = move |event: KeyboardEvent| {
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        match event.key().as_str() {
            "+" | "=" => change(STEP),
            "-" => change(1.0 / STEP),
            "0" => zoom.set(None),
            _ => return,
        }
        event.prevent_default();
    };
    view! {
        <div class="graph-tools" role="group" aria-label="Zoom">
            <button type="button" class="button button-small" aria-label="Zoom out" on:click=move |_| change(1.0 / STEP)>
                "−"
            </button>
            <button type="button" class="button button-small" aria-label="Zoom in" on:click=move |_| change(STEP)>
                "+"
            </button>
            <button
                type="button"
                class="button button-small"
                disabled=move || zoom.get().is_none()
                on:click=move |_| zoom.set(None)
            >
                "Fit"
            </button>
        </div>
        // Keyboard users can scroll a graph that is larger than its frame.
        <div
            class="graph-frame"
            node_ref=frame
            tabindex="0"
            role="region"
            aria-label="Graph. The arrow keys scroll, plus and minus zoom, 0 fits"
            on:keydown=press
        >
            {children()}
        </div>
    }
}

/// The scale at which a graph fits into a frame. A small graph is not enlarged.
fn fitted(room: i32, width: i32) -> f64 {
    if width <= 0 || room <= 0 { 1.0 } else { (f64::from(room) / f64::from(width)).min(1.0) }
}

fn zoomed(scale: f64, by: f64) -> f64 {
    (scale * by).clamp(LEAST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_about(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9
    }

    #[test]
    fn a_graph_is_fitted_but_not_enlarged() {
        assert!(is_about(fitted(500, 2000), 0.25));
        assert!(is_about(fitted(500, 200), 1.0));
        assert!(is_about(fitted(0, 200), 1.0));
    }

    #[test]
    fn zooming_has_bounds() {
        assert!(is_about(zoomed(0.8, STEP), 1.0));
        assert!(is_about(zoomed(0.05, STEP), LEAST));
        assert!(is_about(zoomed(1.9, STEP), MOST));
    }
}
