//! Noticing what never arrived: every number of an event that was committed must be heard of, here or over Redis.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::{MissedTickBehavior, interval};

use super::ControlPlane;
use crate::{events::Signal, store};

/// How often the store is asked how far it is.
const LOOK: Duration = Duration::from_secs(1);

/// Which numbers have been heard.
#[derive(Debug, Default)]
struct Heard {
    /// All numbers up to this one.
    up_to: i64,
    /// Numbers beyond, which came before their turn.
    ahead: BTreeSet<i64>,
}

impl Heard {
    fn hear(&mut self, number: i64) {
        if number > self.up_to {
            self.ahead.insert(number);
        }
        while self.ahead.remove(&(self.up_to + 1)) {
            self.up_to += 1;
        }
    }

    /// Whether a number up to `head` has not been heard; from then on they all count as heard.
    fn misses(&mut self, head: i64) -> bool {
        let misses = self.up_to < head;
        if misses {
            self.up_to = head;
            self.ahead = self.ahead.split_off(&(head + 1));
            self.hear(0);
        }
        misses
    }
}

impl ControlPlane {
    /// Tells readers of the bus to ask again whenever a commit was not heard of within a second or two. Within one server
    /// nothing is lost unseen, so there it has nothing to do.
    pub async fn watch_for_gaps(&self) {
        if !self.bus.is_shared() {
            return;
        }
        let mut heard = Heard { up_to: store::events::head(&self.db).await.unwrap_or(0), ..Heard::default() };
        let mut reader = self.bus.read();
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // What the store said a tick ago has had the time to arrive.
        let mut head_before = heard.up_to;
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                signal = reader.next() => match signal {
                    Some(Signal::Message(message)) => {
                        message.events.iter().filter_map(|event| event.number).for_each(|number| heard.hear(number));
                    }
                    Some(Signal::Resync) => {}
                    None => return,
                },
                _ = ticks.tick() => {
                    if heard.misses(head_before) {
                        metrics::counter!("mftplus_bus_gaps_total").increment(1);
                        self.bus.resync();
                    }
                    // While the store is away there is nothing to miss.
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
    fn numbers_may_come_out_of_order_but_not_be_missing() {
        let mut heard = Heard { up_to: 10, ..Heard::default() };
        heard.hear(12);
        assert!(heard.misses(11), "11 was never heard");
        assert_eq!(heard.up_to, 12);
        heard.hear(14);
        heard.hear(13);
        assert!(!heard.misses(14));
        heard.hear(3);
        assert_eq!((heard.up_to, heard.ahead.len()), (14, 0));
    }
}
