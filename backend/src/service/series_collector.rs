//! The collector: adds up committed changes to series, and takes the samples of running transfers. One server claims
//! each round, and each transaction of the round locks the row of `collector`. On SQLite each transaction also has the
//! write lock, for which reports of agents wait. So transactions are short, and the collector pauses after each of
//! them, so that the waiting reports are committed first.
//!
//! Changes of status are counted from the event log. The number of the last counted event is written in the same
//! transaction as the totals. Bytes are counted as the difference to the bytes that were already counted of a transfer,
//! which are also written in that transaction. So nothing is lost or counted twice if a server stops at any time.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};
use tokio::time::{Instant, sleep};

use super::{ControlPlane, failure_isolation::attempt};
use crate::{
    error::Result,
    ids::{RunId, TransferId},
    model::{
        event::{Event, Kind, Object},
        series::SeriesTotals,
        transfer::{MIN_INTERVAL, SampledTransfer, Transfer, TransferSample, TransferStatus},
    },
    store::{
        self, Tx,
        series::{Owners, SeriesChanges},
        transfer_samples::ChangedTransfer,
    },
};

/// The number of events or transfers of one transaction, so that reports do not wait long.
const PAGE: usize = 100;
/// The maximum number of transactions of a round for changes of status. The next round continues.
const PAGES_OF_CHANGES: usize = 500;
/// The maximum number of transactions of a round for running transfers: 5,000 transfers. The next round continues.
const PAGES_OF_TRANSFERS: usize = 50;
/// The length of the pause after a transaction, as a multiple of the duration of the transaction. Reports then have
/// three quarters of the time for their commits, which is enough to catch up.
const PAUSE_FACTOR: u32 = 3;
/// The longest pause, so that a round ends also where commits are slow.
const MAX_PAUSE: Duration = Duration::from_millis(100);

impl ControlPlane {
    /// Runs a round of the collector, unless a server has begun one within the last 10 seconds.
    pub async fn collect_series(&self) -> Result<()> {
        let now = self.now();
        if !store::collector_position::claim(&self.db, now.timestamp(), MIN_INTERVAL).await? {
            return Ok(());
        }
        let changes = attempt("collecting", "changes of status", self.collect_changes()).await;
        let transfers = attempt("collecting", "running transfers", self.sample_transfers(now)).await;
        let agents = attempt("collecting", "agents", self.observe_agents(now)).await;
        changes.and(transfers).and(agents).map(drop)
    }

    /// Counts the changes of status that were logged since the last round.
    async fn collect_changes(&self) -> Result<()> {
        for _ in 0..PAGES_OF_CHANGES {
            let seen = store::collector_position::state(&self.db).await?.event_number;
            let head = store::events::head(&self.db).await?;
            if head <= seen || self.stop.is_cancelled() {
                return Ok(());
            }
            let limit = i64::try_from(PAGE).unwrap_or(i64::MAX);
            let events = store::events::of_kind(&self.db, Kind::TransferStatusChanged, seen, head, limit).await?;
            let is_last = events.len() < PAGE;
            let last = events.last().and_then(|event| event.number);
            let until = last.filter(|_| !is_last).unwrap_or(head);
            let begun = Instant::now();
            let mut tx = self.db.begin().await?;
            if !store::collector_position::advance(&mut tx, seen, until).await? {
                // Another server has counted them.
                return Ok(());
            }
            count_changes(&mut tx, &events).await?;
            tx.commit().await?;
            if is_last {
                return Ok(());
            }
            self.pause_after(begun.elapsed()).await;
        }
        Ok(())
    }

    /// Samples the running transfers that have changed, and counts their bytes.
    async fn sample_transfers(&self, now: DateTime<Utc>) -> Result<()> {
        for _ in 0..PAGES_OF_TRANSFERS {
            // What is sampled is read before the transaction, which reports wait for.
            let seen = store::collector_position::state(&self.db).await?;
            if seen.claimed_at != now.timestamp() {
                // Another server has begun the next round.
                return Ok(());
            }
            let limit = i64::try_from(PAGE).unwrap_or(i64::MAX);
            let transfers = store::transfer_samples::changed(&self.db, seen.sampled_after, limit).await?;
            let next = transfers.last().map(|transfer| transfer.id).filter(|_| transfers.len() == PAGE);
            let begun = Instant::now();
            let mut tx = self.db.begin().await?;
            if store::collector_position::lock(&mut tx).await? != seen {
                // Another server has counted or sampled since then.
                return Ok(());
            }
            count_progress(&mut tx, transfers, now).await?;
            store::collector_position::set_sampled_after(&mut tx, next).await?;
            tx.commit().await?;
            if next.is_none() || self.stop.is_cancelled() {
                return Ok(());
            }
            self.pause_after(begun.elapsed()).await;
        }
        Ok(())
    }

    /// Pauses, so that reports are committed that have waited for a transaction of this duration.
    async fn pause_after(&self, transaction: Duration) {
        let pause = (transaction * PAUSE_FACTOR).min(MAX_PAUSE);
        let _ = self.stop.run_until_cancelled(sleep(pause)).await;
    }

