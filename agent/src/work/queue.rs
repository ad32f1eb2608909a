//! The work queue: a limited number of work items run at the same time, oldest first, and never two with the same
//! destination.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The queue of the running and waiting work of one process.
#[derive(Debug)]
pub(crate) struct WorkQueue {
    capacity: AtomicUsize,
    state: Mutex<QueueState>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct QueueState {
    issued: u64,
    /// The tickets whose destination is not known yet, because the server must answer first. Later tickets do not
    /// overtake them.
    undecided: BTreeSet<u64>,
    waiting: BTreeMap<u64, PathBuf>,
    /// The tickets that let later ones go first. Their destinations remain reserved.
    yielding: BTreeSet<u64>,
    working: BTreeMap<u64, PathBuf>,
}

/// A position in the queue, or the permission to run once it is admitted. Dropping the ticket releases it.
#[derive(Debug)]
pub(crate) struct Ticket {
    queue: Arc<WorkQueue>,
    number: u64,
}

impl WorkQueue {
    /// Creates a queue in which up to `capacity` tickets are admitted at the same time.
    pub(crate) fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self { capacity: capacity.into(), state: Mutex::default(), changed: Notify::new() })
    }

    /// Changes the number of tickets that can be admitted at the same time. Tickets that are admitted already are not
    /// affected.
    pub(crate) fn set_capacity(&self, capacity: usize) {
        self.capacity.store(capacity, Ordering::Relaxed);
        self.changed.notify_waiters();
    }

    /// Creates a ticket at the end of the queue.
    pub(crate) fn enqueue(self: &Arc<Self>) -> Ticket {
        let mut state = self.lock();
        state.issued += 1;
        let number = state.issued;
        state.undecided.insert(number);
        drop(state);
        Ticket { queue: self.clone(), number }
    }

    /// Whether any ticket is admitted.
    pub(crate) fn is_busy(&self) -> bool {
        !self.lock().working.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// Sets the destination of the work, so that the ticket waits for it, before all later tickets. Returns at once.
    pub(crate) fn wait_for(&self, destination: &Path) {
        let mut state = self.queue.lock();
        state.undecided.remove(&self.number);
        state.yielding.remove(&self.number);
        if !state.working.contains_key(&self.number) {
            state.waiting.insert(self.number, destination.to_owned());
        }
        drop(state);
        self.queue.changed.notify_waiters();
    }

    /// Lets later tickets go first until the next call of [`Self::wait_for`] or [`Self::admitted`], which restores the
    /// position of this ticket.
    pub(crate) fn let_others_pass(&self) {
        let mut state = self.queue.lock();
        state.undecided.remove(&self.number);
        state.yielding.insert(self.number);
        drop(state);
        self.queue.changed.notify_waiters();
    }

    /// Waits until work that writes to `destination` may start, or until only the capacity of the queue prevents that: then
    /// no other work with this destination can start before it. Returns whether the ticket is admitted.
    pub(crate) async fn admitted_or_next_for(&self, destination: &Path) -> bool {
        self.wait_for(destination);
        self.until(|| self.advance() || self.is_next_for(destination)).await;
        self.advance()
    }

    /// Admits the ticket if its turn has come. Returns whether it is admitted.
    fn advance(&self) -> bool {
        self.queue.lock().advance(self.number, self.queue.capacity.load(Ordering::Relaxed))
    }

    /// Whether no other work that writes to `destination` is running or waits before this ticket, and no earlier ticket may
    /// still get this destination.
    fn is_next_for(&self, destination: &Path) -> bool {
        let state = self.queue.lock();
        let mut unknown = state.undecided.iter().chain(&state.yielding);
        let mut others = state.working.values().chain(state.waiting.range(..self.number).map(|(_, other)| other));
        unknown.all(|earlier| *earlier >= self.number || state.waiting.contains_key(earlier))
            && others.all(|other| other != destination)
    }

    /// Waits until `holds` returns `true`, which is asked after each change of the queue.
    async fn until(&self, holds: impl Fn() -> bool) {
        loop {
            let changed = self.queue.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if holds() {
                return;
            }
            changed.await;
        }
    }

    /// Waits until work that writes to `destination` may start, and admits the ticket; returns at once if it is
    /// admitted already.
    pub(crate) async fn admitted(&self, destination: &Path) {
        self.wait_for(destination);
        self.until(|| self.advance()).await;
    }
}

