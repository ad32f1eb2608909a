//! The tables of pipeline runs and their steps. A run and its steps are written together, if the stored revision of the
//! run is still the expected one.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::db::{
    Conn, Db, JsonColumn, MOST_VALUES, Sql, Tx, json, json_column, sql,
    table::{table, values},
    unreadable,
};
use crate::{
    error::{Error, Result},
    ids::{CustomerId, PipelineId, RunId},
    model::{
        definition::Plan,
        pipeline::{
            run::{Parameters, PipelineRun, PipelineStep, Trigger},
            run_state_machine::{RunState, RunStateMachine, StepState},
            stored_run_plan::{Node, RunGraph},
        },
    },
};

mod active;
mod list;
pub(super) mod steps;
pub use active::{DueRun, busy, due, is_held_up, under_way, with_lost_agents};
pub use list::{drafts, list, newest, plans, with_drafts};
use steps::StepRow;

/// A pipeline run as it is stored, without its steps. In a row that is to be written, `parameters` and `graph` are
/// null, because `insert` writes them itself.
pub(super) struct RunRow {
    id: RunId,
    pipeline_id: PipelineId,
    version: i64,
    trigger: Trigger,
    scheduled_for: Option<DateTime<Utc>>,
    rerun_of: Option<RunId>,
    created_at: DateTime<Utc>,
    revision: i64,
    run: RunState,
    parameters: JsonColumn<Value>,
    graph: JsonColumn<Value>,
    customer_id: Option<CustomerId>,
    identifier: String,
}

table! {
    pipeline_runs: RunRow {
        id, pipeline_id, version, trigger: cause, scheduled_for, rerun_of, created_at, revision,
        run: RunState { status, error_message, cancel_requested_at, started_at, completed_at },
        parameters, graph, customer_id, identifier,
    }
    from "pipeline_runs r JOIN pipelines p ON p.id = r.pipeline_id" prefix "r.";
    read {
        parameters = "r.parameters",
        graph = "r.graph",
        customer_id = "p.customer_id",
        identifier = "p.identifier",
    }
    // JSON, the definition of a draft, and when the run is due, which follows from its state machine.
    others { parameters, graph, plan, draft_yaml, due_at }

    /// Written when the run is created.
    const CREATED {
        id: Uuid,
        pipeline_id: Uuid,
        version: Integer,
        cause: EnumText,
        scheduled_for: Instant,
        rerun_of: Uuid,
        created_at: Instant,
    }

    /// Written by every change. The revision guards the update.
    const STATE {
        status: EnumText,
        error_message: Text,
        cancel_requested_at: Instant,
        started_at: Instant,
        completed_at: Instant,
        revision: Integer,
    }
}

/// A pipeline run as it is stored, with its steps and the identifier of its pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct PipelineRunRow {
    /// The id of the run, which begins with the milliseconds of its creation.
    pub id: RunId,
    /// The pipeline of the run.
    pub pipeline_id: PipelineId,
    /// The customer of the pipeline; `None` for pipelines of the platform.
    pub customer_id: Option<CustomerId>,
    /// The identifier of the pipeline in paths.
    pub identifier: String,
    /// The version of the pipeline that the run executes, or [`DRAFT`](crate::model::pipeline::run::DRAFT).
    pub version: i64,
    /// What started the run.
    pub trigger: Trigger,
    /// The slot of the run; `None` if it was not started by the schedule.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// The run that this run continues; `None` if it continues none.
    pub rerun_of: Option<RunId>,
    /// The values of the parameters.
    pub parameters: Parameters,
    /// The time at which the run was created.
    pub created_at: DateTime<Utc>,
    /// The revision of the run; increases with each change.
    pub revision: i64,
    /// The state machine of the run, with the states of its steps.
    pub state_machine: RunStateMachine,
}

