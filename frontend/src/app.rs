//! The root component: the contexts of the tab, the routes, and which routes need a permission.

use leptos::{ev, prelude::*};
use leptos_router::{
    components::{FlatRoutes, Route, Router},
    hooks::{use_location, use_navigate},
    path,
};

use crate::{
    base_path,
    clock::Clock,
    effect::effect,
    lazy::{Loading, lazy},
    live::Feed,
    navigation_guard::NavigationGuard,
    pages::{self, NotFound, Overview, SignIn},
    scroll_memory,
    session::{Permission, Session, SessionState, SignedOutReason, ViewerRole},
    shell::{Shell, Unreachable},
    tab::Tab,
    ui::{ToastList, Toasts, Tooltip},
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
    provide_context(Clock::start(move || feed.check_silence()));
    session.restore();
    stay_connected(session, feed);
    view! {
        <Router base=base_path::base()>
            <Gate />
        </Router>
        <ToastList />
    }
}

/// Shows the pages to a signed-in user. Redirects all others to the sign-in form and, after signing in, back.
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
                // After a sign-out the next user starts at Live, not on the page of the user before.
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
        SessionState::SignedOut(reason) => view! { <SignIn ended=reason == SignedOutReason::Expired /> }.into_any(),
        SessionState::SignedIn(viewer) => {
            let role = viewer.role;
            view! {
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
        move || if role.has(permission) { lazy(load)() } else { NotFound().into_any() }
    };
    view! {
        <FlatRoutes fallback=NotFound>
            <Route path=path!("/") view=|| Overview().into_any() />
            <Route path=path!("/sign-in") view=|| ().into_any() />
            <Route path=path!("/transfers") view=lazy(pages::transfers) />
            <Route path=path!("/transfers/:id") view=lazy(pages::transfer) />
            <Route path=path!("/jobs") view=lazy(pages::jobs) />
            <Route path=path!("/jobs/new") view=with(Permission::CreateJob, pages::new_job) />
            <Route path=path!("/jobs/:id") view=lazy(pages::job) />
            <Route path=path!("/jobs/:id/edit") view=lazy(pages::edit_job) />
            <Route path=path!("/jobs/:job/runs/:id") view=with(Permission::ViewJobRuns, pages::job_run) />
            <Route path=path!("/pipelines") view=lazy(pages::pipelines) />
            <Route path=path!("/pipelines/new") view=lazy(pages::new_pipeline) />
            <Route path=path!("/pipelines/:id") view=lazy(pages::pipeline) />
            <Route path=path!("/pipelines/:id/edit") view=lazy(pages::edit_pipeline) />
            <Route path=path!("/pipelines/:id/versions") view=with(Permission::ViewPipelineVersions, pages::versions) />
            <Route path=path!("/pipelines/:pipeline/runs/:id") view=with(Permission::ViewPipelineRuns, pages::pipeline_run) />
            <Route path=path!("/agents") view=lazy(pages::agents) />
            <Route path=path!("/agents/new") view=lazy(pages::add_agent) />
            <Route path=path!("/agents/:id") view=lazy(pages::agent) />
            <Route path=path!("/activity") view=lazy(pages::activity) />
            <Route path=path!("/customers") view=with(Permission::ListCustomers, pages::customers) />
            <Route path=path!("/customers/:id") view=lazy(pages::customer) />
            <Route path=path!("/users") view=with(Permission::ViewUsers, pages::users) />
        </FlatRoutes>
    }
}

/// Whether an address is a path of this site.
fn is_local(target: &str) -> bool {
    target.starts_with('/') && !target.starts_with("//") && !target.starts_with("/\\")
}

/// Keeps the feed connected while a user is signed in and the machine has a network.
fn stay_connected(session: Session, feed: Feed) {
    let is_signed_in = Memo::new(move |_| session.viewer().is_some());
    effect(move || {
        if is_signed_in.get() {
            feed.connect();
        } else {
            feed.disconnect();
        }
    });
    let reconnect = move || {
        if is_signed_in.get_untracked() {
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
    use super::is_local;

    #[test]
    fn signing_in_never_leads_elsewhere() {
        assert!(is_local("/transfers?page=2"));
        for target in ["https://example.com", "//example.com", "/\\example.com", "javascript:alert(1)", ""] {
            assert!(!is_local(target), "{target}");
        }
    }
}
