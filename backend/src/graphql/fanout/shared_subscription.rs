//! A shared subscription: one execution, whose responses go to all subscribers with the same key and scope.

use std::{
    mem,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Instant,
};

use async_graphql::indexmap::IndexMap;
use bytes::Bytes;
use futures_util::FutureExt;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    change::{Change, EventFilter, Topic, Update},
    execution::{Execution, Refusal, SerializedResponse},
    shard_subscribers::{Partition, Shard},
};
use crate::{
    graphql::{
        errors::{json, server_error},
        outbound_queue::{State, SubscriptionSink},
    },
    transport::panicked,
};

#[cfg(test)]
mod tests;

/// The maximum number of changes that wait to be executed. If there are more, all subscribers get a resync.
const MAX_CHANGES: usize = 16_384;

/// The number of changes that are taken to be executed. Those that still wait may be replaced by newer ones.
const MAX_TAKEN: usize = 64;

/// The lifecycle of a shared subscription.
#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// The execution has not started yet.
    Opening,
    /// The execution has started: it has a filter and sends responses.
    Open(Arc<EventFilter>),
    /// The subscription was refused, or has ended.
    Closed(Refusal),
}

/// One execution and its subscribers.
#[derive(Debug)]
pub(super) struct SharedSubscription {
    pub(super) topic: Topic,
    inbox: Mutex<Inbox>,
    filled: Notify,
    /// The subscribers, by the shards of their sockets.
    partitions: Box<[Arc<Partition>]>,
    /// The number of subscribers in all partitions.
    subscribers: AtomicUsize,
    next: AtomicU64,
    /// The serialised resync, set before the subscription is open.
    resync: Arc<OnceLock<Bytes>>,
    phase: watch::Sender<Phase>,
    /// Notified when a change may have changed the computed state of the topic.
    pub(super) state_changed: Notify,
    /// Cancels the tasks of the subscription.
    pub(super) end: CancellationToken,
}

/// The changes that wait to be executed: the latest of each object, in the order in which the objects first changed.
#[derive(Debug, Default)]
struct Inbox {
    event_filter: Option<Arc<EventFilter>>,
    changes: IndexMap<Uuid, WaitingChange>,
    is_resync_due: bool,
}

/// A change that waits to be executed.
#[derive(Debug)]
struct WaitingChange {
    change: Change,
    /// The time of the commit, if it is known.
    committed_at: Option<Instant>,
}

/// Identifies a subscriber: the index of its partition, and its number.
#[derive(Clone, Copy, Debug)]
pub(super) struct SubscriberKey {
    partition: usize,
    number: u64,
}

impl SharedSubscription {
    /// Creates a subscription without subscribers. Cancelling `end` ends it.
    pub(super) fn new(topic: Topic, end: CancellationToken, shards: &[Shard]) -> Self {
        let resync = Arc::<OnceLock<Bytes>>::default();
        let partition = |shard: &Shard| Arc::new(Partition::new(shard.clone(), Arc::clone(&resync)));
        Self {
            topic,
            inbox: Mutex::default(),
            filled: Notify::new(),
            partitions: shards.iter().map(partition).collect(),
            subscribers: AtomicUsize::new(0),
            next: AtomicU64::new(0),
            resync,
            phase: watch::Sender::new(Phase::Opening),
            state_changed: Notify::new(),
            end,
        }
    }

    /// Whether the subscription is closed and sends no more responses.
    pub(super) fn is_closed(&self) -> bool {
        matches!(*self.phase.borrow(), Phase::Closed(_))
    }

    /// Adds a subscriber, which gets all updates from now on. Calls must not overlap.
    pub(super) fn add(&self, sink: SubscriptionSink, is_snapshot_due: bool) -> SubscriberKey {
        let number = self.next.fetch_add(1, Ordering::AcqRel);
        self.subscribers.fetch_add(1, Ordering::AcqRel);
        let partition = sink.shard() % self.partitions.len();
        self.partitions[partition].add(number, sink, is_snapshot_due);
        SubscriberKey { partition, number }
    }

