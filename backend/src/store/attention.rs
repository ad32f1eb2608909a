//! Reads the rows from which attention items are computed. Each statement reads at most a given number of rows of one
//! kind, by an index of these rows only. A condition of the form `COALESCE(column, column)` keeps the query planners
//! from choosing another index.
//!
//! Where a limit applies, customers get equal shares: first one row of each customer is returned, then a second row of
//! each, and so on. So the rows of one customer do not displace those of another.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    db::{Db, EnumText, MOST_VALUES, Sql, row, sql},
    schedules::ScheduledKind,
};
use crate::{
    error::Result,
    ids::{AgentId, CustomerId, PipelineId, RunId},
    model::agent::AgentStatus,
};

mod credentials;
mod slots;
pub mod snoozes;
mod transfers;
pub use credentials::{EndingCredential, ending_certificates, ending_keys};
pub use slots::{OwnedSlot, missed_slots, waiting_slots};
pub use transfers::{UnhealthyTransfer, failed_transfers, failed_transfers_of_each, stalled_transfers};

/// The maximum number of parts of one compound statement.
const MOST_PARTS: usize = 100;
/// The maximum number of rows that are read before they are shared equally by customers, or by jobs and pipelines.
const MOST_SHARED: i64 = 50_000;

row! {
    /// An agent that is silent or reports an error.
    #[derive(Clone, Debug)]
    pub struct UnhealthyAgent {
        /// The agent.
        pub id: AgentId,
        /// The customer of the agent.
        pub customer_id: CustomerId,
        /// The name of the agent, or its host name.
        pub name: String,
        /// `offline` or `error`.
        pub status: EnumText<AgentStatus>,
        /// The reason for the status, if the agent has reported one.
        pub status_reason: Option<String>,
        /// For a silent agent, the time of its last heartbeat; for one with an error, the time since which it reports
        /// the error.
        pub since: DateTime<Utc>,
    }
}

/// Reads the agents that are silent or report an error, ordered by id: at most `limit`, with equal shares for
/// customers. An agent whose last heartbeat itself reported `offline` is not silent.
pub async fn unhealthy_agents(db: &Db, customer: Option<CustomerId>, limit: i64) -> Result<Vec<UnhealthyAgent>> {
    let statement = sql("SELECT id, customer_id, COALESCE(name, hostname) AS name, status, status_reason, \
         CASE WHEN status = 'error' THEN COALESCE(status_since, last_heartbeat) ELSE last_heartbeat END AS since \
         FROM agents WHERE id IN (");
    let conditions = "SELECT id, customer_id FROM agents WHERE revoked_at IS NULL \
         AND COALESCE(status, status) IN ('offline', 'error') AND (status = 'error' OR offline_since > last_heartbeat)";
    let found = |statement: Sql| of_customer(statement.push(conditions), customer);
    let statement = shared_by_customers(statement, found, limit).push(") ORDER BY id");
    Ok(statement.fetch_readable::<UnhealthyAgent>(db).await?.into_iter().flatten().collect())
}

/// Adds a statement that selects at most `limit` ids, with equal shares for customers. `found` adds the inner
/// statement, which finds rows with `id` and `customer_id`; of these, the first [`MOST_SHARED`] by id are considered.
fn shared_by_customers(statement: Sql, found: impl FnOnce(Sql) -> Sql, limit: i64) -> Sql {
    let statement = statement
        .push("SELECT id FROM (SELECT id, ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY id) AS place FROM (");
    let statement = found(statement).push_bind(" ORDER BY id LIMIT ", MOST_SHARED).push(") AS found) AS placed");
    statement.push_bind(" ORDER BY place, id LIMIT ", limit)
}

/// Adds a statement that reads these columns of at most `limit` rows of jobs or pipelines. Customers get equal shares
/// and, within the share of a customer, so do its jobs or pipelines. `found` adds the inner statement, which finds the
/// rows with `owner_id` and `customer_id`. The rows of each job or pipeline are returned in `order`, the first ones if
/// not all.
fn shared_by_owners(
    statement: Sql,
    columns: &'static str,
    found: impl FnOnce(Sql) -> Sql,
    order: &'static str,
    limit: i64,
) -> Sql {
    let statement = statement.push("SELECT ").push(columns).push(" FROM (SELECT ").push(columns);
    let statement = statement.push(", ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY place, ").push(order);
    let statement = statement.push(") AS turn FROM (SELECT ").push(columns).push(", customer_id, ");
    let statement = statement.push("ROW_NUMBER() OVER (PARTITION BY owner_id ORDER BY ").push(order);
    let statement = found(statement.push(") AS place FROM (")).push(") AS found) AS placed) AS shared ORDER BY turn, ");
    statement.push(order).push_bind(" LIMIT ", limit)
}

/// Adds the condition that a row belongs to this customer; no condition for `None`.
fn of_customer(statement: Sql, customer: Option<CustomerId>) -> Sql {
    match customer {
        Some(customer) => statement.push_bind(" AND customer_id = ", customer),
        None => statement,
    }
}

