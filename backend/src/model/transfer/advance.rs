//! How a report moves a transfer: the state machine of the contract, section 4.

use chrono::{DateTime, Utc};

use super::{CreateTransfer, Network, TransferStatus, UpdateTransfer};
use crate::{
    error::{Error, Result},
    model::fields::Change,
};

/// The part of a transfer that reports change.
#[derive(Clone, Debug, PartialEq)]
pub struct TransferState {
    /// How far it has come.
    pub status: TransferStatus,
    /// The figures.
    pub progress: Progress,
    /// Why it failed.
    pub error_message: Option<String>,
    /// When it first ran.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub completed_at: Option<DateTime<Utc>>,
    /// Which attempt this is, from 1.
    pub attempt: i64,
    /// SHA-256 of what was copied.
    pub checksum_sha256: Option<String>,
    /// Counts the accepted changes.
    pub revision: i64,
    /// Whether it runs without progress.
    pub stalled: bool,
    /// When it last made progress; starts with each attempt.
    pub progressed_at: Option<DateTime<Utc>>,
    /// When somebody asked for its end.
    pub cancel_requested_at: Option<DateTime<Utc>>,
    /// Whether it failed because its agent was silent: then a late `completed` is still believed.
    pub failed_by_lease: bool,
}

/// The figures of a transfer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// In per cent.
    pub percent: f64,
    /// How many bytes there are in all, if known.
    pub bytes_total: Option<i64>,
    /// How many have arrived.
    pub bytes_transferred: i64,
    /// Bytes per second.
    pub speed: f64,
    /// The network.
    pub network: Network,
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// Nothing new: the row stays as it is.
    Unchanged,
    /// Figures moved.
    Progressed,
    /// The status changed, or a stall ended: something the log of events holds.
    Lifecycle,
}

impl TransferState {
    /// The state of a new transfer.
    #[must_use]
    pub fn queued(input: &CreateTransfer) -> Self {
        Self {
            status: TransferStatus::Queued,
            progress: Progress { bytes_total: input.size, ..Progress::default() },
            error_message: None,
            started_at: None,
            completed_at: None,
            attempt: 1,
            checksum_sha256: input.checksum_sha256.clone(),
            revision: 1,
            stalled: false,
            progressed_at: None,
            cancel_requested_at: None,
            failed_by_lease: false,
        }
    }

    /// Applies a report made at `now`.
    ///
    /// Allowed: queued→running|completed|failed|cancelled, running→completed|failed|cancelled, failed→queued|running (a
    /// new attempt). `completed` and `cancelled` are final, except that a transfer that failed by its lease may still
    /// turn out `completed`. Figures never go back within an attempt; reports of an earlier attempt are ignored.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] if the status may not follow; then nothing has changed.
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
        self.status = next;
        self.take_figures(patch);
        if before.status != next {
            self.enter(next, now);
        }
        if *self == before {
            return Ok(Advance::Unchanged);
        }
        let figures = |state: &Self| (state.progress.percent, state.progress.bytes_transferred);
        if next == TransferStatus::Running && (before.status != next || figures(self) != figures(&before)) {
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
        self.checksum_sha256 = None;
        self.cancel_requested_at = None;
        self.progressed_at = None;
        self.failed_by_lease = false;
        self.stalled = false;
        self.progress.percent = 0.0;
        self.progress.bytes_transferred = 0;
        self.progress.speed = 0.0;
    }

    fn take_figures(&mut self, patch: &UpdateTransfer) {
        let figures = &mut self.progress;
        if let Some(size) = patch.size {
            figures.bytes_total = Some(size);
        }
        if let Some(bytes) = patch.bytes_transferred {
            figures.bytes_transferred = figures.bytes_transferred.max(bytes);
        }
        let percent = patch.progress.or_else(|| derived_percent(figures));
        if let Some(percent) = percent {
            figures.percent = figures.percent.max(percent);
        }
        if let Some(speed) = patch.speed {
            figures.speed = speed;
        }
        take(&mut figures.network.throughput_mbps, &patch.throughput_mbps);
        take(&mut figures.network.latency_ms, &patch.latency_ms);
        take(&mut figures.network.packet_loss_percent, &patch.packet_loss_percent);
        take(&mut self.error_message, &patch.error);
        take(&mut self.checksum_sha256, &patch.checksum_sha256);
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
            self.error_message = None;
            self.failed_by_lease = false;
        }
    }

    /// Ends it because its agent was silent for longer than its lease.
    pub fn fail_by_lease(&mut self, reason: &str, now: DateTime<Utc>) {
        self.status = TransferStatus::Failed;
        self.error_message = Some(reason.to_owned());
        self.failed_by_lease = true;
        self.revision += 1;
        self.enter(TransferStatus::Failed, now);
    }

    /// Seconds until it is done at the present speed; nothing where that cannot be told.
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

fn take<T: Clone>(slot: &mut Option<T>, change: &Change<T>) {
    match change {
        Change::Keep => {}
        Change::Clear => *slot = None,
        Change::Set(value) => *slot = Some(value.clone()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "per cent of more than 2^53 bytes are near enough")]
fn derived_percent(figures: &Progress) -> Option<f64> {
    let total = figures.bytes_total.filter(|total| *total > 0)?;
    // Two decimals are more than a bar can show.
    let hundredths = (figures.bytes_transferred as f64 * 10_000.0 / total as f64).floor();
    Some((hundredths / 100.0).min(100.0))
}

#[cfg(test)]
mod tests;
