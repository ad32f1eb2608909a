//! State subscriptions, serialised once: subscribers with the same document, variables and scope share one
//! subscription. Each of its responses is written once and sent to all of them.
//!
//! While there are subscribers, one task reads the bus, drops events that are older than the last one seen, and passes
//! each change to the subscriptions whose scope covers it. A shared subscription has one scope, so no response crosses
//! from one customer to another. Its responses reach the sockets by way of [`shards`].

use std::{
    collections::HashMap,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Instant,
};

use async_graphql::{Request, ServerError};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

mod change;
mod execution;
mod fleet_and_attention;
mod revision_tracker;
mod shard_subscribers;
mod shards;
mod shared_subscription;
mod snapshot;
mod subscriber;
mod transfer_projection;

pub(super) use change::{EventFilter, Filter, Topic, Update};
pub(super) use execution::feed;

use self::{
    change::Change,
    execution::{Execution, Refusal},
    revision_tracker::RevisionTracker,
    shard_subscribers::Shard,
    shards::QueuedPartitions,
    shared_subscription::{SharedSubscription, SubscriberKey},
    transfer_projection::Viewer,
};
use super::{Deliveries, Schema, Settings, context::Caller, errors::server_error, outbound_queue::SubscriptionSink};
use crate::{
    actor::{Actor, Scope},
    error::Error,
    events::{Message, Reader, Signal},
    service::ControlPlane,
};

/// The key of a shared subscription, together with the scope: the document, the operation in it, and the variables that
/// the responses depend on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct SubscriptionKey {
    text: String,
    operation: Option<String>,
    variables: String,
}

impl SubscriptionKey {
    pub(super) const fn new(text: String, operation: Option<String>, variables: String) -> Self {
        Self { text, operation, variables }
    }
}

/// The shared subscriptions of this server.
#[derive(Clone)]
pub(super) struct Fanout(Arc<Hub>);

struct Hub {
    schema: Schema,
    cp: Arc<ControlPlane>,
    tasks: TaskTracker,
    deliveries: Deliveries,
    max_response: usize,
    subscriptions: Mutex<SharedSubscriptions>,
    shards: Vec<Shard>,
    /// The number of sockets that were given a shard.
    sockets: AtomicUsize,
    /// Notified when the last shared subscription has ended.
    emptied: Notify,
    /// The number of reads of computed states so far: states with a higher number are newer.
    states_read: AtomicI64,
}

#[derive(Default)]
struct SharedSubscriptions {
    by_scope: HashMap<Scope, HashMap<Arc<SubscriptionKey>, Arc<SharedSubscription>>>,
    /// Whether a task reads the bus.
    is_read: bool,
    /// The queues of the shards until their tasks begin, with the first subscriber.
    queued_partitions: Vec<QueuedPartitions>,
}

/// A request to join a shared subscription.
pub(super) struct JoinRequest {
    pub(super) topic: Topic,
    pub(super) key: SubscriptionKey,
    pub(super) request: Request,
    pub(super) is_snapshot_due: bool,
}

/// Keeps a subscriber in a shared subscription. Dropping it removes the subscriber.
pub(super) struct SubscriberGuard {
    hub: Arc<Hub>,
    subscription: Arc<SharedSubscription>,
    scope: Scope,
    key: Arc<SubscriptionKey>,
    subscriber: SubscriberKey,
}

impl std::fmt::Debug for SubscriberGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SubscriberGuard").field("subscriber", &self.subscriber).finish_non_exhaustive()
    }
}

impl Drop for SubscriberGuard {
    fn drop(&mut self) {
        metrics::gauge!("mftplus_subscriptions_open").decrement(1.0);
        let mut subscriptions = self.hub.subscriptions();
        // No subscriber joins meanwhile, because joining takes the same lock.
        if !self.subscription.remove(self.subscriber) {
            return;
        }
        self.subscription.end.cancel();
        if let Some(same_scope) = subscriptions.by_scope.get_mut(&self.scope) {
            if same_scope.get(&self.key).is_some_and(|subscription| Arc::ptr_eq(subscription, &self.subscription)) {
                same_scope.remove(&self.key);
            }
            if same_scope.is_empty() {
                subscriptions.by_scope.remove(&self.scope);
            }
        }
        if subscriptions.by_scope.is_empty() {
            self.hub.emptied.notify_one();
        }
    }
}