/// Reads the ids of jobs or pipelines with runs that failed after `since`: at most `limit`, with equal shares for
/// customers.
pub async fn owners_of_failed_runs(
    db: &Db,
    kind: ScheduledKind,
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Uuid>> {
    let (runs, owners) = match kind {
        ScheduledKind::Job => {
            ("SELECT job_id AS owner_id, completed_at FROM job_runs", " JOIN jobs o ON o.id = failing.owner_id")
        }
        ScheduledKind::Pipeline => (
            "SELECT pipeline_id AS owner_id, completed_at FROM pipeline_runs",
            " JOIN pipelines o ON o.id = failing.owner_id",
        ),
    };
    let rows: Vec<(Uuid,)> =
        sql("SELECT owner_id FROM (SELECT failing.owner_id AS owner_id, failing.latest AS latest, \
         ROW_NUMBER() OVER (PARTITION BY o.customer_id ORDER BY failing.latest DESC) AS place FROM (\
         SELECT owner_id, MAX(completed_at) AS latest FROM (")
        .push(runs)
        .push_bind(" WHERE COALESCE(status, status) = 'failed' AND completed_at > ", since)
        .push_bind(" ORDER BY completed_at DESC LIMIT ", MOST_SHARED)
        .push(") AS recent GROUP BY owner_id) AS failing")
        .push(owners)
        .push(") AS placed")
        .push_bind(" ORDER BY place, latest DESC LIMIT ", limit)
        .fetch_all(db)
        .await?;
    Ok(rows.into_iter().map(|(owner,)| owner).collect())
}

row! {
    /// A run of a job or pipeline.
    #[derive(Clone, Debug)]
    pub struct NewestRun {
        /// The job or pipeline.
        pub owner_id: Uuid,
        /// The run.
        pub id: RunId,
        /// The status of the run.
        pub status: String,
        /// The start time of the run; `None` if it has not started.
        pub started_at: Option<DateTime<Utc>>,
        /// The end time of the run; `None` if it has not ended.
        pub completed_at: Option<DateTime<Utc>>,
        /// The beginning of the error message.
        pub error_message: Option<String>,
    }
}

/// Which runs of a job or pipeline are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Runs of any status.
    Any,
    /// Runs that were successful.
    Completed,
}

/// Reads the newest runs of each of these jobs or pipelines, newest first: at most `each` for each of them. Runs of
/// drafts are excluded, because they say nothing about the saved pipeline.
pub async fn newest_runs(
    db: &Db,
    kind: ScheduledKind,
    owners: &[Uuid],
    wanted: Wanted,
    each: i64,
) -> Result<Vec<NewestRun>> {
    let condition = match kind {
        ScheduledKind::Job => {
            "SELECT job_id AS owner_id, id, status, started_at, completed_at, \
             SUBSTR(error_message, 1, 500) AS error_message FROM job_runs WHERE job_id = "
        }
        ScheduledKind::Pipeline => {
            "SELECT pipeline_id AS owner_id, id, status, started_at, completed_at, \
             SUBSTR(error_message, 1, 500) AS error_message FROM pipeline_runs WHERE pipeline_id = "
        }
    };
    let mut found = Vec::new();
    for owners in owners.chunks(MOST_PARTS) {
        let mut statement = sql("");
        for (index, owner) in owners.iter().enumerate() {
            let lead = if index == 0 { "SELECT * FROM (" } else { " UNION ALL SELECT * FROM (" };
            statement = statement.push(lead).push_bind(condition, *owner);
            if kind == ScheduledKind::Pipeline {
                statement = statement.push(" AND version > 0");
            }
            if wanted == Wanted::Completed {
                statement = statement.push(" AND status = 'completed'");
            }
            statement = statement.push_bind(" ORDER BY id DESC LIMIT ", each).push(") AS part");
        }
        found.extend(statement.fetch_all::<NewestRun>(db).await?);
    }
    Ok(found)
}

