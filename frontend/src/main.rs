//! The dashboard: shows the fleet live, and administers it.
//!
//! The modules, from the outside in: `app` builds the page; `pages` query and arrange data, `command_palette` finds
//! pages and objects, and `lazy` loads the code of pages; `shortcuts` handles the keys that work on all pages;
//! `saved_views` keeps the views that the user has saved; `ui` has the components without data access; `base_path`
//! knows the path below which the dashboard is served; `session`, `api` and `live` communicate with the server, and
//! `fleet_totals` and `attention` keep the data that all pages show; `json`, `format`, `time`, `zone` and `labels`
//! convert data. Modules whose comment ends with "Pure." have no side effects and do not use the browser. Imports have
//! no cycles.

#![expect(clippy::needless_pass_by_value, reason = "a component owns its properties")]
#![expect(unreachable_pub, reason = "what `#[component]` and the schema's macro generate is `pub`")]

mod api;
mod app;
mod attention;
mod base_path;
mod browser;
mod browser_tab;
mod clock;
mod command_palette;
mod effect;
mod fleet_totals;
mod format;
mod idempotency;
mod json;
mod labels;
mod lazy;
mod live;
mod navigation_guard;
mod pages;
mod pending_first_queries;
mod reactive_query;
mod saved_views;
mod scroll_memory;
mod session;
mod shell;
mod shortcuts;
mod staleness;
mod time;
mod ui;
mod user_action;
mod zone;

fn main() {
    console_error_panic_hook::set_once();
    leptos::mount::mount_to_body(app::App);
}