impl Fanout {
    pub(super) fn new(schema: Schema, settings: Settings) -> Self {
        let Settings { cp, tasks, max_response, deliveries, .. } = settings;
        let (shards, queued_partitions) = shards::shards();
        let subscriptions = SharedSubscriptions { queued_partitions, ..SharedSubscriptions::default() };
        Self(Arc::new(Hub {
            schema,
            cp,
            tasks,
            deliveries,
            max_response,
            subscriptions: Mutex::new(subscriptions),
            shards,
            sockets: AtomicUsize::new(0),
            emptied: Notify::new(),
            states_read: AtomicI64::new(0),
        }))
    }

    /// Assigns a shard to a new socket, by round robin.
    pub(super) fn next_shard(&self) -> usize {
        self.0.sockets.fetch_add(1, Ordering::Relaxed) % self.0.shards.len()
    }

    /// Adds a subscriber to its shared subscription, which is created if it does not exist. From now on the subscriber
    /// receives every update; if the request asks for a snapshot, the subscriber receives that first.
    ///
    /// # Errors
    ///
    /// The errors that the client gets instead of responses.
    pub(super) async fn join(
        &self,
        caller: &Caller,
        join: JoinRequest,
        sink: SubscriptionSink,
    ) -> Result<SubscriberGuard, Vec<ServerError>> {
        let Some(actor) = caller.actor.clone() else {
            return Err(vec![server_error(&super::context::UNAUTHENTICATED)]);
        };
        let JoinRequest { topic, key, mut request, is_snapshot_due } = join;
        let again = is_snapshot_due.then(|| same(&mut request));
        let guard = self.0.admit(caller, &actor, topic, key, request, sink, is_snapshot_due);
        let event_filter = guard.subscription.opened().await.map_err(|refusal| match refusal {
            Refusal::Errors(errors) => errors,
            Refusal::Ended => vec![server_error(&Error::Unavailable("the subscription has ended: try again"))],
        })?;
        if let Some(request) = again {
            let request = caller.prepare(request, &self.0.cp, &self.0.tasks);
            self.0
                .snapshot(&actor, &event_filter, request, &guard)
                .await
                .map_err(|error| vec![server_error(&error)])?;
            guard.subscription.end_snapshot(guard.subscriber);
        }
        Ok(guard)
    }
}

/// A copy of the request.
fn same(request: &mut Request) -> Request {
    let mut again = Request::new(request.query.clone()).variables(request.variables.clone());
    again.operation_name.clone_from(&request.operation_name);
    if let Ok(document) = request.parsed_query() {
        again.set_parsed_query(document.clone());
    }
    again
}

impl Hub {
    fn subscriptions(&self) -> MutexGuard<'_, SharedSubscriptions> {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[expect(clippy::too_many_arguments, reason = "all of it makes a subscriber")]
    fn admit(
        self: &Arc<Self>,
        caller: &Caller,
        actor: &Actor,
        topic: Topic,
        key: SubscriptionKey,
        request: Request,
        sink: SubscriptionSink,
        is_snapshot_due: bool,
    ) -> SubscriberGuard {
        let scope = actor.scope();
        let mut subscriptions = self.subscriptions();
        if !subscriptions.is_read {
            subscriptions.is_read = true;
            // The reader is created here, so nothing is missed before the task runs.
            let (hub, reader) = (Arc::clone(self), self.cp.bus().read());
            self.tasks.spawn_on(async move { hub.read(reader).await }, &self.deliveries.runtime());
        }
        for partitions in mem::take(&mut subscriptions.queued_partitions) {
            self.tasks.spawn_on(shards::run(partitions, self.cp.stop().clone()), &self.deliveries.runtime());
        }
        let same_scope = subscriptions.by_scope.entry(scope).or_default();
        let known = same_scope
            .get_key_value(&key)
            .filter(|(_, subscription)| !subscription.end.is_cancelled() && !subscription.is_closed());
        let (key, subscription) = if let Some((key, subscription)) = known {
            (Arc::clone(key), Arc::clone(subscription))
        } else {
            let key = Arc::new(key);
            let subscription = Arc::new(SharedSubscription::new(topic, self.cp.stop().child_token(), &self.shards));
            same_scope.insert(Arc::clone(&key), Arc::clone(&subscription));
            self.start(caller, actor, request, &subscription);
            (key, subscription)
        };
        let subscriber = subscription.add(sink, is_snapshot_due);
        drop(subscriptions);
        metrics::gauge!("mftplus_subscriptions_open").increment(1.0);
        SubscriberGuard { hub: Arc::clone(self), subscription, scope, key, subscriber }
    }

