//! Live: what moves right now.

mod agents;
mod running_transfers;
mod totals;

use leptos::prelude::*;

use self::{agents::AgentsCard, running_transfers::RunningTransfers, totals::TotalsRow};
use crate::ui::PageHead;

/// Figures, running transfers and agents, all moving by themselves.
#[component]
pub(crate) fn Overview() -> impl IntoView {
    view! {
        <PageHead title="Live" />
        <TotalsRow />
        <div class="overview">
            <RunningTransfers />
            <AgentsCard />
        </div>
    }
}
