//! Every column of every declared table is stored and read again, on the engine under test; and the database has no other.

use std::collections::BTreeSet;

use crate::{
    actor::Scope,
    store::{
        agents::{self, AgentRow},
        db::{Db, sql},
        scratch::{Scratch, assert_differ, assert_filled, transfer, transfer_ended},
        transfers::{self, TransferRow},
    },
};

#[tokio::test]
async fn the_declared_columns_are_those_of_the_database() {
    let scratch = Scratch::open().await;
    let tables = [(AgentRow::TABLE, AgentRow::COLUMNS), (TransferRow::TABLE, TransferRow::COLUMNS)];
    for (table, columns) in tables {
        let statement = match &scratch.db {
            Db::Sqlite { .. } => sql("SELECT name FROM pragma_table_info($1)"),
            Db::Postgres { .. } => sql("SELECT CAST(column_name AS TEXT) FROM information_schema.columns \
                 WHERE table_schema = current_schema() AND table_name = $1"),
        };
        let rows: Vec<(String,)> = statement.bind(table.name).fetch_all(&scratch.db).await.unwrap();
        let stored: BTreeSet<&str> = rows.iter().map(|(name,)| name.as_str()).collect();
        let declared: BTreeSet<&str> = columns.iter().copied().collect();
        assert_eq!(declared, stored, "{}", table.name);
        assert_eq!(declared.len(), columns.len(), "{}: a column is declared twice", table.name);
    }
}

#[tokio::test]
async fn every_column_of_an_agent_is_read_as_it_was_stored() {
    let scratch = Scratch::open().await;
    assert_filled(AgentRow::CREATED, &scratch.agent);
    assert_filled(AgentRow::HEARTBEAT, &scratch.agent);
    let found = agents::find(&scratch.db, Scope::All, scratch.agent.id).await.unwrap();
    assert_eq!(found, Some(scratch.agent));
}

#[tokio::test]
async fn every_column_of_a_transfer_is_read_as_it_was_stored() {
    let scratch = Scratch::open().await;
    let row = transfer(10, &scratch.agent);
    for columns in [TransferRow::CREATED, TransferRow::PROGRESS, TransferRow::LIFECYCLE] {
        assert_filled(columns, &row);
    }
    let mut tx = scratch.db.begin().await.unwrap();
    transfers::insert(&mut tx, &row, "a.csv", "b.csv").await.unwrap();
    assert_eq!(transfers::find(&mut tx, Scope::All, row.id).await.unwrap().as_ref(), Some(&row));

    let after = transfer_ended(&row);
    assert_differ(TransferRow::PROGRESS, &row, &after);
    assert_differ(TransferRow::LIFECYCLE, &row, &after);
    assert!(!transfers::save(&mut tx, &after, row.state.revision - 1).await.unwrap());
    assert!(transfers::save(&mut tx, &after, row.state.revision).await.unwrap());
    assert_eq!(transfers::find(&mut tx, Scope::All, row.id).await.unwrap(), Some(after));
}
