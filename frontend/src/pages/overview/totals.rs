//! The totals of the fleet at the top of the page.

use leptos::prelude::*;

use crate::{
    base_path::href,
    fleet_totals::FleetTotals,
    format,
    reactive_query::Stage,
    ui::{Message, SkeletonText, Sparkline},
};

/// The totals: agents online, running transfers, throughput, failures.
#[component]
pub(super) fn TotalsRow() -> impl IntoView {
    let totals = expect_context::<FleetTotals>();
    let failure = move || match totals.stage() {
        Stage::Failed(error) if totals.read(|_| ()).is_none() => {
            Some(view! { <p class="notice" data-tone="bad" role="alert"><Message text=error.to_string() /></p> })
        }
        _ => None,
    };
    view! {
        {failure}
        <dl class="totals">
            <Metric
                name="Agents online"
                value=move || totals.read(|fleet| format::count((fleet.agents.online + fleet.agents.busy).into()))
                detail=move || {
                    totals
                        .read(|fleet| {
                            let agents = &fleet.agents;
                            let in_error = if agents.error > 0 { format!(", {} in error", agents.error) } else { String::new() };
                            format!("of {}, {} offline{in_error}", format::count(agents.total.into()), agents.offline)
                        })
                }
            />
            <Metric
                name="Running transfers"
                value=move || totals.read(|fleet| format::count(fleet.transfers.running.into()))
                detail=move || {
                    totals.read(|fleet| format!("{} queued", format::count(fleet.transfers.queued.into())))
                }
            />
            <Metric
                name="Throughput"
                value=move || totals.read(|fleet| format::rate(fleet.bytes_per_second))
                detail=move || Some(totals.history_label())
            >
                <Sparkline samples=Signal::derive(move || totals.history()) />
            </Metric>
            <Metric
                name="Failures in 24 h"
                value=move || totals.read(|fleet| format::count(fleet.failures_in_last_day.into()))
                detail=|| Some(String::new())
                is_bad=Signal::derive(move || totals.read(|fleet| fleet.failures_in_last_day > 0) == Some(true))
            >
                <a class="total-link" href=href("/transfers?status=failed&ended=24h")>
                    "Show failed transfers"
                </a>
            </Metric>
        </dl>
    }
}

#[component]
fn Metric(
    name: &'static str,
    value: impl Fn() -> Option<String> + Send + Sync + 'static,
    detail: impl Fn() -> Option<String> + Send + Sync + 'static,
    #[prop(optional, into)] is_bad: Signal<bool>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let shown = move || match value() {
        Some(text) => text.into_any(),
        None => view! { <SkeletonText /> }.into_any(),
    };
    view! {
        <div class="total" data-bad=move || is_bad.get().to_string()>
            <dt>{name}</dt>
            <dd class="total-value">{shown}</dd>
            <dd class="total-detail">
                <span>{detail}</span>
                {children.map(|children| children())}
            </dd>
        </div>
    }
}
