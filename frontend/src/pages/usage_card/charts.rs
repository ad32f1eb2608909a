//! The content of the card, which is loaded separately.

use leptos::prelude::*;

use super::month_chart_data;
use crate::{
    api::series::{self, Usage},
    browser,
    clock::Clock,
    pages::throughput_card::ThroughputScope,
    reactive_query::Fetch,
    ui::{Card, Chart, ChartData, Empty, QueryResult},
    zone,
};

/// The number of seconds after which the usage is queried again.
const INTERVAL: i64 = 300;

/// The view of the card.
pub(super) fn show(scope: ThroughputScope) -> AnyView {
    view! { <UsageCard scope /> }.into_any()
}

#[component]
fn UsageCard(scope: ThroughputScope) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let found = Fetch::new(move || {
        let now = browser::now();
        let customer = match &scope {
            ThroughputScope::Everything => None,
            ThroughputScope::Customer(id) => Some(id.as_str()),
        };
        series::usage(month_chart_data::window(now, zone::offset(now)), zone::name(), customer)
    });
    let interval = clock.every(INTERVAL);
    Effect::watch(move || interval.get(), move |_, _, _| found.reload(), false);
    let chart = move |draw: fn(&Usage) -> ChartData| {
        // The last chart stays while the card changes to a failure.
        Memo::new(move |last: Option<&ChartData>| found.read(draw).or_else(|| last.cloned()).unwrap_or_default())
    };
    let (transfers, bytes) = (chart(month_chart_data::transfers), chart(month_chart_data::bytes));
    let nothing = || {
        view! {
            <Empty icon="transfers" title="No transfers in the last 12 months">
                <p>"The completed transfers, the failed attempts and the bytes of each month appear here."</p>
            </Empty>
        }
        .into_any()
    };
    view! {
        <Card title="Usage per month">
            <QueryResult
                stage=Signal::derive(move || found.stage())
                is_empty=Signal::derive(move || found.read(month_chart_data::is_empty).unwrap_or_default())
                skeleton_rows=8
                on_retry=move |()| found.reload()
                nothing
            >
                <div class="charts">
                    <Chart name="Transfers" data=transfers />
                    <Chart name="Bytes" data=bytes />
                </div>
            </QueryResult>
        </Card>
    }
}
