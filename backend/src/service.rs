//! The control plane: the only type that decides, writes and publishes. REST, GraphQL, background tasks, the command
//! line and the tests call it, and each call names the [`Actor`] on whose behalf it is made.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    actor::Actor,
    clock::{Clock, MonotonicInstant},
    error::Result,
    events::{Bus, Invalidation, Message, Signal},
    ids::IdGenerator,
    model::event::{Change, Event, Kind, Object},
    rate_limits::Limits,
    store::{
        self, Db, Tx,
        report_writer::{CommitListener, CommittedBatch, Writer},
    },
    webhooks::Webhooks,
};

mod agent_and_transfer_sweep;
mod agent_instances;
mod agents;
mod attention;
mod authenticate;
mod authentication_and_directive_cache;
mod backfill;
mod busy_jobs_and_queued_slots;
mod certificate_authority;
mod certificate_issue;
mod clock_jumps;
mod customers;
mod directives;
mod due_slots;
mod enrolment_codes;
mod event_log;
mod failure_isolation;
mod find_object_by_id;
mod fleet;
mod gauges;
mod health;
mod heartbeat_history;
mod idempotency;
mod job_run_sweep;
mod job_runs;
mod job_slot_history;
mod job_starts;
mod jobs;
mod log_throttle;
mod lost_message_detection;
mod optimistic_attempt_limit;
mod passwords;
mod pipeline_runs;
mod pipelines;
mod saved_views;
mod series;
mod series_collector;
mod sessions;
mod tokens;
mod transfers;
mod users;
mod wal_checkpoints;
mod webhook_secrets;
mod write_availability;

pub use agents::Registered;
pub use authenticate::{AgentCredentials, AuthenticatedCaller, Credentials, RIGHTS_CHANGED};
pub use certificate_authority::{CertificateAuthority, Serial};
pub use event_log::EventLogSubscription;
pub use failure_isolation::guarded;
pub use health::Readiness;
pub use log_throttle::LogThrottle;
pub use passwords::PasswordCost;
pub use tokens::{JwtKey, Tokens, jwt_key_from_file};
pub use transfers::{ExportPlace, TransferOutcomes};

pub use crate::store::idempotency::IdempotencyClaim;

/// Intervals, timeouts and retention periods.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// The interval at which agents send heartbeats. An agent is offline after three of them without a heartbeat.
    pub heartbeat_interval: Duration,
    /// How long a running transfer may make no progress before it is stalled.
    pub stalled_after: Duration,
    /// How long running work waits for an agent that is offline or has not confirmed a cancel request, before it fails.
    pub lease: Duration,
    /// How long events are kept in the event log.
    pub events_kept: Duration,
    /// How long slots are kept in the slot history.
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

/// The parts from which a control plane is built.
#[derive(Debug)]
pub struct Parts {
    /// The database, with its schema up to date.
    pub db: Db,
    /// The bus for committed changes.
    pub bus: Bus,
    /// The rate limits.
    pub limits: Limits,
    /// The source of the current time.
    pub clock: Clock,
    /// The source of ids and randomness.
    pub ids: Arc<IdGenerator>,
    /// The signer and verifier of access tokens and refresh tokens.
    pub tokens: Tokens,
    /// The sender of webhooks.
    pub webhooks: Webhooks,
    /// The authority that signs client certificates; `None` if agents cannot authenticate with them.
    pub authority: Option<Arc<CertificateAuthority>>,
    /// Intervals, timeouts and retention periods.
    pub timing: Timing,
    /// The cost parameters of the password hash.
    pub password_cost: PasswordCost,
    /// The tracker of background tasks, so that the shutdown waits for them.
    pub tasks: TaskTracker,
    /// The token that is cancelled to end background tasks.
    pub stop: CancellationToken,
}

/// The core of the server: decides, is the only writer of the database and the only publisher of events.
#[derive(Debug)]
pub struct ControlPlane {
    db: Db,
    bus: Bus,
    limits: Limits,
    clock: Clock,
    ids: Arc<IdGenerator>,
    tokens: Tokens,
    webhooks: Webhooks,
    authority: Option<Arc<CertificateAuthority>>,
    timing: Timing,
    tasks: TaskTracker,
    stop: CancellationToken,
    writer: Writer,
    write_availability: Arc<write_availability::WriteAvailability>,
    cache: Arc<authentication_and_directive_cache::Cache>,
    passwords: passwords::Passwords,
    attention: Arc<attention::AttentionCache>,
    engine: pipeline_runs::EngineControl,
    heartbeats: Arc<heartbeat_history::ReceivedHeartbeats>,
    handled_jumps: clock_jumps::HandledJumps,
    refused_certificates: LogThrottle,
    clock_moves: watch::Sender<()>,
    started: MonotonicInstant,
}

