//! The effect of a hundred thousand enabled jobs, compared with a thousand: the time to claim and dispatch a thousand
//! jobs that are due, and the CPU usage of an idle server.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use backend::{
    actor::{Actor, Scope},
    app::{Ambient, App},
    clock::{Clock, ManualClock},
    ids::{CustomerId, IdGenerator, JobId},
    model::{
        FromFields,
        agent::RegisterAgent,
        customer::CreateCustomer,
        enrolment_code::CreateEnrolmentCode,
        job::{CreateJob, JobSettings},
        schedule::Schedule,
    },
    store::{self, db::sql, jobs::JobRow},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{
    Options,
    place::{self, Engine, Place, Server},
    ratios::Ratio,
    usage::cpu,
};

/// The number of jobs that are due at once.
const DUE: usize = 1_000;
const FEW: usize = DUE;
const MANY: usize = 100_000;
const AGENTS: usize = 100;
/// A schedule that is not due while an idle server is measured.
const LATER: &str = "0 0 1 1 *";

pub(crate) fn run(options: &Options) -> Vec<Ratio> {
    let mut engines = vec![("SQLite", Engine::Sqlite)];
    engines.extend(options.postgres.clone().map(|url| ("PostgreSQL", Engine::Postgres(url))));
    let mut ratios = Vec::new();
    for (name, engine) in engines {
        println!("\nA schedule with many jobs on {name}");
        let costs = [FEW, MANY].map(|count| {
            let place = Place::fresh(&engine, &format!("schedule_{count}"));
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let dispatch = runtime.block_on(dispatch(&place, count, options.rounds));
            drop(runtime);
            let idle = idle(&place, options);
            println!(
                "  {count} jobs: {DUE} due ones claimed and dispatched in {dispatch:.1?}; idle CPU {:.2} %",
                idle * 100.0
            );
            dispatch
        });
        let ratio = costs[1].as_secs_f64() / costs[0].as_secs_f64();
        println!("  {MANY} jobs cost {ratio:.2}x of {FEW}");
        ratios.push(Ratio::of_durations(format!("{name}, due slots beside {MANY} jobs, beside {FEW}"), ratio));
    }
    ratios
}

/// The median time to decide the slots of a thousand jobs that are due at the same instant.
async fn dispatch(place: &Place, count: usize, rounds: usize) -> Duration {
    let clock = ManualClock::at("2026-04-25T13:00:00Z".parse().unwrap());
    let settings = place::settings(place.flags());
    let ambient = Ambient { clock: Clock::manual(clock.clone()), ..Ambient::default() };
    let app = App::start(&settings, ambient).await.unwrap();
    let cp = Arc::clone(&app.cp);
    fill(&app, count).await;
    let mut taken = Vec::with_capacity(rounds + 1);
    for _ in 0..=rounds {
        clock.advance(TimeDelta::minutes(1));
        let start = Instant::now();
        assert_eq!(cp.decide_due_slots().await.unwrap(), DUE);
        taken.push(start.elapsed());
    }
    // From here on, no job is due.
    let mut tx = app.db.begin().await.unwrap();
    let later: DateTime<Utc> = "2100-01-01T00:00:00Z".parse().unwrap();
    sql("UPDATE schedules SET next_run_at = $1").bind(later).execute(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    drop(cp);
    app.close().await;
    // The first round warms up.
    taken.remove(0);
    taken.sort_unstable();
    taken[taken.len() / 2]
}

/// Creates jobs in bulk, of which a thousand are due each minute.
async fn fill(app: &App, count: usize) {
    let cp = &app.cp;
    let customer = CreateCustomer { name: "Bench".to_owned() };
    let customer = cp.create_customer(&Actor::System, customer, None).await.unwrap().id;
    let templates = templates(app, customer).await;
    let ids = IdGenerator::system();
    let now = cp.now();
    let [due, later] = ["* * * * *", LATER].map(|text| {
        let next = Schedule::parse(text, "UTC").unwrap().next_after(now);
        (text.to_owned(), next)
    });
    let mut tx = app.db.begin().await.unwrap();
    for index in templates.len()..count {
        let (schedule, next_run_at) = if index < DUE { due.clone() } else { later.clone() };
        let id: JobId = ids.next(now);
        let template = templates[index % AGENTS].clone();
        let settings = JobSettings { schedule, ..template.settings };
        let row = JobRow { id, settings, next_run_at, ..template };
        store::jobs::insert(&mut tx, &row).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Creates one job for each agent, due each minute.
async fn templates(app: &App, customer: CustomerId) -> Vec<JobRow> {
    let cp = &app.cp;
    let code = cp.create_enrolment_code(&Actor::System, customer, CreateEnrolmentCode::default()).await.unwrap().code;
    let mut templates = Vec::with_capacity(AGENTS);
    for index in 0..AGENTS {
        let input = json!({ "hostname": format!("agent-{index}"), "os": "linux", "customerIdentifier": code });
        let input = RegisterAgent::read(input.as_object().unwrap().clone()).unwrap();
        let agent = cp.register_agent(None, input, None).await.unwrap().agent.id;
        let input = json!({
            "agentId": agent, "name": "Bench", "sourcePath": "/out/", "destinationPath": "/in/", "schedule": "* * * * *",
            "protocol": "local", "direction": "pull", "overlap": "allow",
        });
        let input = CreateJob::read(input.as_object().unwrap().clone()).unwrap();
        let job = cp.create_job(&Actor::System, input, None).await.unwrap().id;
        templates.push(store::jobs::find(&app.db, Scope::All, job).await.unwrap().unwrap());
    }
    templates
}

/// The fraction of one core that an idle server uses.
fn idle(place: &Place, options: &Options) -> f64 {
    let server = Server::product(&options.server, place, "off");
    let settled = Duration::from_secs(2);
    std::thread::sleep(settled);
    let (before, start) = (cpu(server.child.id()), Instant::now());
    std::thread::sleep(Duration::from_secs(options.seconds.max(10)));
    (cpu(server.child.id()) - before) / start.elapsed().as_secs_f64()
}
