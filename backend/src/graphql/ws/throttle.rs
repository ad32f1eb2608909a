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
}

#[derive(Debug)]
struct Held {
    /// When a state may go out again.
    due: Instant,
    payload: Option<Bytes>,
}

impl Throttle {
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, objects: HashMap::new() }
    }

    /// Takes a state in the place of one that is still held back.
    pub(super) fn hold(&mut self, object: Uuid, payload: Bytes, now: Instant) {
        let held = self.objects.entry(object).or_insert(Held { due: now, payload: None });
        held.payload = Some(payload);
    }

    /// The states that may go out now.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(Uuid, Bytes)> {
        let interval = self.interval;
        // An object without news for an interval is forgotten.
        self.objects.retain(|_, held| held.due > now || held.payload.is_some());
        let due = self.objects.iter_mut().filter(|(_, held)| held.due <= now);
        let taken = due.filter_map(|(object, held)| {
            let payload = held.payload.take()?;
            held.due = now + interval;
            Some((*object, payload))
        });
        taken.collect()
    }

    /// When the next state may go out that is held back.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.objects.values().filter(|held| held.payload.is_some()).map(|held| held.due).min()
    }

    /// Throws away what is held back.
    pub(super) fn clear(&mut self) {
        self.objects.values_mut().for_each(|held| held.payload = None);
    }
}
