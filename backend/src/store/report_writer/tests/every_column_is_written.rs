//! The batch statements write every column that they should, on the engine under test.

use sqlx::error::ErrorKind;
use tokio::sync::oneshot;

use crate::{
    actor::Scope,
    ids::TransferId,
    model::agent::Heartbeat,
    store::{
        agents::{self, AgentRow},
        db::{Db, Tx, sql},
        report_writer::{CommitListener, Dirty, Loaded, Op, Texts, Writer, WriterTask, batch::Guarded},
        scratch_database::Scratch,
        test_rows::{agent, agent_later, assert_differ, at, id, transfer, transfer_ended, transfer_later},
        transfers::{self, TransferRow},
    },
};

/// Stores three rows: the statement of SQLite is built for four.
async fn stored(scratch: &Scratch) -> Vec<TransferRow> {
    let rows: Vec<TransferRow> = (11..14).map(|number| transfer(number, &scratch.agent)).collect();
    let mut tx = scratch.db.begin().await.unwrap();
    for row in &rows {
        transfers::insert(&mut tx, row, "a.csv", "b.csv").await.unwrap();
    }
    tx.commit().await.unwrap();
    rows
}

async fn found(scratch: &Scratch, rows: &[TransferRow]) -> Vec<TransferRow> {
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let mut found = transfers::find_all(&scratch.db, Scope::All, &ids).await.unwrap();
    found.sort_unstable_by_key(|row| row.id);
    found
}

