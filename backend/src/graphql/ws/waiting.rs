//! Sockets whose client has shown no token for longer than the grace: a bounded number per address.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::graphql::{close::Close, outbox::Outbox};

/// The most waiting sockets of one address; beyond them the oldest is closed.
const MOST: usize = 50;

/// The waiting sockets of an address, the oldest first.
type Queue = VecDeque<(u64, Arc<Outbox>)>;

#[derive(Default)]
struct Entries {
    by_address: HashMap<String, Queue>,
    next: u64,
}

/// The waiting sockets of this server. An address is forgotten when its last socket is.
#[derive(Clone, Default)]
pub(in crate::graphql) struct Waiting(Arc<Mutex<Entries>>);

/// A socket's entry, removed when it is dropped.
pub(super) struct WaitingEntry {
    waiting: Waiting,
    address: String,
    number: u64,
}

impl Waiting {
    /// Enters a socket, and closes the oldest of its address, as rate limits count it, if there are too many.
    pub(super) fn enter(&self, address: String, outbox: &Arc<Outbox>) -> WaitingEntry {
        let mut entries = self.entries();
        entries.next += 1;
        let number = entries.next;
        let queue = entries.by_address.entry(address.clone()).or_default();
        queue.push_back((number, Arc::clone(outbox)));
        if queue.len() > MOST
            && let Some((_, oldest)) = queue.pop_front()
        {
            metrics::counter!("mftplus_websockets_without_token_closed_total").increment(1);
            oldest.close(Close::CROWDED_OUT);
        }
        WaitingEntry { waiting: self.clone(), address, number }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for WaitingEntry {
    fn drop(&mut self) {
        let mut entries = self.waiting.entries();
        if let Some(queue) = entries.by_address.get_mut(&self.address) {
            queue.retain(|(number, _)| *number != self.number);
            if queue.is_empty() {
                entries.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(waiting: &Waiting, address: &str) -> (WaitingEntry, Arc<Outbox>) {
        let outbox = Arc::<Outbox>::default();
        (waiting.enter(address.to_owned(), &outbox), outbox)
    }

    #[test]
    fn beyond_fifty_of_an_address_the_oldest_is_closed() {
        let waiting = Waiting::default();
        let entered: Vec<_> = (0..MOST).map(|_| enter(&waiting, "192.0.2.1")).collect();
        let _another_address = enter(&waiting, "192.0.2.2");
        assert!(entered.iter().all(|(_, outbox)| outbox.closed().is_none()));
        let (_entry, newest) = enter(&waiting, "192.0.2.1");
        assert_eq!(entered[0].1.closed(), Some(Close::CROWDED_OUT));
        assert!(entered[1].1.closed().is_none() && newest.closed().is_none());
    }

    #[test]
    fn an_address_without_a_waiting_socket_is_forgotten() {
        let waiting = Waiting::default();
        drop(enter(&waiting, "192.0.2.1"));
        assert!(waiting.entries().by_address.is_empty());
    }
}
