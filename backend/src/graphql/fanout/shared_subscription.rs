//! A shared subscription: one execution, whose responses go to all subscribers with the same key and scope.

use std::{
    collections::HashMap,
    mem,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_graphql::indexmap::IndexMap;
use bytes::Bytes;
use futures_util::FutureExt;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    change::{Change, EventFilter, Topic, Update},
    execution::{Execution, Refusal},
    subscriber::Subscriber,
};
use crate::{
    graphql::{
        errors::{json, server_error},
        outbound_queue::SubscriptionSink,
    },
    transport::panicked,
};

#[cfg(test)]
mod tests;

/// The maximum number of changes that wait to be executed. If there are more, all subscribers get a resync.
const MAX_CHANGES: usize = 4096;

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
    subscribers: Mutex<Subscribers>,
    phase: watch::Sender<Phase>,
    /// Notified when a change may have changed the totals of the fleet.
    pub(super) totals_changed: Notify,
    /// Cancels the tasks of the subscription.
    pub(super) end: CancellationToken,
}

/// The changes that wait to be executed: the latest of each object, in the order in which the objects first changed.
#[derive(Debug, Default)]
struct Inbox {
    event_filter: Option<Arc<EventFilter>>,
    changes: IndexMap<Uuid, Change>,
    is_resync_due: bool,
}

#[derive(Debug, Default)]
struct Subscribers {
    by_number: HashMap<u64, Subscriber>,
    next: u64,
    /// The serialised resync.
    resync: Bytes,
}

impl SharedSubscription {
    /// A subscription that ends with `end` at the latest.
    pub(super) fn new(topic: Topic, end: CancellationToken) -> Self {
        Self {
            topic,
            inbox: Mutex::default(),
            filled: Notify::new(),
            subscribers: Mutex::default(),
            phase: watch::Sender::new(Phase::Opening),
            totals_changed: Notify::new(),
            end,
        }
    }

    /// Whether the subscription is closed and sends no more responses.
    pub(super) fn is_closed(&self) -> bool {
        matches!(*self.phase.borrow(), Phase::Closed(_))
    }

    /// Adds a subscriber, which gets all updates from now on, and returns its number.
    pub(super) fn add(&self, sink: SubscriptionSink, is_snapshot_due: bool) -> u64 {
        let mut subscribers = self.subscribers();
        let number = subscribers.next;
        subscribers.next += 1;
        subscribers.by_number.insert(number, Subscriber::new(sink, is_snapshot_due));
        number
    }

    /// Removes a subscriber and returns whether none is left.
    pub(super) fn remove(&self, number: u64) -> bool {
        let mut subscribers = self.subscribers();
        subscribers.by_number.remove(&number);
        subscribers.by_number.is_empty()
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

    /// Queues a change, if the filter matches it.
    pub(super) fn notify(&self, change: &Change) {
        let mut inbox = self.inbox();
        if inbox.event_filter.as_ref().is_some_and(|event_filter| !event_filter.matches(change)) {
            return;
        }
        if inbox.changes.len() >= MAX_CHANGES && !inbox.changes.contains_key(&change.id()) {
            inbox.changes.clear();
            inbox.is_resync_due = true;
        }
        inbox.changes.insert(change.id(), change.clone());
        drop(inbox);
        self.filled.notify_one();
    }

    /// Queues a resync, because changes may have been missed.
    pub(super) fn resync(&self) {
        self.inbox().is_resync_due = true;
        self.filled.notify_one();
    }

    /// Delivers an update of the snapshot of one subscriber.
    pub(super) fn deliver_snapshot(&self, number: u64, update: &Update, payload: Bytes) {
        let mut subscribers = self.subscribers();
        let Subscribers { by_number, resync, .. } = &mut *subscribers;
        if let Some(subscriber) = by_number.get_mut(&number) {
            subscriber.deliver_snapshot(update, payload, resync);
        }
    }

    /// Marks the snapshot of a subscriber as complete.
    pub(super) fn end_snapshot(&self, number: u64) {
        if let Some(subscriber) = self.subscribers().by_number.get_mut(&number) {
            subscriber.end_snapshot();
        }
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
        self.subscribers().resync = resync.payload;
        self.open(Arc::new(event_filter));
        let mut is_repair_due = false;
        while self.end.run_until_cancelled(self.filled.notified()).await.is_some() {
            let (changes, mut is_resync_due) = self.drain();
            for change in changes.into_values() {
                let update = change.update();
                if matches!(update, Update::Resync) {
                    is_resync_due = true;
                    continue;
                }
                let Some(response) = execution.execute(update.clone()).await else { return self.close(Refusal::Ended) };
                self.deliver(&update, &response.payload);
                // Parts that could not be resolved are queried again, once that may succeed.
                is_resync_due |= is_repair_due && !response.is_partial;
                is_repair_due = response.is_partial;
            }
            if is_resync_due {
                self.send_resync();
            }
        }
        self.close(Refusal::Ended);
    }

    fn open(&self, event_filter: Arc<EventFilter>) {
        let mut inbox = self.inbox();
        inbox.changes.retain(|_, change| event_filter.matches(change));
        inbox.event_filter = Some(Arc::clone(&event_filter));
        drop(inbox);
        self.filled.notify_one();
        self.phase.send_replace(Phase::Open(event_filter));
    }

    /// Ends the operations of all subscribers.
    fn close(&self, refusal: Refusal) {
        let errors = if let Refusal::Errors(errors) = &refusal { Some(json(errors)) } else { None };
        let was_open = matches!(self.phase.send_replace(Phase::Closed(refusal)), Phase::Open(_));
        let subscribers = mem::take(&mut self.subscribers().by_number);
        // A subscriber that waits for the subscription to open learns it from the phase.
        for subscriber in subscribers.into_values().filter(|_| was_open) {
            match &errors {
                Some(errors) => subscriber.fail(errors.clone()),
                None => subscriber.complete(),
            }
        }
    }

    fn drain(&self) -> (IndexMap<Uuid, Change>, bool) {
        let mut inbox = self.inbox();
        (mem::take(&mut inbox.changes), mem::take(&mut inbox.is_resync_due))
    }

    fn deliver(&self, update: &Update, payload: &Bytes) {
        let mut subscribers = self.subscribers();
        let Subscribers { by_number, resync, .. } = &mut *subscribers;
        for subscriber in by_number.values_mut() {
            subscriber.deliver(update, payload, resync);
        }
    }

    fn send_resync(&self) {
        let subscribers = self.subscribers();
        subscribers.by_number.values().for_each(|subscriber| subscriber.resync(&subscribers.resync));
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn subscribers(&self) -> MutexGuard<'_, Subscribers> {
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
