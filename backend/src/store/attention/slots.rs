//! Slots that were missed, or whose runs have not started.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{MOST_SHARED, shared_by_owners};
use crate::{
    error::Result,
    store::{
        db::{Db, Sql, sql},
        schedules::ScheduledKind,
    },
};

/// A slot of a job or pipeline, or a range of missed slots that is stored as one row.
#[derive(Clone, Debug)]
pub struct OwnedSlot {
    /// The job or pipeline of the slot: its kind and its id.
    pub owner: (ScheduledKind, Uuid),
    /// The scheduled time; for a range, that of its last slot.
    pub scheduled_for: DateTime<Utc>,
    /// The number of slots; more than 1 for a range.
    pub count: i64,
    /// The stored reason of the slot's outcome, such as why it was missed.
    pub reason: Option<String>,
}

type SlotColumns = (String, Uuid, DateTime<Utc>, i64, Option<String>);

const COLUMNS: &str = "owner_kind, owner_id, scheduled_for, total, reason";

/// Reads the missed slots after `since`, latest first for each job or pipeline: at most `limit`, with equal shares for
/// customers and, within those, for jobs and pipelines.
pub async fn missed_slots(db: &Db, since: DateTime<Utc>, limit: i64) -> Result<Vec<OwnedSlot>> {
    let missed = |statement: Sql| {
        statement
            .push(
                "SELECT owner_kind, owner_id, scheduled_for, COALESCE(range_count, CAST(1 AS BIGINT)) AS total, reason \
                 FROM slots WHERE outcome = 'missed' AND pending IS NULL",
            )
            .push_bind(" AND scheduled_for > ", since)
            .push_bind(" ORDER BY scheduled_for DESC LIMIT ", MOST_SHARED)
    };
    shared(db, missed, "scheduled_for DESC", limit).await
}

/// Reads the slots before `until` whose runs have not started, earliest first for each job or pipeline: at most `limit`
/// slots that wait for their run, and at most `limit` whose outcome no server has decided. Customers get equal shares
/// and, within those, jobs and pipelines.
pub async fn waiting_slots(db: &Db, until: DateTime<Utc>, limit: i64) -> Result<Vec<OwnedSlot>> {
    let decided = |statement: Sql| {
        statement
            .push(
                "SELECT owner_kind, owner_id, scheduled_for, CAST(1 AS BIGINT) AS total, reason \
                 FROM slots WHERE pending IS NOT NULL",
            )
            .push_bind(" AND scheduled_for < ", until)
            .push_bind(" ORDER BY scheduled_for LIMIT ", MOST_SHARED)
    };
    let undecided = |statement: Sql| {
        statement
            .push(
                "SELECT owner_kind, owner_id, next_run_at AS scheduled_for, CAST(1 AS BIGINT) AS total, \
                 CAST(NULL AS TEXT) AS reason FROM schedules WHERE owner_kind IN ('job', 'pipeline')",
            )
            .push_bind(" AND next_run_at < ", until)
            .push_bind(" ORDER BY next_run_at LIMIT ", MOST_SHARED)
    };
    let mut found = shared(db, decided, "scheduled_for", limit).await?;
    found.extend(shared(db, undecided, "scheduled_for", limit).await?);
    Ok(found)
}