impl PipelineRunRow {
    /// Builds a run from its row and its steps. If this version of the server cannot read the graph, the run is shown
    /// as it is stored and is not continued.
    fn new(row: RunRow, steps: Vec<StepRow>) -> Self {
        let (known, steps): (Vec<Node>, Vec<StepState>) = steps.into_iter().map(StepRow::parts).unzip();
        let unknown = |reason: &dyn std::fmt::Display| {
            tracing::warn!(run = %row.id, %reason, "the steps of a run cannot be read: the run is left unchanged");
        };
        let graph = match serde_json::from_value::<RunGraph>(row.graph.0) {
            Ok(graph) if graph.nodes.len() == steps.len() => graph,
            Ok(_) => {
                unknown(&"it has another number of steps");
                RunGraph { timeout_seconds: None, nodes: known }
            }
            Err(error) => {
                unknown(&error);
                RunGraph { timeout_seconds: None, nodes: known }
            }
        };
        Self {
            id: row.id,
            pipeline_id: row.pipeline_id,
            customer_id: row.customer_id,
            identifier: row.identifier,
            version: row.version,
            trigger: row.trigger,
            scheduled_for: row.scheduled_for,
            rerun_of: row.rerun_of,
            // Values other than text are of a newer version, which shows them.
            parameters: serde_json::from_value(row.parameters.0).unwrap_or_default(),
            created_at: row.created_at,
            revision: row.revision,
            state_machine: RunStateMachine { graph, run: row.run, steps },
        }
    }

    /// Returns the row of the run to be written, without its steps.
    pub(super) fn row(&self) -> RunRow {
        RunRow {
            id: self.id,
            pipeline_id: self.pipeline_id,
            version: self.version,
            trigger: self.trigger,
            scheduled_for: self.scheduled_for,
            rerun_of: self.rerun_of,
            created_at: self.created_at,
            revision: self.revision,
            run: self.state_machine.run.clone(),
            parameters: json_column(Value::Null),
            graph: json_column(Value::Null),
            customer_id: self.customer_id,
            identifier: self.identifier.clone(),
        }
    }

    /// Converts the row to the run as clients see it.
    #[must_use]
    pub fn view(&self) -> PipelineRun {
        let run = &self.state_machine.run;
        PipelineRun {
            id: self.id,
            pipeline_id: self.pipeline_id,
            version: self.version,
            status: run.status,
            trigger: self.trigger,
            started_at: run.started_at.map(Into::into),
            completed_at: run.completed_at.map(Into::into),
            error_message: run.error_message.clone(),
            revision: self.revision,
            cancel_requested_at: run.cancel_requested_at.map(Into::into),
            parameters: self.parameters.clone(),
            rerun_of: self.rerun_of,
            steps: (0..self.state_machine.steps.len()).map(|place| self.step(place)).collect(),
        }
    }

    /// Like [`Self::view`], but with only the steps at these indices and without parameters. Changes of steps are
    /// logged in this form, because full views would make the log grow with the square of the number of steps.
    #[must_use]
    pub fn view_of_steps(&self, places: impl Iterator<Item = usize>) -> PipelineRun {
        let steps = places.map(|place| self.step(place)).collect();
        PipelineRun { parameters: Parameters::new(), steps, ..self.view() }
    }

    /// Converts the step at this index to the step as clients see it.
    #[must_use]
    pub fn step(&self, place: usize) -> PipelineStep {
        let (node, step) = (&self.state_machine.graph.nodes[place], &self.state_machine.steps[place]);
        PipelineStep {
            id: node.id.clone(),
            kind: node.kind().to_owned(),
            status: step.status,
            attempt: step.attempt,
            progress: step.progress,
            bytes_transferred: step.bytes_transferred,
            started_at: step.started_at.map(Into::into),
            completed_at: step.completed_at.map(Into::into),
            error_message: step.error_message.clone(),
            transfer_id: step.transfer_id,
        }
    }

    /// Returns the index of the step with this id; `None` if the run has no such step.
    #[must_use]
    pub fn place_of(&self, step: &str) -> Option<usize> {
        self.state_machine.graph.nodes.iter().position(|node| node.id == step)
    }
}

