//! The card with the load, the memory and the heartbeats of an agent in the last 24 hours.

use leptos::prelude::*;

use super::load_memory_and_heartbeats_data;
use crate::{
    api::agent_page::{self, HistoryPoint},
    browser,
    clock::Clock,
    reactive_query::Fetch,
    time::Instant,
    ui::{Card, Chart, ChartData, QueryResult, Strip},
};

/// What is known about the last 24 hours, with the time of the query.
type Known = (Instant, Vec<HistoryPoint>);

/// The heartbeats, the load and the memory of the last 24 hours.
#[component]
pub(super) fn LastDay(id: String) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let found = Fetch::new(move || {
        let now = browser::now();
        agent_page::history(&id).map(move |points| (now, points))
    });
    let minute = clock.every(60);
    Effect::watch(move || minute.get(), move |_, _, _| found.reload(), false);
    view! {
        <Card title="Last 24 hours">
            <QueryResult
                stage=Signal::derive(move || found.stage())
                is_empty=Signal::stored(false)
                skeleton_rows=6
                on_retry=move |()| found.reload()
                nothing=|| ().into_any()
            >
                <Charts found />
            </QueryResult>
        </Card>
    }
}

#[component]
fn Charts(found: Fetch<Known>) -> impl IntoView {
    let chart = move |draw: fn(&[HistoryPoint], Instant) -> ChartData| {
        // The last chart stays while the card changes to a failure.
        Memo::new(move |last: Option<&ChartData>| {
            let drawn = found.read(|(now, points)| draw(points, *now));
            drawn.or_else(|| last.cloned()).unwrap_or_default()
        })
    };
    let (load, memory) = (chart(load_memory_and_heartbeats_data::load), chart(load_memory_and_heartbeats_data::memory));
    let cells = Memo::new(move |_| {
        found.read(|(now, points)| load_memory_and_heartbeats_data::cells(points, *now)).unwrap_or_default()
    });
    let summary = Memo::new(move |_| {
        found.read(|(now, points)| load_memory_and_heartbeats_data::summary(points, *now)).unwrap_or_default()
    });
    view! {
        <Strip name="Heartbeats" summary cells step=load_memory_and_heartbeats_data::CELL />
        <div class="charts">
            <Chart name="Load" data=load />
            <Chart name="Memory" data=memory />
        </div>
    }
}
