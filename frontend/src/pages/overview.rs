//! The page Overview: totals, running transfers and agents.

mod agents;
mod running_transfers;
mod totals;

use leptos::prelude::*;

use self::{agents::AgentsCard, running_transfers::RunningTransfers, totals::TotalsRow};
use crate::{
    first_queries::FirstQueries,
    ui::{PageHead, Settled},
};

/// The totals, the running transfers and the agents.
#[component]
pub(crate) fn Overview() -> impl IntoView {
    let queries = FirstQueries::provide();
    view! {
        <PageHead title="Overview" />
        <TotalsRow />
        <Settled queries rows=8>
            <div class="overview">
                <RunningTransfers />
                <AgentsCard />
            </div>
        </Settled>
    }
}
