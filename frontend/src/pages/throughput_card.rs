//! Throughput and outcomes of transfers over time, compared with the time before. Its code is loaded when it is first
//! shown, since it brings charts.

mod charts;
mod comparison;
mod time_range;

use leptos::prelude::*;

use crate::lazy::{lazy_part, part};

/// Whose transfers are counted, also for the usage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ThroughputScope {
    /// All that the viewer may see.
    Everything,
    /// Those of a customer, by its id.
    Customer(String),
}

part! { charts: load_charts(ThroughputScope) => charts::show }

/// The throughput, the outcomes and the success rate of a scope, over a time that the user chooses.
#[component]
pub(crate) fn Throughput(scope: ThroughputScope) -> impl IntoView {
    view! { <div class="throughput">{lazy_part(load_charts(), scope)}</div> }
}
