//! Live: what moves right now.

mod figures;
mod machines;
mod running;

use leptos::prelude::*;

use self::{figures::FigureRow, machines::Machines, running::Running};
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
