//! The dashboard: a page that shows the fleet as it moves, and administers it.
//!
//! From the outside in: `app` puts everything together; `pages` fetch and arrange, and `lazy` loads their code; `ui` is
//! how things look; `link` knows where the dashboard is served; `session`, `api` and `live` speak with the server; `json`, `format`, `time` and `words` know how
//! things are written.

#![expect(clippy::needless_pass_by_value, reason = "a component owns its properties")]
#![expect(unreachable_pub, reason = "what `#[component]` and the schema's macro generate is `pub`")]

mod api;
mod app;
mod browser;
mod clock;
mod effect;
mod fetch;
mod fleet;
mod format;
mod json;
mod lazy;
mod link;
mod live;
mod pages;
mod session;
mod shell;
mod task;
mod time;
mod ui;
mod way_back;
mod words;

fn main() {
    console_error_panic_hook::set_once();
    leptos::mount::mount_to_body(app::App);
}
