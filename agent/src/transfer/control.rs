//! Progress counters and stop signals of a running copy or step, shared by the worker and by those who watch or stop it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How far a copy or step is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Progress {
    /// From 0 to 100, in hundredths.
    pub(crate) percent: f64,
    /// Bytes written.
    pub(crate) bytes: u64,
}

/// A running copy or step.
#[derive(Debug)]
pub(crate) struct Control {
    /// The server's id.
    pub(crate) id: Uuid,
    /// Whether the copy is read again to verify it.
    pub(crate) verifies: bool,
    attempt: AtomicU32,
    total: AtomicU64,
    copied: AtomicU64,
    resumed: AtomicU64,
    verified: AtomicU64,
    stop: CancellationToken,
    cancelled: AtomicBool,
    reason: Mutex<Option<String>>,
    directives: Mutex<Vec<Uuid>>,
}

impl Control {
    pub(crate) fn new(id: Uuid, attempt: u32, total: u64, verifies: bool) -> Self {
        Self {
            id,
            verifies,
            attempt: AtomicU32::new(attempt),
            total: AtomicU64::new(total),
            copied: AtomicU64::new(0),
            resumed: AtomicU64::new(0),
            verified: AtomicU64::new(0),
            stop: CancellationToken::new(),
            cancelled: AtomicBool::new(false),
            reason: Mutex::new(None),
            directives: Mutex::new(Vec::new()),
        }
    }

    /// The attempt that reports name.
    pub(crate) fn attempt(&self) -> u32 {
        self.attempt.load(Ordering::Relaxed)
    }

    /// Raises the attempt to that of the server; never lowers it.
    pub(crate) fn raise_attempt(&self, attempt: u32) {
        self.attempt.fetch_max(attempt, Ordering::Relaxed);
    }

    /// Sets the total bytes.
    pub(crate) fn set_total(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    /// Bytes to copy.
    pub(crate) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Bytes at the destination.
    pub(crate) fn copied(&self) -> u64 {
        self.copied.load(Ordering::Relaxed)
    }

    /// Bytes verified.
    pub(crate) fn verified(&self) -> u64 {
        self.verified.load(Ordering::Relaxed)
    }

    /// Bytes that this process copied, for the speed.
    pub(crate) fn moved(&self) -> u64 {
        self.copied().saturating_sub(self.resumed.load(Ordering::Relaxed))
    }

    /// Counts bytes written.
    pub(crate) fn add_copied(&self, bytes: u64) {
        self.copied.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts bytes that an earlier process wrote.
    pub(crate) fn add_resumed(&self, bytes: u64) {
        self.resumed.fetch_add(bytes, Ordering::Relaxed);
        self.add_copied(bytes);
    }

    /// Counts bytes verified.
    pub(crate) fn add_verified(&self, bytes: u64) {
        self.verified.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Verifying is the last of 100 percent, so that a long verification does not look stalled.
    pub(crate) fn progress(&self) -> Progress {
        let (bytes, total) = (self.copied(), self.total());
        let percent = if self.verifies {
            (percent(bytes, total) * 99.0 + percent(self.verified(), total)) / 100.0
        } else {
            percent(bytes, total)
        };
        Progress { percent: (percent * 100.0).floor() / 100.0, bytes }
    }

    /// Cancels it. It cannot be resumed.
    pub(crate) fn cancel(&self, reason: &str) {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| reason.to_owned());
        self.cancelled.store(true, Ordering::Release);
        self.stop.cancel();
    }

    /// Stops it; it can be resumed.
    pub(crate) fn pause(&self) {
        self.stop.cancel();
    }

    /// Whether it is paused or cancelled.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Completes when it is paused or cancelled.
    pub(crate) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// The reason of the cancellation, if it was cancelled.
    pub(crate) fn cancellation(&self) -> Option<String> {
        let reason = || self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default();
        self.cancelled.load(Ordering::Acquire).then(reason)
    }

    /// Acknowledges a directive when the transfer has ended.
    pub(crate) fn acknowledge_at_end(&self, directive: Uuid) {
        let mut directives = self.directives.lock().unwrap_or_else(PoisonError::into_inner);
        if !directives.contains(&directive) {
            directives.push(directive);
        }
    }

    /// The directives to acknowledge now that it has ended.
    pub(crate) fn take_directives(&self) -> Vec<Uuid> {
        std::mem::take(&mut self.directives.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a percentage needs no more than 52 bits")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 100.0 } else { (part.min(whole) as f64 / whole as f64) * 100.0 }
}

/// The running copies and steps of this process.
#[derive(Debug, Default)]
pub(crate) struct ControlRegistry(Mutex<HashMap<Uuid, Arc<Control>>>);

impl ControlRegistry {
    pub(crate) fn insert(&self, control: Arc<Control>) {
        self.lock().insert(control.id, control);
    }

    pub(crate) fn remove(&self, id: Uuid) {
        self.lock().remove(&id);
    }

    /// The one with this id, if it runs in this process.
    pub(crate) fn get(&self, id: Uuid) -> Option<Arc<Control>> {
        self.lock().get(&id).cloned()
    }

    /// Pauses all.
    pub(crate) fn pause_all(&self) {
        self.lock().values().for_each(|control| control.pause());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Arc<Control>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::Control;

    #[test]
    fn progress_reaches_100_percent_only_after_the_verification() {
        let control = Control::new(Uuid::new_v4(), 1, 200, true);
        control.add_copied(100);
        assert!((control.progress().percent - 49.5).abs() < 1e-9);
        control.add_copied(100);
        assert!((control.progress().percent - 99.0).abs() < 1e-9);
        control.add_verified(200);
        assert!((control.progress().percent - 100.0).abs() < 1e-9);
    }

    #[test]
    fn bytes_found_at_the_destination_do_not_count_as_speed() {
        let control = Control::new(Uuid::new_v4(), 1, 200, false);
        control.add_resumed(150);
        control.add_copied(10);
        assert_eq!((control.copied(), control.moved()), (160, 10));
    }

    #[test]
    fn a_paused_transfer_is_not_a_cancelled_one() {
        let control = Control::new(Uuid::new_v4(), 1, 0, false);
        control.pause();
        assert!(control.is_stopped());
        assert_eq!(control.cancellation(), None);
    }
}