impl ControlPlane {
    /// Builds a control plane and starts its background tasks: the writer, and the invalidation of its cache.
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        let Parts { db, bus, limits, clock, ids, tokens, webhooks, authority, timing, password_cost, tasks, stop } =
            parts;
        let cache = Arc::new(authentication_and_directive_cache::Cache::new(bus.clone()));
        let attention = Arc::new(attention::AttentionCache::default());
        let heartbeats = Arc::new(heartbeat_history::ReceivedHeartbeats::default());
        let publisher = (bus.clone(), Arc::clone(&cache), Arc::clone(&heartbeats));
        let notify = move |committed: CommittedBatch| {
            let (bus, cache, heartbeats) = &publisher;
            heartbeats.note(&committed.events);
            let invalidations = committed.directives.into_iter().map(Invalidation::Directives).collect();
            publish(bus, cache, committed.events, invalidations);
        };
        let subscribers = bus.clone();
        let write_availability = Arc::new(write_availability::WriteAvailability::new(clock.clone()));
        let recorder = Arc::clone(&write_availability);
        let listener = CommitListener {
            has_subscribers: Box::new(move || subscribers.has_readers()),
            notify: Box::new(notify),
            record_outcome: Box::new(move |is_working| recorder.note(is_working)),
        };
        let now = clock.now();
        let (writer, task) = Writer::new(db.clone(), ids.next(now), now, bus.is_shared(), listener);
        tasks.spawn(task.run());
        if bus.is_shared() {
            let (cache, attention) = (Arc::clone(&cache), Arc::clone(&attention));
            let apply = move |signal: &Signal| {
                cache.apply(signal);
                attention.apply(signal);
            };
            tasks.spawn(authentication_and_directive_cache::apply_invalidations(apply, bus.read(), stop.clone()));
        }
        let started = clock.monotonic();
        let passwords = passwords::Passwords::new(password_cost);
        Arc::new(Self {
            db,
            bus,
            limits,
            clock,
            ids,
            tokens,
            webhooks,
            authority,
            timing,
            tasks,
            stop,
            writer,
            write_availability,
            cache,
            passwords,
            attention,
            engine: pipeline_runs::EngineControl::default(),
            heartbeats,
            handled_jumps: clock_jumps::HandledJumps::default(),
            refused_certificates: LogThrottle::default(),
            clock_moves: watch::Sender::new(()),
            started,
        })
    }

    /// Returns the bus, on which committed changes are published.
    #[must_use]
    pub const fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Returns the rate limits, with which the transports count requests.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Removes the cache entries that a signal of the bus invalidates. A reader of the bus calls this before it queries
    /// again because of the signal, because the task that invalidates the cache may receive the signal later.
    pub fn invalidate(&self, signal: &Signal) {
        self.cache.apply(signal);
        self.attention.apply(signal);
    }

    /// Returns the current time of the server's clock.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Returns a channel that notifies tasks which wait for a time that a test has moved the clock. Without the feature
    /// `test-clock` it never does.
    #[must_use]
    pub fn clock_moves(&self) -> watch::Receiver<()> {
        self.clock_moves.subscribe()
    }

    /// Moves the clock forward until it is `ahead` of the machine's clock, and wakes the tasks that wait for a time.
    #[cfg(feature = "test-clock")]
    pub fn move_clock(&self, ahead: Duration) {
        self.clock.set_ahead(ahead);
        self.clock_moves.send_replace(());
    }

    /// Returns the token that is cancelled when the server shuts down. Its cancellation ends long polls, sockets and
    /// background tasks.
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

    /// Commits the transaction, or rolls it back if the outcome is an error. The row locks are released before this
    /// returns, so that the call can be tried again at once.
    async fn finish<T>(&self, work: Work, outcome: Result<T>) -> Result<T> {
        if outcome.is_ok() {
            self.commit(work).await?;
        } else if let Err(error) = work.tx.roll_back().await {
            tracing::debug!(error = &error as &dyn std::error::Error, "a transaction could not be rolled back");
        }
        outcome
    }

    /// Records the changes as numbered events, commits, and then publishes them.
    async fn commit(&self, work: Work) -> Result<()> {
        let Work { mut tx, changes, invalidations, has_due_runs, .. } = work;
        let events = store::events::record(&mut tx, changes).await?;
        tx.commit().await?;
        self.attention.invalidate(&invalidations);
        publish(&self.bus, &self.cache, events, invalidations);
        if has_due_runs {
            self.engine.wake();
        }
        Ok(())
    }
}

fn publish(
    bus: &Bus,
    cache: &authentication_and_directive_cache::Cache,
    events: Vec<Event>,
    invalidations: Vec<Invalidation>,
) {
    cache.invalidate(&invalidations);
    if bus.has_readers() && !(events.is_empty() && invalidations.is_empty()) {
        bus.publish(Message { events, invalidations, ..Message::default() });
    }
}

/// A call that writes: its transaction, and the events and invalidations to publish after the commit.
struct Work {
    tx: Tx,
    now: DateTime<Utc>,
    actor: String,
    changes: Vec<Change>,
    invalidations: Vec<Invalidation>,
    /// Whether the engine must act at once, for a run of this transaction or for one that waited for the end of such a
    /// run.
    has_due_runs: bool,
}

impl Work {
    /// Records an event.
    fn note(&mut self, kind: Kind, object: Object) {
        self.note_in_part(kind, object, None);
    }

    /// Records an event of which the event log stores only `logged`, if given.
    fn note_in_part(&mut self, kind: Kind, object: Object, logged: Option<Object>) {
        self.changes.push(Change { kind, at: self.now.into(), actor: self.actor.clone(), object, logged });
    }

    fn invalidate(&mut self, invalidation: Invalidation) {
        self.invalidations.push(invalidation);
    }
}

/// Converts a duration. The settings are limited, so every value fits a [`TimeDelta`].
fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}
