//! The root component: the contexts of the tab, the routes, and which routes need a permission.

use leptos::{ev, prelude::*};
use leptos_router::{
    components::{FlatRoutes, Route, Router},
    hooks::{use_location, use_navigate, use_params_map},
    path,
};

use crate::{
    base_path,
    browser_tab::Tab,
    clock::Clock,
    effect::effect,
    lazy::{Loading, lazy, prepare},
    live::Feed,
    navigation_guard::NavigationGuard,
    pages::{self, NotFound, Overview, SignIn, SignInAgain, Withheld},
    scroll_memory,
    session::{Permission, Session, SessionState, SignedOutReason, ViewerRole},
    shell::{Shell, Unreachable},
    ui::{Missing, ToastList, Toasts, Tooltip},
};

/// The root component.
#[component]
pub(crate) fn App() -> impl IntoView {
    let session = Session::new();
    let feed = Feed::new(session);
    provide_context(NavigationGuard::new());
    scroll_memory::start();
    provide_context(session);
    provide_context(feed);
    provide_context(Tab::new());
    provide_context(Toasts::new());
    provide_context(Tooltip::new());
    provide_context(Clock::start(move || feed.tick()));
    session.restore();
    prepare_overview();
    stay_connected(session, feed);
    view! {
        <Router base=base_path::base()>
            <Gate />
        </Router>
        <ToastList />
    }
}

/// Shows the pages to a signed-in user, even if the session has expired and the user must sign in again. Redirects
/// others to the sign-in form, and back after they have signed in.
#[component]
fn Gate() -> impl IntoView {
    let session = expect_context::<Session>();
    let location = use_location();
    let navigate = use_navigate();
    effect(move || {
        let path = location.pathname.with(|path| base_path::address(path).to_owned());
        let is_at_sign_in = path == "/sign-in";
        let query = location.query.get_untracked();
        match session.state() {
            SessionState::SignedOut(reason) if !is_at_sign_in => {
                let target = format!("{path}{}", query.to_query_string());
                // After a sign-out, the next user starts on the page Overview, not on the page that the last user has
                // left.
                let address = if target == "/" || reason == SignedOutReason::ByUser {
                    "/sign-in".to_owned()
                } else {
                    format!("/sign-in?to={}", js_sys::encode_uri_component(&target))
                };
                navigate(&address, leptos_router::NavigateOptions { replace: true, ..Default::default() });
            }
            SessionState::SignedIn(_) if is_at_sign_in => {
                let target = query.get("to").filter(|target| is_local(target)).unwrap_or_else(|| "/".to_owned());
                navigate(&target, leptos_router::NavigateOptions { replace: true, ..Default::default() });
            }
            _ => {}
        }
    });
    // Renders again only when the session state changes, not when the token is renewed.
    move || match session.state() {
        SessionState::Restoring => ().into_any(),
        SessionState::Unreachable => view! { <Unreachable /> }.into_any(),
        SessionState::SignedOut(_) => view! { <SignIn /> }.into_any(),
        SessionState::SignedIn(viewer) => {
            let role = viewer.role;
            view! {
                <SignInAgain email=viewer.email.clone() />
                <Shell viewer>
                    <Pages role />
                </Shell>
            }
            .into_any()
        }
    }
}

#[component]
fn Pages(role: ViewerRole) -> impl IntoView {
    let with = move |permission: Permission, load: fn() -> Loading| {
        move || if role.has(permission) { lazy(load)() } else { withheld(permission) }
    };
    let object_with = move |permission: Permission, noun: &'static str, parent: Parent, load: fn() -> Loading| {
        move || if role.has(permission) { object(noun, parent, load)() } else { withheld(permission) }
    };
    view! {
        <FlatRoutes fallback=NotFound>
            <Route path=path!("/") view=|| Overview().into_any() />
            <Route path=path!("/sign-in") view=|| ().into_any() />
            <Route path=path!("/transfers") view=lazy(pages::transfers) />
            <Route path=path!("/transfers/:id") view=object("Transfer", TRANSFERS, pages::transfer) />
            <Route path=path!("/jobs") view=lazy(pages::jobs) />
            <Route path=path!("/jobs/new") view=with(Permission::CreateJob, pages::new_job) />
            <Route path=path!("/jobs/:id") view=object("Job", JOBS, pages::job) />
            <Route path=path!("/jobs/:id/edit") view=object("Job", JOBS, pages::edit_job) />
            <Route path=path!("/jobs/:job/runs/:id") view=object_with(Permission::ViewJobRuns, "Run", JOBS, pages::job_run) />
            <Route path=path!("/pipelines") view=lazy(pages::pipelines) />
            <Route path=path!("/pipelines/new") view=lazy(pages::new_pipeline) />
            <Route path=path!("/pipelines/:id") view=object("Pipeline", PIPELINES, pages::pipeline) />
            <Route path=path!("/pipelines/:id/edit") view=object("Pipeline", PIPELINES, pages::edit_pipeline) />
            <Route
                path=path!("/pipelines/:id/versions")
                view=object_with(Permission::ViewPipelineVersions, "Pipeline", PIPELINES, pages::versions)
            />
            <Route
                path=path!("/pipelines/:pipeline/runs/:id")
                view=object_with(Permission::ViewPipelineRuns, "Run", PIPELINES, pages::pipeline_run)
            />
            <Route path=path!("/agents") view=lazy(pages::agents) />
            <Route path=path!("/agents/new") view=lazy(pages::add_agent) />
            <Route path=path!("/agents/:id") view=object("Agent", AGENTS, pages::agent) />
            <Route path=path!("/activity") view=lazy(pages::activity) />
            <Route path=path!("/customers") view=with(Permission::ListCustomers, pages::customers) />
            <Route path=path!("/customers/:id") view=object("Customer", CUSTOMERS, pages::customer) />
            <Route path=path!("/users") view=with(Permission::ViewUsers, pages::users) />
        </FlatRoutes>
    }
}

