//! The place of the charts of series.

use leptos::prelude::*;

/// Where the charts of series stand: below the totals, over the whole width. Their code belongs into a later piece (see
/// `lazy_card`).
#[component]
pub(super) fn SeriesCharts() -> impl IntoView {
    view! { <div class="overview-series"></div> }
}
