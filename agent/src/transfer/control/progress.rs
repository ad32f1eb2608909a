//! The progress counters of a running copy or step.

use std::sync::atomic::Ordering;

use crate::transfer::control::Control;

/// The progress of a copy or step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Progress {
    /// The percentage from 0 to 100, rounded to hundredths.
    pub(crate) percent: f64,
    /// The number of bytes at the destination.
    pub(crate) bytes: u64,
}

impl Control {
    /// Sets the total number of bytes, which is known from then on.
    pub(crate) fn set_total(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
        self.is_planned.store(true, Ordering::Relaxed);
    }

    /// Lowers the total number of bytes by those of a file that is skipped.
    pub(crate) fn lower_total(&self, bytes: u64) {
        let lower = |total: u64| Some(total.saturating_sub(bytes));
        let _ = self.total.fetch_update(Ordering::Relaxed, Ordering::Relaxed, lower);
    }

    /// Marks the total as unknown until [`Self::set_total`] is called.
    pub(crate) fn await_plan(&self) {
        self.is_planned.store(false, Ordering::Relaxed);
    }

    /// Whether the total is known.
    pub(crate) fn is_planned(&self) -> bool {
        self.is_planned.load(Ordering::Relaxed)
    }

    /// The total number of bytes to copy.
    pub(crate) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// The number of bytes at the destination, including those that an earlier attempt wrote.
    pub(crate) fn copied(&self) -> u64 {
        self.copied.load(Ordering::Relaxed)
    }

    /// The number of verified bytes.
    pub(crate) fn verified(&self) -> u64 {
        self.verified.load(Ordering::Relaxed)
    }

    /// The number of bytes that this attempt has copied, from which the speed is computed.
    pub(crate) fn moved(&self) -> u64 {
        self.copied().saturating_sub(self.resumed.load(Ordering::Relaxed))
    }

    /// Adds `bytes` that this attempt has written.
    pub(crate) fn add_copied(&self, bytes: u64) {
        self.copied.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Adds `bytes` at the destination that an earlier attempt or process wrote.
    pub(crate) fn add_resumed(&self, bytes: u64) {
        self.resumed.fetch_add(bytes, Ordering::Relaxed);
        self.add_copied(bytes);
    }

    /// Adds `bytes` that were verified.
    pub(crate) fn add_verified(&self, bytes: u64) {
        self.verified.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The current progress. Verification counts as the last of 100 percent, so that a long verification does not look
    /// stalled.
    pub(crate) fn progress(&self) -> Progress {
        let (bytes, total) = (self.copied(), self.total());
        let percent = if !self.is_planned() {
            0.0
        } else if self.verifies {
            (percent(bytes, total) * 99.0 + percent(self.verified(), total)) / 100.0
        } else {
            percent(bytes, total)
        };
        Progress { percent: (percent * 100.0).floor() / 100.0, bytes }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a percentage needs no more than 52 bits")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 100.0 } else { (part.min(whole) as f64 / whole as f64) * 100.0 }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use crate::transfer::control::Control;

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
    fn progress_is_0_until_the_total_is_known() {
        let control = Control::new(Uuid::new_v4(), 1, 0, true);
        control.await_plan();
        assert!(control.progress().percent.abs() < 1e-9 && !control.is_planned());
        control.set_total(0);
        assert!((control.progress().percent - 100.0).abs() < 1e-9 && control.is_planned());
    }

    #[test]
    fn bytes_found_at_the_destination_do_not_count_as_speed() {
        let control = Control::new(Uuid::new_v4(), 1, 200, false);
        control.add_resumed(150);
        control.add_copied(10);
        assert_eq!((control.copied(), control.moved()), (160, 10));
    }
}
