//! The card with throughput and outcomes of transfers over time, compared with an earlier period. Its code is loaded
//! when the card is first shown, because it needs the charts.

mod charts;
mod comparison;
mod time_range;

use leptos::prelude::*;

use crate::lazy::{lazy_part, part};

/// The scope of the transfers that are counted, here and in the usage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ThroughputScope {
    /// All that the viewer may see.
    Everything,
    /// Those of a customer, by its id.
    Customer(String),
}

part! { charts: load_charts(ThroughputScope) => charts::show }

/// The throughput, the outcomes and the success rate of the transfers in a scope, over a time range that the user
/// chooses.
#[component]
pub(crate) fn Throughput(scope: ThroughputScope) -> impl IntoView {
    view! { <div class="throughput">{lazy_part(load_charts(), scope)}</div> }
}
