//! The page Live: totals, running transfers and agents.

mod agents;
mod running_transfers;
mod totals;

use leptos::prelude::*;

use self::{agents::AgentsCard, running_transfers::RunningTransfers, totals::TotalsRow};
use crate::ui::PageHead;

/// The totals, the running transfers and the agents.
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
