//! Slots that were missed, or whose runs have not started.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::MOST_SHARED;
use crate::{
    error::Result,
    store::{
        db::{Db, sql},
        schedules::ScheduledKind,
    },
};

/// A scheduled time of a job or pipeline.
#[derive(Clone, Debug)]
pub struct OwnedSlot {
    /// Whether it is one of a job or of a pipeline, and of which.
    pub owner: (ScheduledKind, Uuid),
    /// The scheduled time; of a range, the last one.
    pub scheduled_for: DateTime<Utc>,
    /// The number of scheduled times.
    pub count: i64,
    /// Why it was missed.
    pub reason: Option<String>,
}

type SlotColumns = (String, Uuid, DateTime<Utc>, i64, Option<String>);

/// The slots that were missed after `since`, latest first for each job and pipeline; at most `limit`, of which each job and
/// pipeline has an equal share, so that those of one leave room for those of others.
pub async fn missed_slots(db: &Db, since: DateTime<Utc>, limit: i64) -> Result<Vec<OwnedSlot>> {
    let rows: Vec<SlotColumns> = sql("SELECT owner_kind, owner_id, scheduled_for, total, reason FROM (\
         SELECT owner_kind, owner_id, scheduled_for, total, reason, \
         ROW_NUMBER() OVER (PARTITION BY owner_id ORDER BY scheduled_for DESC) AS place FROM (\
         SELECT owner_kind, owner_id, scheduled_for, COALESCE(range_count, CAST(1 AS BIGINT)) AS total, reason \
         FROM slots WHERE outcome = 'missed' AND pending IS NULL")
    .push_bind(" AND scheduled_for > ", since)
    .push_bind(" ORDER BY scheduled_for DESC LIMIT ", MOST_SHARED)
    .push(") AS recent) AS placed")
    .push_bind(" ORDER BY place, scheduled_for DESC LIMIT ", limit)
    .fetch_all(db)
    .await?;
    Ok(slots(rows))
}

/// The slots before `until` whose runs have not started, earliest first; at most `limit`.
pub async fn waiting_slots(db: &Db, until: DateTime<Utc>, limit: i64) -> Result<Vec<OwnedSlot>> {
    let rows: Vec<SlotColumns> = sql("SELECT owner_kind, owner_id, scheduled_for, CAST(1 AS BIGINT) AS total, reason \
         FROM slots WHERE pending IS NOT NULL")
    .push_bind(" AND scheduled_for < ", until)
    .push_bind(" ORDER BY scheduled_for LIMIT ", limit)
    .fetch_all(db)
    .await?;
    let mut found = slots(rows);
    // Slots that no server has decided.
    let rows: Vec<(String, Uuid, DateTime<Utc>)> =
        sql("SELECT owner_kind, owner_id, next_run_at FROM schedules WHERE owner_kind IN ('job', 'pipeline')")
            .push_bind(" AND next_run_at < ", until)
            .push_bind(" LIMIT ", limit)
            .fetch_all(db)
            .await?;
    found.extend(slots(rows.into_iter().map(|(kind, owner, at)| (kind, owner, at, 1, None)).collect()));
    Ok(found)
}

fn slots(rows: Vec<SlotColumns>) -> Vec<OwnedSlot> {
    let slot = |(kind, owner, scheduled_for, count, reason): SlotColumns| {
        // Schedules of a later version may have other owners.
        let kind = ScheduledKind::from_name(&kind)?;
        Some(OwnedSlot { owner: (kind, owner), scheduled_for, count, reason })
    };
    rows.into_iter().filter_map(slot).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::scratch_database::{Scratch, at, id};

    #[tokio::test]
    async fn the_slots_of_one_pipeline_leave_room_for_those_of_others() {
        let scratch = Scratch::open().await;
        let mut tx = scratch.db.begin().await.unwrap();
        for (number, owner) in [(11_u8, 1), (12, 2), (13, 2), (14, 2)] {
            sql("INSERT INTO slots (id, owner_kind, owner_id, scheduled_for, outcome, decided_at) \
                 VALUES ($1, 'pipeline', $2, $3, 'missed', $4)")
            .bind(id::<Uuid>(number.into()))
            .bind(id::<Uuid>(owner))
            .bind(at(number.into()))
            .bind(at(20))
            .execute(&mut tx)
            .await
            .unwrap();
        }
        tx.commit().await.unwrap();
        let missed = async |limit| -> Vec<(Uuid, DateTime<Utc>)> {
            let found = missed_slots(&scratch.db, at(0), limit).await.unwrap();
            found.into_iter().map(|slot| (slot.owner.1, slot.scheduled_for)).collect()
        };
        let (one, other) = (id::<Uuid>(1), id::<Uuid>(2));
        assert_eq!(missed(2).await, [(other, at(14)), (one, at(11))]);
        assert_eq!(missed(3).await, [(other, at(14)), (one, at(11)), (other, at(13))]);
    }
}
