//! The frame around every page of a signed-in user: navigation, connection state, theme and account.

mod account;
mod notification_setting;
mod paint_delay;
mod preferences;

use std::time::Duration;

use leptos::{prelude::*, web_sys::Event};
use leptos_router::{components::A, hooks::use_location};

use self::account::Account;
use crate::{
    attention::AttentionItems,
    base_path::{self, href},
    browser,
    browser_tab::Tab,
    clock::Clock,
    command_palette,
    effect::effect,
    fleet_totals::FleetTotals,
    lazy::{lazy_dialog, lazy_later, pieces, prepare},
    live::{ConnectionState, Feed},
    pages,
    saved_views::SavedViews,
    session::{Permission, Viewer},
    shortcuts::Shortcuts,
    staleness::Staleness,
    ui::{Icon, Logo, TooltipLayer},
};

/// The time after which the first page has probably loaded everything, so that further code can be loaded.
const FIRST_PAGE: Duration = Duration::from_secs(5);

/// The element id of the button that opens the sidebar on narrow screens.
const MENU: &str = "menu";

pieces! {
    paint:
        paint_delay => paint_delay::show;
}

/// The frame around a page.
#[component]
pub(crate) fn Shell(viewer: Viewer, children: Children) -> impl IntoView {
    let (feed, clock) = (expect_context::<Feed>(), expect_context::<Clock>());
    let totals = FleetTotals::follow(feed);
    provide_context(totals);
    let attention = AttentionItems::follow(feed);
    provide_context(attention);
    expect_context::<Tab>().follow(Signal::derive(move || attention.count()));
    provide_context(SavedViews::new());
    effect(move || {
        clock.now();
        totals.sample();
    });

    let staleness = Staleness::follow(feed, clock);
    provide_context(staleness);
    let stale_note = move || staleness.since().map(|at| format!("No data since {}", clock.moment(at)));
    let shortcuts = Shortcuts::new();
    provide_context(shortcuts);
    shortcuts.listen(&viewer);

    let is_open = RwSignal::new(false);
    let close = move || {
        // The sidebar is hidden on narrow screens, so the focus must not stay in it.
        if document().query_selector("#sidebar :focus").is_ok_and(|focused| focused.is_some()) {
            browser::focus(MENU);
        }
        is_open.set(false);
    };
    let path = use_location().pathname;
    effect(move || {
        path.track();
        is_open.set(false);
    });
    view! {
        <a class="skip-link" href="#content" rel="external">
            "Skip to the content"
        </a>
        <div
            class="shell"
            data-stale=move || staleness.since().is_some().to_string()
            on:pointerover=|event| approach(&event)
            on:focusin=|event| approach(&event)
            on:keydown=move |event| {
                if event.key() == "Escape" && is_open.get_untracked() {
                    close();
                }
            }
        >
            <p class="stale-note" role="status" aria-label="Data">
                {stale_note}
            </p>
            <header class="topbar">
                <a class="brand" href=href("/") aria-label="MFTPlus, go to the overview">
                    <Logo />
                    <span>"MFTPlus"</span>
                </a>
                <Connection />
                <button
                    type="button"
                    id=MENU
                    class="button button-bare topbar-menu"
                    aria-controls="sidebar"
                    aria-expanded=move || is_open.get().to_string()
                    aria-label="Menu"
                    on:click=move |_| is_open.update(|open| *open = !*open)
                >
                    <Icon name="menu" />
                </button>
            </header>
            <div id="sidebar" class="sidebar" data-open=move || is_open.get().to_string()>
                <OpenPalette />
                <Navigation viewer=viewer.clone() />
                <Account viewer />
            </div>
            <main id="content" class="content" tabindex="-1">
                {children()}
                {lazy_later(FIRST_PAGE, paint_delay)}
                <TooltipLayer />
            </main>
        </div>
        {lazy_dialog(shortcuts.palette, command_palette::command_palette)}
        {lazy_dialog(shortcuts.list, command_palette::key_list)}
    }
}

/// Begins to load the page that a link leads to, when the pointer or the focus is on the link.
fn approach(event: &Event) {
    let url = browser::link_of(event).unwrap_or_default();
    pages::at(base_path::address(&url)).into_iter().for_each(prepare);
}

