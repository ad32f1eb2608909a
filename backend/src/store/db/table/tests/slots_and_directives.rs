//! Slots and directives.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::job;
use crate::{
    ids::{AgentId, DirectiveId, JobId, RunId, TransferId},
    model::{
        directive::{Directive, DirectiveAction},
        job::Outcome,
    },
    store::{
        db::{EnumText, sql},
        directives,
        schedules::ScheduledKind,
        scratch_database::Scratch,
        slots::{self, Pending, SlotRow},
        test_rows::{assert_differ, assert_filled, at, id},
    },
};

#[tokio::test]
async fn every_column_of_a_slot_is_read_as_it_was_stored() {
    let scratch = Scratch::open().await;
    let row = SlotRow {
        id: id(60),
        owner_id: id(61),
        scheduled_for: at(130),
        outcome: EnumText(Outcome::Missed),
        reason: Some("no server was running".to_owned()),
        run_id: Some(id(62)),
        pending: Some(EnumText(Pending::Sent)),
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
    let stored = slots::insert_all(&mut tx, ScheduledKind::Job, &[row.clone(), sparse.clone()], at(132)).await.unwrap();
    assert_eq!(stored, HashSet::from([row.id, sparse.id]));
    for row in [&row, &sparse] {
        assert_eq!(slots::by_id(&mut tx, ScheduledKind::Job, row.id).await.unwrap().as_ref(), Some(row));
        assert_eq!(slots::by_id(&mut tx, ScheduledKind::Pipeline, row.id).await.unwrap(), None);
        let statement = sql("SELECT decided_at FROM slots WHERE id = $1").bind(row.id);
        let (decided_at,): (DateTime<Utc>,) = statement.fetch_one(&mut tx).await.unwrap();
        assert_eq!(decided_at, at(132));
    }

    let after = SlotRow {
        outcome: EnumText(Outcome::Skipped),
        reason: Some("the job was disabled".to_owned()),
        run_id: Some(id(64)),
        pending: Some(EnumText(Pending::Queued)),
        ..row.clone()
    };
    assert_differ(SlotRow::DECIDED, &row, &after);
    assert!(!slots::save(&mut tx, &after, None).await.unwrap());
    assert!(slots::save(&mut tx, &after, Some(Pending::Sent)).await.unwrap());
    assert_eq!(slots::by_id(&mut tx, ScheduledKind::Job, row.id).await.unwrap(), Some(after));
}

/// The columns of a directive that name its object.
type Subject = (String, Option<TransferId>, Option<JobId>, Option<RunId>, Option<RunId>, Option<String>);

#[tokio::test]
async fn every_column_of_a_directive_is_read_as_it_was_stored() {
    let scratch = Scratch::open().await;
    let job = job(&scratch.agent).view();
    let start = DirectiveAction::StartJob {
        job: Box::new(job.clone()),
        scheduled_for: None,
        attempt: 2,
        retry_of: Some(id(71)),
    };
    let step = DirectiveAction::CancelStep { run_id: id(74), pipeline_id: id(75), step_id: "copy".to_owned() };
    let wanted: [(DirectiveAction, Subject); 4] = [
        (start, ("startJob".to_owned(), None, Some(job.id), None, None, None)),
        (
            DirectiveAction::CancelTransfer { transfer_id: id(72) },
            ("cancelTransfer".to_owned(), Some(id(72)), None, None, None, None),
        ),
        (
            DirectiveAction::CancelJobRun { run_id: id(73) },
            ("cancelJobRun".to_owned(), None, None, Some(id(73)), None, None),
        ),
        (step, ("cancelStep".to_owned(), None, None, None, Some(id(74)), Some("copy".to_owned()))),
    ];
    let directives: Vec<(AgentId, Directive)> = wanted
        .iter()
        .zip(76..)
        .map(|((action, _), number)| {
            let (created_at, expires_at) = (at(140).into(), at(141).into());
            (
                scratch.agent.id,
                Directive { id: id::<DirectiveId>(number), created_at, expires_at, action: action.clone() },
            )
        })
        .collect();
    let mut tx = scratch.db.begin().await.unwrap();
    directives::insert_all(&mut tx, &directives).await.unwrap();
    for ((agent, directive), (_, subject)) in directives.iter().zip(&wanted) {
        let found = directives::find(&mut tx, *agent, directive.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(directive));
        assert!(directives::is_open(&mut tx, directive.id).await.unwrap());
        let statement = sql("SELECT type, transfer_id, job_id, job_run_id, pipeline_run_id, step_id FROM directives");
        let statement = statement.push_bind(" WHERE id = ", directive.id);
        assert_eq!(statement.fetch_one::<Subject>(&mut tx).await.unwrap(), *subject);
    }
}
