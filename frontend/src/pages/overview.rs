//! The page Overview: how the fleet is in one sentence, what needs attention, the totals, what runs and what runs next,
//! and the agents.

mod agents;
mod judgement;
mod needs_attention;
mod next_runs;
mod running_transfers;
mod totals;

use leptos::prelude::*;

use self::{agents::AgentsCard, judgement::FleetJudgement, running_transfers::RunningTransfers, totals::TotalsRow};
pub(super) use self::{needs_attention::NeedsAttention, next_runs::NextRuns};
use super::throughput::{Throughput, ThroughputScope};
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
            <Throughput scope=ThroughputScope::Everything />
            <div class="overview">
                <RunningTransfers />
                <div class="overview-side">
                    {lazy_card(super::next_runs)}
                    <AgentsCard />
                </div>
            </div>
        </Settled>
    }
}
