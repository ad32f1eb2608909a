//! Slots.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::{
    model::job::Outcome,
    store::{
        db::{Word, sql},
        schedules::Owner,
        scratch::{Scratch, assert_differ, assert_filled, at, id},
        slots::{self, Pending, SlotRow},
    },
};

#[tokio::test]
async fn every_column_of_a_slot_is_read_as_it_was_stored() {
    let scratch = Scratch::open().await;
    let row = SlotRow {
        id: id(60),
        owner_id: id(61),
        scheduled_for: at(130),
        outcome: Word(Outcome::Missed),
        reason: Some("no server was running".to_owned()),
        run_id: Some(id(62)),
        pending: Some(Word(Pending::Sent)),
        range_from: Some(at(131)),
        range_count: Some(4),
    };
    assert_filled(SlotRow::CREATED, &row);
    assert_filled(SlotRow::DECIDED, &row);
    let sparse = SlotRow {
        id: id(63),
        reason: None,
        run_id: None,
        pending: None,
        range_from: None,
        range_count: None,
        ..row.clone()
    };
    let mut tx = scratch.db.begin().await.unwrap();
    let stored = slots::insert_all(&mut tx, Owner::Job, &[row.clone(), sparse.clone()], at(132)).await.unwrap();
    assert_eq!(stored, HashSet::from([row.id, sparse.id]));
    for row in [&row, &sparse] {
        assert_eq!(slots::by_id(&mut tx, Owner::Job, row.id).await.unwrap().as_ref(), Some(row));
        assert_eq!(slots::by_id(&mut tx, Owner::Pipeline, row.id).await.unwrap(), None);
        let statement = sql("SELECT decided_at FROM slots WHERE id = $1").bind(row.id);
        let (decided_at,): (DateTime<Utc>,) = statement.fetch_one(&mut tx).await.unwrap();
        assert_eq!(decided_at, at(132));
    }

    let after = SlotRow {
        outcome: Word(Outcome::Skipped),
        reason: Some("the job was disabled".to_owned()),
        run_id: Some(id(64)),
        pending: Some(Word(Pending::Queued)),
        ..row.clone()
    };
    assert_differ(SlotRow::DECIDED, &row, &after);
    assert!(!slots::save(&mut tx, &after, None).await.unwrap());
    assert!(slots::save(&mut tx, &after, Some(Pending::Sent)).await.unwrap());
    assert_eq!(slots::by_id(&mut tx, Owner::Job, row.id).await.unwrap(), Some(after));
}
