//! The page that adds an agent: the commands with an enrolment code filled in, and the live status of the new agent.

mod arrival_state;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use self::arrival_state::{Arrival, first_since, newer, newest_registration};
use crate::{
    api::{
        agents::{self, Agent, AgentFilter},
        customers,
        enrolment_codes::{self, CreateCode},
    },
    base_path::{self, href},
    browser,
    effect::effect,
    fleet_totals::FleetTotals,
    format,
    live::Feed,
    reactive_query::Fetch,
    session::{Permission, Session},
    time::Instant,
    ui::{Card, CopyButton, Fact, Icon, Notice, PageHead, Secret, Select, Time, TimeFormat},
    user_action::UserAction,
};

/// The number of newest agents among which the new one is searched.
const NEWEST: i32 = 10;
/// How long a code is valid, in hours.
const VALID_HOURS: i64 = 24;

/// The steps that add an agent.
#[component]
pub(crate) fn AddAgent() -> impl IntoView {
    let session = expect_context::<Session>();
    let own = session.viewer().and_then(|viewer| viewer.customer_id);
    let has_customers = session.may(Permission::ListCustomers);
    let wanted = use_query_map().with_untracked(|query| query.get("customer")).filter(|_| has_customers);
    let customer = RwSignal::new(own.or(wanted).unwrap_or_default());
    let code = RwSignal::new(None::<String>);
    let since = RwSignal::new(None::<Instant>);
    // An enrolment code belongs to one customer, so a change of the customer resets it.
    effect(move || {
        customer.track();
        code.set(None);
    });
    let arrival = follow_arrival(customer, code, since);
    view! {
        <PageHead title="Add an agent" parent=("/agents", "Agents") about=|| "Three commands on the machine that sends or receives files" />
        <div class="columns">
            <Steps customer code since has_customers arrival />
            <ArrivalCard arrival />
        </div>
    }
}

/// Follows the agent that registers with the code.
fn follow_arrival(
    customer: RwSignal<String>,
    code: RwSignal<Option<String>>,
    since: RwSignal<Option<Instant>>,
) -> Memo<Arrival> {
    let (totals, feed) = (expect_context::<FleetTotals>(), expect_context::<Feed>());
    let total = Memo::new(move |_| totals.read(|fleet| fleet.agents.total));
    let has_code = Memo::new(move |_| code.with(Option::is_some));
    // A registration changes the number of agents. The memo must be read, since a memo that is only tracked is not
    // computed.
    let newest = Fetch::when(move || {
        let has_code = total.with(|_| has_code.get());
        has_code.then(|| agents::list_some(AgentFilter::default(), NEWEST, 1))
    });
    let listed = Memo::new(move |_| {
        let found =
            newest.read(|page| customer.with(|customer| first_since(&page.items, customer, since.get()).cloned()));
        found.flatten()
    });
    let updated = RwSignal::new(None::<Agent>);
    let id = Memo::new(move |_| listed.with(|agent| agent.as_ref().map(|agent| agent.id.clone())));
    effect(move || {
        if let Some(id) = id.get() {
            let update = move |agent| {
                updated.try_set(Some(agent));
            };
            feed.watch(agents::watch(Some(vec![id])), update, move || newest.reload());
        }
    });
    Memo::new(move |_| Arrival::of(has_code.get(), newer(listed.get(), updated.get())))
}

