//! The plot of a chart with its axes and its cursor.

use leptos::prelude::*;

use super::{
    cursor::{CursorFrame, Points, percent},
    data::{ChartData, Note},
    geometry::{self, HEIGHT, WIDTH},
    text_alternative, time_axis_ticks,
};
use crate::{format::fixed, zone};

/// The plot of a chart that has values.
#[component]
pub(super) fn Plot(
    name: &'static str,
    data: Signal<ChartData>,
    /// The id of the element that describes the chart.
    described_by: String,
) -> impl IntoView {
    let idle = Memo::new(move |_| data.with(ChartData::idle_text));
    // Without values there is nothing to measure.
    let marks = Memo::new(move |_| {
        if idle.with(Option::is_some) { vec![0.0] } else { data.with(|data| data.unit.marks(data.greatest())) }
    });
    let top = Memo::new(move |_| marks.with(|marks| marks.last().copied().unwrap_or(1.0)));
    let cursor = RwSignal::new(None::<usize>);
    let points = Points {
        count: Memo::new(move |_| data.with(|data| data.times.len())),
        nearest: Callback::new(move |place| data.with(|data| data.nearest(place))),
        place: Callback::new(move |index| data.with(|data| data.place(index))),
        describe: Callback::new(move |index| data.with(|data| text_alternative::point(data, index, zone::offset))),
    };
    view! {
        <div class="chart-frame">
            <ValueAxis data marks top />
            <CursorFrame name described_by points cursor>
                <Drawing data marks top cursor />
                <Notes data top />
                // Hidden from screen readers, because the summary says the same.
                <p class="chart-idle" aria-hidden="true">
                    {move || idle.get()}
                </p>
            </CursorFrame>
            <TimeAxis data />
        </div>
    }
}

/// The axis of values, at the left.
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

/// The time axis, below the plot.
#[component]
fn TimeAxis(data: Signal<ChartData>) -> impl IntoView {
    let ticks = Memo::new(move |_| data.with(|data| time_axis_ticks::ticks(data, zone::offset)));
    let tick = |(place, label): (f64, String)| view! { <span style:left=percent(place)>{label}</span> };
    view! {
        <div class="chart-times" aria-hidden="true">
            {move || ticks.get().into_iter().map(tick).collect_view()}
        </div>
    }
}

/// The lines, areas, bars and shaded periods.
#[component]
fn Drawing(
    data: Signal<ChartData>,
    marks: Memo<Vec<f64>>,
    top: Memo<f64>,
    cursor: RwSignal<Option<usize>>,
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
    let line = move || {
        let place = cursor.get().map(|index| data.with(|data| data.place(index)));
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
            <path class="chart-cursor" d=line />
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
            let note = |(index, note): (&usize, &Note)| {
                let height = geometry::height_of(first(*index).unwrap_or(0.0), top.get());
                (percent(data.place(*index)), percent(height / HEIGHT), *note)
            };
            data.notes.iter().map(note).collect::<Vec<_>>()
        });
        let symbol = |(left, top, note): (String, String, Note)| {
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