async fn save_progress(scratch: &Scratch, rows: &[Guarded<'_>]) -> sqlx::Result<()> {
    let mut texts = Texts::default();
    let mut tx = scratch.db.begin_hot().await.unwrap();
    match &mut tx {
        Tx::Sqlite(pooled) => texts.sqlite.save_progress(pooled.connection().unwrap(), rows).await?,
        Tx::Postgres(pooled) => texts.postgres.save_progress(pooled.connection().unwrap(), rows).await?,
    }
    tx.commit().await.unwrap();
    Ok(())
}

/// The transfer after a report that changes these columns of progress, and no others.
fn later_by(dirty: Dirty, row: &TransferRow) -> TransferRow {
    let mut later = transfer_later(row);
    if dirty < Dirty::Details {
        later.state.progress.bytes_total = row.state.progress.bytes_total;
        later.state.error_message.clone_from(&row.state.error_message);
        later.state.details.clone_from(&row.state.details);
    }
    if dirty < Dirty::Network {
        later.state.progress.network = row.state.progress.network;
    }
    later
}

#[tokio::test]
async fn a_batch_writes_every_column_that_one_of_its_reports_has_changed() {
    for dirty in [Dirty::Progress, Dirty::Network, Dirty::Details] {
        let scratch = Scratch::open().await;
        let before = stored(&scratch).await;
        let after: Vec<TransferRow> = before.iter().map(|row| later_by(dirty, row)).collect();
        for columns in dirty.columns() {
            assert_differ(columns, &before[0], &after[0]);
        }
        for count in [1, 3] {
            let (seen, rows) = (&before[..count], &after[..count]);
            let guarded: Vec<Guarded<'_>> = rows
                .iter()
                .zip(found(&scratch, seen).await)
                .zip([dirty, Dirty::Progress, Dirty::Progress])
                .map(|((row, seen), dirty)| Guarded { row, seen: seen.state.revision, dirty })
                .collect();
            save_progress(&scratch, &guarded).await.unwrap();
            assert_eq!(found(&scratch, rows).await, rows, "{dirty:?}");
        }
    }
}

#[test]
fn the_columns_to_write_are_those_that_a_report_changes() {
    let row = transfer(1, &agent(id(1), id(2)));
    for dirty in [Dirty::Progress, Dirty::Network, Dirty::Details] {
        assert_eq!(Dirty::of_progress(&row.state, &later_by(dirty, &row).state), dirty);
    }
    let mut network = row.clone();
    network.state.progress.network.latency_ms = None;
    assert_eq!(Dirty::of_progress(&row.state, &network.state), Dirty::Network, "a measurement that is removed");
}

#[tokio::test]
async fn a_batch_of_progress_writes_nothing_if_one_row_has_another_revision() {
    let scratch = Scratch::open().await;
    let before = stored(&scratch).await;
    let after: Vec<TransferRow> = before.iter().map(transfer_later).collect();
    let later = |row, seen: &TransferRow| Guarded { row, seen: seen.state.revision, dirty: Dirty::Details };
    let mut guarded: Vec<Guarded<'_>> = after.iter().zip(&before).map(|(row, seen)| later(row, seen)).collect();
    guarded[1].seen -= 1;
    match save_progress(&scratch, &guarded).await {
        Err(sqlx::Error::Database(error)) => assert_eq!(error.kind(), ErrorKind::NotNullViolation),
        other => panic!("{other:?}"),
    }
    assert_eq!(found(&scratch, &before).await, before);
}

#[tokio::test]
async fn a_batch_of_changed_status_writes_every_column_that_changes() {
    let scratch = Scratch::open().await;
    let before = stored(&scratch).await;
    let after: Vec<TransferRow> = before.iter().map(transfer_ended).collect();
    for columns in Dirty::Whole.columns() {
        assert_differ(columns, &before[0], &after[0]);
    }
    let loaded: Vec<Loaded> = after
        .iter()
        .zip(&before)
        .map(|(row, seen)| Loaded { row: row.clone(), seen: seen.state.revision, dirty: Some(Dirty::Whole) })
        .collect();
    let loaded: Vec<&Loaded> = loaded.iter().collect();
    let mut texts = Texts::default();
    let mut tx = scratch.db.begin_hot().await.unwrap();
    match &mut tx {
        Tx::Sqlite(pooled) => texts.sqlite.save_whole(pooled.connection().unwrap(), &loaded).await.unwrap(),
        Tx::Postgres(pooled) => texts.postgres.save_whole(pooled.connection().unwrap(), &loaded).await.unwrap(),
    }
    tx.commit().await.unwrap();
    assert_eq!(found(&scratch, &after).await, after);
}

#[tokio::test]
async fn a_batch_of_heartbeats_writes_every_column_of_a_heartbeat() {
    let scratch = Scratch::open().await;
    let after = agent_later(&scratch.agent);
    assert_differ(AgentRow::HEARTBEAT, &scratch.agent, &after);
    let mut texts = Texts::default();
    let mut tx = scratch.db.begin_hot().await.unwrap();
    match &mut tx {
        Tx::Sqlite(pooled) => texts.sqlite.save_agents(pooled.connection().unwrap(), &[&after]).await.unwrap(),
        Tx::Postgres(pooled) => texts.postgres.save_agents(pooled.connection().unwrap(), &[&after]).await.unwrap(),
    }
    tx.commit().await.unwrap();
    assert_eq!(agents::find(&scratch.db, Scope::All, after.id).await.unwrap(), Some(after));
}

#[tokio::test]
async fn postgresql_plans_each_statement_of_the_writer_once() {
    let scratch = Scratch::open().await;
    let ids: Vec<_> = stored(&scratch).await.iter().map(|row| row.id).collect();
    let texts = Texts::default();
    let mut tx = scratch.db.begin_hot().await.unwrap();
    let Tx::Postgres(pooled) = &mut tx else { return };
    for _ in 0..3 {
        assert_eq!(texts.postgres.load_transfers(pooled.connection().unwrap(), &ids).await.unwrap().len(), 3);
    }
    let made = "SELECT generic_plans, custom_plans FROM pg_prepared_statements \
        WHERE statement LIKE '%FOR NO KEY UPDATE OF t%' AND statement NOT LIKE '%pg_prepared_statements%'";
    let made: Vec<(i64, i64)> = sqlx::query_as(made).fetch_all(pooled.connection().unwrap()).await.unwrap();
    assert_eq!(made, [(3, 0)], "all three executions took the plan that fits all values");
}

#[tokio::test]
async fn postgresql_reads_ahead_without_locks() {
    let scratch = Scratch::open().await;
    let rows = stored(&scratch).await;
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let texts = Texts::default();
    let mut tx = scratch.db.begin_hot().await.unwrap();
    let Tx::Postgres(pooled) = &mut tx else { return };
    let mut read = texts.postgres.read_transfers(pooled.connection().unwrap(), &ids).await.unwrap();
    read.sort_unstable_by_key(|row| row.id);
    assert_eq!(read, found(&scratch, &rows).await);
    let mut other = scratch.db.begin().await.unwrap();
    let locked = sql("SELECT id FROM transfers FOR UPDATE NOWAIT").fetch_all::<(TransferId,)>(&mut other).await;
    assert_eq!(locked.unwrap().len(), rows.len());
}

/// A writer of this database, to which nobody listens.
fn task(scratch: &Scratch) -> WriterTask {
    let listener = CommitListener {
        has_subscribers: Box::new(|| false),
        notify: Box::new(drop),
        record_outcome: Box::new(|_| {}),
    };
    Writer::new(scratch.db.clone(), id(9), at(1), false, listener).1
}

#[tokio::test]
async fn the_writer_keeps_its_connection_when_it_discards_its_plans() {
    let scratch = Scratch::open().await;
    let mut task = task(&scratch);
    for _ in 0..2 {
        task.discard_plans().await;
        assert_eq!(task.connection.is_some(), matches!(scratch.db, Db::Postgres { .. }));
    }
}

#[tokio::test]
async fn the_writer_keeps_its_connection_after_a_transaction() {
    let scratch = Scratch::open().await;
    let mut task = task(&scratch);
    for revision in 1..=2 {
        let (reply, answer) = oneshot::channel();
        let (agent, now) = (scratch.agent.id, at(300));
        task.batch(vec![Op::Heartbeat { agent, heartbeat: Heartbeat::default(), ip_address: None, now, reply }]).await;
        let (heard, _) = answer.await.unwrap().unwrap();
        assert_eq!(heard.revision, scratch.agent.revision + revision);
        assert!(task.connection.is_some());
    }
    task.probe().await;
    assert!(task.connection.is_none() && task.is_writing, "the probe has used the connection of the pool");
}