/// The button that opens the palette.
#[component]
fn OpenPalette() -> impl IntoView {
    let open = expect_context::<Shortcuts>().palette;
    view! {
        <button
            type="button"
            class="button palette-open"
            aria-keyshortcuts="Control+K Meta+K"
            on:pointerenter=|_| prepare(command_palette::command_palette)
            on:focusin=|_| prepare(command_palette::command_palette)
            on:click=move |_| open.set(true)
        >
            <Icon name="search" />
            "Search or go to"
            <kbd aria-hidden="true">"Ctrl K"</kbd>
        </button>
    }
}

#[component]
fn Navigation(viewer: Viewer) -> impl IntoView {
    let totals = expect_context::<FleetTotals>();
    let running = move || totals.read(|fleet| fleet.transfers.running).filter(|running| *running > 0);
    let [has_customers, has_users] =
        [Permission::ListCustomers, Permission::ViewUsers].map(|needed| viewer.role.has(needed));
    let own_codes = viewer.customer_id.map(|id| format!("/customers/{id}"));
    view! {
        <nav class="nav" aria-label="Main">
            <ul>
                <Entry address="/" icon="live" name="Overview" />
                <li>
                    <A href=href("/transfers") attr:class="nav-link">
                        <Icon name="transfers" />
                        "Transfers"
                        {move || running().map(|running| view! { <span class="nav-count" aria-hidden="true">{running}</span> })}
                    </A>
                </li>
                <Entry address="/jobs" icon="jobs" name="Jobs" />
                <Entry address="/pipelines" icon="pipelines" name="Pipelines" />
                <Entry address="/agents" icon="agents" name="Agents" />
                <Entry address="/activity" icon="activity" name="Activity" />
            </ul>
            {own_codes
                .map(|address| {
                    view! {
                        <ul>
                            <Entry address icon="key" name="Enrolment codes" />
                        </ul>
                    }
                })}
            {(has_customers || has_users)
                .then(|| {
                    view! {
                        <p class="nav-title" id="nav-administration">
                            "Administration"
                        </p>
                        <ul aria-labelledby="nav-administration">
                            {has_customers
                                .then(|| {
                                    view! {
                                        <Entry address="/customers" icon="customers" name="Customers" />
                                    }
                                })}
                            {has_users
                                .then(|| view! { <Entry address="/users" icon="users" name="Users" /> })}
                        </ul>
                    }
                })}
        </nav>
    }
}

#[component]
fn Entry(#[prop(into)] address: String, icon: &'static str, name: &'static str) -> impl IntoView {
    let is_exact = address == "/";
    view! {
        <li>
            <A href=href(address) exact=is_exact attr:class="nav-link">
                <Icon name=icon />
                {name}
            </A>
        </li>
    }
}

/// The connection state.
#[component]
fn Connection() -> impl IntoView {
    let (feed, clock) = (expect_context::<Feed>(), expect_context::<Clock>());
    // Stays the same during an attempt to connect and between attempts, so that screen readers do not announce each
    // attempt, and the button keeps the focus.
    let is_lost = Memo::new(move |_| {
        let is_trying = matches!(feed.state(), ConnectionState::Connecting | ConnectionState::Waiting(_));
        is_trying && feed.lost_at().is_some()
    });
    let label = move || match feed.state() {
        ConnectionState::Live => ("live", "Live"),
        ConnectionState::Offline => ("offline", "Offline"),
        _ if is_lost.get() => ("waiting", "Reconnecting"),
        _ => ("waiting", "Connecting"),
    };
    let countdown = move || match feed.state() {
        ConnectionState::Waiting(until) => format!(" in {} s", until.seconds_since(clock.now()).max(0) + 1),
        _ => String::new(),
    };
    view! {
        <div class="connection" data-link=move || label().0>
            <span class="connection-mark" aria-hidden="true"></span>
            <span role="status" aria-label="Connection">
                {move || label().1}
            </span>
            // Not inside the element `status`, so that screen readers do not announce every second.
            <span class="connection-countdown" aria-hidden="true">
                {countdown}
            </span>
            <Show when=move || is_lost.get()>
                <button type="button" class="button button-small" on:click=move |_| feed.wake()>
                    "Connect now"
                </button>
            </Show>
        </div>
    }
}

/// The page that is shown instead of all others while the session is unknown because the server does not respond.
#[component]
pub(crate) fn Unreachable() -> impl IntoView {
    view! {
        <main class="gate">
            <div class="gate-card" role="alert">
                <Logo />
                <h1>"The server does not answer"</h1>
                <p>"This page retries every few seconds. If it does not recover, check the network and whether the server is running."</p>
            </div>
        </main>
    }
}