/// Stores a new run with its steps and its plan. `draft` is the definition of a run of a draft; `due_at` is when the
/// engine must next advance the run.
pub async fn insert(
    tx: &mut Tx,
    run: &PipelineRunRow,
    plan: &Plan,
    draft: Option<String>,
    due_at: Option<DateTime<Utc>>,
) -> Result<()> {
    let row = run.row();
    let columns = values(RunRow::CREATED, &row).chain(values(RunRow::STATE, &row));
    let others = [
        ("parameters", json(&run.parameters)?),
        ("graph", json(&run.state_machine.graph)?),
        ("plan", json(plan)?),
        ("draft_yaml", draft.into()),
        ("due_at", due_at.into()),
    ];
    RunRow::TABLE.insert(columns.chain(others)).execute(&mut *tx).await?;
    steps::insert(tx, run).await
}

/// Writes a changed run and the steps that differ from `before`. If the stored revision is not that of `before`, writes
/// nothing and returns false.
pub async fn save(
    tx: &mut Tx,
    run: &PipelineRunRow,
    before: &PipelineRunRow,
    due_at: Option<DateTime<Utc>>,
) -> Result<bool> {
    let row = run.row();
    let columns = values(RunRow::STATE, &row).chain([("due_at", due_at.into())]);
    let statement = RunRow::TABLE.update(columns).push_bind(" WHERE id = ", run.id);
    if statement.push_bind(" AND revision = ", before.revision).execute(&mut *tx).await? == 0 {
        return Ok(false);
    }
    for (place, step) in run.state_machine.steps.iter().enumerate() {
        if *step != before.state_machine.steps[place] {
            steps::save(tx, &StepRow::new(run, place)).await?;
        }
    }
    Ok(true)
}

/// Reads a run; `None` if it does not exist.
pub async fn find(conn: impl Into<Conn<'_>>, id: RunId) -> Result<Option<PipelineRunRow>> {
    read(conn, RunRow::TABLE.select().push_bind(" WHERE r.id = ", id)).await?.pop().transpose()
}

/// Reads the runs with these ids, in no particular order.
pub async fn find_all(db: &Db, ids: &[RunId]) -> Result<Vec<PipelineRunRow>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(MOST_VALUES) {
        let statement = RunRow::TABLE.select().push(" WHERE r.id IN ").push_tuple(ids.iter().map(|id| (*id).into()));
        let rows = read(db, statement).await?;
        found.extend(rows.into_iter().filter_map(|row| row.inspect_err(unreadable).ok()));
    }
    Ok(found)
}

/// Deletes all runs of a pipeline.
pub async fn delete_of_pipeline(tx: &mut Tx, pipeline: PipelineId) -> Result<()> {
    sql("DELETE FROM pipeline_steps WHERE run_id IN (SELECT id FROM pipeline_runs WHERE pipeline_id = $1)")
        .bind(pipeline)
        .execute(&mut *tx)
        .await?;
    sql("DELETE FROM pipeline_runs WHERE pipeline_id = $1").bind(pipeline).execute(tx).await?;
    Ok(())
}

/// Reads the runs of a statement with their steps, in the order of the statement, with an error for each run that
/// cannot be read.
async fn read(conn: impl Into<Conn<'_>>, statement: Sql) -> Result<Vec<Result<PipelineRunRow>>> {
    let mut conn = conn.into();
    let rows: Vec<Option<RunRow>> = statement.fetch_readable(again(&mut conn)).await?;
    let ids: Vec<RunId> = rows.iter().flatten().map(|row| row.id).collect();
    let mut steps: HashMap<RunId, Vec<StepRow>> = HashMap::new();
    for ids in ids.chunks(MOST_VALUES) {
        for step in steps::of_runs(again(&mut conn), ids).await? {
            steps.entry(step.run_id).or_default().push(step);
        }
    }
    let whole = |row: Option<RunRow>| {
        let row = row.ok_or_else(|| Error::internal("a run of a pipeline cannot be read"))?;
        let steps = steps.remove(&row.id).unwrap_or_default();
        Ok(PipelineRunRow::new(row, steps))
    };
    Ok(rows.into_iter().map(whole).collect())
}

/// Reborrows the connection for another statement.
fn again<'a>(conn: &'a mut Conn<'_>) -> Conn<'a> {
    match conn {
        Conn::Db(db) => Conn::Db(db),
        Conn::Tx(tx) => Conn::Tx(tx),
    }
}