/// The commands.
#[component]
fn Steps(
    customer: RwSignal<String>,
    code: RwSignal<Option<String>>,
    since: RwSignal<Option<Instant>>,
    has_customers: bool,
    arrival: Memo<Arrival>,
) -> impl IntoView {
    let register = move || {
        code.get().map(|code| {
            let command = format::register_command(&base_path::server(), &code);
            view! {
                <Secret what="registration command" text=command />
                <p class="form-text">
                    "The code registers one agent and is valid for 24 hours. Add " <code>"--name NAME"</code>
                    " to give the agent another name than its host has."
                </p>
            }
        })
    };
    let is_unused = Memo::new(move |_| code.with(Option::is_some) && arrival.with(|arrival| arrival.agent().is_none()));
    view! {
        <Card title="Commands">
            <ol class="add-steps">
                <li>
                    <h3>"Install the agent"</h3>
                    <p class="form-text">
                        "Copy the program " <code>"mftplus-agent"</code>
                        " of the release to the machine. It is one file and needs nothing else. The server's program "
                        <code>"mftplus"</code> " contains it too: there, write " <code>"mftplus agent"</code>
                        " in these commands."
                    </p>
                    <Command what="installation command" text="sudo install mftplus-agent /usr/local/bin/" />
                </li>
                <li>
                    <h3>"Register it"</h3>
                    {has_customers.then(|| view! { <Customers customer /> })}
                    <CreateCodeButton customer code since is_unused />
                    {register}
                </li>
                <li>
                    <h3>"Start it"</h3>
                    <p class="form-text">
                        "In the same folder, since the agent keeps its key there. Name each folder that it may use with "
                        <code>"--allow-dir"</code> "."
                    </p>
                    <Command what="start command" text="mftplus-agent run --allow-dir /data" />
                    <p class="form-text">
                        "On Linux with systemd, " <code>"sudo mftplus-agent install"</code>
                        " makes it a service that starts with the machine."
                    </p>
                </li>
            </ol>
        </Card>
    }
}

/// A command with a button to copy it.
#[component]
fn Command(what: &'static str, text: &'static str) -> impl IntoView {
    view! {
        <div class="secret">
            <code class="secret-text">{text}</code>
            <CopyButton what text=text.to_owned() />
        </div>
    }
}

/// The choice of the customer, for administrators.
#[component]
fn Customers(customer: RwSignal<String>) -> impl IntoView {
    let found = Fetch::new(|| customers::list_some(100, 1));
    let options = move || {
        let active = |page: &crate::api::Page<customers::Customer>| {
            let active = page.items.iter().filter(|row| !row.suspended);
            active.map(|row| (row.id.inner().to_owned(), row.name.clone())).collect::<Vec<_>>()
        };
        let mut options = found.read(active).unwrap_or_default();
        let chosen = customer.get();
        // The customer in the URL may not be among the newest hundred.
        if !chosen.is_empty() && !options.iter().any(|(id, _)| *id == chosen) {
            options.push((chosen, "The customer of the previous page".to_owned()));
        }
        options
    };
    let options = Memo::new(move |_| options());
    effect(move || {
        let first = options.with(|options| options.first().map(|(id, _)| id.clone()));
        if let Some(first) = first
            && customer.with_untracked(String::is_empty)
        {
            customer.set(first);
        }
    });
    let has_none = move || found.read(|page| page.items.is_empty()) == Some(true);
    let has_more = move || found.read(|page| page.total > 100) == Some(true);
    view! {
        <Show
            when=move || !has_none()
            fallback=|| {
                view! {
                    <p class="form-text">
                        "An agent belongs to a customer, and there is none yet. "
                        <a href=href("/customers")>"Create the first customer"</a> ", then come back."
                    </p>
                }
            }
        >
            <Select label="Customer" options chosen=customer on_choose=move |id: String| customer.set(id) />
        </Show>
        <Show when=has_more>
            <p class="form-text">
                "These are the newest 100. For another one, open it under " <a href=href("/customers")>"Customers"</a> "."
            </p>
        </Show>
        <Notice text=Signal::derive(move || found.failure().map(|error| error.to_string())) />
    }
}

