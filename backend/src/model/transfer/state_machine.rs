//! The state machine of transfers, which is driven by reports: section 4 of the contract.

use chrono::{DateTime, Utc};
use mftplus_protocol::{failure_code::FailureCode, transfer::TransferDetails};

use super::{CreateTransfer, Network, TransferStatus, UpdateTransfer};
use crate::error::{Error, Result};

/// Status, progress and details of a transfer: the part that changes after creation, by reports, by users and by the
/// sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct TransferState {
    /// The status of the current attempt.
    pub status: TransferStatus,
    /// Percentage, bytes, speed and network measurements of the current attempt.
    pub progress: Progress,
    /// The error message of the last report that had one.
    pub error_message: Option<String>,
    /// The time at which the first attempt started to run.
    pub started_at: Option<DateTime<Utc>>,
    /// The time at which the transfer ended; `None` while it has not ended.
    pub completed_at: Option<DateTime<Utc>>,
    /// The number of the attempt, from 1.
    pub attempt: i64,
    /// The details of the current attempt.
    pub details: TransferDetails,
    /// The revision of the transfer; increases with each accepted change.
    pub revision: i64,
    /// Whether the transfer is running without progress.
    pub stalled: bool,
    /// The time at which the attempt started to run or last made progress; `None` until it runs.
    pub progressed_at: Option<DateTime<Utc>>,
    /// The time at which a user requested the cancellation; `None` if no request is open.
    pub cancel_requested_at: Option<DateTime<Utc>>,
    /// Whether the transfer failed because its lease ended. Then a late report of `completed` is still accepted.
    pub failed_by_lease: bool,
}

/// The progress of a transfer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// The progress in percent, 0 to 100.
    pub percent: f64,
    /// The size in bytes, if it is known.
    pub bytes_total: Option<i64>,
    /// The number of bytes transferred in this attempt; never decreases.
    pub bytes_transferred: i64,
    /// The speed in bytes per second, as last reported.
    pub speed: f64,
    /// Network measurements, as far as the agent reports them.
    pub network: Network,
}

/// The effect of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// Nothing has changed.
    Unchanged,
    /// Only progress has changed.
    Progressed,
    /// The status has changed or a stall has ended, which is a logged event.
    Lifecycle,
}

impl TransferState {
    /// The state of a new transfer, with its size in bytes if it is known.
    #[must_use]
    pub fn new(bytes_total: Option<i64>) -> Self {
        Self {
            status: TransferStatus::Queued,
            progress: Progress { bytes_total, ..Progress::default() },
            error_message: None,
            started_at: None,
            completed_at: None,
            attempt: 1,
            details: TransferDetails::default(),
            revision: 1,
            stalled: false,
            progressed_at: None,
            cancel_requested_at: None,
            failed_by_lease: false,
        }
    }

    /// The state of a transfer that an agent creates.
    #[must_use]
    pub fn queued(input: &CreateTransfer) -> Self {
        let mut state = Self::new(input.size);
        state.details.checksum_sha256.clone_from(&input.checksum_sha256);
        state
    }

    /// Applies a report made at `now`.
    ///
    /// Allowed: queued→running|completed|failed|cancelled, running→completed|failed|cancelled, failed→queued|running (a
    /// new attempt). `completed` and `cancelled` are final, except that a transfer that failed because its lease ended
    /// may still become `completed`. Progress never decreases within an attempt; reports of an earlier attempt are
    /// ignored.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] if this change of status is not allowed; then nothing has changed.
    pub fn advance(&mut self, patch: &UpdateTransfer, now: DateTime<Utc>) -> Result<Advance> {
        if patch.attempt.is_some_and(|attempt| attempt < self.attempt) {
            return Ok(Advance::Unchanged);
        }
        let next = patch.status.unwrap_or(self.status);
        let new_attempt = self.begins_attempt(next);
        self.check(next, patch.attempt)?;
        if next == self.status && matches!(next, TransferStatus::Completed | TransferStatus::Cancelled) {
            return Ok(Advance::Unchanged);
        }
        let before = self.clone();
        if new_attempt {
            self.begin_attempt();
        }
        if next == TransferStatus::Completed {
            // What earlier reports said is over; a message of this one is a warning.
            self.error_message = None;
        }
        self.status = next;
        self.take_progress(patch);
        if before.status != next {
            self.enter(next, now);
        }
        if *self == before {
            return Ok(Advance::Unchanged);
        }
        let progress = |state: &Self| (state.progress.percent, state.progress.bytes_transferred);
        if next == TransferStatus::Running && (before.status != next || progress(self) != progress(&before)) {
            self.progressed_at = Some(now);
            self.stalled = false;
        }
        self.revision += 1;
        if before.status == next && before.stalled == self.stalled {
            Ok(Advance::Progressed)
        } else {
            Ok(Advance::Lifecycle)
        }
    }

