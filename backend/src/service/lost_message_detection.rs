//! Detects lost messages of the bus: every committed event has a number, and each number must arrive on the bus, from
//! this server or over Redis.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::{MissedTickBehavior, interval};

use super::ControlPlane;
use crate::{events::Signal, store};

/// How often the highest number is read from the database.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The event numbers that have arrived.
#[derive(Debug, Default)]
struct ReceivedNumbers {
    /// All numbers up to this one have arrived.
    up_to: i64,
    /// Numbers above `up_to` that arrived out of order.
    ahead: BTreeSet<i64>,
}

impl ReceivedNumbers {
    fn insert(&mut self, number: i64) {
        if number > self.up_to {
            self.ahead.insert(number);
        }
        while self.ahead.remove(&(self.up_to + 1)) {
            self.up_to += 1;
        }
    }

    /// Whether a number up to `head` has not arrived. Afterwards, all numbers up to `head` count as received.
    fn misses(&mut self, head: i64) -> bool {
        let misses = self.up_to < head;
        if misses {
            self.up_to = head;
            self.ahead = self.ahead.split_off(&(head + 1));
            self.insert(0);
        }
        misses
    }
}

impl ControlPlane {
    /// Runs until the server stops, and sends a resync to the readers of the bus whenever a committed event has not
    /// arrived within one to two seconds. Returns at once without Redis, because a bus of one server loses no message
    /// unnoticed.
    pub async fn detect_lost_messages(&self) {
        if !self.bus.is_shared() {
            return;
        }
        let head = store::events::head(&self.db).await.unwrap_or(0);
        let mut received = ReceivedNumbers { up_to: head, ..ReceivedNumbers::default() };
        let mut reader = self.bus.read();
        let mut ticks = interval(CHECK_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The head as it was one tick ago: events up to it have had the time to arrive.
        let mut head_before = head;
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                signal = reader.next() => match signal {
                    Some(Signal::Message(message)) => {
                        let numbers = message.events.iter().filter_map(|event| event.number);
                        numbers.for_each(|number| received.insert(number));
                    }
                    Some(Signal::Resync) => {}
                    None => return,
                },
                _ = ticks.tick() => {
                    if received.misses(head_before) {
                        metrics::counter!("mftplus_bus_gaps_total").increment(1);
                        self.bus.resync();
                    }
                    // While the database is not available, nothing is committed.
                    head_before = store::events::head(&self.db).await.unwrap_or(head_before);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_arrive_out_of_order_but_none_may_be_missing() {
        let mut received = ReceivedNumbers { up_to: 10, ..ReceivedNumbers::default() };
        received.insert(12);
        assert!(received.misses(11), "11 never arrived");
        assert_eq!(received.up_to, 12);
        received.insert(14);
        received.insert(13);
        assert!(!received.misses(14));
        received.insert(3);
        assert_eq!((received.up_to, received.ahead.len()), (14, 0));
    }
}
