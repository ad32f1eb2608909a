//! Pipelines with their versions, and runs with their steps.

use std::slice;

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use crate::{
    actor::Scope,
    ids::AgentId,
    model::{
        definition::{Filling, Plan, When},
        directive::StepInstruction,
        pipeline::{
            PipelineVersion,
            run::{Parameters, PipelineRunStatus, StepStatus, Trigger},
            run_state_machine::{RunState, RunStateMachine, StepState},
            stored_run_plan::{Node, RunGraph, Task},
        },
        retry::Retry,
        schedule::{CatchUp, Overlap},
    },
    store::{
        agents::AgentRow,
        db::{EnumText, Tx, sql},
        pipeline_runs::{self, PipelineRunRow, RunRow, steps::StepRow},
        pipelines::{self, PipelineRow},
        schedules::{self, ScheduleRow, ScheduledKind},
        scratch_database::Scratch,
        test_rows::{assert_differ, assert_filled, at, id},
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
        filling: EnumText(Filling::Plain),
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
    pipelines::insert_version(tx, row.id, &version(row), &row.yaml, row.filling.0).await.unwrap();
    let schedule = ScheduleRow {
        owner_id: row.id.0,
        schedule: "0 2 * * *".to_owned(),
        timezone: "Europe/Berlin".to_owned(),
        overlap: EnumText(Overlap::Queue),
        catch_up: EnumText(CatchUp::All),
        next_run_at: row.next_run_at,
        version: 1,
    };
    schedules::insert(tx, ScheduledKind::Pipeline, &schedule).await.unwrap();
}

async fn found(tx: &mut Tx, row: &PipelineRow) -> Vec<PipelineRow> {
    pipelines::find(tx, Scope::All, &row.id.into()).await.unwrap()
}

/// The columns that are derived from others.
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
    assert_eq!(found(&mut tx, &row).await, slice::from_ref(&row));
    let owner = scratch.agent.customer_id.0;
    assert_eq!(derived(&mut tx, &row).await, (owner, "orders\norders\nwhat was sold".to_owned()));

    let after = PipelineRow {
        name: "Invoices".to_owned(),
        description: None,
        enabled: false,
        version: 4,
        updated_at: at(161),
        yaml: "name: Invoices".to_owned(),
        filling: EnumText(Filling::Place),
        git_sha: Some("89abcde".to_owned()),
        version_created_at: at(162),
        ..row.clone()
    };
    assert_differ(PipelineRow::CHANGED, &row, &after);
    pipelines::insert_version(&mut tx, row.id, &version(&after), &after.yaml, after.filling.0).await.unwrap();
    pipelines::save(&mut tx, &after).await.unwrap();
    assert_eq!(found(&mut tx, &row).await, slice::from_ref(&after));
    assert_eq!(derived(&mut tx, &row).await, (owner, "orders\ninvoices\n".to_owned()));
    for row in [&row, &after] {
        let text = pipelines::find_version(&mut tx, row.id, row.version).await.unwrap();
        assert_eq!(text, Some((row.yaml.clone(), row.filling.0)));
    }
    tx.commit().await.unwrap();
    let versions = pipelines::newest_versions(&scratch.db, &[row.id], 10).await.unwrap();
    assert_eq!(versions, [(row.id, version(&after)), (row.id, version(&row))]);
}

/// A run whose second step has a value in every column.
fn run(pipeline: &PipelineRow, agent: AgentId) -> PipelineRunRow {
    let node = |id: &str, task| Node {
        id: id.to_owned(),
        needs: Vec::new(),
        when: When::Success,
        retry: Retry::usual(3),
        timeout_seconds: Some(10),
        task,
    };
    let webhook = Task::Webhook { url: "https://example.com/hook".to_owned(), body: Some("{}".to_owned()) };
    let action = StepInstruction::Delete { path: "/data/in/orders.csv".to_owned() };
    let nodes = vec![node("tell", webhook), node("clear", Task::Agent { agent_id: agent, action })];
    PipelineRunRow {
        id: id(82),
        pipeline_id: pipeline.id,
        customer_id: pipeline.customer_id,
        identifier: pipeline.identifier.clone(),
        version: 3,
        trigger: Trigger::Rerun,
        scheduled_for: Some(at(170)),
        rerun_of: Some(id(83)),
        parameters: Parameters::from([("day".to_owned(), "monday".to_owned())]),
        created_at: at(171),
        revision: 5,
        state_machine: RunStateMachine {
            graph: RunGraph { timeout_seconds: Some(60), nodes },
            run: RunState {
                status: PipelineRunStatus::Running,
                error_message: Some("a step failed".to_owned()),
                cancel_requested_at: Some(at(172)),
                started_at: Some(at(173)),
                completed_at: Some(at(174)),
            },
            steps: vec![
                StepState::default(),
                StepState {
                    status: StepStatus::Running,
                    attempt: 2,
                    progress: Some(12.5),
                    bytes_transferred: Some(1_000),
                    error_message: Some("the disk is full".to_owned()),
                    transfer_id: Some(id(84)),
                    ready_at: Some(at(175)),
                    sent_at: Some(at(176)),
                    sent_attempt: Some(2),
                    heard_at: Some(at(177)),
                    ended_unheard: true,
                    started_at: Some(at(178)),
                    completed_at: Some(at(179)),
                },
            ],
        },
    }
}

