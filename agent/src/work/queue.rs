//! Whose turn it is: so many at a time, the oldest first, and never two on one destination.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The running and the waiting work of one process.
#[derive(Debug)]
pub(crate) struct Turns {
    most: usize,
    line: Mutex<Line>,
    moved: Notify,
}

#[derive(Debug, Default)]
struct Line {
    enlisted: u64,
    waiting: BTreeMap<u64, PathBuf>,
    working: BTreeMap<u64, PathBuf>,
}

/// A place in the line, given up when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    turns: Arc<Turns>,
    number: u64,
}

impl Turns {
    /// A line of which `most` work at the same time.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, line: Mutex::default(), moved: Notify::new() })
    }

    /// Takes the last place.
    pub(crate) fn enlist(self: &Arc<Self>) -> Place {
        let mut line = self.lock();
        line.enlisted += 1;
        Place { turns: self.clone(), number: line.enlisted }
    }

    /// Whether anybody works.
    pub(crate) fn is_busy(&self) -> bool {
        !self.lock().working.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Waits for `destination` from now on, before whoever comes later.
    pub(crate) fn wait_for(&self, destination: &Path) {
        let mut line = self.turns.lock();
        if !line.working.contains_key(&self.number) {
            line.waiting.insert(self.number, destination.to_owned());
        }
    }

    /// Waits until what writes to `destination` may begin; at once, if it has begun.
    pub(crate) async fn turn(&self, destination: &Path) {
        self.wait_for(destination);
        loop {
            let moved = self.turns.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            if self.turns.lock().advance(self.number, self.turns.most) {
                return;
            }
            moved.await;
        }
    }
}

impl Line {
    /// Lets `number` work if it is among those whose turn it is.
    fn advance(&mut self, number: u64, most: usize) -> bool {
        if self.working.contains_key(&number) {
            return true;
        }
        let free = most.saturating_sub(self.working.len());
        let mut taken: HashSet<&PathBuf> = self.working.values().collect();
        let is_next = self.waiting.iter().filter(|(_, destination)| taken.insert(destination)).take(free);
        if !is_next.map(|(next, _)| next).any(|next| *next == number) {
            return false;
        }
        let destination = self.waiting.remove(&number);
        self.working.insert(number, destination.unwrap_or_default());
        true
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut line = self.turns.lock();
        line.waiting.remove(&self.number);
        line.working.remove(&self.number);
        drop(line);
        self.turns.moved.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Turns;

    #[tokio::test]
    async fn the_oldest_goes_first_and_frees_its_place_when_it_ends() {
        let turns = Turns::new(1);
        let (first, second, third) = (turns.enlist(), turns.enlist(), turns.enlist());
        first.turn(Path::new("/a")).await;
        let wait_for_third = async {
            third.turn(Path::new("/c")).await;
            assert!(turns.is_busy());
            drop(third);
        };
        let wait_for_second = async {
            second.turn(Path::new("/b")).await;
            assert!(!turns.lock().waiting.is_empty(), "the third went before the second");
            drop(second);
        };
        tokio::join!(wait_for_third, wait_for_second, async { drop(first) });
        assert!(!turns.is_busy());
    }

    #[tokio::test]
    async fn two_on_one_destination_work_one_after_the_other_and_hold_up_nobody() {
        let turns = Turns::new(2);
        let (first, same, other) = (turns.enlist(), turns.enlist(), turns.enlist());
        first.turn(Path::new("/a")).await;
        same.wait_for(Path::new("/a"));
        other.turn(Path::new("/b")).await;
        assert!(!turns.lock().working.contains_key(&same.number));
        drop(first);
        same.turn(Path::new("/a")).await;
    }
}
