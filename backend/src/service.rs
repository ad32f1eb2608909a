//! The control plane: the only type that decides, writes and publishes. REST, the sweeper, the command line and the tests
//! all call it, and name the [`Actor`] on whose behalf they do.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    actor::Actor,
    clock::{Clock, MonotonicInstant},
    error::Result,
    events::{Bus, Invalidation, Message, Signal},
    ids::IdGenerator,
    limits::Limits,
    model::event::{Change, Event, Kind, Object},
    store::{
        self, Db, Tx,
        writer::{CommitListener, CommittedBatch, Writer},
    },
    webhooks::Webhooks,
};

mod accounts;
mod active_runs;
mod agents;
mod attempts;
mod authenticate;
mod backfill;
mod background;
mod cache;
mod clock_jumps;
mod cursors;
mod customers;
mod directives;
mod dispatch;
mod fleet;
mod gaps;
mod health;
mod history;
mod idempotency;
mod instances;
mod intake;
mod job_runs;
mod job_starts;
mod job_views;
mod jobs;
mod log;
mod objects;
mod passwords;
mod pipeline_runs;
mod pipelines;
mod sweep;
mod sweep_runs;
mod tokens;
mod transfers;
mod users;
mod webhook_secrets;

pub use accounts::{AuthenticatedCaller, Credentials};
pub use agents::Registered;
pub use background::guarded;
pub use health::Readiness;
pub use log::Log;
pub use tokens::{JwtKey, Tokens, jwt_key_from_file};

/// How long things take before something is made of it.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// How often agents are asked to send a heartbeat.
    pub heartbeat_interval: Duration,
    /// A running transfer without progress for so long is stalled.
    pub stalled_after: Duration,
    /// What an agent had promised is believed for so long after it went offline.
    pub lease: Duration,
    /// How long the log of events is kept.
    pub events_kept: Duration,
    /// How long it is kept what became of the slots of schedules.
    pub slots_kept: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            heartbeat_interval: Duration::from_secs(30),
            stalled_after: Duration::from_mins(1),
            lease: Duration::from_mins(5),
            events_kept: Duration::from_hours(30 * 24),
            slots_kept: Duration::from_hours(90 * 24),
        }
    }
}

/// What a control plane is built from.
#[derive(Debug)]
pub struct Parts {
    /// The database, with its schema up to date.
    pub db: Db,
    /// The bus.
    pub bus: Bus,
    /// The counter of requests.
    pub limits: Limits,
    /// The clock.
    pub clock: Clock,
    /// The source of ids and randomness.
    pub ids: Arc<IdGenerator>,
    /// The maker of tokens.
    pub tokens: Tokens,
    /// The sender of webhooks.
    pub webhooks: Webhooks,
    /// How long things take.
    pub timing: Timing,
    /// Where background work is tracked.
    pub tasks: TaskTracker,
    /// Ends background work.
    pub stop: CancellationToken,
}

/// The control plane.
#[derive(Debug)]
pub struct ControlPlane {
    db: Db,
    bus: Bus,
    limits: Limits,
    clock: Clock,
    ids: Arc<IdGenerator>,
    tokens: Tokens,
    webhooks: Webhooks,
    timing: Timing,
    tasks: TaskTracker,
    stop: CancellationToken,
    writer: Writer,
    intake: Arc<intake::Intake>,
    cache: Arc<cache::Cache>,
    passwords: passwords::Passwords,
    engine: pipeline_runs::EngineControl,
    heeded: clock_jumps::Heeded,
    started: MonotonicInstant,
}

