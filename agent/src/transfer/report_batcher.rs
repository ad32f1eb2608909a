//! Reports the progress and the end of all transfers of a process, many in one request, as often as the rate limit
//! allows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::server::context::ServerContext;
use crate::server::http::{ApiError, explain};
use crate::server::rate_limit_delays::{report_interval, urgent_delay};
use crate::server::wire::{Status, TransferDetails, TransferUpdate, UpdateResult};
use crate::transfer::control::Control;
use crate::transfer::control::progress::Progress;
use crate::transfer::state::FinalReport;

/// The maximum number of reports in one request.
const BATCH: usize = 500;

/// The server's answer to a final report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReportReply {
    /// The server has stored the report.
    Accepted,
    /// The server has refused the report for this reason; it is not sent again.
    Rejected(String),
}

/// The transfers that must be reported, each with its newest state. [`run`] sends the reports.
#[derive(Default)]
pub(crate) struct ReportBatcher {
    entries: Mutex<BTreeMap<Uuid, Entry>>,
    wake: Notify,
}

#[derive(Default)]
struct Entry {
    control: Option<Arc<Control>>,
    /// Whether the server has accepted the first `running` of this attempt.
    is_known_to_server: bool,
    /// Whether the server has refused the progress of this attempt, so that only the final report is sent.
    is_progress_rejected: bool,
    sent: Option<Progress>,
    /// The note about a failed attempt that was sent last.
    sent_note: Option<String>,
    last_sample: Option<(Instant, u64)>,
    report: Option<FinalReport>,
    reply: Option<oneshot::Sender<ReportReply>>,
}

impl ReportBatcher {
    /// Reports the progress of a transfer from now on.
    pub(crate) fn track(&self, control: Arc<Control>) {
        let id = control.id;
        self.lock().insert(id, Entry { control: Some(control), ..Entry::default() });
        self.wake.notify_one();
    }

    /// Sends a final report, repeatedly until the server answers it. The receiver gets the answer.
    pub(crate) fn finish(&self, id: Uuid, report: FinalReport) -> oneshot::Receiver<ReportReply> {
        let (reply, answer) = oneshot::channel();
        let mut entries = self.lock();
        let entry = entries.entry(id).or_default();
        entry.report = Some(report);
        entry.reply = Some(reply);
        drop(entries);
        self.wake.notify_one();
        answer
    }

    /// Stops reporting a transfer that was paused.
    pub(crate) fn untrack(&self, id: Uuid) {
        self.lock().remove(&id);
    }

    /// Whether no transfer is tracked and no final report is unsent.
    pub(crate) fn is_idle(&self) -> bool {
        self.lock().is_empty()
    }

    async fn send(&self, server: &ServerContext, batch: &[TransferUpdate]) -> Result<(), ApiError> {
        let (results, directives) = server.api.update_transfers(batch).await?;
        let unanswered = if let Some(results) = results {
            self.apply_results(batch, results)
        } else {
            self.accept_all(batch);
            None
        };
        server.deliver(directives);
        match unanswered {
            None => Ok(()),
            Some((status, message)) => Err(ApiError::BadResponse { status, message }),
        }
    }

    fn urgency(&self) -> Urgency {
        let entries = self.lock();
        if entries.values().any(Entry::is_urgent) {
            Urgency::Urgent
        } else if entries.values().any(|entry| entry.control.is_some() && !entry.is_progress_rejected) {
            Urgency::Regular
        } else {
            Urgency::Idle
        }
    }

    /// The reports to send, urgent ones first.
    fn batch(&self, now: Instant) -> Vec<TransferUpdate> {
        let mut entries = self.lock();
        let mut order: Vec<(&Uuid, &mut Entry)> = entries.iter_mut().collect();
        order.sort_by_key(|(_, entry)| !entry.is_urgent());
        order.into_iter().filter_map(|(id, entry)| entry.update(*id, now)).take(BATCH).collect()
    }

    /// Records that the server accepted every report of a batch.
    fn accept_all(&self, batch: &[TransferUpdate]) {
        let mut entries = self.lock();
        for update in batch {
            if entries.get_mut(&update.id).is_some_and(|entry| entry.accepted(update)) {
                entries.remove(&update.id);
            }
        }
    }

