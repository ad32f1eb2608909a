//! The content of the card, which is loaded separately.

use leptos::prelude::*;

use super::{
    ThroughputScope,
    comparison::{self, Total},
    time_range::Window,
};
use crate::{
    api::series::{self, Outcomes, SeriesStep},
    browser,
    clock::Clock,
    reactive_query::Fetch,
    time::Instant,
    ui::{Card, Chart, ChartData, QueryResult},
    zone,
};

/// The outcomes, with the time range and the time of the query.
type Counted = (Window, Instant, Outcomes);

/// The view of the card.
pub(super) fn show(scope: ThroughputScope) -> AnyView {
    view! { <ThroughputCard scope /> }.into_any()
}

#[component]
fn ThroughputCard(scope: ThroughputScope) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let window = RwSignal::new(Window::Day);
    let counted = Fetch::new(move || {
        let (window, now) = (window.get(), browser::now());
        let zone = (window.step() == SeriesStep::Day).then(zone::name);
        let customer = match &scope {
            ThroughputScope::Everything => None,
            ThroughputScope::Customer(id) => Some(id.as_str()),
        };
        let asked = series::outcomes(window.bounds(now), window.step(), zone, customer);
        asked.map(move |outcomes| (window, now, outcomes))
    });
    let minute = clock.every(60);
    Effect::watch(move || minute.get(), move |_, _, _| counted.reload(), false);
    let choice = move |offered: Window| {
        view! {
            <button
                type="button"
                class="button button-small"
                aria-pressed=move || (window.get() == offered).to_string()
                on:click=move |_| window.set(offered)
            >
                {offered.name()}
            </button>
        }
    };
    let windows = move || {
        view! {
            <div class="chart-ranges" role="group" aria-label="Time range">
                {Window::ALL.map(choice).collect_view()}
            </div>
        }
    };
    view! {
        <Card title="Throughput and outcomes" aside=windows>
            <QueryResult
                stage=Signal::derive(move || counted.stage())
                is_empty=Signal::stored(false)
                skeleton_rows=8
                on_retry=move |()| counted.reload()
                nothing=|| ().into_any()
            >
                <Charts counted />
            </QueryResult>
        </Card>
    }
}

#[component]
fn Charts(counted: Fetch<Counted>) -> impl IntoView {
    let chart = move |draw: fn(&Counted) -> ChartData| {
        // The last chart stays while the card changes to a failure.
        Memo::new(move |last: Option<&ChartData>| counted.read(draw).or_else(|| last.cloned()).unwrap_or_default())
    };
    let throughput = chart(|(window, now, outcomes)| comparison::throughput(*window, outcomes, *now));
    let outcomes = chart(|(window, _, outcomes)| comparison::outcomes(*window, outcomes));
    let total = |Total { name, value, change }: Total| {
        view! {
            <div>
                <dt>{name}</dt>
                <dd>{value}</dd>
                <dd class="throughput-change">{change}</dd>
            </div>
        }
    };
    let listed_totals = move || {
        let totals = counted.read(|(window, now, outcomes)| comparison::totals(*window, outcomes, *now));
        totals.unwrap_or_default().into_iter().map(total).collect_view()
    };
    view! {
        <dl class="value-list throughput-values">{listed_totals}</dl>
        <div class="charts">
            <Chart name="Throughput" data=throughput />
            <Chart name="Outcomes" data=outcomes />
        </div>
    }
}
