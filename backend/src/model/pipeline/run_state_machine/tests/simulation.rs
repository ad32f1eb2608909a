//! Property tests: runs of random graphs with agents that fail, go offline and repeat reports, and servers that are
//! killed at any point.

use proptest::prelude::*;

use super::*;
use crate::{
    ids::AgentId,
    model::{
        directive::StepInstruction,
        pipeline::{UpdateStep, stored_run_plan::Node},
        retry::Retry,
    },
};

pub(super) const TIMEOUTS: Timeouts = Timeouts {
    lease: TimeDelta::minutes(5),
    leases_from: None,
    report_timeout: TimeDelta::hours(24),
    webhook: TimeDelta::seconds(60),
    recheck_after: TimeDelta::seconds(5),
};

/// A step: its dependencies, its condition, its number of attempts, and whether the server carries it out.
pub(super) type Shape = (Vec<prop::sample::Index>, u8, i64, bool);

pub(super) fn graph(shapes: &[Shape], timeout_seconds: Option<u64>) -> RunGraph {
    let node = |(place, (needs, when, attempts, is_webhook)): (usize, &Shape)| {
        let mut needs: Vec<usize> = needs.iter().filter(|_| place > 0).map(|need| need.index(place.max(1))).collect();
        needs.sort_unstable();
        needs.dedup();
        let action = StepInstruction::Delete { path: format!("/{place}") };
        Node {
            id: format!("step-{place}"),
            needs,
            when: [When::Success, When::Success, When::Failure, When::Always][usize::from(*when % 4)],
            retry: Retry::usual(*attempts),
            timeout_seconds: None,
            task: if *is_webhook {
                Task::Webhook { url: "https://example.com/".to_owned(), body: None }
            } else {
                Task::Agent { agent_id: AgentId(uuid::Uuid::nil()), action }
            },
        }
    };
    RunGraph { timeout_seconds, nodes: shapes.iter().enumerate().map(node).collect() }
}

/// A seeded source of random choices, so that a test run can be repeated.
struct RandomSource(u64);

impl RandomSource {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// The stored state, the one agent of all steps with its own state, and a clock.
struct World {
    stored: RunStateMachine,
    now: DateTime<Utc>,
    random: RandomSource,
    away_since: Option<DateTime<Utc>>,
    /// The directives that the agent has not received: steps with their attempts, and steps to stop.
    orders: Vec<(usize, i64)>,
    stops: Vec<usize>,
    /// The steps that the agent carries out, and the reports that it has not sent.
    at_work: Vec<(usize, i64)>,
    said: Vec<(usize, i64, StepStatus)>,
    /// How often each step was carried out, and every webhook that was sent.
    done: Vec<u32>,
    posted: Vec<(usize, i64)>,
}

impl World {
    fn new(graph: RunGraph, seed: u64) -> Self {
        let done = vec![0; graph.nodes.len()];
        Self {
            stored: RunStateMachine::new(graph),
            now: DateTime::UNIX_EPOCH,
            random: RandomSource(seed | 1),
            away_since: None,
            orders: Vec::new(),
            stops: Vec::new(),
            at_work: Vec::new(),
            said: Vec::new(),
            done,
            posted: Vec::new(),
        }
    }

    fn availabilities(&self) -> Vec<AgentAvailability> {
        let availability = |place: usize| match self.away_since {
            _ if self.stored.graph.nodes[place].agent().is_none() => AgentAvailability::Ready,
            Some(since) => AgentAvailability::Away(since),
            None if self.stops.contains(&place) => AgentAvailability::Busy,
            None => AgentAvailability::Ready,
        };
        (0..self.stored.steps.len()).map(availability).collect()
    }

    /// A server changes the run and advances it, and may be killed before the change is durable. Returns `None` if it
    /// was killed.
    fn change<T>(&mut self, change: impl FnOnce(&mut RunStateMachine, DateTime<Utc>) -> (Vec<Effect>, T)) -> Option<T> {
        let mut state_machine = self.stored.clone();
        let (mut effects, outcome) = change(&mut state_machine, self.now);
        effects.extend(state_machine.advance(&self.availabilities(), &TIMEOUTS, self.now));
        if self.random.below(4) == 0 {
            return None;
        }
        self.check(&state_machine);
        self.stored = state_machine;
        for effect in effects {
            let (Effect::Send(place) | Effect::Stop(place) | Effect::Withdraw(place)) = effect;
            self.orders.retain(|(order, _)| *order != place);
            match effect {
                Effect::Send(_) => self.orders.push((place, self.stored.steps[place].attempt)),
                Effect::Stop(_) => self.stops.push(place),
                Effect::Withdraw(_) => self.stops.retain(|stop| *stop != place),
            }
        }
        Some(outcome)
    }

    /// Checks that the transition from the stored state to the next one is allowed.
    fn check(&self, next: &RunStateMachine) {
        for (place, (before, after)) in self.stored.steps.iter().zip(&next.steps).enumerate() {
            if before.status.has_ended() {
                assert_eq!(before, after, "what has ended stays as it ended");
            }
            if before.sent_at.is_none() && after.sent_at.is_some() {
                let node = &next.graph.nodes[place];
                let needs = || node.needs.iter().map(|need| &next.steps[*need]);
                assert!(needs().all(|need| need.status.has_ended()), "`needs` is honoured");
                let is_meant = match node.when {
                    When::Success => needs().all(|need| need.status == StepStatus::Completed),
                    When::Failure => node.needs.iter().any(|need| next.has_failed(*need)),
                    When::Always => true,
                };
                assert!(is_meant, "`when` is honoured");
                assert!(after.attempt <= node.retry.max_attempts, "no attempt too many");
                assert!(next.run.cancel_requested_at.is_none(), "nothing begins after a cancel");
            }
        }
        if self.stored.run.status.has_ended() {
            assert_eq!(self.stored.run, next.run);
        }
    }