/// The page with the list of all objects of a kind: address and name.
type Parent = (&'static str, &'static str);

const TRANSFERS: Parent = ("/transfers", "Transfers");
const JOBS: Parent = ("/jobs", "Jobs");
const PIPELINES: Parent = ("/pipelines", "Pipelines");
const AGENTS: Parent = ("/agents", "Agents");
const CUSTOMERS: Parent = ("/customers", "Customers");

/// The view of a route to the page of an object. If the address contains no valid id, it says at once, without a query,
/// that the object does not exist.
fn object(noun: &'static str, parent: Parent, load: fn() -> Loading) -> impl Fn() -> AnyView + Copy {
    move || {
        let params = use_params_map();
        let has_ids = Memo::new(move |_| {
            params.with(|params| {
                let holds = |name: &str, is_valid: fn(&str) -> bool| params.get(name).is_none_or(|id| is_valid(&id));
                let id: fn(&str) -> bool = if noun == "Pipeline" { is_pipeline } else { is_id };
                holds("id", id) && holds("job", is_id) && holds("pipeline", is_pipeline)
            })
        });
        let text = format!("This {} does not exist, was deleted, or you may not see it.", noun.to_ascii_lowercase());
        let page = move || {
            if has_ids.get() { lazy(load)() } else { view! { <Missing noun parent text=text.clone() /> }.into_any() }
        };
        page.into_any()
    }
}

fn withheld(permission: Permission) -> AnyView {
    view! { <Withheld text=permission.withheld() /> }.into_any()
}

/// Whether a part of an address has the form of an id, a UUID with hyphens.
fn is_id(text: &str) -> bool {
    // Other forms of UUIDs are not accepted, although the server reads them: the page would not find the object under
    // that id.
    let is_right = |(place, byte): (usize, u8)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(is_right)
}

/// Whether a part of an address has the form of an id or of a pipeline's identifier.
fn is_pipeline(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    is_id(text) || (1..=64).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// Whether an address is a path of this site.
fn is_local(target: &str) -> bool {
    target.starts_with('/') && !target.starts_with("//") && !target.starts_with("/\\")
}

/// If the tab was opened on the page Overview, begins to load the page's lazily loaded parts while the session is
/// restored.
fn prepare_overview() {
    let path = window().location().pathname().unwrap_or_default();
    if base_path::address(&path) == "/" {
        prepare(pages::needs_attention);
    }
}

/// Keeps the feed connected while a user is signed in and the machine has a network.
fn stay_connected(session: Session, feed: Feed) {
    // `Some(true)` if the user's session is valid, `Some(false)` if it has expired, `None` if no user is signed in.
    let is_valid = Memo::new(move |_| session.viewer().map(|_| !session.is_expired()));
    effect(move || match is_valid.get() {
        Some(true) => feed.connect(),
        Some(false) => feed.wait_for_sign_in(),
        None => feed.disconnect(),
    });
    let reconnect = move || {
        if is_valid.get_untracked() == Some(true) {
            feed.wake();
        }
    };
    let handles = [
        window_event_listener_untyped("online", move |_| reconnect()),
        window_event_listener_untyped("focus", move |_| reconnect()),
        window_event_listener(ev::offline, move |_| feed.go_offline()),
    ];
    on_cleanup(move || handles.into_iter().for_each(WindowListenerHandle::remove));
}

#[cfg(test)]
mod tests {
    use super::{is_id, is_local, is_pipeline};

    #[test]
    fn a_page_of_an_object_needs_an_id() {
        assert!(is_id("01a2109b-0de4-7000-802b-bac894316e0a"));
        let others = ["01a2109b-0de4-7000-802b-bac894316e0", "01a2109b-0de4-7000-802b-bac894316e0x"];
        for text in others.into_iter().chain(["zzz", "", "01a2109b0de47000802bbac894316e0a"]) {
            assert!(!is_id(text), "{text}");
        }
        assert!(is_pipeline("nightly-orders"));
        assert!(is_pipeline("01A2109B-0de4-7000-802b-bac894316e0a"));
        assert!(!is_pipeline("Nightly orders"));
    }

    #[test]
    fn signing_in_never_leads_elsewhere() {
        assert!(is_local("/transfers?page=2"));
        for target in ["https://example.com", "//example.com", "/\\example.com", "javascript:alert(1)", ""] {
            assert!(!is_local(target), "{target}");
        }
    }
}
