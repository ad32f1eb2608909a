//! A semaphore for each caller, so that one caller cannot use up a common resource.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::Semaphore;

/// The smallest number of entries at which unused ones are removed.
const CLEANUP_FROM: usize = 1024;

/// One semaphore per caller. An entry is in use while one of its permits is held or waited for; unused entries are removed
/// before the map doubles.
#[derive(Clone, Debug)]
pub struct CallerSemaphores {
    permits: usize,
    entries: Arc<Mutex<Entries>>,
}

#[derive(Debug)]
struct Entries {
    by_caller: HashMap<String, Weak<Semaphore>>,
    /// The number of entries at which unused ones are removed.
    cleanup_at: usize,
}

impl CallerSemaphores {
    /// Creates a set of semaphores with this number of permits each.
    #[must_use]
    pub fn new(permits: usize) -> Self {
        let entries = Entries { by_caller: HashMap::new(), cleanup_at: CLEANUP_FROM };
        Self { permits, entries: Arc::new(Mutex::new(entries)) }
    }

    /// Returns the semaphore of this caller, which is created if needed.
    #[must_use]
    pub fn of(&self, caller: &str) -> Arc<Semaphore> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = entries.by_caller.get(caller).and_then(Weak::upgrade) {
            return known;
        }
        if entries.by_caller.len() >= entries.cleanup_at {
            entries.by_caller.retain(|_, semaphore| semaphore.strong_count() > 0);
            entries.cleanup_at = CLEANUP_FROM.max(2 * entries.by_caller.len());
        }
        let semaphore = Arc::new(Semaphore::new(self.permits));
        entries.by_caller.insert(caller.to_owned(), Arc::downgrade(&semaphore));
        semaphore
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_has_one_semaphore_while_a_permit_is_in_use() {
        let callers = CallerSemaphores::new(2);
        let held = callers.of("a").try_acquire_owned().expect("a permit");
        assert_eq!(callers.of("a").available_permits(), 1);
        assert_eq!(callers.of("b").available_permits(), 2);
        drop(held);
        assert_eq!(callers.of("a").available_permits(), 2);
    }

    #[test]
    fn entries_without_a_permit_in_use_are_removed() {
        let callers = CallerSemaphores::new(1);
        let _held = callers.of("held").try_acquire_owned().expect("a permit");
        for number in 0..10 * CLEANUP_FROM {
            drop(callers.of(&number.to_string()));
        }
        assert!(callers.entries.lock().expect("entries").by_caller.len() <= CLEANUP_FROM);
        assert_eq!(callers.of("held").available_permits(), 0, "an entry in use stays");
    }
}