    /// Starts the tasks of a shared subscription. Called on the runtime of requests.
    fn start(
        self: &Arc<Self>,
        caller: &Caller,
        actor: &Actor,
        request: Request,
        subscription: &Arc<SharedSubscription>,
    ) {
        // The execution is part of the deliveries, and its loads are not.
        let request = caller.prepare(request, &self.cp, &self.tasks);
        let (schema, running, max_response) = (self.schema.clone(), Arc::clone(subscription), self.max_response);
        let viewer = Viewer::of(actor);
        let executing = async move {
            running.catch_panics(running.run(Execution::open(&schema, request, max_response, viewer))).await;
        };
        self.tasks.spawn_on(executing, &self.deliveries.runtime());
        if subscription.topic.is_computed() {
            let (hub, actor, subscription) = (Arc::clone(self), actor.clone(), Arc::clone(subscription));
            self.tasks.spawn(async move {
                subscription.catch_panics(hub.follow_computed_state(&actor, &subscription)).await;
            });
        }
    }

    /// Reads the bus for as long as there are shared subscriptions.
    async fn read(&self, mut reader: Reader) {
        let mut revisions = RevisionTracker::default();
        loop {
            tokio::select! {
                () = self.cp.stop().cancelled() => return,
                () = self.emptied.notified() => {
                    let mut subscriptions = self.subscriptions();
                    if subscriptions.by_scope.is_empty() {
                        subscriptions.is_read = false;
                        return;
                    }
                }
                signal = reader.next() => match signal {
                    Some(Signal::Message(message)) => {
                        // One event must not end the task for all subscribers: they get a resync instead.
                        let notifying = AssertUnwindSafe(|| {
                            self.read_invalidated_states(&message);
                            self.notify(&mut revisions, &message);
                        });
                        if catch_unwind(notifying).is_err() {
                            revisions = RevisionTracker::default();
                            self.resync();
                        }
                    }
                    Some(Signal::Resync) => self.resync(),
                    None => return,
                },
            }
        }
    }

    fn notify(&self, revisions: &mut RevisionTracker, message: &Message) {
        for event in &message.events {
            let Some(change) = revisions.change(event) else { continue };
            let subscriptions = self.subscriptions();
            let covering = [Some(Scope::All), event.object.customer().map(Scope::Customer)];
            for subscription in
                covering.into_iter().flatten().filter_map(|scope| subscriptions.by_scope.get(&scope)).flatten()
            {
                deliver(subscription.1, &change, message.committed_at);
            }
        }
    }

    fn resync(&self) {
        let subscriptions = self.subscriptions();
        subscriptions.by_scope.values().flat_map(HashMap::values).for_each(|subscription| subscription.resync());
    }

    /// The number of the next read of a computed state.
    fn next_state_number(&self) -> i64 {
        self.states_read.fetch_add(1, Ordering::AcqRel) + 1
    }
}

fn deliver(subscription: &SharedSubscription, change: &Change, committed_at: Option<Instant>) {
    if change.concerns(subscription.topic) {
        subscription.notify_committed(change, committed_at);
    } else if change.changes_state(subscription.topic) {
        subscription.state_changed.notify_one();
    }
}