    /// Whether the size, the error message and the details are the same as in `other`. Most reports change none of
    /// them.
    #[must_use]
    pub fn has_details_of(&self, other: &Self) -> bool {
        self.progress.bytes_total == other.progress.bytes_total
            && self.error_message == other.error_message
            && self.details == other.details
    }

    const fn begins_attempt(&self, next: TransferStatus) -> bool {
        matches!((self.status, next), (TransferStatus::Failed, TransferStatus::Queued | TransferStatus::Running))
    }

    fn check(&self, next: TransferStatus, attempt: Option<i64>) -> Result<()> {
        use TransferStatus::{Cancelled, Completed, Failed, Queued, Running};
        let allowed = match (self.status, next) {
            (from, to) if from == to => true,
            (Queued, Running | Completed | Failed | Cancelled)
            | (Running, Completed | Failed | Cancelled)
            | (Failed, Queued | Running) => true,
            (Failed, Completed) => self.failed_by_lease,
            _ => false,
        };
        if !allowed {
            return Err(Error::conflict(format!("a transfer that is {} cannot become {next}", self.status)));
        }
        let current = if self.begins_attempt(next) { self.attempt + 1 } else { self.attempt };
        match attempt {
            Some(attempt) if attempt > current => Err(Error::conflict(format!(
                "attempt {attempt} has not begun: the transfer is at attempt {}",
                self.attempt
            ))),
            _ => Ok(()),
        }
    }

    fn begin_attempt(&mut self) {
        self.attempt += 1;
        self.error_message = None;
        self.completed_at = None;
        self.details = TransferDetails::default();
        self.cancel_requested_at = None;
        self.progressed_at = None;
        self.failed_by_lease = false;
        self.stalled = false;
        self.progress.percent = 0.0;
        self.progress.bytes_transferred = 0;
        self.progress.speed = 0.0;
    }

    fn take_progress(&mut self, patch: &UpdateTransfer) {
        let progress = &mut self.progress;
        if let Some(size) = patch.size {
            progress.bytes_total = Some(size);
        }
        if let Some(bytes) = patch.bytes_transferred {
            progress.bytes_transferred = progress.bytes_transferred.max(bytes);
        }
        let percent = patch.progress.or_else(|| derived_percent(progress));
        if let Some(percent) = percent {
            progress.percent = progress.percent.max(percent);
        }
        if let Some(speed) = patch.speed {
            progress.speed = speed;
        }
        patch.throughput_mbps.apply(&mut progress.network.throughput_mbps);
        patch.latency_ms.apply(&mut progress.network.latency_ms);
        patch.packet_loss_percent.apply(&mut progress.network.packet_loss_percent);
        patch.error.apply(&mut self.error_message);
        patch.change_details(&mut self.details);
    }

    fn enter(&mut self, status: TransferStatus, now: DateTime<Utc>) {
        if status == TransferStatus::Running {
            self.started_at.get_or_insert(now);
        }
        if status.has_ended() {
            self.completed_at = Some(now);
            self.stalled = false;
        }
        if status == TransferStatus::Completed {
            self.progress.percent = 100.0;
            if let Some(total) = self.progress.bytes_total {
                self.progress.bytes_transferred = total;
            }
            self.details.error_code = None;
            self.failed_by_lease = false;
        }
    }

    /// Ends the transfer as failed because its lease ended.
    pub fn fail_by_lease(&mut self, reason: &str, now: DateTime<Utc>) {
        self.status = TransferStatus::Failed;
        self.error_message = Some(reason.to_owned());
        self.details.error_code = Some(FailureCode::Lease.as_str().to_owned());
        self.failed_by_lease = true;
        self.revision += 1;
        self.enter(TransferStatus::Failed, now);
    }

    /// The estimated seconds until the end at the current speed; `None` if there is no estimate.
    #[must_use]
    pub fn eta_seconds(&self) -> Option<i64> {
        let left = self.progress.bytes_total?.checked_sub(self.progress.bytes_transferred)?;
        if self.status != TransferStatus::Running || self.stalled || self.progress.speed <= 0.0 || left < 0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let seconds = (left as f64 / self.progress.speed).ceil();
        // A hundred years is no estimate.
        #[expect(clippy::cast_possible_truncation, reason = "bounded on the line before")]
        (seconds < 3.2e9).then_some(seconds as i64)
    }
}

#[expect(clippy::cast_precision_loss, reason = "per cent of more than 2^53 bytes are near enough")]
fn derived_percent(progress: &Progress) -> Option<f64> {
    let total = progress.bytes_total.filter(|total| *total > 0)?;
    // Two decimals are more than a bar can show.
    let hundredths = (progress.bytes_transferred as f64 * 10_000.0 / total as f64).floor();
    Some((hundredths / 100.0).min(100.0))
}

#[cfg(test)]
mod tests;