/// Reads at most `limit` of the slots that `found` finds, with shares as in `shared_by_owners`.
async fn shared(db: &Db, found: impl FnOnce(Sql) -> Sql, order: &'static str, limit: i64) -> Result<Vec<OwnedSlot>> {
    let with_customers = |statement: Sql| {
        let statement = statement.push(
            "SELECT recent.owner_kind, recent.owner_id, recent.scheduled_for, recent.total, recent.reason, \
             COALESCE(j.customer_id, p.customer_id) AS customer_id FROM (",
        );
        found(statement).push(
            ") AS recent LEFT JOIN jobs j ON j.id = recent.owner_id LEFT JOIN pipelines p ON p.id = recent.owner_id",
        )
    };
    let rows = shared_by_owners(sql(""), COLUMNS, with_customers, order, limit).fetch_all(db).await?;
    Ok(slots(rows))
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
    use crate::store::{
        db::Tx,
        scratch_database::Scratch,
        test_rows::{at, id, insert_pipeline, second_customer},
    };

    /// Stores slots of pipelines, each with its number, which is its time too, and the number of the pipeline.
    async fn insert(tx: &mut Tx, slots: &[(u8, u128)], pending: Option<&str>) {
        for (number, owner) in slots {
            sql("INSERT INTO slots (id, owner_kind, owner_id, scheduled_for, outcome, pending, decided_at) \
                 VALUES ($1, 'pipeline', $2, $3, 'missed', $4, $5)")
            .bind(id::<Uuid>((*number).into()))
            .bind(id::<Uuid>(*owner))
            .bind(at((*number).into()))
            .bind(pending.map(str::to_owned))
            .bind(at(20))
            .execute(tx)
            .await
            .unwrap();
        }
    }

    /// The numbers of slots.
    fn numbers(found: Result<Vec<OwnedSlot>>) -> Vec<i64> {
        found.unwrap().into_iter().map(|slot| (slot.scheduled_for - at(0)).num_milliseconds()).collect()
    }

    #[tokio::test]
    async fn the_slots_of_one_pipeline_leave_room_for_those_of_others() {
        let scratch = Scratch::open().await;
        let mut tx = scratch.db.begin().await.unwrap();
        insert(&mut tx, &[(11, 1), (12, 2), (13, 2), (14, 2)], None).await;
        insert(&mut tx, &[(15, 1), (16, 1), (17, 1), (18, 2)], Some("queued")).await;
        tx.commit().await.unwrap();
        let missed = async |limit| numbers(missed_slots(&scratch.db, at(0), limit).await);
        assert_eq!(missed(2).await, [14, 11]);
        assert_eq!(missed(3).await, [14, 11, 13]);
        let waiting = async |limit| numbers(waiting_slots(&scratch.db, at(20), limit).await);
        assert_eq!(waiting(2).await, [15, 18]);
        assert_eq!(waiting(3).await, [15, 18, 16]);
    }

    #[tokio::test]
    async fn the_slots_of_one_customer_leave_room_for_those_of_others() {
        let scratch = Scratch::open().await;
        let mut tx = scratch.db.begin().await.unwrap();
        let (one, other) = (scratch.agent.customer_id, second_customer(&mut tx).await);
        for (number, customer) in [(31, one), (32, one), (33, one), (34, other)] {
            insert_pipeline(&mut tx, number, customer).await;
            sql("INSERT INTO schedules (owner_id, owner_kind, schedule, timezone, overlap, catch_up, next_run_at, version) \
                 VALUES ($1, 'pipeline', '0 * * * *', 'UTC', 'queue', 'all', $2, 1)")
            .bind(id::<Uuid>(number))
            .bind(at(i64::try_from(number).unwrap()))
            .execute(&mut tx)
            .await
            .unwrap();
        }
        insert(&mut tx, &[(11, 34), (12, 31), (13, 32), (14, 33)], None).await;
        insert(&mut tx, &[(15, 31), (16, 32), (17, 33), (18, 34)], Some("queued")).await;
        tx.commit().await.unwrap();
        let missed = async |limit| numbers(missed_slots(&scratch.db, at(0), limit).await);
        assert_eq!(missed(2).await, [14, 11]);
        assert_eq!(missed(3).await, [14, 11, 13]);
        let waiting = async |until, limit| numbers(waiting_slots(&scratch.db, at(until), limit).await);
        assert_eq!(waiting(20, 2).await, [15, 18]);
        assert_eq!(waiting(20, 3).await, [15, 18, 16]);
        assert_eq!(waiting(40, 2).await, [15, 18, 31, 34], "with those that no server has decided");
    }
}
