//! The steps of runs.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::PipelineRunRow;
use crate::{
    error::Result,
    ids::{AgentId, RunId, TransferId},
    model::pipeline::{course::StepState, graph::Node, run::StepStatus},
    store::db::{Conn, Tx, Word, sql},
};

/// A step as it is stored.
#[derive(FromRow)]
pub(super) struct StepRow {
    pub(super) run_id: RunId,
    step_id: String,
    r#type: String,
    agent_id: Option<AgentId>,
    status: Word<StepStatus>,
    attempt: i64,
    progress: Option<f64>,
    bytes_transferred: Option<i64>,
    error_message: Option<String>,
    transfer_id: Option<TransferId>,
    ready_at: Option<DateTime<Utc>>,
    sent_at: Option<DateTime<Utc>>,
    sent_attempt: Option<i64>,
    heard_at: Option<DateTime<Utc>>,
    ended_unheard: bool,
    started_at: Option<DateTime<Utc>>,
    completed_at: Option<DateTime<Utc>>,
}

impl StepRow {
    /// What it is called, and where it stands.
    pub(super) fn parts(self) -> (Node, StepState) {
        let step = StepState {
            status: self.status.0,
            attempt: self.attempt,
            progress: self.progress,
            bytes_transferred: self.bytes_transferred,
            error_message: self.error_message,
            transfer_id: self.transfer_id,
            ready_at: self.ready_at,
            sent_at: self.sent_at,
            sent_attempt: self.sent_attempt,
            heard_at: self.heard_at,
            ended_unheard: self.ended_unheard,
            started_at: self.started_at,
            completed_at: self.completed_at,
        };
        (Node::unknown(self.step_id, self.r#type, self.agent_id), step)
    }
}

/// The steps of these runs, those of each in their order.
pub(super) async fn of_runs(conn: Conn<'_>, runs: &[RunId]) -> Result<Vec<StepRow>> {
    let statement =
        sql("SELECT run_id, step_id, type, agent_id, status, attempt, progress, bytes_transferred, error_message, transfer_id, ready_at, \
         sent_at, sent_attempt, heard_at, ended_unheard, started_at, completed_at FROM pipeline_steps WHERE run_id IN ")
        .push_tuple(runs.iter().map(|run| (*run).into()))
        .push(" ORDER BY run_id, position");
    statement.fetch_all(conn).await
}

/// Stores the steps of a new run.
pub(super) async fn insert(tx: &mut Tx, row: &PipelineRunRow) -> Result<()> {
    let steps: Vec<_> = row.course.graph.nodes.iter().zip(&row.course.steps).enumerate().collect();
    // Few enough rows for the engines' limit of bound values.
    for steps in steps.chunks(100) {
        let mut statement =
            sql("INSERT INTO pipeline_steps (run_id, position, step_id, type, agent_id, status, attempt, \
             progress, bytes_transferred, error_message, transfer_id, ready_at, sent_at, sent_attempt, heard_at, \
             ended_unheard, started_at, completed_at) VALUES ");
        for (index, (place, (node, step))) in steps.iter().enumerate() {
            statement = statement.push(if index == 0 { "" } else { ", " }).push_tuple([
                row.id.into(),
                position(*place).into(),
                node.id.clone().into(),
                node.kind().to_owned().into(),
                node.agent().into(),
                step.status.to_string().into(),
                step.attempt.into(),
                step.progress.into(),
                step.bytes_transferred.into(),
                step.error_message.clone().into(),
                step.transfer_id.into(),
                step.ready_at.into(),
                step.sent_at.into(),
                step.sent_attempt.into(),
                step.heard_at.into(),
                step.ended_unheard.into(),
                step.started_at.into(),
                step.completed_at.into(),
            ]);
        }
        statement.execute(&mut *tx).await?;
    }
    Ok(())
}

/// Writes a step.
pub(super) async fn save(tx: &mut Tx, run: RunId, place: usize, step: &StepState) -> Result<()> {
    sql("UPDATE pipeline_steps SET status = $1, attempt = $2, progress = $3, bytes_transferred = $4, error_message = $5, \
         transfer_id = $6, ready_at = $7, sent_at = $8, sent_attempt = $9, heard_at = $10, ended_unheard = $11, \
         started_at = $12, completed_at = $13 WHERE run_id = $14 AND position = $15")
    .bind_text(step.status)
    .bind(step.attempt)
    .bind(step.progress)
    .bind(step.bytes_transferred)
    .bind(step.error_message.clone())
    .bind(step.transfer_id)
    .bind(step.ready_at)
    .bind(step.sent_at)
    .bind(step.sent_attempt)
    .bind(step.heard_at)
    .bind(step.ended_unheard)
    .bind(step.started_at)
    .bind(step.completed_at)
    .bind(run)
    .bind(position(place))
    .execute(tx)
    .await?;
    Ok(())
}

fn position(place: usize) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX)
}
