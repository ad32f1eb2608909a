//! Live: what moves right now.

mod agents;
mod running_transfers;
mod totals;

use leptos::prelude::*;

use self::{agents::Machines, running_transfers::Running, totals::FigureRow};
use crate::ui::PageHead;

/// Figures, running transfers and agents, all moving by themselves.
#[component]
pub(crate) fn Overview() -> impl IntoView {
    view! {
        <PageHead title="Live" />
        <FigureRow />
        <div class="overview">
            <Running />
            <Machines />
        </div>
    }
}