/// Reads the runs that started before `until` and are still running, oldest first for each job or pipeline: the id of
/// the run, the id of the job or pipeline, and the start time. At most `limit` are returned, with equal shares for
/// customers and, within those, for jobs or pipelines. Runs of drafts are excluded.
pub async fn long_runs(
    db: &Db,
    kind: ScheduledKind,
    until: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(RunId, Uuid, DateTime<Utc>)>> {
    let (runs, owners) = match kind {
        ScheduledKind::Job => {
            ("SELECT id, job_id AS owner_id, started_at FROM job_runs WHERE status = 'running'", "jobs")
        }
        ScheduledKind::Pipeline => (
            "SELECT id, pipeline_id AS owner_id, started_at FROM pipeline_runs WHERE status = 'running' AND version > 0",
            "pipelines",
        ),
    };
    let found = |statement: Sql| {
        let statement = statement.push("SELECT r.id, r.owner_id, r.started_at, o.customer_id FROM (").push(runs);
        let statement = statement.push_bind(" AND started_at < ", until).push_bind(" ORDER BY id LIMIT ", MOST_SHARED);
        statement.push(") AS r JOIN ").push(owners).push(" o ON o.id = r.owner_id")
    };
    shared_by_owners(sql(""), "id, owner_id, started_at", found, "id", limit).fetch_all(db).await
}

row! {
    /// A job or pipeline.
    #[derive(Clone, Debug)]
    pub struct Owner {
        /// The id of the job or pipeline.
        pub id: Uuid,
        /// The name of the job or pipeline.
        pub name: String,
        /// The customer of the job or pipeline; `None` for pipelines of the platform.
        pub customer_id: Option<CustomerId>,
        /// Whether the job or pipeline is enabled, so that its schedule starts runs.
        pub enabled: bool,
    }
}

/// Reads the jobs or pipelines with these ids, by id.
pub async fn owners(db: &Db, kind: ScheduledKind, ids: &[Uuid]) -> Result<HashMap<Uuid, Owner>> {
    let mut found = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(MOST_VALUES) {
        let statement = sql(match kind {
            ScheduledKind::Job => "SELECT id, name, customer_id, enabled FROM jobs WHERE id IN ",
            ScheduledKind::Pipeline => "SELECT id, name, customer_id, enabled FROM pipelines WHERE id IN ",
        });
        let rows: Vec<Owner> = statement.push_tuple(ids.iter().map(|id| (*id).into())).fetch_all(db).await?;
        found.extend(rows.into_iter().map(|owner| (owner.id, owner)));
    }
    Ok(found)
}

row! {
    /// An enabled pipeline.
    #[derive(Clone, Debug)]
    pub struct EnabledPipeline {
        /// The pipeline.
        pub id: PipelineId,
        /// The number of the pipeline's current version.
        pub version: i64,
        /// The name of the pipeline.
        pub name: String,
        /// The customer of the pipeline; `None` for pipelines of the platform.
        pub customer_id: Option<CustomerId>,
        /// The time of the last change.
        pub updated_at: DateTime<Utc>,
    }
}

/// Reads enabled pipelines: at most `limit`, with equal shares for customers.
pub async fn enabled_pipelines(db: &Db, limit: i64) -> Result<Vec<EnabledPipeline>> {
    let statement = sql("SELECT id, version, name, customer_id, updated_at FROM pipelines WHERE id IN (");
    let enabled = |statement: Sql| statement.push_bind("SELECT id, customer_id FROM pipelines WHERE enabled = ", true);
    shared_by_customers(statement, enabled, limit).push(")").fetch_all(db).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        agents::{self, AgentRow},
        scratch_database::Scratch,
        test_rows::{agent, at, id, insert_pipeline, insert_pipeline_run, second_customer},
    };

    #[tokio::test]
    async fn agents_in_trouble_of_one_customer_leave_room_for_those_of_others() {
        let scratch = Scratch::open().await;
        let mut tx = scratch.db.begin().await.unwrap();
        let (one, other) = (scratch.agent.customer_id, second_customer(&mut tx).await);
        for (number, customer) in [(11, one), (12, one), (13, one), (14, other)] {
            let row = AgentRow { status: EnumText(AgentStatus::Error), ..agent(customer, id(number)) };
            agents::insert(&mut tx, &row).await.unwrap();
        }
        tx.commit().await.unwrap();
        let found_agents = async |customer, limit| -> Vec<AgentId> {
            let found = unhealthy_agents(&scratch.db, customer, limit).await.unwrap();
            found.into_iter().map(|agent| agent.id).collect()
        };
        assert_eq!(found_agents(None, 2).await, [11, 14].map(id::<AgentId>));
        assert_eq!(found_agents(None, 3).await, [11, 12, 14].map(id::<AgentId>));
        assert_eq!(found_agents(Some(one), 2).await, [11, 12].map(id::<AgentId>));
    }

    #[tokio::test]
    async fn long_runs_of_one_customer_or_pipeline_leave_room_for_those_of_others() {
        let scratch = Scratch::open().await;
        let mut tx = scratch.db.begin().await.unwrap();
        let (one, other) = (scratch.agent.customer_id, second_customer(&mut tx).await);
        for (pipeline, customer) in [(31, one), (32, one), (33, other)] {
            insert_pipeline(&mut tx, pipeline, customer).await;
        }
        for (number, pipeline) in [(11, 31), (12, 31), (13, 31), (14, 32), (15, 33)] {
            insert_pipeline_run(&mut tx, number, pipeline).await;
        }
        tx.commit().await.unwrap();
        let long = async |limit| -> Vec<RunId> {
            let found = long_runs(&scratch.db, ScheduledKind::Pipeline, at(2), limit).await.unwrap();
            found.into_iter().map(|(run, _, _)| run).collect()
        };
        assert_eq!(long(2).await, [11, 15].map(id::<RunId>));
        assert_eq!(long(4).await, [11, 15, 14, 12].map(id::<RunId>));
        assert!(long_runs(&scratch.db, ScheduledKind::Job, at(2), 2).await.unwrap().is_empty());
    }
}
