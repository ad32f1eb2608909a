//! Twenty thousand agents stop sending heartbeats at once. Measures how long it takes until all of them have the status
//! offline, and how long reports of other agents take meanwhile.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use backend::{
    actor::{Actor, Scope},
    app::{Ambient, App},
    clock::{Clock, ManualClock},
    ids::{AgentId, CustomerId, IdGenerator, TransferId},
    model::{
        FromFields,
        agent::RegisterAgent,
        customer::CreateCustomer,
        enrolment_code::CreateEnrolmentCode,
        transfer::{CreateTransfer, UpdateTransfer},
    },
    store::{self, agents::AgentRow},
};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    Options,
    place::{self, Engine, Place},
};

/// The number of agents that stop.
const SILENT: usize = 20_000;
/// The number of agents that report meanwhile. Each sends the next report as soon as the last one is answered.
const REPORTING: usize = 16;

pub(crate) fn run(options: &Options) {
    let mut engines = vec![("SQLite", Engine::Sqlite)];
    engines.extend(options.postgres.clone().map(|url| ("PostgreSQL", Engine::Postgres(url))));
    for (name, engine) in engines {
        println!("\nAn outage of {SILENT} agents on {name}");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let place = Place::fresh(&engine, "outage");
        let (before, sweep_time, during) = runtime.block_on(outage(&place, options.seconds));
        println!("  before: {} reports, p99 {:.1?}, longest {:.1?}", before.len(), p99(&before), longest(&before));
        println!("  all of them are offline after {sweep_time:.1?}");
        println!("  meanwhile: {} reports, p99 {:.1?}, longest {:.1?}", during.len(), p99(&during), longest(&during));
    }
}

/// Returns how long reports take without an outage, how long the sweep takes, and how long reports take during the
/// sweep.
async fn outage(place: &Place, seconds: u64) -> (Vec<Duration>, Duration, Vec<Duration>) {
    let clock = ManualClock::at("2026-04-25T13:00:00Z".parse().unwrap());
    let settings = place::settings(place.flags());
    let ambient = Ambient { clock: Clock::manual(clock.clone()), ..Ambient::default() };
    let app = App::start(&settings, ambient).await.unwrap();
    let customer = CreateCustomer { name: "Bench".to_owned() };
    let customer = app.cp.create_customer(&Actor::System, customer, None).await.unwrap().id;
    let mut reporting = Vec::with_capacity(REPORTING);
    for index in 0..REPORTING {
        reporting.push(transfer(&app, customer, &format!("reporting-{index}")).await);
    }
    fill(&app, &reporting[0].0).await;
    let quiet = report_during(&app, &reporting, async { tokio::time::sleep(Duration::from_secs(seconds)).await });
    let ((), before) = quiet.await;
    clock.advance(TimeDelta::seconds(91));
    let sweep = async {
        let start = Instant::now();
        let marked = app.cp.mark_silent_agents_offline().await.unwrap();
        assert!(marked >= SILENT, "{marked} of {SILENT}");
        start.elapsed()
    };
    let (sweep_time, during) = report_during(&app, &reporting, sweep).await;
    app.close().await;
    (before, sweep_time, during)
}

/// Lets agents report while `work` runs. Returns how long each report took.
async fn report_during<T>(
    app: &App,
    reporting: &[(Actor, TransferId)],
    something: impl Future<Output = T>,
) -> (T, Vec<Duration>) {
    let over = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = reporting
        .iter()
        .map(|(actor, id)| {
            let (cp, over, actor, id) = (Arc::clone(&app.cp), Arc::clone(&over), actor.clone(), *id);
            app.tasks.spawn(async move {
                let mut taken = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    let start = Instant::now();
                    let patch = json!({ "status": "running", "speed": taken.len() });
                    cp.update_transfer(&actor, id, UpdateTransfer::read(object(&patch)).unwrap()).await.unwrap();
                    taken.push(start.elapsed());
                }
                taken
            })
        })
        .collect();
    let done = something.await;
    over.store(true, Ordering::Relaxed);
    let mut taken = Vec::new();
    for task in tasks {
        taken.extend(task.await.unwrap());
    }
    taken.sort_unstable();
    (done, taken)
}

async fn agent(app: &App, customer: CustomerId, hostname: &str) -> AgentId {
    let code = app.cp.create_enrolment_code(&Actor::System, customer, CreateEnrolmentCode::default()).await;
    let input = json!({ "hostname": hostname, "os": "linux", "customerIdentifier": code.unwrap().code });
    app.cp.register_agent(None, RegisterAgent::read(object(&input)).unwrap(), None).await.unwrap().agent.id
}

/// Creates a running transfer of a new agent.
async fn transfer(app: &App, customer: CustomerId, hostname: &str) -> (Actor, TransferId) {
    let actor = Actor::Agent { agent: agent(app, customer, hostname).await, customer, key: None };
    let input = json!({
        "sourceUrl": "/out/a", "destinationPath": "/in/a", "direction": "pull", "protocol": "local", "size": 1_000_000,
    });
    let input = CreateTransfer::read(object(&input)).unwrap();
    let transfer = app.cp.create_transfer(&actor, input, None).await.unwrap();
    (actor, transfer.id)
}

/// Creates [`SILENT`] agents in bulk, as copies of the agent `like`.
async fn fill(app: &App, like: &Actor) {
    let Actor::Agent { agent, .. } = *like else { unreachable!("an agent reports") };
    let row = store::agents::find(&app.db, Scope::All, agent).await.unwrap().unwrap();
    let ids = IdGenerator::system();
    let mut tx = app.db.begin().await.unwrap();
    for _ in 0..SILENT {
        let other = AgentRow { id: ids.next(row.created_at), ..row.clone() };
        store::agents::insert(&mut tx, &other).await.unwrap();
    }
    tx.commit().await.unwrap();
}

fn object(value: &Value) -> serde_json::Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn p99(sorted: &[Duration]) -> Duration {
    sorted.get(sorted.len() * 99 / 100).copied().unwrap_or_default()
}

fn longest(sorted: &[Duration]) -> Duration {
    sorted.last().copied().unwrap_or_default()
}
