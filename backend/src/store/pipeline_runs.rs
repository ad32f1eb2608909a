//! Runs of pipelines with their steps. A run and its steps change together, guarded by the run's revision.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::FromRow;

use super::db::{Conn, Db, JsonColumn, MOST_VALUES, Sql, Tx, Word, json, sql, unreadable};
use crate::{
    error::{Error, Result},
    ids::{CustomerId, PipelineId, RunId},
    model::{
        definition::Plan,
        pipeline::{
            course::{Course, RunState, StepState},
            graph::{Graph, Node},
            run::{Parameters, PipelineRun, PipelineRunStatus, PipelineStep, Trigger},
        },
    },
};

mod list;
mod steps;
mod waiting;
pub use list::{list, newest, plans};
use steps::StepRow;
pub use waiting::{DueRun, busy, due, is_held_up, under_way, with_lost_agents};

const COLUMNS: &str = "SELECT r.id, r.pipeline_id, r.version, r.status, r.cause, r.scheduled_for, r.rerun_of, r.parameters, \
    r.graph, r.error_message, r.cancel_requested_at, r.revision, r.created_at, r.started_at, r.completed_at, \
    p.customer_id, p.identifier FROM pipeline_runs r JOIN pipelines p ON p.id = r.pipeline_id";

#[derive(FromRow)]
struct Columns {
    id: RunId,
    pipeline_id: PipelineId,
    version: i64,
    status: Word<PipelineRunStatus>,
    cause: Word<Trigger>,
    scheduled_for: Option<DateTime<Utc>>,
    rerun_of: Option<RunId>,
    parameters: JsonColumn<Value>,
    graph: JsonColumn<Value>,
    error_message: Option<String>,
    cancel_requested_at: Option<DateTime<Utc>>,
    revision: i64,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    completed_at: Option<DateTime<Utc>>,
    customer_id: Option<CustomerId>,
    identifier: String,
}

/// A run as it is stored, with its steps and with what its pipeline is called.
#[derive(Clone, Debug)]
pub struct PipelineRunRow {
    /// Its id.
    pub id: RunId,
    /// The pipeline that runs.
    pub pipeline_id: PipelineId,
    /// Whose that is; nothing for the platform's own.
    pub customer_id: Option<CustomerId>,
    /// What that is called in paths.
    pub identifier: String,
    /// The version that runs.
    pub version: i64,
    /// Why it was made.
    pub trigger: Trigger,
    /// For which instant of its schedule.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// The run it goes on from.
    pub rerun_of: Option<RunId>,
    /// The values of its parameters.
    pub parameters: Parameters,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Counts its changes.
    pub revision: i64,
    /// What it does and where it stands.
    pub course: Course,
}

impl PipelineRunRow {
    /// A run with its steps. Of one that this version cannot read, it is shown how it stands, and no more is done.
    fn new(columns: Columns, steps: Vec<StepRow>) -> Self {
        let (known, steps): (Vec<Node>, Vec<StepState>) = steps.into_iter().map(StepRow::parts).unzip();
        let unknown = |reason: &dyn std::fmt::Display| {
            tracing::warn!(run = %columns.id, %reason, "what a run does cannot be read, and it is left alone");
        };
        let graph = match serde_json::from_value::<Graph>(columns.graph.0) {
            Ok(graph) if graph.nodes.len() == steps.len() => graph,
            Ok(_) => {
                unknown(&"it has another number of steps");
                Graph { timeout_seconds: None, nodes: known }
            }
            Err(error) => {
                unknown(&error);
                Graph { timeout_seconds: None, nodes: known }
            }
        };
        let run = RunState {
            status: columns.status.0,
            error_message: columns.error_message,
            cancel_requested_at: columns.cancel_requested_at,
            started_at: columns.started_at,
            completed_at: columns.completed_at,
        };
        Self {
            id: columns.id,
            pipeline_id: columns.pipeline_id,
            customer_id: columns.customer_id,
            identifier: columns.identifier,
            version: columns.version,
            trigger: columns.cause.0,
            scheduled_for: columns.scheduled_for,
            rerun_of: columns.rerun_of,
            // Whatever is no text is of a newer version, and shown by that one.
            parameters: serde_json::from_value(columns.parameters.0).unwrap_or_default(),
            created_at: columns.created_at,
            revision: columns.revision,
            course: Course { graph, run, steps },
        }
    }

    /// The view.
    #[must_use]
    pub fn view(&self) -> PipelineRun {
        let run = &self.course.run;
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
            steps: (0..self.course.steps.len()).map(|place| self.step(place)).collect(),
        }
    }

    /// The view with the steps in these places only and without parameters: what the log keeps of a change of steps, so
    /// that it does not grow with the steps of the run times their changes.
    #[must_use]
    pub fn view_of_steps(&self, places: impl Iterator<Item = usize>) -> PipelineRun {
        let steps = places.map(|place| self.step(place)).collect();
        PipelineRun { parameters: Parameters::new(), steps, ..self.view() }
    }

    /// The view of one step.
    #[must_use]
    pub fn step(&self, place: usize) -> PipelineStep {
        let (node, step) = (&self.course.graph.nodes[place], &self.course.steps[place]);
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

    /// The place of a step.
    #[must_use]
    pub fn place_of(&self, step: &str) -> Option<usize> {
        self.course.graph.nodes.iter().position(|node| node.id == step)
    }
}

