//! Holding back states that come too often: per object at most one in an interval, and the latest is never lost.

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use tokio::time::Instant;
use uuid::Uuid;

/// What is held back of one operation.
#[derive(Debug)]
pub(super) struct Throttle {
    interval: Duration,
    objects: HashMap<Uuid, Held>,
    /// The bytes of the states that are held back.
    bytes: usize,
    /// Nothing goes out before: which objects had their turn was forgotten.
    not_before: Option<Instant>,
}

#[derive(Debug)]
struct Held {
    /// When a state may go out again.
    due: Instant,
    payload: Option<Bytes>,
}

impl Throttle {
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, objects: HashMap::new(), bytes: 0, not_before: None }
    }

    /// How many objects it keeps something of.
    pub(super) fn len(&self) -> usize {
        self.objects.len()
    }

    /// How many bytes the states have that are held back.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes a state in the place of one that is still held back; of another object only if there is room for it.
    pub(super) fn hold(&mut self, object: Uuid, payload: Bytes, has_room: bool, now: Instant) -> bool {
        if !has_room && !self.objects.contains_key(&object) {
            return false;
        }
        let due = self.not_before.map_or(now, |due| due.max(now));
        let held = self.objects.entry(object).or_insert(Held { due, payload: None });
        self.bytes += payload.len();
        self.bytes -= held.payload.replace(payload).map_or(0, |earlier| earlier.len());
        true
    }

    /// The states that may go out now.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(Uuid, Bytes)> {
        let interval = self.interval;
        self.forget_idle(now);
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

    /// Forgets objects without news for an interval.
    pub(super) fn forget_idle(&mut self, now: Instant) {
        self.objects.retain(|_, held| held.due > now || held.payload.is_some());
        if self.objects.is_empty() {
            self.objects.shrink_to_fit();
        }
    }

    /// When the next state may go out that is held back.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.objects.values().filter(|held| held.payload.is_some()).map(|held| held.due).min()
    }

    /// Throws away what is held back. Whatever comes now waits an interval, since its object may have had its turn.
    pub(super) fn clear(&mut self, now: Instant) {
        self.objects = HashMap::new();
        self.bytes = 0;
        self.not_before = Some(now + self.interval);
    }
}