/// The run with another value in each column that changes.
fn run_later(row: &PipelineRunRow) -> PipelineRunRow {
    let run = RunState {
        status: PipelineRunStatus::Failed,
        error_message: Some("another step failed".to_owned()),
        cancel_requested_at: Some(at(182)),
        started_at: Some(at(183)),
        completed_at: Some(at(184)),
    };
    let step = StepState {
        status: StepStatus::Failed,
        attempt: 3,
        progress: Some(25.0),
        bytes_transferred: Some(2_000),
        error_message: Some("the network is slow".to_owned()),
        transfer_id: Some(id(85)),
        ready_at: Some(at(185)),
        sent_at: Some(at(186)),
        sent_attempt: Some(3),
        heard_at: Some(at(187)),
        ended_unheard: false,
        started_at: Some(at(188)),
        completed_at: Some(at(189)),
    };
    let steps = vec![row.state_machine.steps[0].clone(), step];
    PipelineRunRow {
        revision: 6,
        state_machine: RunStateMachine { graph: row.state_machine.graph.clone(), run, steps },
        ..row.clone()
    }
}

/// A plan, as it is shown.
fn plan() -> Plan {
    let place = json!({
        "location": "/data/in", "protocol": "local", "host": null, "port": null, "user": null, "path": "/data/in",
        "pattern": null, "credentials": null,
    });
    let plan = json!({
        "source": place, "destination": place, "parameters": {}, "schedule": null, "timeout": null, "steps": [],
    });
    serde_json::from_value(plan).unwrap()
}

async fn due_at(tx: &mut Tx, row: &PipelineRunRow) -> Option<DateTime<Utc>> {
    let statement = sql("SELECT due_at FROM pipeline_runs WHERE id = $1").bind(row.id);
    let (due_at,): (Option<DateTime<Utc>>,) = statement.fetch_one(tx).await.unwrap();
    due_at
}

#[tokio::test]
async fn every_column_of_a_run_and_its_steps_is_read_as_it_was_stored() {
    let scratch = Scratch::open().await;
    let pipeline = pipeline(&scratch.agent);
    let row = run(&pipeline, scratch.agent.id);
    assert_filled(RunRow::CREATED, &row.row());
    assert_filled(RunRow::STATE, &row.row());
    assert_filled(StepRow::CREATED, &StepRow::new(&row, 1));
    assert_filled(StepRow::STATE, &StepRow::new(&row, 1));
    let mut tx = scratch.db.begin().await.unwrap();
    store(&mut tx, &pipeline).await;
    let draft = "source: /a\ndestination: /b\n".to_owned();
    pipeline_runs::insert(&mut tx, &row, &plan(), Some(draft.clone()), Some(at(190))).await.unwrap();
    assert_eq!(pipeline_runs::find(&mut tx, row.id).await.unwrap().as_ref(), Some(&row));
    assert_eq!(due_at(&mut tx, &row).await, Some(at(190)));
    let statement = sql("SELECT step_id, type, agent_id FROM pipeline_steps WHERE run_id = $1 ORDER BY position");
    let steps: Vec<(String, String, Option<AgentId>)> = statement.bind(row.id).fetch_all(&mut tx).await.unwrap();
    let tell = ("tell".to_owned(), "webhook".to_owned(), None);
    let clear = ("clear".to_owned(), "delete".to_owned(), Some(scratch.agent.id));
    assert_eq!(steps, [tell, clear]);

    let after = run_later(&row);
    assert_differ(RunRow::STATE, &row.row(), &after.row());
    assert_differ(StepRow::STATE, &StepRow::new(&row, 1), &StepRow::new(&after, 1));
    assert!(!pipeline_runs::save(&mut tx, &after, &after, Some(at(191))).await.unwrap());
    assert!(pipeline_runs::save(&mut tx, &after, &row, Some(at(191))).await.unwrap());
    assert_eq!(pipeline_runs::find(&mut tx, row.id).await.unwrap().as_ref(), Some(&after));
    assert_eq!(due_at(&mut tx, &row).await, Some(at(191)));
    tx.commit().await.unwrap();
    let plans = pipeline_runs::plans(&scratch.db, &[row.id]).await.unwrap();
    assert_eq!(plans, [(row.id, serde_json::to_value(plan()).unwrap())]);
    let drafts = pipeline_runs::drafts(&scratch.db, &[row.id]).await.unwrap();
    assert_eq!(drafts, [(row.id, draft)]);
}
