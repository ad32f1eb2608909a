//! Tells the server how transfers go: one request for all of them, no more often than it can bear.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::random::random_u64;
use crate::server::backoff::{backoff, regular_gap, urgent_gap};
use crate::server::http::{ApiError, explain};
use crate::server::wire::{Status, TransferUpdate, UpdateResult};
use crate::session::Session;
use crate::transfer::control::{Control, Figures};
use crate::transfer::state::FinalReport;

/// Updates in one request, at most.
const BATCH: usize = 500;

/// What the server said to a final report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is kept there.
    Accepted,
    /// It will never be, for this reason.
    Rejected(String),
}

/// The latest of every transfer that the server has to hear about.
#[derive(Default)]
pub(crate) struct Reporter {
    entries: Mutex<BTreeMap<Uuid, Entry>>,
    wake: Notify,
}

#[derive(Default)]
struct Entry {
    control: Option<Arc<Control>>,
    /// The server knows that it runs.
    is_announced: bool,
    /// The server does not want to hear of its progress.
    is_muted: bool,
    sent: Option<Figures>,
    meter: Option<(Instant, u64)>,
    report: Option<FinalReport>,
    verdict: Option<oneshot::Sender<Verdict>>,
}

impl Reporter {
    /// Reports on a transfer from now on.
    pub(crate) fn track(&self, control: Arc<Control>) {
        let id = control.id;
        self.lock().insert(id, Entry { control: Some(control), ..Entry::default() });
        self.wake.notify_one();
    }

    /// Sends a final report until the server has answered it.
    pub(crate) fn finish(&self, id: Uuid, report: FinalReport) -> oneshot::Receiver<Verdict> {
        let (verdict, answer) = oneshot::channel();
        let mut entries = self.lock();
        let entry = entries.entry(id).or_default();
        entry.report = Some(report);
        entry.verdict = Some(verdict);
        drop(entries);
        self.wake.notify_one();
        answer
    }

    /// Reports no longer on a transfer that was paused.
    pub(crate) fn forget(&self, id: Uuid) {
        self.lock().remove(&id);
    }

    /// Whether there is nothing left to report.
    pub(crate) fn is_silent(&self) -> bool {
        self.lock().is_empty()
    }

    async fn send(&self, session: &Session, batch: &[TransferUpdate]) -> Result<(), ApiError> {
        let (results, directives) = session.api.update_transfers(batch).await?;
        let unanswered = self.settle(batch, results);
        session.deliver(directives);
        match unanswered {
            None => Ok(()),
            Some((status, message)) => Err(ApiError::Broken { status, message }),
        }
    }

    fn urgency(&self) -> Urgency {
        let entries = self.lock();
        if entries.values().any(Entry::is_urgent) {
            Urgency::Urgent
        } else if entries.values().any(|entry| entry.control.is_some() && !entry.is_muted) {
            Urgency::Regular
        } else {
            Urgency::Idle
        }
    }

    /// The news of all transfers, urgent ones first.
    fn batch(&self, now: Instant) -> Vec<TransferUpdate> {
        let mut entries = self.lock();
        let mut order: Vec<(&Uuid, &mut Entry)> = entries.iter_mut().collect();
        order.sort_by_key(|(_, entry)| !entry.is_urgent());
        order.into_iter().filter_map(|(id, entry)| entry.update(*id, now)).take(BATCH).collect()
    }

