//! The pages: one component per route. Pages fetch data and arrange components of `ui`; they contain no formatting.

mod activity;
mod add_agent;
mod admin;
mod agent;
mod agent_select;
mod agents;
mod bulk_actions;
mod customer_select;
mod definition_text;
mod editor;
mod event_actors;
mod event_timeline;
mod export;
mod graph;
mod heartbeat_dot;
mod job;
mod job_run;
mod jobs;
mod leave_warning;
mod list_card;
mod list_url_parameters;
mod next_run;
mod no_agents;
mod not_found_and_forbidden;
mod overview;
mod pipeline;
mod pipeline_plan_cards;
mod pipeline_run;
mod pipeline_versions;
mod pipelines;
mod recent_runs;
mod run_list;
mod run_parameters_dialog;
mod run_updates;
mod saved_views_menu;
mod scheduled_order;
mod search_field;
mod sign_in;
mod slot_history;
mod throughput_card;
mod transfer;
mod transfers;
mod usage_card;
mod webhook_secret;

pub(crate) use self::{
    not_found_and_forbidden::{NotFound, Withheld},
    overview::Overview,
    sign_in::{SignIn, SignInAgain},
};

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

use crate::lazy::{Loading, pieces};

// The pages that are not part of the first load, grouped with pages that are often opened next and need mostly the same
// code; and large parts of the page Overview.
pieces! {
    overview:
        needs_attention => overview::NeedsAttention,
        running_transfers => overview::RunningTransfers,
        next_runs => overview::NextRuns,
        agents_card => overview::AgentsCard;
    transfers:
        transfers => transfers::Transfers;
    transfer:
        transfer => transfer::TransferPage;
    agents:
        agents => agents::Agents,
        add_agent => add_agent::AddAgent;
    agent:
        agent => agent::AgentPage;
    activity:
        activity => activity::Activity;
    jobs:
        jobs => jobs::Jobs;
    job:
        job => job::JobPage,
        job_run => job_run::RunPage;
    job_form:
        new_job => jobs::NewJob,
        edit_job => jobs::EditJob;
    pipelines:
        pipelines => pipelines::Pipelines;
    pipeline:
        pipeline => pipeline::PipelinePage;
    pipeline_run:
        pipeline_run => pipeline_run::RunPage;
    versions:
        versions => pipeline_versions::Versions;
    editor:
        new_pipeline_alone => editor::NewPipeline,
        edit_pipeline_alone => editor::EditPipeline;
    admin:
        customers => admin::Customers,
        customer => admin::CustomerPage,
        users => admin::Users;
}

/// Loads the page that creates a pipeline, and begins to load the text area of its editor.
pub(crate) fn new_pipeline() -> Loading {
    editor::prepare();
    new_pipeline_alone()
}

/// Loads the page that edits a pipeline, and begins to load the text area of its editor.
pub(crate) fn edit_pipeline() -> Loading {
    editor::prepare();
    edit_pipeline_alone()
}

/// The function that loads the page at an address. `None` if the page is part of the first load, or there is no such
/// page.
pub(crate) fn at(address: &str) -> Option<fn() -> Loading> {
    let path = address.split(['?', '#']).next()?;
    let names: Vec<&str> = path.split('/').collect();
    let load: fn() -> Loading = match names.as_slice() {
        ["", "transfers"] => transfers,
        ["", "transfers", _] => transfer,
        ["", "jobs"] => jobs,
        ["", "jobs", "new"] => new_job,
        ["", "jobs", _] => job,
        ["", "jobs", _, "edit"] => edit_job,
        ["", "jobs", _, "runs", _] => job_run,
        ["", "pipelines"] => pipelines,
        ["", "pipelines", "new"] => new_pipeline,
        ["", "pipelines", _] => pipeline,
        ["", "pipelines", _, "edit"] => edit_pipeline,
        ["", "pipelines", _, "versions"] => versions,
        ["", "pipelines", _, "runs", _] => pipeline_run,
        ["", "agents"] => agents,
        ["", "agents", "new"] => add_agent,
        ["", "agents", _] => agent,
        ["", "activity"] => activity,
        ["", "customers"] => customers,
        ["", "customers", _] => customer,
        ["", "users"] => users,
        _ => return None,
    };
    Some(load)
}

/// The id of the object in the URL, as the server writes it. Reactive.
fn id_in_address() -> Memo<String> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get("id")).unwrap_or_default().to_ascii_lowercase())
}

/// The page number in the URL, from 1. Reactive.
fn page_in_address() -> Memo<i32> {
    let query = use_query_map();
    Memo::new(move |_| query.with(|query| query.get("page")).and_then(|page| page.parse().ok()).unwrap_or(1).max(1))
}

/// The number of pages of a list; `None` if the server stopped counting.
fn pages_of(total: i32, is_at_least: bool) -> Option<i32> {
    (!is_at_least).then(|| (total + crate::api::PAGE_SIZE - 1) / crate::api::PAGE_SIZE)
}

#[cfg(test)]
mod tests {
    use super::at;

    #[test]
    fn pages_are_loaded_by_their_addresses() {
        for address in ["/transfers?page=2", "/jobs/1/runs/2#log", "/pipelines/new", "/customers/1", "/users"] {
            assert!(at(address).is_some(), "{address}");
        }
        for address in ["/", "", "/sign-in", "/transfers/1/2", "?page=2", "https://example.com/jobs", "jobs"] {
            assert!(at(address).is_none(), "{address}");
        }
    }
}
