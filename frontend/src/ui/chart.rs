//! Charts over time, as SVG, with the same content as text.
//!
//! The plot is one tab stop: a slider whose arrow keys move a cursor from point to point. A text beside the plot, which
//! screen readers read out, describes the point under the cursor or the pointer. A summary is above the plot and, on
//! demand, a table of all points below it. No part of the chart moves by itself.

mod cursor;
mod data;
mod geometry;
mod plot;
mod strip;
mod text_alternative;
mod time_axis_ticks;
mod unit_and_value_axis;

use std::sync::atomic::{AtomicU32, Ordering};

use leptos::prelude::*;

use self::plot::Plot;
pub(crate) use self::{
    data::{Band, ChartData, ChartSeries, MONTH_STEP, Note, Shape, Spacing, with_gaps},
    strip::{Strip, StripCell},
    unit_and_value_axis::Unit,
};
use crate::zone;

/// A chart with its summary, legend and table.
#[component]
pub(crate) fn Chart(
    /// What the chart shows.
    name: &'static str,
    #[prop(into)] data: Signal<ChartData>,
) -> impl IntoView {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let id = format!("chart-{}", LAST.fetch_add(1, Ordering::Relaxed));
    let is_empty = Memo::new(move |_| data.with(ChartData::is_empty));
    let summary = Memo::new(move |_| data.with(|data| text_alternative::summary(data, zone::offset)));
    let nothing = move || data.with(|data| data.idle.clone()).unwrap_or_else(|| "No data in this time".to_owned());
    let is_open = RwSignal::new(false);
    let described_by = id.clone();
    view! {
        <figure class="chart" aria-label=name>
            <figcaption class="chart-summary" id=id>
                {move || summary.get()}
            </figcaption>
            <Legend data />
            <Show
                when=move || !is_empty.get()
                fallback=move || view! { <p class="chart-nothing">{nothing}</p> }
            >
                <Plot name data described_by=described_by.clone() />
                <button
                    type="button"
                    class="button button-small chart-switch"
                    aria-expanded=move || is_open.get().to_string()
                    on:click=move |_| is_open.update(|is_open| *is_open = !*is_open)
                >
                    {move || if is_open.get() { "Hide table" } else { "Show as table" }}
                </button>
                <Show when=move || is_open.get()>
                    <PointTable name data />
                </Show>
            </Show>
        </figure>
    }
}

/// The legend of the colours and symbols; empty for a single series without bands and remarks.
#[component]
fn Legend(data: Signal<ChartData>) -> impl IntoView {
    let entries = Memo::new(move |_| data.with(legend));
    let entry = |(kind, look, symbol, name): LegendEntry| {
        view! {
            <li>
                <span class="chart-swatch" data-kind=kind data-look=look>
                    {symbol}
                </span>
                {name}
            </li>
        }
    };
    move || {
        let entries = entries.get();
        (entries.len() > 1).then(|| {
            view! { <ul class="chart-legend" aria-hidden="true">{entries.into_iter().map(entry).collect_view()}</ul> }
        })
    }
}

/// The shape, the colour or tone, the symbol and the name of an entry of the legend.
type LegendEntry = (&'static str, String, &'static str, String);

fn legend(chart: &ChartData) -> Vec<LegendEntry> {
    let mut entries: Vec<LegendEntry> = Vec::new();
    let mut add = |entry: LegendEntry| {
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    };
    for series in &chart.series {
        add((series.shape.name(), series.colour.to_string(), "", series.name.to_owned()));
    }
    if chart.usual.is_some() {
        add(("usual", String::new(), "", "Usual range".to_owned()));
    }
    for note in chart.notes.values() {
        add(("note", note.tone.name().to_owned(), note.symbol, note.text.to_owned()));
    }
    for band in &chart.bands {
        add(("band", band.tone.name().to_owned(), "", band.name.clone()));
    }
    entries
}

/// All points of a chart as a table, latest first.
#[component]
fn PointTable(name: &'static str, data: Signal<ChartData>) -> impl IntoView {
    let heads = move || {
        let names = data.with(|data| data.series.iter().map(|series| series.name).collect::<Vec<_>>());
        names.into_iter().map(|name| view! { <th scope="col">{name}</th> }).collect_view()
    };
    let row = |(time, values, remarks): (String, Vec<String>, String)| {
        view! {
            <tr>
                <th scope="row">{time}</th>
                {values.into_iter().map(|value| view! { <td class="cell-number">{value}</td> }).collect_view()}
                <td>{remarks}</td>
            </tr>
        }
    };
    let rows = move || {
        let rows = data.with(|data| {
            let point = |index| {
                let time = text_alternative::time_of(data, index, zone::offset);
                (time, text_alternative::values_of(data, index), text_alternative::remarks_on(data, index))
            };
            (0..data.times.len()).rev().map(point).collect::<Vec<_>>()
        });
        rows.into_iter().map(row).collect_view()
    };
    view! {
        // The table can get the focus, so that keyboard users can scroll it.
        <div class="chart-table" tabindex="0" role="region" aria-label=format!("{name}: table")>
            <table>
                <thead>
                    <tr>
                        <th scope="col">"Time"</th>
                        {heads}
                        <th scope="col">"Remarks"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{time::Instant, ui::Tone};

    #[test]
    fn the_legend_names_each_kind_once() {
        let mut chart = ChartData::of_minutes(Shape::Bars, &[Some(1.0), Some(2.0)]);
        let late = Note { text: "Late", symbol: "▲", tone: Tone::Warn };
        chart.notes.extend([(0, late), (1, late)]);
        chart.usual = Some((1.0, 2.0));
        let band = Band { name: "Stalled".to_owned(), from: Instant(0), to: Instant(1), tone: Tone::Warn };
        chart.bands = vec![band.clone(), band];
        let names: Vec<_> = legend(&chart).into_iter().map(|(.., name)| name).collect();
        assert_eq!(names, ["Speed", "Usual range", "Late", "Stalled"]);
    }
}
