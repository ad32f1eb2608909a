//! The subscribers of a shared subscription whose sockets belong to one shard, and the states that wait for the shard.

use std::{
    mem,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use tokio::{
    sync::{Notify, mpsc},
    task::yield_now,
};

use super::{change::Update, subscriber::Subscriber};
use crate::graphql::{
    delivery_duration,
    outbound_queue::{State, SubscriptionSink},
    result_frames::FrameBlock,
};

/// The maximum number of states that wait for a shard, which a socket is sent with one write. The more of them there are,
/// the less each one costs: so a shard that falls behind becomes faster, and catches up.
const MAX_STATES: usize = 256;
/// The size of these states, in bytes, from which on no state is added.
const MAX_BYTES: usize = 256 * 1024;
/// The number of subscribers that a shard delivers to before it lets other tasks run.
const STEP: usize = 64;

/// The sending end of a shard's queue. The queue holds each partition that has states or a resync to deliver, once.
pub(super) type Shard = mpsc::UnboundedSender<Arc<Partition>>;

/// The subscribers of one shared subscription in one shard.
#[derive(Debug)]
pub(super) struct Partition {
    shard: Shard,
    inbox: Mutex<Inbox>,
    /// The subscribers by their numbers, in ascending order.
    subscribers: Mutex<Vec<(u64, Subscriber)>>,
    /// The number of subscribers, to be read without the lock that the shard holds.
    len: AtomicUsize,
    /// Notified when the shard has taken what waited.
    room: Notify,
    /// The serialised resync of the shared subscription, set before the first state.
    resync: Arc<OnceLock<Bytes>>,
}

/// What waits for the shard: the latest state of each object, and after them a resync.
#[derive(Debug, Default)]
struct Inbox {
    states: Vec<State>,
    bytes: usize,
    is_resync_due: bool,
    /// Whether the partition is in the queue of its shard.
    is_queued: bool,
}

impl Partition {
    pub(super) fn new(shard: Shard, resync: Arc<OnceLock<Bytes>>) -> Self {
        let (inbox, subscribers, len) = (Mutex::default(), Mutex::default(), AtomicUsize::new(0));
        Self { shard, inbox, subscribers, len, room: Notify::new(), resync }
    }

    /// Adds a subscriber. Its number must be higher than those of the subscribers that were added before.
    pub(super) fn add(&self, number: u64, sink: SubscriptionSink, is_snapshot_due: bool) {
        let mut subscribers = self.subscribers();
        subscribers.push((number, Subscriber::new(sink, is_snapshot_due)));
        self.len.store(subscribers.len(), Ordering::Release);
    }

    pub(super) fn remove(&self, number: u64) {
        let mut subscribers = self.subscribers();
        if let Ok(index) = subscribers.binary_search_by_key(&number, |(number, _)| *number) {
            subscribers.remove(index);
        }
        if subscribers.is_empty() {
            subscribers.shrink_to_fit();
        }
        self.len.store(subscribers.len(), Ordering::Release);
    }

    /// Removes all subscribers and returns them.
    pub(super) fn clear(&self) -> Vec<Subscriber> {
        let subscribers = mem::take(&mut *self.subscribers());
        self.len.store(0, Ordering::Release);
        subscribers.into_iter().map(|(_, subscriber)| subscriber).collect()
    }

    /// Delivers one update of a snapshot to the subscriber that requested the snapshot.
    pub(super) fn deliver_snapshot(&self, number: u64, update: &Update, payload: Bytes) {
        let resync = self.resync();
        self.with(number, |subscriber| subscriber.deliver_snapshot(update, payload, &resync));
    }

    /// Marks the snapshot of a subscriber as complete.
    pub(super) fn end_snapshot(&self, number: u64) {
        self.with(number, Subscriber::end_snapshot);
    }

    fn with(&self, number: u64, work: impl FnOnce(&mut Subscriber)) {
        let mut subscribers = self.subscribers();
        if let Ok(index) = subscribers.binary_search_by_key(&number, |(number, _)| *number) {
            work(&mut subscribers[index].1);
        }
    }

    /// Queues a state for all subscribers. It replaces a waiting state of the same object; otherwise this waits until
    /// the queue has room.
    pub(super) async fn post(self: &Arc<Self>, state: &State) {
        while self.len.load(Ordering::Acquire) > 0 && !self.try_post(state) {
            self.room.notified().await;
        }
    }

    /// Queues a state unless too many wait. Returns whether it did.
    fn try_post(self: &Arc<Self>, state: &State) -> bool {
        let mut inbox = self.inbox();
        let size = state.payload.len();
        match inbox.states.iter().position(|waiting| waiting.object == state.object) {
            Some(index) => {
                let earlier = mem::replace(&mut inbox.states[index], state.clone());
                inbox.bytes -= earlier.payload.len();
            }
            None if inbox.states.len() >= MAX_STATES || inbox.bytes >= MAX_BYTES => return false,
            None => inbox.states.push(state.clone()),
        }
        inbox.bytes += size;
        self.queue(inbox);
        true
    }

    /// Queues a resync for all subscribers, to be delivered after the waiting states.
    pub(super) fn post_resync(self: &Arc<Self>) {
        let mut inbox = self.inbox();
        inbox.is_resync_due = true;
        self.queue(inbox);
    }

    fn queue(self: &Arc<Self>, mut inbox: MutexGuard<'_, Inbox>) {
        if !mem::replace(&mut inbox.is_queued, true) {
            drop(inbox);
            // Fails only when the server stops.
            drop(self.shard.send(Arc::clone(self)));
        }
    }

    /// Delivers the waiting states, then the resync if one is due, to all subscribers. Called by the task of the shard.
    pub(super) async fn deliver(&self, block: &mut FrameBlock) {
        let Inbox { states, is_resync_due, .. } = mem::take(&mut *self.inbox());
        self.room.notify_one();
        block.clear();
        let resync = self.resync();
        let mut last = None;
        loop {
            last = self.deliver_step(last, &states, is_resync_due, &resync, block);
            if last.is_none() {
                break;
            }
            yield_now().await;
        }
        // Once for the shard: its last socket has the states now. What waits on a socket is measured when it is sent.
        if block.has_sent() {
            states.iter().filter_map(|state| state.committed_at).for_each(delivery_duration::record);
        }
    }

    /// Delivers to the next subscribers after the one with the number `after`. Returns the number of the last one; `None`
    /// if there are no more.
    fn deliver_step(
        &self,
        after: Option<u64>,
        states: &[State],
        is_resync_due: bool,
        resync: &Bytes,
        block: &mut FrameBlock,
    ) -> Option<u64> {
        let mut subscribers = self.subscribers();
        // Subscribers may have been added or removed since the step before.
        let start = after.map_or(0, |after| subscribers.partition_point(|(number, _)| *number <= after));
        let end = subscribers.len().min(start + STEP);
        for (_, subscriber) in &mut subscribers[start..end] {
            if !states.is_empty() {
                subscriber.deliver(states, block, resync);
            }
            if is_resync_due {
                subscriber.resync(resync);
            }
        }
        if end < subscribers.len() { Some(subscribers[end - 1].0) } else { None }
    }

    fn resync(&self) -> Bytes {
        self.resync.get().cloned().unwrap_or_default()
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn subscribers(&self) -> MutexGuard<'_, Vec<(u64, Subscriber)>> {
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::graphql::outbound_queue::{OperationNumber, OutboundQueue};

    fn partition() -> (Arc<Partition>, mpsc::UnboundedReceiver<Arc<Partition>>) {
        let (shard, queued) = mpsc::unbounded_channel();
        (Arc::new(Partition::new(shard, Arc::new(OnceLock::from(Bytes::from_static(b"resync"))))), queued)
    }

    fn subscribe(partition: &Partition, number: u64) -> Arc<OutboundQueue> {
        let outbound = Arc::<OutboundQueue>::default();
        partition.add(number, SubscriptionSink::new(Arc::clone(&outbound), OperationNumber::first()), false);
        outbound
    }

    fn state(object: usize, payload: &str) -> State {
        let payload = payload.to_owned().into();
        State { object: Uuid::from_u128(object as u128), revision: 1, payload, committed_at: None }
    }

    #[tokio::test]
    async fn a_partition_is_queued_once_and_delivers_the_latest_states_and_then_the_resync() {
        let (partition, mut queued) = partition();
        let outbound = [1, 2].map(|number| subscribe(&partition, number));
        partition.post(&state(1, "a1")).await;
        partition.post_resync();
        partition.post(&state(2, "b1")).await;
        partition.post(&state(1, "a2")).await;
        assert!(queued.try_recv().is_ok() && queued.try_recv().is_err());
        partition.deliver(&mut FrameBlock::default()).await;
        for outbound in outbound {
            assert_eq!(outbound.texts(), ["1:a2", "1:b1", "1:resync"]);
        }
        partition.post(&state(1, "a3")).await;
        assert!(queued.try_recv().is_ok(), "it is queued again");
    }

    #[tokio::test]
    async fn a_state_waits_until_the_shard_has_taken_those_before_it() {
        let (partition, _queued) = partition();
        let outbound = subscribe(&partition, 1);
        for object in 0..MAX_STATES {
            partition.post(&state(object, "first")).await;
        }
        partition.post(&state(0, "second")).await;
        let late = state(MAX_STATES, "late");
        let mut posting = Box::pin(partition.post(&late));
        assert!(futures_util::poll!(&mut posting).is_pending());
        partition.deliver(&mut FrameBlock::default()).await;
        posting.await;
        let texts = outbound.texts();
        assert_eq!((texts.len(), texts[0].as_str()), (MAX_STATES, "1:second"));
        partition.deliver(&mut FrameBlock::default()).await;
        assert_eq!(outbound.texts(), ["1:late"]);
    }

    #[tokio::test]
    async fn every_subscriber_is_delivered_to_while_others_leave() {
        let (partition, _queued) = partition();
        let outbound: Vec<_> = (0..3 * STEP as u64).map(|number| subscribe(&partition, number)).collect();
        partition.post(&state(1, "a1")).await;
        let mut block = FrameBlock::default();
        let mut delivering = Box::pin(partition.deliver(&mut block));
        assert!(futures_util::poll!(&mut delivering).is_pending(), "others run after the first step");
        for number in 0..STEP as u64 {
            partition.remove(number);
        }
        delivering.await;
        assert!(outbound.iter().all(|outbound| outbound.texts() == ["1:a1"]));
    }

    #[tokio::test]
    async fn without_subscribers_nothing_waits() {
        let (partition, mut queued) = partition();
        subscribe(&partition, 1);
        partition.remove(1);
        partition.post(&state(1, "a1")).await;
        assert!(queued.try_recv().is_err());
    }
}
