//! The engine against a model: random graphs, agents that fail, go offline and repeat reports, and servers that are
//! killed at any point. In every case the run ends, no step is carried out twice, and no step starts too early.

use std::{
    collections::{BTreeMap, HashMap},
    env,
    fmt::Write,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use backend::{
    ids::IdGenerator,
    model::{
        definition::When,
        pipeline::run::{PipelineRun, PipelineRunStatus, StepStatus},
    },
};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Fixture, id, run_id, step_path, text};
use crate::support::{Receiver, TestApp, admin, app::TestAgent};

/// The variable that repeats one run with a printed seed.
const SEED: &str = "MFTPLUS_TEST_SEED";
/// The number of simulated runs.
const LIVES: u64 = 6;
/// The number of random events in a run before all agents and servers work normally.
const EVENTS: usize = 90;

/// A seeded source of random choices, so that a run can be repeated.
struct RandomSource(u64);

impl RandomSource {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// A step in the model.
struct Node {
    needs: Vec<String>,
    when: When,
    is_webhook: bool,
}

/// The steps that an agent carries out, and the reports that it has not sent.
struct Worker {
    agent: TestAgent,
    is_away: bool,
    at_work: Vec<(String, i64)>,
    known: Vec<(String, i64)>,
    said: Vec<(String, i64, StepStatus)>,
}

struct World {
    fixture: Option<Fixture>,
    workers: Vec<Worker>,
    nodes: BTreeMap<String, Node>,
    run: Value,
    random: RandomSource,
    done: HashMap<String, u32>,
    kills: u32,
}

/// Runs a future for this many polls, and then drops it.
async fn killed_after<F: Future>(turns: u64, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = turns;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// Random steps that need earlier ones, as the text of a definition and as nodes.
fn definition(random: &mut RandomSource, url: &str) -> (String, BTreeMap<String, Node>) {
    let mut yaml = "source: /a\ndestination: /b\nsteps:\n".to_owned();
    let mut nodes = BTreeMap::new();
    for position in 0..2 + random.below(5) {
        let needs: Vec<String> =
            (0..position).filter(|_| random.below(3) == 0).map(|need| format!("step-{need}")).collect();
        let when =
            [When::Success, When::Success, When::Failure, When::Always][usize::try_from(random.below(4)).unwrap_or(0)];
        let is_webhook = random.below(5) == 0;
        let task = if is_webhook {
            format!("type: webhook, url: \"{url}\"")
        } else {
            format!("type: delete, path: /{position}, agent: edge-{}", 1 + random.below(2))
        };
        writeln!(
            yaml,
            "  - {{ id: step-{position}, {task}, needs: [{}], when: {when}, retry: {{ maxAttempts: {}, initialDelay: 5s }} }}",
            needs.join(", "),
            1 + random.below(3)
        )
        .expect("a line");
        nodes.insert(format!("step-{position}"), Node { needs, when, is_webhook });
    }
    if random.below(4) == 0 {
        yaml.push_str("timeout: 1h\n");
    }
    (yaml, nodes)
}

impl World {
    fn fixture(&self) -> &Fixture {
        self.fixture.as_ref().expect("a server")
    }

    /// Handles the kill of a server: the next server knows only what is stored.
    async fn survive<T>(&mut self, outcome: Option<T>) -> Option<T> {
        if outcome.is_none() {
            self.kills += 1;
            let fixture = self.fixture.take().expect("a server");
            self.fixture = Some(fixture.restarted(TimeDelta::zero()).await);
        }
        outcome
    }

    fn turns(&mut self) -> u64 {
        if self.random.below(4) == 0 { self.random.below(30) } else { u64::MAX }
    }

    async fn stored(&self) -> PipelineRun {
        self.fixture().app.cp().get_pipeline_run(&admin(), run_id(&self.run)).await.expect("the run")
    }

    async fn look(&mut self) {
        let turns = self.turns();
        let outcome = killed_after(turns, self.fixture().app.app.cp.advance_pipeline_runs()).await;
        if let Some(looked) = self.survive(outcome).await {
            looked.expect("a look");
        }
    }

    /// Fetches the directives of an agent, and starts and stops its steps.
    async fn fetch(&mut self, worker: usize) {
        if self.workers[worker].is_away {
            return;
        }
        let client = self.fixture().app.key(&self.workers[worker].agent.key);
        let open = client.get("/api/agents/directives").await.body["data"]["directives"].clone();
        let run = self.stored().await;
        for directive in open.as_array().expect("directives") {
            let payload = &directive["payload"];
            if payload["runId"] != self.run["id"] {
                continue;
            }
            if directive["type"] == "runStep" {
                let order =
                    (text(&payload["step"]["id"]).to_owned(), payload["step"]["attempt"].as_i64().expect("a number"));
                if !self.workers[worker].known.contains(&order) {
                    self.assert_may_start(&run, &order.0);
                    let own = &mut self.workers[worker];
                    own.known.push(order.clone());
                    own.said.push((order.0.clone(), order.1, StepStatus::Running));
                    own.at_work.push(order);
                }
                continue;
            }
            let stop = text(&payload["stepId"]);
            let own = &mut self.workers[worker];
            // An agent that has ended a step says so before it says that it stopped it.
            if own.said.iter().any(|(step, _, status)| step == stop && status.has_ended()) {
                continue;
            }
            let (stopped, others) = own.at_work.drain(..).partition(|(step, _)| step == stop);
            let stopped: Vec<(String, i64)> = stopped;
            own.at_work = others;
            own.said.retain(|(step, ..)| step != stop);
            if stopped.is_empty() {
                client.send("POST", &format!("/api/agents/directives/{}/ack", id(directive)), None).await;
            }
            own.said.extend(stopped.into_iter().map(|(step, attempt)| (step, attempt, StepStatus::Cancelled)));
        }
    }

    /// Checks `needs` and `when` of a step that was sent.
    fn assert_may_start(&self, run: &PipelineRun, step: &str) {
        let node = &self.nodes[step];
        let status = |id: &String| run.steps.iter().find(|step| step.id == *id).expect("a step").status;
        let needed: Vec<StepStatus> = node.needs.iter().map(status).collect();
        assert!(needed.iter().all(|status| status.has_ended()), "{step} before what it needs: {run:?}");
        let is_meant = match node.when {
            When::Success => needed.iter().all(|status| *status == StepStatus::Completed),
            When::Failure => needed.iter().any(|status| matches!(status, StepStatus::Failed | StepStatus::Skipped)),
            When::Always => true,
        };
        assert!(is_meant, "{step} although it waits for something else: {run:?}");
    }

    /// Ends a step of an agent, with success or failure.
    fn work(&mut self, worker: usize) {
        if self.workers[worker].at_work.is_empty() {
            return;
        }
        let (step, attempt) = self.workers[worker].at_work.remove(0);
        let status = if self.random.below(3) == 0 { StepStatus::Failed } else { StepStatus::Completed };
        *self.done.entry(step.clone()).or_default() += u32::from(status == StepStatus::Completed);
        self.workers[worker].said.push((step, attempt, status));
    }

    /// Sends the reports of an agent. Reports without an answer are repeated, and sometimes others too.
    async fn report(&mut self, worker: usize) {
        if self.workers[worker].is_away || self.workers[worker].said.is_empty() {
            return;
        }
        let (step, attempt, status) = self.workers[worker].said[0].clone();
        let client = self.fixture().app.key(&self.workers[worker].agent.key);
        let (path, body) = (step_path(&self.run, &step), json!({ "status": status, "attempt": attempt }));
        let turns = self.turns();
        let outcome = killed_after(turns, client.patch(&path, &body)).await;
        drop(client);
        if let Some(answer) = self.survive(outcome).await {
            assert!(matches!(answer.status, 200 | 409), "{}", answer.body);
            if self.random.below(6) > 0 {
                self.workers[worker].said.remove(0);
            }
        }
    }

    async fn come_or_go(&mut self, worker: usize, is_away: bool) {
        let status = if is_away { "offline" } else { "online" };
        let client = self.fixture().app.key(&self.workers[worker].agent.key);
        assert_eq!(client.post("/api/agents/heartbeat", &json!({ "status": status })).await.status, 200);
        self.workers[worker].is_away = is_away;
    }

    async fn happen(&mut self) {
        let worker = usize::try_from(self.random.below(2)).unwrap_or(0);
        match self.random.below(13) {
            0 => self.come_or_go(worker, !self.workers[worker].is_away).await,
            1 | 2 => {
                let seconds = self.random.below(200).cast_signed();
                self.fixture().app.advance(TimeDelta::seconds(seconds));
            }
            3..=5 => self.look().await,
            6 | 7 => self.fetch(worker).await,
            8 | 9 => self.work(worker),
            _ => self.report(worker).await,
        }
    }

    /// Lets all agents and servers work normally until the run has ended.
    async fn finish(&mut self) -> PipelineRun {
        for worker in 0..self.workers.len() {
            self.come_or_go(worker, false).await;
        }
        for _ in 0..600 {
            let run = self.stored().await;
            if run.status.has_ended() {
                return run;
            }
            self.fixture().app.advance(TimeDelta::seconds(20));
            self.look().await;
            for worker in 0..self.workers.len() {
                self.fetch(worker).await;
                self.work(worker);
                self.report(worker).await;
            }
        }
        panic!("the run does not end: {:?}", self.stored().await);
    }
}

async fn live(seed: u64) -> u32 {
    let mut random = RandomSource(seed | 1);
    for _ in 0..8 {
        random.below(2);
    }
    let answers = Arc::new(std::sync::Mutex::new(RandomSource(seed.rotate_left(17) | 1)));
    let receiver = Receiver::start(move |_| {
        let drawn = answers.lock().expect("a lock").below(3);
        Some(if drawn == 0 { 500 } else { 204 })
    })
    .await;
    let app = TestApp::with(&["--rate-limits", "off", "--webhook-networks", "127.0.0.1"]).await;
    let fixture = Fixture::of(app).await;
    let second = fixture.app.agent(fixture.customer.id, "edge-2").await;
    let (yaml, nodes) = definition(&mut random, &receiver.url());
    let run = fixture.run(&yaml).await;
    let worker =
        |agent: TestAgent| Worker { agent, is_away: false, at_work: Vec::new(), known: Vec::new(), said: Vec::new() };
    let workers = vec![worker(fixture.agent.clone()), worker(second)];
    let mut world = World { fixture: Some(fixture), workers, nodes, run, random, done: HashMap::new(), kills: 0 };
    for _ in 0..EVENTS {
        world.happen().await;
    }
    if world.random.below(4) == 0 && !world.stored().await.status.has_ended() {
        let cancelled = world.fixture().app.cp().cancel_pipeline_run(&admin(), run_id(&world.run)).await;
        // The answer to a webhook may have ended the run meanwhile.
        assert!(cancelled.is_ok() || world.stored().await.status.has_ended(), "{cancelled:?}");
    }
    let run = world.finish().await;
    check(&world, &run, &receiver);
    world.kills
}

/// Checks the state after the end of the run.
fn check(world: &World, run: &PipelineRun, receiver: &Receiver) {
    assert!(run.steps.iter().all(|step| step.status.has_ended()), "{run:?}");
    let is_any = |wanted: StepStatus| run.steps.iter().any(|step| step.status == wanted);
    match run.status {
        PipelineRunStatus::Completed => assert!(!is_any(StepStatus::Failed) && !is_any(StepStatus::Cancelled)),
        PipelineRunStatus::Failed => assert!(is_any(StepStatus::Failed) && run.error_message.is_some(), "{run:?}"),
        _ => assert!(run.cancel_requested_at.is_some(), "{run:?}"),
    }
    for step in &run.steps {
        let done = world.done.get(&step.id).copied().unwrap_or(0);
        assert!(done <= 1, "`{}` was done {done} times: {run:?}", step.id);
        if !world.nodes[&step.id].is_webhook && step.status == StepStatus::Completed {
            assert_eq!(done, 1, "`{}` is completed, but no agent did it: {run:?}", step.id);
        }
    }
    let mut deliveries: Vec<String> =
        receiver.received().iter().map(|request| request.header("x-mftplus-delivery").to_owned()).collect();
    let sent = deliveries.len();
    deliveries.sort_unstable();
    deliveries.dedup();
    assert_eq!(deliveries.len(), sent, "no attempt at a webhook is sent twice");
}

#[tokio::test]
async fn every_run_ends_and_no_step_is_done_twice_whenever_servers_are_killed() {
    #[expect(clippy::disallowed_methods, reason = "this variable repeats the test with a seed")]
    if let Ok(seed) = env::var(SEED) {
        let digits = seed.trim_start_matches("0x");
        live(u64::from_str_radix(digits, 16).expect("a seed in hexadecimal digits")).await;
        return;
    }
    let mut bytes = [0; 8];
    IdGenerator::system().fill(&mut bytes);
    let start = u64::from_le_bytes(bytes);
    let mut kills = 0;
    for life in 0..LIVES {
        let seed = start.wrapping_add(life.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        println!("{SEED}={seed:#x}");
        kills += live(seed).await;
    }
    assert!(kills > 0, "no server was killed");
}