/// The button that creates a code. It is hidden while there is a code that no agent has used.
#[component]
fn CreateCodeButton(
    customer: RwSignal<String>,
    code: RwSignal<Option<String>>,
    since: RwSignal<Option<Instant>>,
    /// Whether there is a code with which no agent has registered.
    is_unused: Memo<bool>,
) -> impl IntoView {
    let (looking, creating) = (UserAction::new(), UserAction::new());
    let create = move |_| {
        let owner = customer.get_untracked();
        // The user may have left the page, or chosen another customer, to whom the code does not belong.
        let is_current = move |owner: &str| customer.try_with_untracked(|customer| customer == owner) == Some(true);
        // Agents that registered before the code was created are not the new one.
        looking.run(agents::list_some(AgentFilter::default(), NEWEST, 1), move |page| {
            if !is_current(&owner) {
                return;
            }
            since.set(newest_registration(&page.items));
            let expires_at = Instant(browser::now().0 + VALID_HOURS * 3_600_000);
            let input = CreateCode { expires_at: Some(expires_at), max_uses: Some(1) };
            creating.run(enrolment_codes::create(&owner, input), move |created| {
                if is_current(&owner) {
                    code.set(Some(created.code));
                }
            });
        });
    };
    let is_blocked =
        move || looking.is_busy() || creating.is_busy() || is_unused.get() || customer.with(String::is_empty);
    let label = move || if code.with(Option::is_some) { "Create another code" } else { "Create the enrolment code" };
    view! {
        <div class="form-actions">
            <button type="button" class="button button-primary" disabled=is_blocked on:click=create>
                {label}
            </button>
        </div>
        <Notice text=Signal::derive(move || looking.failure().or_else(|| creating.failure())) />
    }
}

/// Whether the agent has registered, and is online.
#[component]
fn ArrivalCard(arrival: Memo<Arrival>) -> impl IntoView {
    let may_create_job = expect_context::<Session>().may(Permission::CreateJob);
    let tone = move || {
        arrival.with(|arrival| match arrival {
            Arrival::NoCode => "neutral",
            Arrival::Waiting | Arrival::Registered(_) => "accent",
            Arrival::Online(_) => "good",
        })
    };
    let sentence = move || {
        arrival.with(|arrival| match arrival {
            Arrival::NoCode => "Create the enrolment code to begin.".to_owned(),
            Arrival::Waiting => "Waiting for the agent to register.".to_owned(),
            Arrival::Registered(agent) => format!("{} has registered. Waiting for its first heartbeat.", agent.label()),
            Arrival::Online(agent) => format!("{} is online. Its first heartbeat has arrived.", agent.label()),
        })
    };
    let icon = move || {
        let is_online = arrival.with(|arrival| matches!(arrival, Arrival::Online(_)));
        view! { <Icon name=if is_online { "done" } else { "live" } /> }
    };
    // Only these fields are compared: otherwise each heartbeat would render the facts again.
    let known = Memo::new(move |_| {
        arrival.with(|arrival| {
            let agent = arrival.agent()?;
            Some((agent.id.inner().to_owned(), agent.hostname.clone(), agent.created_at))
        })
    });
    let heartbeat = Signal::derive(move || {
        arrival.with(|arrival| arrival.agent().map_or(Instant(0), |agent| agent.last_heartbeat))
    });
    let is_online = Memo::new(move |_| arrival.with(|arrival| matches!(arrival, Arrival::Online(_))));
    let facts = move || {
        known.get().map(|(id, hostname, created_at)| {
            view! {
                <dl class="facts">
                    <Fact name="Host name">{hostname}</Fact>
                    <Fact name="Registered">
                        <Time at=created_at />
                    </Fact>
                    <Show when=move || is_online.get()>
                        <Fact name="Last heartbeat">
                            <Time at=heartbeat format=TimeFormat::Relative />
                        </Fact>
                    </Show>
                </dl>
                <div class="card-foot">
                    <a class="button" href=href(format!("/agents/{id}"))>
                        "Open the agent"
                    </a>
                    {may_create_job
                        .then(|| {
                            view! {
                                <a class="button button-primary" href=href("/jobs/new")>
                                    "Create a job for it"
                                </a>
                            }
                        })}
                </div>
            }
        })
    };
    view! {
        <Card title="The agent">
            <div class="arrival" data-tone=tone>
                {icon}
                <p role="status">{sentence}</p>
            </div>
            {facts}
        </Card>
    }
}
