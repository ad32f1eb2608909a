//! The plot of a chart with its axes and its cursor.

use leptos::{
    ev::{KeyboardEvent, PointerEvent},
    html,
    prelude::*,
};

use super::{
    data::ChartData,
    geometry::{self, HEIGHT, WIDTH},
    text, ticks,
};
use crate::{format::fixed, zone};

/// The number of points by which the page keys move the cursor.
const PAGE: usize = 10;

/// The plot of a chart that has values.
#[component]
pub(super) fn Plot(
    name: &'static str,
    data: Signal<ChartData>,
    /// The id of the element that describes the chart.
    described_by: String,
) -> impl IntoView {
    let plot = NodeRef::<html::Div>::new();
    let count = Memo::new(move |_| data.with(|data| data.times.len()));
    let marks = Memo::new(move |_| data.with(|data| data.unit.marks(data.greatest())));
    let top = Memo::new(move |_| marks.with(|marks| marks.last().copied().unwrap_or(1.0)));
    // The point under the pointer or the focus.
    let cursor = RwSignal::new(None::<usize>);
    let shown = Memo::new(move |_| cursor.get().filter(|index| *index < count.get()));
    // The point where the arrow keys begin: the last one before they are used.
    let current = Memo::new(move |_| shown.get().unwrap_or_else(|| count.get().saturating_sub(1)));
    let follow = move |event: PointerEvent| {
        let Some(plot) = plot.get_untracked() else { return };
        let frame = plot.get_bounding_client_rect();
        let place = (f64::from(event.client_x()) - frame.left()) / frame.width().max(1.0);
        cursor.set(data.with_untracked(|data| data.nearest(place)));
    };
    let leave = move |_| {
        let has_focus = plot.get_untracked().is_some_and(|plot| plot.matches(":focus").unwrap_or(false));
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
    let described = move || data.with(|data| text::point(data, current.get(), zone::offset)).join(", ");
    view! {
        <div class="chart-frame">
            <ValueAxis data marks top />
            <div
                node_ref=plot
                class="chart-plot"
                role="slider"
                tabindex="0"
                aria-label=format!("{name}: point in time")
                aria-describedby=described_by
                aria-valuemin="0"
                aria-valuemax=move || count.get().saturating_sub(1).to_string()
                aria-valuenow=move || current.get().to_string()
                aria-valuetext=described
                on:pointermove=follow
                on:pointerdown=follow
                on:pointerleave=leave
                on:focus=move |_| cursor.set(Some(current.get_untracked()))
                on:blur=move |_| cursor.set(None)
                on:keydown=press
            >
                <Drawing data marks top shown />
                <Notes data top />
                <Readout data shown />
            </div>
            <TimeAxis data />
        </div>
    }
}

/// The index that a key moves the cursor to.
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

/// A place of the plot as a length in a style.
fn percent(place: f64) -> String {
    format!("{}%", fixed(place.clamp(0.0, 1.0) * 100.0, 2))
}

/// The marks of the values, at the left.
#[component]
fn ValueAxis(data: Signal<ChartData>, marks: Memo<Vec<f64>>, top: Memo<f64>) -> impl IntoView {
    let unit = Memo::new(move |_| data.with(|data| data.unit));
    let mark = move |value: f64| {
        let place = percent(geometry::height_of(value, top.get()) / HEIGHT);
        view! { <span style:top=place>{unit.get().text(value)}</span> }
    };
    view! {
        <div class="chart-values" aria-hidden="true">
            {move || marks.get().into_iter().map(mark).collect_view()}
        </div>
    }
}

/// The marks of the times, below the plot.
#[component]
fn TimeAxis(data: Signal<ChartData>) -> impl IntoView {
    let ticks = Memo::new(move |_| data.with(|data| ticks::ticks(data, zone::offset)));
    let tick = |(place, label): (f64, String)| view! { <span style:left=percent(place)>{label}</span> };
    view! {
        <div class="chart-times" aria-hidden="true">
            {move || ticks.get().into_iter().map(tick).collect_view()}
        </div>
    }
}

/// The lines, areas, bars and shaded times.
#[component]
fn Drawing(
    data: Signal<ChartData>,
    marks: Memo<Vec<f64>>,
    top: Memo<f64>,
    /// The point of the cursor.
    shown: Memo<Option<usize>>,
) -> impl IntoView {
    let bands = move || {
        let band = |band: geometry::Rectangle| {
            view! {
                <rect
                    class="chart-band"
                    data-tone=band.tone
                    x=band.x
                    y=band.y
                    width=band.width
                    height=band.height
                />
            }
        };
        data.with(geometry::bands).into_iter().map(band).collect_view()
    };
    let usual = move || {
        let range = data.with(|data| geometry::usual_range(data, top.get()));
        let width = fixed(WIDTH, 0);
        range.map(|(y, height)| view! { <rect class="chart-usual" x="0" y=y width=width height=height /> })
    };
    let grid = move || {
        let line = |value: f64| format!("M0 {}H{}", fixed(geometry::height_of(value, top.get()), 1), fixed(WIDTH, 0));
        marks.with(|marks| marks.iter().map(|mark| line(*mark)).collect::<String>())
    };
    let paths = move || {
        let path = |path: geometry::Path| {
            let geometry::Path { shape, colour, tone, d } = path;
            view! { <path class="chart-path" data-shape=shape data-colour=colour.to_string() data-tone=tone d=d /> }
        };
        data.with(|data| geometry::paths(data, top.get())).into_iter().map(path).collect_view()
    };
    let cursor = move || {
        let place = shown.get().map(|index| data.with(|data| data.place(index)));
        place.map(|place| format!("M{} 0V{}", fixed(place * WIDTH, 1), fixed(HEIGHT, 0))).unwrap_or_default()
    };
    view! {
        <svg
            class="chart-drawing"
            viewBox=format!("0 0 {} {}", fixed(WIDTH, 0), fixed(HEIGHT, 0))
            preserveAspectRatio="none"
            aria-hidden="true"
        >
            {bands}
            {usual}
            <path class="chart-grid" d=grid />
            {paths}
            <path class="chart-cursor" d=cursor />
        </svg>
    }
}

/// The symbols of the remarks, above their points.
#[component]
fn Notes(data: Signal<ChartData>, top: Memo<f64>) -> impl IntoView {
    let notes = move || {
        let noted = data.with(|data| {
            let first =
                |index: usize| data.series.first().and_then(|series| series.values.get(index).copied().flatten());
            let note = |(index, note): (&usize, &super::Note)| {
                let height = geometry::height_of(first(*index).unwrap_or(0.0), top.get());
                (percent(data.place(*index)), percent(height / HEIGHT), *note)
            };
            data.notes.iter().map(note).collect::<Vec<_>>()
        });
        let symbol = |(left, top, note): (String, String, super::Note)| {
            view! {
                <span class="chart-note" data-tone=note.tone.name() style:left=left style:top=top>
                    {note.symbol}
                </span>
            }
        };
        noted.into_iter().map(symbol).collect_view()
    };
    view! {
        <div class="chart-notes" aria-hidden="true">
            {notes}
        </div>
    }
}

/// The point of the cursor, in words beside it.
#[component]
fn Readout(data: Signal<ChartData>, shown: Memo<Option<usize>>) -> impl IntoView {
    let place = Memo::new(move |_| shown.get().map_or(0.0, |index| data.with(|data| data.place(index))));
    let lines = move || {
        let lines = shown.get().map(|index| data.with(|data| text::point(data, index, zone::offset)));
        lines.unwrap_or_default().into_iter().map(|line| view! { <p>{line}</p> }).collect_view()
    };
    view! {
        <div
            class="chart-readout"
            aria-hidden="true"
            hidden=move || shown.get().is_none()
            data-side=move || if place.get() > 0.5 { "left" } else { "right" }
            style:left=move || percent(place.get())
        >
            {lines}
        </div>
    }
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
    fn places_stay_in_the_plot() {
        assert_eq!([-0.2, 0.125, 3.0].map(percent), ["0.00%", "12.50%", "100.00%"]);
    }
}
