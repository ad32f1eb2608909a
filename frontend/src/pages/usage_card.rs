//! The usage of a customer in each of the last months. Its code is loaded when it is first shown, since it brings charts.

mod charts;
mod month_chart_data;

use leptos::prelude::*;

use super::throughput_card::ThroughputScope;
use crate::lazy::{lazy_part, part};

part! { usage: load_usage(ThroughputScope) => charts::show }

/// The transfers and the bytes of a scope in each of the last twelve months.
#[component]
pub(crate) fn Usage(scope: ThroughputScope) -> impl IntoView {
    view! { <div class="usage">{lazy_part(load_usage(), scope)}</div> }
}
