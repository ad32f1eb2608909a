//! Pipelines and their versions.

use uuid::Uuid;

use crate::{
    actor::Scope,
    model::{
        definition::Filling,
        pipeline::PipelineVersion,
        schedule::{CatchUp, Overlap},
    },
    store::{
        agents::AgentRow,
        db::{Tx, Word, sql},
        pipelines::{self, PipelineRow},
        schedules::{self, Owner, ScheduleRow},
        scratch::{Scratch, assert_differ, assert_filled, at, id},
    },
};

/// A pipeline with a value in every column.
fn pipeline(agent: &AgentRow) -> PipelineRow {
    PipelineRow {
        id: id(80),
        customer_id: Some(agent.customer_id),
        identifier: "orders".to_owned(),
        name: "Orders".to_owned(),
        description: Some("What was sold".to_owned()),
        enabled: true,
        version: 3,
        created_at: at(150),
        updated_at: at(151),
        yaml: "name: Orders".to_owned(),
        filling: Word(Filling::Plain),
        git_sha: Some("3f78685".to_owned()),
        version_created_at: at(152),
        next_run_at: Some(at(153)),
    }
}

/// The current version.
fn version(row: &PipelineRow) -> PipelineVersion {
    PipelineVersion { version: row.version, created_at: row.version_created_at.into(), git_sha: row.git_sha.clone() }
}

/// Stores a pipeline with its current version and its schedule.
async fn store(tx: &mut Tx, row: &PipelineRow) {
    assert!(pipelines::insert(tx, row).await.unwrap());
    pipelines::insert_version(tx, row.id, &version(row), (&row.yaml, row.filling.0)).await.unwrap();
    let schedule = ScheduleRow {
        owner_id: row.id.0,
        schedule: "0 2 * * *".to_owned(),
        timezone: "Europe/Berlin".to_owned(),
        overlap: Word(Overlap::Queue),
        catch_up: Word(CatchUp::All),
        next_run_at: row.next_run_at,
        version: 1,
    };
    schedules::insert(tx, Owner::Pipeline, &schedule).await.unwrap();
}

async fn found(tx: &mut Tx, row: &PipelineRow) -> Vec<PipelineRow> {
    pipelines::find(tx, Scope::All, &row.id.into()).await.unwrap()
}

/// The columns that follow from others.
async fn derived(tx: &mut Tx, row: &PipelineRow) -> (Uuid, String) {
    sql("SELECT owner_id, search FROM pipelines WHERE id = $1").bind(row.id).fetch_one(tx).await.unwrap()
}

#[tokio::test]
async fn every_column_of_a_pipeline_and_its_versions_is_read_as_it_was_stored() {
    let scratch = Scratch::open().await;
    let row = pipeline(&scratch.agent);
    assert_filled(PipelineRow::CREATED, &row);
    assert_filled(PipelineRow::CHANGED, &row);
    let mut tx = scratch.db.begin().await.unwrap();
    store(&mut tx, &row).await;
    let same_name = PipelineRow { id: id(81), ..row.clone() };
    assert!(!pipelines::insert(&mut tx, &same_name).await.unwrap(), "the identifier is taken");
    assert_eq!(found(&mut tx, &row).await, [row.clone()]);
    let owner = scratch.agent.customer_id.0;
    assert_eq!(derived(&mut tx, &row).await, (owner, "orders\norders\nwhat was sold".to_owned()));

    let after = PipelineRow {
        name: "Invoices".to_owned(),
        description: None,
        enabled: false,
        version: 4,
        updated_at: at(161),
        yaml: "name: Invoices".to_owned(),
        filling: Word(Filling::Place),
        git_sha: Some("89abcde".to_owned()),
        version_created_at: at(162),
        ..row.clone()
    };
    assert_differ(PipelineRow::CHANGED, &row, &after);
    pipelines::insert_version(&mut tx, row.id, &version(&after), (&after.yaml, after.filling.0)).await.unwrap();
    pipelines::save(&mut tx, &after).await.unwrap();
    assert_eq!(found(&mut tx, &row).await, [after.clone()]);
    assert_eq!(derived(&mut tx, &row).await, (owner, "orders\ninvoices\n".to_owned()));
    for row in [&row, &after] {
        let text = pipelines::find_version(&mut tx, row.id, row.version).await.unwrap();
        assert_eq!(text, Some((row.yaml.clone(), row.filling.0)));
    }
    tx.commit().await.unwrap();
    let versions = pipelines::newest_versions(&scratch.db, &[row.id], 10).await.unwrap();
    assert_eq!(versions, [(row.id, version(&after)), (row.id, version(&row))]);
}
