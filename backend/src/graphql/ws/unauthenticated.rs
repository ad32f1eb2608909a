//! Sockets whose client has sent no token within the grace period. Their number per address is limited.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::graphql::{close_codes::Close, outbound_queue::OutboundQueue};

/// The maximum number of unauthenticated sockets of one address. If there are more, the oldest is closed.
const MAX_PER_ADDRESS: usize = 50;

/// The unauthenticated sockets of an address, the oldest first.
type Queue = VecDeque<(u64, Arc<OutboundQueue>)>;

#[derive(Default)]
struct Sockets {
    by_address: HashMap<String, Queue>,
    next: u64,
}

/// The unauthenticated sockets of this server. An address is removed with its last socket.
#[derive(Clone, Default)]
pub(in crate::graphql) struct UnauthenticatedSockets(Arc<Mutex<Sockets>>);

/// The entry of a socket in [`UnauthenticatedSockets`]. Dropping the entry removes the socket.
pub(super) struct Entry {
    unauthenticated: UnauthenticatedSockets,
    address: String,
    number: u64,
}

impl UnauthenticatedSockets {
    /// Adds a socket, and closes the oldest socket of the same address if there are too many. `address` is the client's
    /// address, in the form that is the key of rate limits.
    pub(super) fn enter(&self, address: String, outbound: &Arc<OutboundQueue>) -> Entry {
        let mut sockets = self.sockets();
        sockets.next += 1;
        let number = sockets.next;
        let queue = sockets.by_address.entry(address.clone()).or_default();
        queue.push_back((number, Arc::clone(outbound)));
        if queue.len() > MAX_PER_ADDRESS
            && let Some((_, oldest)) = queue.pop_front()
        {
            metrics::counter!("mftplus_websockets_without_token_closed_total").increment(1);
            oldest.close(Close::TOO_MANY_UNAUTHENTICATED);
        }
        Entry { unauthenticated: self.clone(), address, number }
    }

    fn sockets(&self) -> MutexGuard<'_, Sockets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut sockets = self.unauthenticated.sockets();
        if let Some(queue) = sockets.by_address.get_mut(&self.address) {
            queue.retain(|(number, _)| *number != self.number);
            if queue.is_empty() {
                sockets.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(unauthenticated: &UnauthenticatedSockets, address: &str) -> (Entry, Arc<OutboundQueue>) {
        let outbound = Arc::<OutboundQueue>::default();
        (unauthenticated.enter(address.to_owned(), &outbound), outbound)
    }

    #[test]
    fn beyond_fifty_sockets_of_an_address_the_oldest_is_closed() {
        let unauthenticated = UnauthenticatedSockets::default();
        let entered: Vec<_> = (0..MAX_PER_ADDRESS).map(|_| enter(&unauthenticated, "192.0.2.1")).collect();
        let _another_address = enter(&unauthenticated, "192.0.2.2");
        assert!(entered.iter().all(|(_, outbound)| outbound.closed().is_none()));
        let (_entry, newest) = enter(&unauthenticated, "192.0.2.1");
        assert_eq!(entered[0].1.closed(), Some(Close::TOO_MANY_UNAUTHENTICATED));
        assert!(entered[1].1.closed().is_none() && newest.closed().is_none());
    }

    #[test]
    fn an_address_without_a_socket_is_removed() {
        let unauthenticated = UnauthenticatedSockets::default();
        drop(enter(&unauthenticated, "192.0.2.1"));
        assert!(unauthenticated.sockets().by_address.is_empty());
    }
}
