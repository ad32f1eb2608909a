//! A strip of cells. Each cell stands for a period of the same length and has a state.

use std::sync::atomic::{AtomicU32, Ordering};

use leptos::prelude::*;

use super::{
    cursor::{CursorFrame, Points, percent},
    data::{ChartData, Spacing},
    time_axis_ticks,
    unit_and_value_axis::Unit,
};
use crate::{format, time::Instant, ui::Tone, zone};

/// A cell of a strip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StripCell {
    /// The start of the period.
    pub(crate) at: Instant,
    /// The state in words.
    pub(crate) text: String,
    /// The tone, which the height of the cell repeats.
    pub(crate) tone: Tone,
}

/// A strip of cells, oldest first, with a sentence that summarises them.
#[component]
pub(crate) fn Strip(
    /// What the strip shows.
    name: &'static str,
    #[prop(into)] summary: Signal<String>,
    #[prop(into)] cells: Signal<Vec<StripCell>>,
    /// The length of a cell's period, in milliseconds.
    step: i64,
) -> impl IntoView {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let id = format!("strip-{}", LAST.fetch_add(1, Ordering::Relaxed));
    let cursor = RwSignal::new(None::<usize>);
    // The cells as a chart without values, which computes positions and the marks of the time axis.
    let axis = Memo::new(move |_| cells.with(|cells| axis_of(cells, step)));
    let points = Points {
        count: Memo::new(move |_| cells.with(Vec::len)),
        nearest: Callback::new(move |place| axis.with(|axis| axis.nearest(place))),
        place: Callback::new(move |index| axis.with(|axis| axis.place(index))),
        describe: Callback::new(move |index| cells.with(|cells| cells.get(index).map(described).unwrap_or_default())),
    };
    let shown = move || {
        let cell = |(index, cell): (usize, StripCell)| {
            let is_current = move || (cursor.get() == Some(index)).to_string();
            view! { <span class="strip-cell" data-tone=cell.tone.name() data-current=is_current></span> }
        };
        cells.get().into_iter().enumerate().map(cell).collect_view()
    };
    let marks = move || {
        let ticks = axis.with(|axis| time_axis_ticks::ticks(axis, zone::offset)).into_iter();
        ticks.map(|(place, label)| view! { <span style:left=percent(place)>{label}</span> }).collect_view()
    };
    view! {
        <figure class="chart chart-strip" aria-label=name>
            <figcaption class="chart-summary" id=id.clone()>
                {move || summary.get()}
            </figcaption>
            <CursorFrame name described_by=id class="strip-cells" points cursor>
                {shown}
            </CursorFrame>
            <div class="chart-times" aria-hidden="true">
                {marks}
            </div>
        </figure>
    }
}

fn axis_of(cells: &[StripCell], step: i64) -> ChartData {
    let times: Vec<Instant> = cells.iter().map(|cell| cell.at).collect();
    let first = times.first().copied().unwrap_or(Instant(0));
    let end = times.last().map_or(first, |last| Instant(last.0 + step));
    ChartData::new(Spacing::Time(first, end), Unit::Count, step, times, Vec::new())
}

/// The description of a cell, line by line. Reactive to the chosen time zone.
fn described(cell: &StripCell) -> Vec<String> {
    vec![format::minute(cell.at, zone::offset(cell.at)), cell.text.clone()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_side_by_side_from_the_first_to_the_end_of_the_last() {
        let cell = |minute: i64| StripCell { at: Instant(minute * 60_000), text: String::new(), tone: Tone::Good };
        let axis = axis_of(&[cell(0), cell(15), cell(30), cell(45)], 15 * 60_000);
        let places = [0, 3].map(|index| percent(axis.place(index)));
        assert_eq!(places, ["12.50%", "87.50%"]);
        assert_eq!(axis.nearest(0.3), Some(1));
        assert_eq!(axis_of(&[], 15).nearest(0.3), None);
    }
}
