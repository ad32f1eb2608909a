//! The page Overview: the judgement of the fleet in one sentence, the attention items, the totals, the running
//! transfers, the next runs, and the agents.

mod agents;
mod fleet_judgement;
mod needs_attention;
mod next_runs;
mod running_transfers;
mod totals;

use leptos::prelude::*;

pub(super) use self::{
    agents::AgentsCard, needs_attention::NeedsAttention, next_runs::NextRuns, running_transfers::RunningTransfers,
};
use self::{fleet_judgement::FleetJudgement, totals::TotalsRow};
use super::throughput_card::{Throughput, ThroughputScope};
use crate::{
    attention::AttentionItems,
    lazy::lazy_card,
    pending_first_queries::FirstQueries,
    reactive_query::Stage,
    ui::{PageHead, WhenLoaded},
};

/// The page Overview.
#[component]
pub(crate) fn Overview() -> impl IntoView {
    let queries = FirstQueries::provide();
    let attention = expect_context::<AttentionItems>();
    queries.wait_for(move || attention.stage() != Stage::Pending);
    view! {
        <PageHead title="Overview" />
        <WhenLoaded queries rows=8>
            <FleetJudgement />
            {lazy_card(super::needs_attention)}
            <TotalsRow />
            <Throughput scope=ThroughputScope::Everything />
            <div class="overview">
                {lazy_card(super::running_transfers)}
                <div class="overview-side">
                    {lazy_card(super::next_runs)}
                    {lazy_card(super::agents_card)}
                </div>
            </div>
        </WhenLoaded>
    }
}
