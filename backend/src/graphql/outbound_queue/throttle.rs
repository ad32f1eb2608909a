//! The throttle of an operation: at most one state per object and interval. The latest state is never lost.

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use tokio::time::Instant;
use uuid::Uuid;

/// The number of times in an interval that states are released. So a socket with many objects is not woken for each.
const RELEASES: u32 = 20;

/// The states of one operation that are held back.
#[derive(Debug)]
pub(super) struct Throttle {
    interval: Duration,
    objects: HashMap<Uuid, Held>,
    /// The bytes of the states that are held back.
    bytes: usize,
    /// The time before which nothing is sent, because it is not known when the objects were last sent.
    not_before: Option<Instant>,
}

#[derive(Debug)]
struct Held {
    /// The time at which a state may be sent again.
    due: Instant,
    payload: Option<Bytes>,
}

impl Throttle {
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, objects: HashMap::new(), bytes: 0, not_before: None }
    }

    /// The number of objects of which a state is held back or was sent within the last interval.
    pub(super) fn len(&self) -> usize {
        self.objects.len()
    }

    /// The bytes of the states that are held back.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Holds a state back, in place of an earlier one of the same object, and returns the time at which it may be sent.
    /// Returns `None` and drops the state if the object is new and there is no room.
    pub(super) fn hold(&mut self, object: Uuid, payload: Bytes, has_room: bool, now: Instant) -> Option<Instant> {
        if !has_room && !self.objects.contains_key(&object) {
            return None;
        }
        let due = self.not_before.map_or(now, |due| due.max(now));
        let held = self.objects.entry(object).or_insert(Held { due, payload: None });
        self.bytes += payload.len();
        self.bytes -= held.payload.replace(payload).map_or(0, |earlier| earlier.len());
        Some(held.due)
    }

    /// Takes the states that may be sent now, in no particular order.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(Uuid, Bytes)> {
        let interval = self.interval;
        self.remove_idle(now);
        let due = self.objects.iter_mut().filter(|(_, held)| held.due <= now);
        let taken = due.filter_map(|(object, held)| {
            let payload = held.payload.take()?;
            held.due = now + interval;
            Some((*object, payload))
        });
        let taken: Vec<(Uuid, Bytes)> = taken.collect();
        self.bytes -= taken.iter().map(|(_, payload)| payload.len()).sum::<usize>();
        taken
    }

    /// Drops objects without a new state for an interval.
    pub(super) fn remove_idle(&mut self, now: Instant) {
        self.objects.retain(|_, held| held.due > now || held.payload.is_some());
        if self.objects.is_empty() {
            self.objects.shrink_to_fit();
        }
    }

    /// The time at which the next states are released; `None` if no state is held back.
    pub(super) fn next_due(&self, now: Instant) -> Option<Instant> {
        let next = self.objects.values().filter(|held| held.payload.is_some()).map(|held| held.due).min();
        next.map(|due| due.max(now + self.interval / RELEASES))
    }

    /// Drops the states that are held back. The next states wait for an interval, since their objects may have been
    /// sent just now.
    pub(super) fn clear(&mut self, now: Instant) {
        self.objects = HashMap::new();
        self.bytes = 0;
        self.not_before = Some(now + self.interval);
    }
}