    /// Counts the agents whose heartbeats arrive, once a minute.
    async fn observe_agents(&self, now: DateTime<Utc>) -> Result<()> {
        let minute = now.timestamp().div_euclid(60) * 60;
        if store::collector_position::state(&self.db).await?.observed_minute == minute {
            return Ok(());
        }
        let online = store::agents::online_by_customer(&self.db).await?;
        let mut tx = self.db.begin().await?;
        if !store::collector_position::observe(&mut tx, minute).await? {
            // Another server has counted them.
            return Ok(());
        }
        let mut changes = SeriesChanges::default();
        changes.observe(now, &online);
        changes.apply(&mut tx).await?;
        tx.commit().await
    }
}

/// Adds these changes of status, with the bytes that were not counted before.
async fn count_changes(tx: &mut Tx, events: &[Event]) -> Result<()> {
    let changes: Vec<(DateTime<Utc>, &Transfer)> = events
        .iter()
        .filter_map(|event| match &event.object {
            Object::Transfer(transfer) => Some((event.at.0, transfer)),
            _ => None,
        })
        .collect();
    let ids: Vec<TransferId> = changes.iter().map(|(_, transfer)| transfer.id).collect();
    let runs: Vec<RunId> = changes.iter().filter_map(|(_, transfer)| transfer.job_run_id).collect();
    let jobs = store::job_runs::jobs_of(tx, &runs).await?;
    let mut sampled = store::transfer_samples::find(tx, &ids).await?;
    let mut series = SeriesChanges::default();
    let mut touched: BTreeMap<TransferId, SampledTransfer> = BTreeMap::new();
    for (at, transfer) in changes {
        let mut totals = SeriesTotals {
            started: i64::from(transfer.status == TransferStatus::Running),
            completed: i64::from(transfer.status == TransferStatus::Completed),
            failed: i64::from(transfer.status == TransferStatus::Failed),
            ..SeriesTotals::default()
        };
        if transfer.started_at.is_some() || transfer.bytes_transferred > 0 {
            let before = touched.remove(&transfer.id).or_else(|| sampled.remove(&transfer.id));
            let mut sampled = before.unwrap_or_default();
            totals.bytes = bytes(sampled.count(transfer.attempt, transfer.bytes_transferred));
            sample_change(&mut sampled, at, transfer);
            touched.insert(transfer.id, sampled);
        }
        let job = transfer.job_run_id.and_then(|run| jobs.get(&run).copied());
        series.add(Owners { customer: transfer.customer_id, agent: transfer.agent_id, job }, at, &totals);
    }
    let touched: Vec<(TransferId, SampledTransfer)> = touched.into_iter().collect();
    store::transfer_samples::save(tx, &touched, newest(events)).await?;
    series.apply(tx).await
}

/// Takes a sample of a transfer whose status has changed, if it runs or its attempt has ended.
fn sample_change(sampled: &mut SampledTransfer, at: DateTime<Utc>, transfer: &Transfer) {
    if transfer.attempt < sampled.attempt {
        return;
    }
    sampled.stalled = transfer.stalled;
    let sample = TransferSample {
        at: at.into(),
        attempt: transfer.attempt,
        bytes_transferred: transfer.bytes_transferred,
        speed: transfer.speed,
        stalled: transfer.stalled,
    };
    if transfer.status.has_ended() {
        sampled.samples.end(sample);
    } else if transfer.status == TransferStatus::Running {
        sampled.samples.add(sample);
    }
}

/// The time of the newest of these events.
fn newest(events: &[Event]) -> DateTime<Utc> {
    events.iter().map(|event| event.at.0).max().unwrap_or(DateTime::UNIX_EPOCH)
}

/// Adds the bytes of running transfers, and takes a sample of each.
async fn count_progress(tx: &mut Tx, transfers: Vec<ChangedTransfer>, now: DateTime<Utc>) -> Result<()> {
    let runs: Vec<RunId> = transfers.iter().filter_map(|transfer| transfer.job_run_id).collect();
    let jobs = store::job_runs::jobs_of(tx, &runs).await?;
    let (mut series, mut touched) = (SeriesChanges::default(), Vec::with_capacity(transfers.len()));
    for transfer in transfers {
        let mut sampled = transfer.sampled;
        let attempt = sampled.attempt;
        let counted = bytes(sampled.count(attempt, transfer.bytes_transferred));
        sampled.stalled = transfer.stalled;
        sampled.samples.add(TransferSample {
            at: now.into(),
            attempt,
            bytes_transferred: transfer.bytes_transferred,
            speed: transfer.speed,
            stalled: transfer.stalled,
        });
        touched.push((transfer.id, sampled));
        let job = transfer.job_run_id.and_then(|run| jobs.get(&run).copied());
        let owners = Owners { customer: transfer.customer_id, agent: transfer.agent_id, job };
        // The progress was made by then; where nothing but a stall has changed, nothing is added.
        let at = transfer.progressed_at.unwrap_or(now).min(now);
        if counted > 0.0 {
            series.add(owners, at, &SeriesTotals { bytes: counted, ..SeriesTotals::default() });
        }
    }
    store::transfer_samples::save(tx, &touched, now).await?;
    series.apply(tx).await
}

#[expect(clippy::cast_precision_loss, reason = "a number of a chart")]
const fn bytes(count: i64) -> f64 {
    count as f64
}