/// Stores a new run with its steps, and with the plan it is shown as.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn insert(tx: &mut Tx, row: &PipelineRunRow, plan: &Plan, due_at: Option<DateTime<Utc>>) -> Result<()> {
    let run = &row.course.run;
    sql("INSERT INTO pipeline_runs (id, pipeline_id, version, status, cause, scheduled_for, rerun_of, parameters, graph, \
         plan, error_message, cancel_requested_at, due_at, revision, created_at, started_at, completed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)")
    .bind(row.id)
    .bind(row.pipeline_id)
    .bind(row.version)
    .bind_text(run.status)
    .bind_text(row.trigger)
    .bind(row.scheduled_for)
    .bind(row.rerun_of)
    .bind(json(&row.parameters)?)
    .bind(json(&row.course.graph)?)
    .bind(json(plan)?)
    .bind(run.error_message.clone())
    .bind(run.cancel_requested_at)
    .bind(due_at)
    .bind(row.revision)
    .bind(row.created_at)
    .bind(run.started_at)
    .bind(run.completed_at)
    .execute(&mut *tx)
    .await?;
    steps::insert(tx, row).await
}

/// Writes a changed run and those of its steps that differ from `before`, unless another change came between; whether it
/// did.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn save(
    tx: &mut Tx,
    row: &PipelineRunRow,
    before: &PipelineRunRow,
    due_at: Option<DateTime<Utc>>,
) -> Result<bool> {
    let run = &row.course.run;
    let rows = sql("UPDATE pipeline_runs SET status = $1, error_message = $2, cancel_requested_at = $3, due_at = $4, \
         revision = $5, started_at = $6, completed_at = $7 WHERE id = $8 AND revision = $9")
    .bind_text(run.status)
    .bind(run.error_message.clone())
    .bind(run.cancel_requested_at)
    .bind(due_at)
    .bind(row.revision)
    .bind(run.started_at)
    .bind(run.completed_at)
    .bind(row.id)
    .bind(before.revision)
    .execute(&mut *tx)
    .await?;
    if rows == 0 {
        return Ok(false);
    }
    for (place, step) in row.course.steps.iter().enumerate() {
        if *step != before.course.steps[place] {
            steps::save(tx, row.id, place, step).await?;
        }
    }
    Ok(true)
}

/// A run, if there is one.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn find(conn: impl Into<Conn<'_>>, id: RunId) -> Result<Option<PipelineRunRow>> {
    read(conn, sql(COLUMNS).push_bind(" WHERE r.id = ", id)).await?.pop().transpose()
}

/// Those of these runs that there are, in no order.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn find_all(db: &Db, ids: &[RunId]) -> Result<Vec<PipelineRunRow>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(MOST_VALUES) {
        let statement = sql(COLUMNS).push(" WHERE r.id IN ").push_tuple(ids.iter().map(|id| (*id).into()));
        let rows = read(db, statement).await?;
        found.extend(rows.into_iter().filter_map(|row| row.inspect_err(unreadable).ok()));
    }
    Ok(found)
}

/// Removes all runs of a pipeline.
///
/// # Errors
///
/// Whatever the engine says.
pub async fn delete_of_pipeline(tx: &mut Tx, pipeline: PipelineId) -> Result<()> {
    sql("DELETE FROM pipeline_steps WHERE run_id IN (SELECT id FROM pipeline_runs WHERE pipeline_id = $1)")
        .bind(pipeline)
        .execute(&mut *tx)
        .await?;
    sql("DELETE FROM pipeline_runs WHERE pipeline_id = $1").bind(pipeline).execute(tx).await?;
    Ok(())
}

/// The runs of a statement with their steps, in the order of the statement; an error for each that cannot be put together.
async fn read(conn: impl Into<Conn<'_>>, statement: Sql) -> Result<Vec<Result<PipelineRunRow>>> {
    let mut conn = conn.into();
    let columns: Vec<Option<Columns>> = statement.fetch_readable(again(&mut conn)).await?;
    let ids: Vec<RunId> = columns.iter().flatten().map(|columns| columns.id).collect();
    let mut steps: HashMap<RunId, Vec<StepRow>> = HashMap::new();
    for ids in ids.chunks(MOST_VALUES) {
        for step in steps::of_runs(again(&mut conn), ids).await? {
            steps.entry(step.run_id).or_default().push(step);
        }
    }
    let whole = |columns: Option<Columns>| {
        let columns = columns.ok_or_else(|| Error::internal("a run of a pipeline cannot be read"))?;
        let steps = steps.remove(&columns.id).unwrap_or_default();
        Ok(PipelineRunRow::new(columns, steps))
    };
    Ok(columns.into_iter().map(whole).collect())
}

/// The same connection, for one more statement.
fn again<'a>(conn: &'a mut Conn<'_>) -> Conn<'a> {
    match conn {
        Conn::Db(db) => Conn::Db(db),
        Conn::Tx(tx) => Conn::Tx(tx),
    }
}