impl QueueState {
    /// Admits the ticket `number` if there is free capacity for it and for all tickets before it. Returns whether it is
    /// admitted.
    fn advance(&mut self, number: u64, capacity: usize) -> bool {
        if self.working.contains_key(&number) {
            return true;
        }
        let free = capacity.saturating_sub(self.working.len());
        let mut taken: HashSet<&PathBuf> = self.working.values().collect();
        let next = self.waiting.iter().filter(|(_, destination)| taken.insert(destination)).map(|(next, _)| *next);
        let mut competing = next.filter(|next| !self.yielding.contains(next));
        let Some(earlier) = competing.position(|next| next == number) else { return false };
        if earlier + self.undecided.range(..number).count() >= free {
            return false;
        }
        let destination = self.waiting.remove(&number);
        self.working.insert(number, destination.unwrap_or_default());
        true
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        state.undecided.remove(&self.number);
        state.yielding.remove(&self.number);
        state.waiting.remove(&self.number);
        state.working.remove(&self.number);
        drop(state);
        self.queue.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::WorkQueue;

    #[tokio::test]
    async fn the_oldest_ticket_is_admitted_first_and_released_when_dropped() {
        let queue = WorkQueue::new(1);
        let (first, second, third) = (queue.enqueue(), queue.enqueue(), queue.enqueue());
        first.admitted(Path::new("/a")).await;
        let wait_for_third = async {
            third.admitted(Path::new("/c")).await;
            assert!(queue.is_busy());
            drop(third);
        };
        let wait_for_second = async {
            second.admitted(Path::new("/b")).await;
            assert!(!queue.lock().waiting.is_empty(), "the third went before the second");
            drop(second);
        };
        tokio::join!(wait_for_third, wait_for_second, async { drop(first) });
        assert!(!queue.is_busy());
    }

    #[tokio::test]
    async fn a_ticket_without_a_destination_keeps_its_place_and_no_more() {
        let queue = WorkQueue::new(2);
        let (first, second, third) = (queue.enqueue(), queue.enqueue(), queue.enqueue());
        second.admitted(Path::new("/b")).await;
        third.wait_for(Path::new("/c"));
        assert!(!queue.lock().advance(third.number, 2), "the third took the place of the first");
        drop(first);
        third.admitted(Path::new("/c")).await;
    }

    #[tokio::test]
    async fn a_ticket_that_lets_others_pass_keeps_its_position_and_destination() {
        let queue = WorkQueue::new(1);
        let (first, second, same, third) = (queue.enqueue(), queue.enqueue(), queue.enqueue(), queue.enqueue());
        first.wait_for(Path::new("/a"));
        first.let_others_pass();
        second.let_others_pass();
        same.wait_for(Path::new("/a"));
        third.admitted(Path::new("/c")).await;
        first.wait_for(Path::new("/a"));
        second.wait_for(Path::new("/b"));
        drop(third);
        assert!(!queue.lock().advance(second.number, 1), "the second went before the first");
        first.admitted(Path::new("/a")).await;
        drop(first);
        second.admitted(Path::new("/b")).await;
    }

    #[tokio::test]
    async fn a_larger_capacity_admits_waiting_tickets_and_a_smaller_one_takes_none_away() {
        let queue = WorkQueue::new(1);
        let (first, second, third) = (queue.enqueue(), queue.enqueue(), queue.enqueue());
        first.admitted(Path::new("/a")).await;
        let larger = async { queue.set_capacity(2) };
        tokio::join!(second.admitted(Path::new("/b")), larger);
        queue.set_capacity(1);
        second.admitted(Path::new("/b")).await;
        drop(first);
        third.wait_for(Path::new("/c"));
        assert!(!queue.lock().advance(third.number, 1));
    }

    #[tokio::test]
    async fn a_ticket_is_next_for_its_destination_once_no_earlier_one_has_or_may_get_it() {
        let queue = WorkQueue::new(1);
        let (first, unknown, second, same) = (queue.enqueue(), queue.enqueue(), queue.enqueue(), queue.enqueue());
        assert!(first.admitted_or_next_for(Path::new("/a")).await);
        second.wait_for(Path::new("/b"));
        same.wait_for(Path::new("/b"));
        assert!(!second.is_next_for(Path::new("/b")), "the destination of an earlier ticket is not known");
        unknown.let_others_pass();
        assert!(!second.is_next_for(Path::new("/b")), "it is not known yet");
        unknown.wait_for(Path::new("/c"));
        assert!(!second.admitted_or_next_for(Path::new("/b")).await);
        assert!(!same.is_next_for(Path::new("/b")) && !same.is_next_for(Path::new("/a")));
        drop(second);
        assert!(same.is_next_for(Path::new("/b")));
    }

    #[tokio::test]
    async fn tickets_for_one_destination_are_admitted_one_after_the_other_and_delay_no_other() {
        let queue = WorkQueue::new(2);
        let (first, same, other) = (queue.enqueue(), queue.enqueue(), queue.enqueue());
        first.admitted(Path::new("/a")).await;
        same.wait_for(Path::new("/a"));
        other.admitted(Path::new("/b")).await;
        assert!(!queue.lock().working.contains_key(&same.number));
        drop(first);
        same.admitted(Path::new("/a")).await;
    }
}