    /// Removes a subscriber and returns whether none is left.
    pub(super) fn remove(&self, subscriber: SubscriberKey) -> bool {
        self.partitions[subscriber.partition].remove(subscriber.number);
        self.subscribers.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Waits until the subscription is open and returns its filter, or why it was refused.
    pub(super) async fn opened(&self) -> Result<Arc<EventFilter>, Refusal> {
        let mut phase = self.phase.subscribe();
        let known = phase.wait_for(|phase| !matches!(phase, Phase::Opening)).await;
        match known.as_deref() {
            Ok(Phase::Open(event_filter)) => Ok(Arc::clone(event_filter)),
            Ok(Phase::Closed(refusal)) => Err(refusal.clone()),
            Ok(Phase::Opening) | Err(_) => Err(Refusal::Ended),
        }
    }

    /// Queues a change of a computed state if the filter matches it. Such a change has no time of commit.
    pub(super) fn notify(&self, change: &Change) {
        self.notify_committed(change, None);
    }

    /// Queues a change if the filter matches it. `committed_at` is the time of its commit; `None` if that is not known.
    pub(super) fn notify_committed(&self, change: &Change, committed_at: Option<Instant>) {
        let mut inbox = self.inbox();
        if inbox.event_filter.as_ref().is_some_and(|event_filter| !event_filter.matches(change)) {
            return;
        }
        if inbox.changes.len() >= MAX_CHANGES && !inbox.changes.contains_key(&change.id()) {
            inbox.changes.clear();
            inbox.is_resync_due = true;
        }
        inbox.changes.insert(change.id(), WaitingChange { change: change.clone(), committed_at });
        drop(inbox);
        self.filled.notify_one();
    }

    /// Queues a resync, because changes may have been missed.
    pub(super) fn resync(&self) {
        self.inbox().is_resync_due = true;
        self.filled.notify_one();
    }

    /// Delivers one update of a snapshot to the subscriber that requested the snapshot.
    pub(super) fn deliver_snapshot(&self, subscriber: SubscriberKey, update: &Update, payload: Bytes) {
        self.partitions[subscriber.partition].deliver_snapshot(subscriber.number, update, payload);
    }

    /// Marks the snapshot of a subscriber as complete.
    pub(super) fn end_snapshot(&self, subscriber: SubscriberKey) {
        self.partitions[subscriber.partition].end_snapshot(subscriber.number);
    }

    /// Runs a task of the subscription. If it panics, the subscribers get the error, and the next join creates a new
    /// subscription.
    pub(super) async fn catch_panics(&self, work: impl Future<Output = ()>) {
        if let Err(panic) = AssertUnwindSafe(work).catch_unwind().await {
            self.close(Refusal::Errors(vec![server_error(&panicked(panic.as_ref()))]));
            self.end.cancel();
        }
    }

    /// Executes changes until the subscription is cancelled. `opening` starts the execution.
    pub(super) async fn run(&self, opening: impl Future<Output = Result<(Execution, EventFilter), Refusal>>) {
        let opened = match self.end.run_until_cancelled(opening).await {
            Some(Ok((mut execution, event_filter))) => {
                execution.execute(Update::Resync).await.map(|resync| (execution, event_filter, resync))
            }
            Some(Err(refusal)) => return self.close(refusal),
            None => None,
        };
        let Some((mut execution, event_filter, resync)) = opened else { return self.close(Refusal::Ended) };
        drop(self.resync.set(resync.payload));
        self.open(Arc::new(event_filter));
        let mut is_repair_due = false;
        while self.end.run_until_cancelled(self.filled.notified()).await.is_some() {
            let (changes, mut is_resync_due) = self.take(MAX_TAKEN);
            for WaitingChange { change, committed_at } in changes {
                let update = change.update();
                if matches!(update, Update::Resync) {
                    is_resync_due = true;
                    continue;
                }
                let (object, revision) = (update.id(), update.revision());
                let Some(response) = execution.execute(update).await else { return self.close(Refusal::Ended) };
                let SerializedResponse { payload, is_partial } = response;
                let posting = self.post(State { object, revision, payload, committed_at });
                if self.end.run_until_cancelled(posting).await.is_none() {
                    return self.close(Refusal::Ended);
                }
                // Parts that could not be resolved are queried again, once that may succeed.
                is_resync_due |= is_repair_due && !is_partial;
                is_repair_due = is_partial;
            }
            if is_resync_due {
                self.partitions.iter().for_each(Partition::post_resync);
            }
        }
        self.close(Refusal::Ended);
    }

    fn open(&self, event_filter: Arc<EventFilter>) {
        let mut inbox = self.inbox();
        inbox.changes.retain(|_, waiting| event_filter.matches(&waiting.change));
        inbox.event_filter = Some(Arc::clone(&event_filter));
        drop(inbox);
        self.filled.notify_one();
        self.phase.send_replace(Phase::Open(event_filter));
    }

    /// Ends the operations of all subscribers.
    fn close(&self, refusal: Refusal) {
        let errors = if let Refusal::Errors(errors) = &refusal { Some(json(errors)) } else { None };
        let was_open = matches!(self.phase.send_replace(Phase::Closed(refusal)), Phase::Open(_));
        let subscribers = self.partitions.iter().flat_map(|partition| partition.clear());
        // A subscriber that waits for the subscription to open learns it from the phase.
        for subscriber in subscribers.filter(|_| was_open) {
            match &errors {
                Some(errors) => subscriber.fail(errors.clone()),
                None => subscriber.complete(),
            }
        }
    }

    /// Takes the first changes that wait, at most `most`, and whether a resync is due.
    fn take(&self, most: usize) -> (Vec<WaitingChange>, bool) {
        let mut inbox = self.inbox();
        let is_resync_due = mem::take(&mut inbox.is_resync_due);
        if inbox.changes.len() <= most {
            return (mem::take(&mut inbox.changes).into_values().collect(), is_resync_due);
        }
        let changes = inbox.changes.drain(..most).map(|(_, waiting)| waiting).collect();
        drop(inbox);
        self.filled.notify_one();
        (changes, is_resync_due)
    }

    /// Queues a state for all subscribers. Waits while a shard is behind: meanwhile changes replace each other in the
    /// inbox, so that subscribers get fewer states, and the latest of each object.
    async fn post(&self, state: State) {
        for partition in &self.partitions {
            partition.post(&state).await;
        }
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