    /// Applies the results of a batch. Returns status and message of the first report that must be sent again.
    fn apply_results(&self, batch: &[TransferUpdate], results: Vec<UpdateResult>) -> Option<(u16, String)> {
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
                    if entry.accepted(update) {
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
            } else if entry.rejected(update, status, &message) {
                entries.remove(&update.id);
            }
        }
        unanswered
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Uuid, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends the reports. Runs as a background task until the agent shuts down or the server refuses all requests.
pub(crate) async fn run(reporter: Arc<ReportBatcher>, server: Arc<ServerContext>) {
    let mut failures = 0;
    let mut last = Instant::now();
    let mut hold = last;
    let mut is_first = true;
    loop {
        let rate_limit = server.api.rate_limit();
        let gap = match reporter.urgency() {
            Urgency::Idle => None,
            Urgency::Regular => Some(report_interval(rate_limit, server.timing.report)),
            Urgency::Urgent => Some(urgent_delay(rate_limit)),
        };
        let due = gap.map(|gap| if is_first { hold } else { hold.max(last + gap) });
        tokio::select! {
            biased;
            () = server.halted() => return,
            () = sleep_until(due.unwrap_or(last)), if due.is_some() => {}
            () = reporter.wake.notified() => continue,
        }
        last = Instant::now();
        is_first = false;
        let batch = reporter.batch(last);
        if batch.is_empty() {
            continue;
        }
        match reporter.send(&server, &batch).await {
            Ok(()) => {
                if failures > 0 {
                    tracing::info!("the server accepts reports again");
                }
                failures = 0;
            }
            Err(error) if error.is_fatal() => return server.halt(&error),
            Err(error) => {
                failures += 1;
                if failures == 1 {
                    tracing::warn!("{error}; copies continue, and reports are sent when the server answers again");
                }
                hold =
                    Instant::now() + error.retry_after().max(server.timing.backoff.jittered(failures, fastrand::f64()));
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

    /// Whether the first `running` must be sent before anything else: the server counts attempts and start times by it.
    fn must_be_announced(&self) -> bool {
        self.control.is_some() && !self.is_known_to_server && !self.is_progress_rejected
    }

    fn update(&mut self, id: Uuid, now: Instant) -> Option<TransferUpdate> {
        if !self.must_be_announced()
            && let Some(report) = &self.report
        {
            let attempt = self.control.as_ref().map_or(0, |control| control.attempt());
            let is_completed = report.status == Status::Completed;
            return Some(TransferUpdate {
                id,
                status: report.status,
                attempt: Some(report.attempt.max(attempt)).filter(|attempt| *attempt > 0),
                progress: is_completed.then_some(100.0),
                bytes_transferred: report.bytes_transferred,
                speed: None,
                // A copy from another machine is created without a size.
                size: self.control.as_ref().filter(|_| is_completed).map(|control| control.total()),
                details: report.details.clone(),
                error: report.error.clone(),
            });
        }
        let control = self.control.as_ref()?;
        let (progress, note) = (control.progress(), control.note());
        if self.is_progress_rejected || self.sent == Some(progress) && self.sent_note == note {
            return None;
        }
        let (since, moved) = self.last_sample.replace((now, control.moved())).unwrap_or((now, 0));
        Some(TransferUpdate {
            id,
            status: Status::Running,
            attempt: Some(control.attempt()),
            progress: Some(progress.percent),
            bytes_transferred: progress.bytes,
            speed: Some(speed(control.moved().saturating_sub(moved), (now - since).as_millis())),
            size: control.is_planned().then(|| control.total()),
            details: TransferDetails::default(),
            error: note,
        })
    }

    /// Records that the server accepted a report. Returns whether it was the final report.
    fn accepted(&mut self, update: &TransferUpdate) -> bool {
        self.is_known_to_server = true;
        self.sent_note.clone_from(&update.error);
        self.sent = update.progress.map(|percent| Progress { percent, bytes: update.bytes_transferred });
        update.status != Status::Running && self.complete(ReportReply::Accepted)
    }

    /// Records that the server will never accept a report. Returns whether it was the final report.
    fn rejected(&mut self, update: &TransferUpdate, status: u16, message: &str) -> bool {
        if update.status != Status::Running {
            return self.complete(ReportReply::Rejected(message.to_owned()));
        }
        self.is_progress_rejected = true;
        match &self.control {
            Some(control) if status == 409 => control.cancel(&format!("it has already ended on the server: {message}")),
            _ => tracing::warn!(transfer.id = %update.id, status, "the server rejects the progress: {message}"),
        }
        false
    }

    fn complete(&mut self, reply: ReportReply) -> bool {
        if let Some(waiting) = self.reply.take() {
            // The receiver may be dropped.
            let _ = waiting.send(reply);
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