    /// A server advances the run and sends the webhooks that it claimed; it may be killed at any point.
    fn look(&mut self) {
        let claimed = self.change(|state_machine, now| {
            let places = state_machine.unclaimed(now);
            for place in &places {
                state_machine.claim(*place, now);
            }
            (
                Vec::new(),
                places.into_iter().map(|place| (place, state_machine.steps[place].attempt, now)).collect::<Vec<_>>(),
            )
        });
        for (place, attempt, at) in claimed.unwrap_or_default() {
            let step = &self.stored.steps[place];
            if (step.attempt, step.sent_at) != (attempt, Some(at)) || self.random.below(5) == 0 {
                continue;
            }
            self.posted.push((place, attempt));
            let outcome = if self.random.below(3) == 0 { Err("the receiver answered 500".to_owned()) } else { Ok(()) };
            self.change(|state_machine, now| {
                state_machine.record_webhook(place, attempt, at, outcome, now);
                (Vec::new(), ())
            });
        }
    }

    /// The agent receives directives, works and reports, if it is online.
    fn agent(&mut self) {
        if self.away_since.is_none() && self.random.below(2) == 0 {
            let has_to_say = |stop: &usize| self.said.iter().any(|(at, _, status)| at == stop && status.has_ended());
            // An agent that has ended a step reports that before it confirms a stop.
            let stops: Vec<usize> = self.stops.iter().copied().filter(|stop| !has_to_say(stop)).collect();
            for place in stops {
                let was_at = self.at_work.iter().find(|(at, _)| *at == place).map(|(_, attempt)| *attempt);
                self.at_work.retain(|(at, _)| *at != place);
                self.said.extend(was_at.map(|attempt| (place, attempt, StepStatus::Cancelled)));
                // An agent that has not started a step only acknowledges the directive.
                let stopped = |state_machine: &mut RunStateMachine, now| {
                    (state_machine.confirm_stop(place, now).into_iter().collect(), ())
                };
                if was_at.is_some() || self.change(stopped).is_some() {
                    self.stops.retain(|stop| *stop != place);
                }
            }
            for (place, attempt) in std::mem::take(&mut self.orders) {
                // A repeated directive is carried out once.
                if !self.at_work.contains(&(place, attempt)) {
                    self.at_work.push((place, attempt));
                    self.said.push((place, attempt, StepStatus::Running));
                }
            }
        }
        if !self.at_work.is_empty() && self.random.below(2) == 0 {
            let (place, attempt) = self.at_work.remove(0);
            let status = if self.random.below(3) == 0 { StepStatus::Failed } else { StepStatus::Completed };
            self.done[place] += u32::from(status == StepStatus::Completed);
            self.said.push((place, attempt, status));
        }
        if self.away_since.is_none() && !self.said.is_empty() {
            let (place, attempt, status) = self.said[0];
            let report = UpdateStep { status: Some(status), attempt: Some(attempt), ..UpdateStep::default() };
            let taken = self.change(|state_machine, now| match state_machine.report(place, &report, now) {
                Ok(Reported::Nothing(effect) | Reported::Status(effect)) => (effect.into_iter().collect(), ()),
                Ok(Reported::Progress) | Err(_) => (Vec::new(), ()),
            });
            // A report without an answer is repeated, and sometimes another one too.
            if taken.is_some() && self.random.below(5) > 0 {
                self.said.remove(0);
            }
        }
    }

    fn live(&mut self, may_cancel: bool) {
        match self.random.below(12) {
            0 => self.away_since = if self.away_since.is_some() { None } else { Some(self.now) },
            1 if may_cancel => {
                self.change(|state_machine, now| (state_machine.cancel(now), ()));
            }
            2..=4 => self.now += TimeDelta::seconds(self.random.below(400).cast_signed()),
            5..=7 => self.look(),
            _ => self.agent(),
        }
    }
}

proptest! {
    #[test]
    fn every_run_ends_and_no_step_is_done_twice(
        shapes in prop::collection::vec(
            (prop::collection::vec(any::<prop::sample::Index>(), 0..3), any::<u8>(), 1_i64..4, prop::bool::weighted(0.2)),
            1..9,
        ),
        seed in any::<u64>(),
        may_cancel in prop::bool::weighted(0.2),
        timeout in prop::option::weighted(0.2, 60_u64..4000),
    ) {
        let mut world = World::new(graph(&shapes, timeout), seed);
        for _ in 0..400 {
            world.live(may_cancel);
        }
        // From here on no agent stays offline, and time passes.
        world.away_since = None;
        for _ in 0..4000 {
            if world.stored.run.status.has_ended() {
                break;
            }
            let due = world.stored.due_at(&TIMEOUTS, world.now).expect("a run on its way is due some time");
            world.now = world.now.max(due.min(world.now + TimeDelta::hours(1)));
            world.look();
            world.agent();
        }
        let state_machine = &world.stored;
        prop_assert!(state_machine.run.status.has_ended(), "{state_machine:?}");
        prop_assert!(state_machine.steps.iter().all(|step| step.status.has_ended()));
        prop_assert!(state_machine.due_at(&TIMEOUTS, world.now).is_none());
        for (place, node) in state_machine.graph.nodes.iter().enumerate() {
            if node.agent().is_some() {
                prop_assert!(world.done[place] <= 1, "step {place} was done {} times: {state_machine:?}", world.done[place]);
            }
        }
        let mut posted = world.posted.clone();
        posted.sort_unstable();
        posted.dedup();
        prop_assert_eq!(posted.len(), world.posted.len(), "no attempt at a webhook is sent twice");
    }
}
