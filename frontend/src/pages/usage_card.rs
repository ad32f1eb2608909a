//! The card with the usage in each of the last months. Its code is loaded when the card is first shown, because it
//! needs the charts.

mod charts;
mod month_chart_data;

use leptos::prelude::*;

use super::throughput_card::ThroughputScope;
use crate::lazy::{lazy_part, part};

part! { usage: load_usage(ThroughputScope) => charts::show }

/// The transfers and the bytes in a scope in each of the last twelve months.
#[component]
pub(crate) fn Usage(scope: ThroughputScope) -> impl IntoView {
    view! { <div class="usage">{lazy_part(load_usage(), scope)}</div> }
}
