//! The stop signals and progress of a running copy or step, shared by the thread that executes it and the tasks that
//! report or stop it.

pub(crate) mod progress;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::transfer::bandwidth::SharedBandwidth;
use crate::transfer::error::CopyError;

/// The maximum time after which a waiting copy notices that it is stopped.
const SLICE: Duration = Duration::from_millis(50);

/// The stop signals and progress of a running copy or step.
#[derive(Debug)]
pub(crate) struct Control {
    /// The server's id of the transfer or step.
    pub(crate) id: Uuid,
    /// Whether the copy is verified with a checksum.
    pub(crate) verifies: bool,
    /// The limits of all copies together.
    pub(crate) bandwidth: Arc<SharedBandwidth>,
    attempt: AtomicU32,
    total: AtomicU64,
    is_planned: AtomicBool,
    copied: AtomicU64,
    resumed: AtomicU64,
    verified: AtomicU64,
    stop: CancellationToken,
    cancelled: AtomicBool,
    reason: Mutex<Option<String>>,
    note: Mutex<Option<String>>,
    directives: Mutex<Vec<Uuid>>,
}

impl Control {
    pub(crate) fn new(id: Uuid, attempt: u32, total: u64, verifies: bool) -> Self {
        Self {
            id,
            verifies,
            bandwidth: Arc::default(),
            attempt: AtomicU32::new(attempt),
            total: AtomicU64::new(total),
            is_planned: AtomicBool::new(true),
            copied: AtomicU64::new(0),
            resumed: AtomicU64::new(0),
            verified: AtomicU64::new(0),
            stop: CancellationToken::new(),
            cancelled: AtomicBool::new(false),
            reason: Mutex::new(None),
            note: Mutex::new(None),
            directives: Mutex::new(Vec::new()),
        }
    }

    /// Makes the copy subject to the limits `bandwidth`, which it shares with other copies.
    pub(crate) fn sharing(self, bandwidth: Arc<SharedBandwidth>) -> Self {
        Self { bandwidth, ..self }
    }

    /// The number of the current attempt, for reports.
    pub(crate) fn attempt(&self) -> u32 {
        self.attempt.load(Ordering::Relaxed)
    }

    /// Sets the number of the attempt to that of the server, if that is higher.
    pub(crate) fn raise_attempt(&self, attempt: u32) {
        self.attempt.fetch_max(attempt, Ordering::Relaxed);
    }

    /// Cancels the copy or step, which cannot be resumed afterwards. The first reason is kept.
    pub(crate) fn cancel(&self, reason: &str) {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| reason.to_owned());
        self.cancelled.store(true, Ordering::Release);
        self.stop.cancel();
    }

    /// Stops the copy or step so that it can be resumed, by this or a later process.
    pub(crate) fn pause(&self) {
        self.stop.cancel();
    }

    /// A token that is cancelled when the copy or step is paused or cancelled.
    pub(crate) fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Resets the byte counters before another attempt in this process. `note` says why the last attempt failed.
    pub(crate) fn restart(&self, note: String) {
        self.copied.store(0, Ordering::Relaxed);
        self.resumed.store(0, Ordering::Relaxed);
        self.verified.store(0, Ordering::Relaxed);
        *self.note.lock().unwrap_or_else(PoisonError::into_inner) = Some(note);
    }

    /// Why the last attempt in this process failed, for reports; `None` during the first attempt.
    pub(crate) fn note(&self) -> Option<String> {
        self.note.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the copy or step is paused or cancelled.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Fails with [`CopyError::Stopped`] if the copy or step is paused or cancelled.
    pub(crate) fn check_stopped(&self) -> Result<(), CopyError> {
        if self.is_stopped() { Err(CopyError::Stopped) } else { Ok(()) }
    }

    /// Blocks for `duration`. Fails with [`CopyError::Stopped`] soon after the copy or step is paused or cancelled.
    pub(crate) fn wait(&self, duration: Duration) -> Result<(), CopyError> {
        let until = Instant::now() + duration;
        loop {
            self.check_stopped()?;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(SLICE));
        }
    }

    /// Completes when the copy or step is paused or cancelled.
    pub(crate) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// The reason of the cancellation; `None` if the copy or step was not cancelled.
    pub(crate) fn cancellation(&self) -> Option<String> {
        let reason = || self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default();
        self.cancelled.load(Ordering::Acquire).then(reason)
    }

    /// Remembers a directive that must be acknowledged when the transfer has ended.
    pub(crate) fn acknowledge_at_end(&self, directive: Uuid) {
        let mut directives = self.directives.lock().unwrap_or_else(PoisonError::into_inner);
        if !directives.contains(&directive) {
            directives.push(directive);
        }
    }

    /// Removes and returns the directives that [`Self::acknowledge_at_end`] collected. The caller must acknowledge them
    /// after the end of the transfer.
    pub(crate) fn take_directives(&self) -> Vec<Uuid> {
        std::mem::take(&mut self.directives.lock().unwrap_or_else(PoisonError::into_inner))
    }
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

    /// The copy or step with this id, if it runs in this process.
    pub(crate) fn get(&self, id: Uuid) -> Option<Arc<Control>> {
        self.lock().get(&id).cloned()
    }

    /// Pauses all copies and steps.
    pub(crate) fn pause_all(&self) {
        self.lock().values().for_each(|control| control.pause());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Arc<Control>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::Control;
    use crate::transfer::error::CopyError;

    #[test]
    fn a_paused_transfer_is_not_a_cancelled_one() {
        let control = Control::new(Uuid::new_v4(), 1, 0, false);
        control.pause();
        assert!(control.is_stopped());
        assert_eq!(control.cancellation(), None);
    }

    #[test]
    fn a_stop_ends_a_wait() {
        let control = Control::new(Uuid::new_v4(), 1, 0, false);
        assert!(control.wait(Duration::from_millis(1)).is_ok());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| control.wait(Duration::from_hours(1)));
            control.pause();
            assert!(matches!(waiting.join(), Ok(Err(CopyError::Stopped))));
        });
        assert!(matches!(control.check_stopped(), Err(CopyError::Stopped)));
    }
}
