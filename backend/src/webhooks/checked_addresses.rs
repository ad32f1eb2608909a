//! The name resolver of the webhook client. It knows only the checked addresses of the webhooks that are being sent.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Checked addresses by host name. An entry exists while a webhook to its host is being sent, so there are at most as
/// many entries as webhooks in flight.
#[derive(Clone, Default)]
pub(super) struct CheckedAddresses(Arc<Mutex<HashMap<String, Entry>>>);

struct Entry {
    /// The result of the newest look-up. All of its addresses are checked.
    addresses: Vec<IpAddr>,
    /// The webhooks to this host that are being sent.
    webhooks: usize,
}

/// Keeps the addresses of a host in [`CheckedAddresses`] until it is dropped.
pub(super) struct Held {
    checked: CheckedAddresses,
    host: String,
}

impl CheckedAddresses {
    /// Stores the checked addresses of a host for one webhook, until the result is dropped.
    pub(super) fn hold(&self, host: String, addresses: Vec<IpAddr>) -> Held {
        let mut entries = self.entries();
        let webhooks = entries.get(&host).map_or(0, |entry| entry.webhooks) + 1;
        entries.insert(host.clone(), Entry { addresses, webhooks });
        drop(entries);
        Held { checked: self.clone(), host }
    }

    /// Returns the checked addresses of a host; none if no webhook to the host is being sent.
    pub(super) fn of(&self, host: &str) -> std::vec::IntoIter<IpAddr> {
        self.entries().get(host).map(|entry| entry.addresses.clone()).unwrap_or_default().into_iter()
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut entries = self.checked.entries();
        if let Some(entry) = entries.get_mut(&self.host) {
            entry.webhooks -= 1;
            if entry.webhooks == 0 {
                entries.remove(&self.host);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_a_host_are_known_while_a_webhook_to_it_is_sent() {
        let checked = CheckedAddresses::default();
        let of = |host| checked.of(host).collect::<Vec<_>>();
        let [old, new] = [[192_u8, 0, 2, 1], [192, 0, 2, 2]].map(IpAddr::from);
        let first = checked.hold("a.example".to_owned(), vec![old]);
        assert_eq!((of("a.example"), of("b.example")), (vec![old], Vec::new()));
        let second = checked.hold("a.example".to_owned(), vec![new]);
        assert_eq!(of("a.example"), [new]);
        drop(first);
        assert_eq!(of("a.example"), [new]);
        drop(second);
        assert!(of("a.example").is_empty() && checked.entries().is_empty());
    }
}
