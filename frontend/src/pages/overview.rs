//! The page Overview: how the fleet is in one sentence, what needs attention, the totals, what runs, and the agents.

mod agents;
mod judgement;
mod needs_attention;
mod running_transfers;
mod series_charts;
mod totals;

use leptos::prelude::*;

use self::{
    agents::AgentsCard, judgement::FleetJudgement, running_transfers::RunningTransfers, series_charts::SeriesCharts,
    totals::TotalsRow,
};
pub(super) use self::needs_attention::NeedsAttention;
use crate::{
    attention::AttentionItems,
    fetch::Stage,
    first_queries::FirstQueries,
    lazy::lazy_card,
    ui::{PageHead, Settled},
};

/// The page.
#[component]
pub(crate) fn Overview() -> impl IntoView {
    let queries = FirstQueries::provide();
    let attention = expect_context::<AttentionItems>();
    queries.wait_for(move || attention.stage() != Stage::Pending);
    view! {
        <PageHead title="Overview" />
        <Settled queries rows=8>
            <FleetJudgement />
            {lazy_card(super::needs_attention)}
            <TotalsRow />
            <SeriesCharts />
            <div class="overview">
                <RunningTransfers />
                <AgentsCard />
            </div>
        </Settled>
    }
}
