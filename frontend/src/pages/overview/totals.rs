//! The four figures at the top.

use leptos::prelude::*;

use crate::{
    base_path::href,
    fetch::Stage,
    fleet_totals::Figures,
    format,
    ui::{SkeletonText, Sparkline},
};

/// Agents online, running transfers, bytes per second, failures.
#[component]
pub(super) fn FigureRow() -> impl IntoView {
    let figures = expect_context::<Figures>();
    let trouble = move || match figures.stage() {
        Stage::Failed(error) if figures.read(|_| ()).is_none() => {
            Some(view! { <p class="notice" data-tone="bad" role="alert">{error.to_string()}</p> })
        }
        _ => None,
    };
    view! {
        {trouble}
        <dl class="figures">
            <Figure
                name="Agents online"
                value=move || figures.read(|fleet| format::count((fleet.agents.online + fleet.agents.busy).into()))
                detail=move || {
                    figures
                        .read(|fleet| {
                            let agents = &fleet.agents;
                            let troubled = if agents.error > 0 { format!(", {} in error", agents.error) } else { String::new() };
                            format!("of {}, {} offline{troubled}", format::count(agents.total.into()), agents.offline)
                        })
                }
            />
            <Figure
                name="Running transfers"
                value=move || figures.read(|fleet| format::count(fleet.transfers.running.into()))
                detail=move || {
                    figures.read(|fleet| format!("{} queued", format::count(fleet.transfers.queued.into())))
                }
            />
            <Figure
                name="Throughput"
                value=move || figures.read(|fleet| format::rate(fleet.bytes_per_second))
                detail=move || Some(figures.span())
            >
                <Sparkline samples=Signal::derive(move || figures.course()) />
            </Figure>
            <Figure
                name="Failures in 24 h"
                value=move || figures.read(|fleet| format::count(fleet.failures_in_last_day.into()))
                detail=|| Some(String::new())
                is_bad=Signal::derive(move || figures.read(|fleet| fleet.failures_in_last_day > 0) == Some(true))
            >
                <a class="figure-link" href=href("/transfers?status=failed")>
                    "Show failed transfers"
                </a>
            </Figure>
        </dl>
    }
}

#[component]
fn Figure(
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
        <div class="figure" data-bad=move || is_bad.get().to_string()>
            <dt>{name}</dt>
            <dd class="figure-value">{shown}</dd>
            <dd class="figure-detail">
                <span>{detail}</span>
                {children.map(|children| children())}
            </dd>
        </div>
    }
}