    /// Takes in what became of a batch; gives the first update that the server could not deal with.
    fn settle(&self, batch: &[TransferUpdate], results: Vec<UpdateResult>) -> Option<(u16, String)> {
        let mut results: BTreeMap<Uuid, UpdateResult> = results.into_iter().map(|result| (result.id, result)).collect();
        let mut unanswered = None;
        let mut entries = self.lock();
        for update in batch {
            let Some(entry) = entries.get_mut(&update.id) else { continue };
            let (status, message) = match results.remove(&update.id) {
                Some(UpdateResult { status: 200..300, transfer, .. }) => {
                    if let (Some(control), Some(transfer)) = (&entry.control, &transfer) {
                        control.raise_attempt(transfer.attempt);
                    }
                    if entry.heard(update) {
                        entries.remove(&update.id);
                    }
                    continue;
                }
                Some(result) => {
                    let error = result.error.as_deref().unwrap_or("no reason given");
                    (result.status, explain(error, result.details.as_ref()))
                }
                None => (200, "no result for an update".to_owned()),
            };
            if !(400..500).contains(&status) || matches!(status, 408 | 429) {
                unanswered.get_or_insert((status, message));
            } else if entry.refused(update, status, &message) {
                entries.remove(&update.id);
            }
        }
        unanswered
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Uuid, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends reports for good.
pub(crate) async fn run(session: Arc<Session>) {
    let reporter = &session.reporter;
    let mut failures = 0;
    let mut last = Instant::now();
    let mut hold = last;
    let mut is_first = true;
    loop {
        let budget = session.api.budget();
        let gap = match reporter.urgency() {
            Urgency::Idle => None,
            Urgency::Regular => Some(regular_gap(budget, session.timing.report)),
            Urgency::Urgent => Some(urgent_gap(budget)),
        };
        let due = gap.map(|gap| if is_first { hold } else { hold.max(last + gap) });
        tokio::select! {
            biased;
            () = session.halted() => return,
            () = sleep_until(due.unwrap_or(last)), if due.is_some() => {}
            () = reporter.wake.notified() => continue,
        }
        last = Instant::now();
        is_first = false;
        let batch = reporter.batch(last);
        if batch.is_empty() {
            continue;
        }
        match reporter.send(&session, &batch).await {
            Ok(()) => {
                if failures > 0 {
                    tracing::info!("the server hears reports again");
                }
                failures = 0;
            }
            Err(error) if error.is_the_end() => return session.halt(&error),
            Err(error) => {
                failures += 1;
                if failures == 1 {
                    tracing::warn!("{error}; copies go on, reports follow when it answers again");
                }
                hold =
                    Instant::now() + error.retry_after().max(backoff(session.timing.backoff, failures, random_u64()));
            }
        }
    }
}

enum Urgency {
    Idle,
    Regular,
    Urgent,
}

impl Entry {
    fn is_urgent(&self) -> bool {
        self.report.is_some() || self.must_be_announced()
    }

    /// The server counts attempts and start times by the first `running`, so it comes before anything else.
    fn must_be_announced(&self) -> bool {
        self.control.is_some() && !self.is_announced && !self.is_muted
    }

    fn update(&mut self, id: Uuid, now: Instant) -> Option<TransferUpdate> {
        if !self.must_be_announced()
            && let Some(report) = &self.report
        {
            let attempt = self.control.as_ref().map_or(0, |control| control.attempt());
            return Some(TransferUpdate {
                id,
                status: report.status,
                attempt: Some(report.attempt.max(attempt)).filter(|attempt| *attempt > 0),
                progress: (report.status == Status::Completed).then_some(100.0),
                bytes_transferred: report.bytes_transferred,
                speed: None,
                size: None,
                checksum_sha256: report.checksum_sha256.clone(),
                error: report.error.clone(),
            });
        }
        let control = self.control.as_ref()?;
        let figures = control.figures();
        if self.is_muted || self.sent == Some(figures) {
            return None;
        }
        let (since, moved) = self.meter.replace((now, control.moved())).unwrap_or((now, 0));
        Some(TransferUpdate {
            id,
            status: Status::Running,
            attempt: Some(control.attempt()),
            progress: Some(figures.progress),
            bytes_transferred: figures.bytes,
            speed: Some(speed(control.moved().saturating_sub(moved), (now - since).as_millis())),
            size: Some(control.total()),
            checksum_sha256: None,
            error: None,
        })
    }

    /// Notes that the server took an update; true when that was the last word.
    fn heard(&mut self, update: &TransferUpdate) -> bool {
        self.is_announced = true;
        self.sent = update.progress.map(|progress| Figures { progress, bytes: update.bytes_transferred });
        update.status != Status::Running && self.conclude(Verdict::Accepted)
    }

    /// Notes that the server will never take an update; true when that was the last word.
    fn refused(&mut self, update: &TransferUpdate, status: u16, message: &str) -> bool {
        if update.status != Status::Running {
            return self.conclude(Verdict::Rejected(message.to_owned()));
        }
        self.is_muted = true;
        match &self.control {
            Some(control) if status == 409 => control.cancel(&format!("the server says that it is over: {message}")),
            _ => tracing::warn!(transfer.id = %update.id, status, "the server does not take progress: {message}"),
        }
        false
    }

    fn conclude(&mut self, verdict: Verdict) -> bool {
        if let Some(waiting) = self.verdict.take() {
            // Whoever asked may have stopped waiting.
            let _ = waiting.send(verdict);
        }
        true
    }
}

fn speed(bytes: u64, millis: u128) -> u64 {
    let speed = u128::from(bytes) * 1000 / millis.max(1);
    if millis == 0 { 0 } else { u64::try_from(speed).unwrap_or(u64::MAX) }
}

#[cfg(test)]
mod tests {
    use super::speed;

    #[test]
    fn speed_is_bytes_per_second_and_none_without_time() {
        assert_eq!(speed(1_000, 500), 2_000);
        assert_eq!(speed(1_000, 0), 0);
    }
}