impl ControlPlane {
    /// Builds a control plane and starts its background work: the writer, and the invalidation of its cache.
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        let Parts { db, bus, limits, clock, ids, tokens, webhooks, timing, tasks, stop } = parts;
        let cache = Arc::new(cache::Cache::new(bus.clone()));
        let publisher = (bus.clone(), Arc::clone(&cache));
        let notify = move |committed: CommittedBatch| {
            let (bus, cache) = &publisher;
            let invalidations = committed.directives.into_iter().map(Invalidation::Directives).collect();
            publish(bus, cache, committed.events, invalidations);
        };
        let heard = bus.clone();
        let intake = Arc::new(intake::Intake::new(clock.clone()));
        let noted = Arc::clone(&intake);
        let listener = CommitListener {
            has_subscribers: Box::new(move || heard.has_readers()),
            notify: Box::new(notify),
            record_outcome: Box::new(move |is_working| noted.note(is_working)),
        };
        let now = clock.now();
        let (writer, task) = Writer::new(db.clone(), ids.next(now), now, bus.is_shared(), listener);
        tasks.spawn(task.run());
        if bus.is_shared() {
            tasks.spawn(cache::apply_invalidations(Arc::clone(&cache), bus.read(), stop.clone()));
        }
        let started = clock.monotonic();
        let passwords = passwords::Passwords::default();
        Arc::new(Self {
            db,
            bus,
            limits,
            clock,
            ids,
            tokens,
            webhooks,
            timing,
            tasks,
            stop,
            writer,
            intake,
            cache,
            passwords,
            engine: pipeline_runs::EngineControl::default(),
            heeded: clock_jumps::Heeded::default(),
            started,
        })
    }

    /// The bus, to read.
    #[must_use]
    pub const fn bus(&self) -> &Bus {
        &self.bus
    }

    /// The counter of requests.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Applies the invalidations of a signal of the bus. A reader of the bus that queries again after a signal calls this
    /// first, because the task that invalidates the cache may receive the signal later.
    pub fn invalidate(&self, signal: &Signal) {
        self.cache.apply(signal);
    }

    /// The present.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Cancelled when the server shuts down; what waits for long listens to it.
    #[must_use]
    pub const fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    async fn begin(&self, actor: &Actor) -> Result<Work> {
        let tx = self.db.begin().await?;
        Ok(Work {
            tx,
            now: self.clock.now(),
            actor: actor.to_string(),
            changes: Vec::new(),
            invalidations: Vec::new(),
            has_due_runs: false,
        })
    }

    /// Commits what went well. What failed is undone before this returns, so that the rows it locked are free for another try.
    async fn finish<T>(&self, work: Work, outcome: Result<T>) -> Result<T> {
        if outcome.is_ok() {
            self.commit(work).await?;
        } else if let Err(error) = work.tx.roll_back().await {
            tracing::debug!(error = &error as &dyn std::error::Error, "a transaction was not rolled back in order");
        }
        outcome
    }

    /// Numbers and logs the changes, commits, and then tells everybody.
    async fn commit(&self, work: Work) -> Result<()> {
        let Work { mut tx, changes, invalidations, has_due_runs, .. } = work;
        let events = store::events::record(&mut tx, changes).await?;
        tx.commit().await?;
        publish(&self.bus, &self.cache, events, invalidations);
        if has_due_runs {
            self.engine.wake();
        }
        Ok(())
    }
}

fn publish(bus: &Bus, cache: &cache::Cache, events: Vec<Event>, invalidations: Vec<Invalidation>) {
    cache.invalidate(&invalidations);
    if bus.has_readers() && !(events.is_empty() && invalidations.is_empty()) {
        bus.publish(Message { events, invalidations });
    }
}

/// A writing call at work: its transaction, and what it will have to tell.
struct Work {
    tx: Tx,
    now: DateTime<Utc>,
    actor: String,
    changes: Vec<Change>,
    invalidations: Vec<Invalidation>,
    /// Whether a run of a pipeline is left with something to do at once, or has ended while another may wait for that.
    has_due_runs: bool,
}

impl Work {
    fn note(&mut self, kind: Kind, object: Object) {
        self.note_in_part(kind, object, None);
    }

    /// The same, of which the log keeps this part only.
    fn note_in_part(&mut self, kind: Kind, object: Object, logged: Option<Object>) {
        self.changes.push(Change { kind, at: self.now.into(), actor: self.actor.clone(), object, logged });
    }

    fn invalidate(&mut self, invalidation: Invalidation) {
        self.invalidations.push(invalidation);
    }
}

/// The contract's bounds keep every duration within what a [`TimeDelta`] holds.
fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}
