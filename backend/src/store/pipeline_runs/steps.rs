//! The table of the steps of pipeline runs.

use sea_query::Value;

use super::PipelineRunRow;
use crate::{
    error::Result,
    ids::{AgentId, RunId},
    model::pipeline::{run_state_machine::StepState, stored_run_plan::Node},
    store::db::{
        Conn, Tx,
        table::{table, values},
    },
};

/// A step as it is stored.
pub(in crate::store) struct StepRow {
    pub(super) run_id: RunId,
    position: i64,
    step_id: String,
    kind: String,
    agent_id: Option<AgentId>,
    state: StepState,
}

table! {
    pipeline_steps: StepRow {
        run_id, position, step_id, kind, agent_id,
        state: StepState {
            status, attempt, progress, bytes_transferred, error_message, transfer_id, ready_at, sent_at, sent_attempt,
            heard_at, ended_unheard, started_at, completed_at,
        },
    }
    from "pipeline_steps" prefix "";
    read { kind = "type" }
    // A keyword of Rust, so no field has this name.
    others { type }

    /// Written when the run is created.
    const CREATED { run_id: Uuid, position: Integer, step_id: Text, agent_id: Uuid }

    /// Written by every change.
    const STATE {
        status: EnumText,
        attempt: Integer,
        progress: Float,
        bytes_transferred: Integer,
        error_message: Text,
        transfer_id: Uuid,
        ready_at: Instant,
        sent_at: Instant,
        sent_attempt: Integer,
        heard_at: Instant,
        ended_unheard: Boolean,
        started_at: Instant,
        completed_at: Instant,
    }
}

impl StepRow {
    /// Builds the row of the step at this index of a run.
    pub(in crate::store) fn new(run: &PipelineRunRow, place: usize) -> Self {
        let node = &run.state_machine.graph.nodes[place];
        Self {
            run_id: run.id,
            position: i64::try_from(place).unwrap_or(i64::MAX),
            step_id: node.id.clone(),
            kind: node.kind().to_owned(),
            agent_id: node.agent(),
            state: run.state_machine.steps[place].clone(),
        }
    }

    /// Splits the row into the node of the graph, without what the step does, and the state of the step.
    pub(super) fn parts(self) -> (Node, StepState) {
        (Node::unknown(self.step_id, self.kind, self.agent_id), self.state)
    }

    /// The columns of a new step.
    fn columns(&self) -> impl Iterator<Item = (&'static str, Value)> {
        let columns = values(Self::CREATED, self).chain(values(Self::STATE, self));
        columns.chain([("type", self.kind.clone().into())])
    }
}

/// Reads the steps of these runs, ordered by run. The steps of a run are in the order of its plan.
pub(super) async fn of_runs(conn: Conn<'_>, runs: &[RunId]) -> Result<Vec<StepRow>> {
    let statement = StepRow::TABLE.select().push(" WHERE run_id IN ").push_tuple(runs.iter().map(|run| (*run).into()));
    statement.push(" ORDER BY run_id, position").fetch_all(conn).await
}

/// Stores the steps of a new run.
pub(super) async fn insert(tx: &mut Tx, run: &PipelineRunRow) -> Result<()> {
    let steps: Vec<StepRow> = (0..run.state_machine.steps.len()).map(|place| StepRow::new(run, place)).collect();
    // Few enough rows for the engines' limit of bound values.
    for steps in steps.chunks(100) {
        StepRow::TABLE.insert_all(steps.iter().map(StepRow::columns)).execute(&mut *tx).await?;
    }
    Ok(())
}

/// Writes the state of a step.
pub(super) async fn save(tx: &mut Tx, step: &StepRow) -> Result<()> {
    let statement = StepRow::TABLE.update(values(StepRow::STATE, step)).push_bind(" WHERE run_id = ", step.run_id);
    statement.push_bind(" AND position = ", step.position).execute(tx).await?;
    Ok(())
}
