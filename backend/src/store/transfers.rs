//! The table of transfers. The module `report_writer` writes the reports of agents about transfers.

use chrono::{DateTime, Utc};
use mftplus_protocol::transfer::TransferDetails;

use super::db::{
    Conn, Db, MOST_VALUES, Sql, Tx,
    table::{Column, table, values},
};
use crate::{
    actor::Scope,
    error::Result,
    ids::{AgentId, CustomerId, RunId, TransferId},
    model::{
        agent::AgentRef,
        transfer::{Direction, Network, Progress, Protocol, Transfer, TransferState},
    },
};

mod list;
mod overdue;
pub(super) use list::first_id;
pub use list::{ExportPlace, export_page, list, newest, newest_of_job_runs};
pub use overdue::{Overdue, lock_overdue, overdue};

/// A transfer as it is stored, with the names of its agent.
#[derive(Clone, Debug, PartialEq)]
pub struct TransferRow {
    /// The id of the transfer, which begins with the milliseconds of its creation.
    pub id: TransferId,
    /// The customer of the transfer's agent.
    pub customer_id: CustomerId,
    /// The agent that reports the transfer.
    pub agent_id: AgentId,
    /// The location to copy from, without passwords.
    pub source: String,
    /// The location to copy to, without passwords.
    pub destination: String,
    /// The protocol of the copy.
    pub protocol: Protocol,
    /// The direction of the copy, seen from the agent.
    pub direction: Direction,
    /// The time at which the transfer was created.
    pub created_at: DateTime<Utc>,
    /// The job run that the transfer belongs to, if any.
    pub job_run_id: Option<RunId>,
    /// The pipeline run that the transfer belongs to, if any.
    pub pipeline_run_id: Option<RunId>,
    /// The fields that change after the creation of the transfer: status, progress and details.
    pub state: TransferState,
    /// The name of the agent, if it has one.
    pub agent_name: Option<String>,
    /// The host name of the agent.
    pub agent_hostname: String,
}

/// Declares the columns of the table, and the view of a row, with the details of a transfer.
macro_rules! transfers {
    ($($(#[$text:meta])+ $field:ident: $type:ident = $key:literal $rest:tt)+) => {
        table! {
            transfers: TransferRow {
                id, customer_id, agent_id, source, destination, protocol, direction, created_at, job_run_id, pipeline_run_id,
                state: TransferState {
                    status, error_message, started_at, completed_at, attempt, revision, stalled, progressed_at,
                    cancel_requested_at, failed_by_lease,
                    details: TransferDetails { $($field),+ },
                    progress: Progress {
                        percent: progress, bytes_total, bytes_transferred, speed,
                        network: Network { throughput_mbps, latency_ms, packet_loss_percent },
                    },
                },
                agent_name, agent_hostname,
            }
            from "transfers t JOIN agents a ON a.id = t.agent_id" prefix "t.";
            read { agent_name = "a.name", agent_hostname = "a.hostname" }
            // File names for searching, which `insert` writes, a column that is not used, and those that the database
            // itself writes: see `list/sorted.rs`.
            others { source_name, destination_name, step_id, sort_size, sort_duration, sort_speed }

            /// Written when the transfer is created.
            const CREATED {
                id: Uuid,
                customer_id: Uuid,
                agent_id: Uuid,
                source: Text,
                destination: Text,
                protocol: EnumText,
                direction: EnumText,
                created_at: Instant,
                job_run_id: Uuid,
                pipeline_run_id: Uuid,
            }

            /// Written by every report. The revision guards the update.
            const PROGRESS {
                progress: Float,
                bytes_transferred: Integer,
                speed: Float,
                revision: Integer,
                progressed_at: Instant,
            }

            /// Written, in addition, by reports that change one of them: many agents measure none.
            const NETWORK {
                throughput_mbps: Float,
                latency_ms: Float,
                packet_loss_percent: Float,
            }

            /// Written, in addition, by reports that change one of them: `TransferState::has_details_of` compares them.
            /// Few do, and an UPDATE that names the size or the error prepares triggers for each of its rows.
            const DETAILS {
                bytes_total: Integer,
                error_message: Text,
                $($field: $type,)+
            }

            /// Written, in addition to all of them, by reports that change the status.
            const LIFECYCLE {
                status: EnumText,
                started_at: Instant,
                completed_at: Instant,
                attempt: Integer,
                stalled: Boolean,
                cancel_requested_at: Instant,
                failed_by_lease: Boolean,
            }
        }

        impl TransferRow {
            /// Converts the row to the transfer as clients see it.
            #[must_use]
            pub fn view(&self) -> Transfer {
                let state = &self.state;
                let TransferDetails { $($field),+ } = state.details.clone();
                Transfer {
                    id: self.id,
                    agent_id: self.agent_id,
                    source: self.source.clone(),
                    destination: self.destination.clone(),
                    protocol: self.protocol,
                    status: state.status,
                    progress: state.progress.percent,
                    bytes_total: state.progress.bytes_total.unwrap_or(0),
                    size_known: state.progress.bytes_total.is_some(),
                    bytes_transferred: state.progress.bytes_transferred,
                    speed: state.progress.speed,
                    error_message: state.error_message.clone(),
                    started_at: state.started_at.map(Into::into),
                    completed_at: state.completed_at.map(Into::into),
                    created_at: self.created_at.into(),
                    agent: AgentRef {
                        id: self.agent_id,
                        name: self.agent_name.as_ref().unwrap_or(&self.agent_hostname).clone(),
                        hostname: self.agent_hostname.clone(),
                    },
                    customer_id: self.customer_id,
                    direction: self.direction,
                    job_run_id: self.job_run_id,
                    pipeline_run_id: self.pipeline_run_id,
                    attempt: state.attempt,
                    $($field,)+
                    revision: state.revision,
                    eta_seconds: state.eta_seconds(),
                    stalled: state.stalled,
                    last_progress_at: state.progressed_at.map(Into::into),
                    cancel_requested_at: state.cancel_requested_at.map(Into::into),
                    network: state.progress.network,
                    #[cfg(feature = "next-version")]
                    weight: 7,
                }
            }
        }
    };
}

mftplus_protocol::transfer_details!(transfers);

/// All columns that change after the creation of a transfer; each group is written in addition to those before it.
pub(super) const CHANGED: [&[Column<TransferRow>]; 4] =
    [TransferRow::PROGRESS, TransferRow::NETWORK, TransferRow::DETAILS, TransferRow::LIFECYCLE];

/// Stores a new transfer. The names of the source file and the destination file are stored for searches.
pub async fn insert(tx: &mut Tx, transfer: &TransferRow, source_name: &str, destination_name: &str) -> Result<()> {
    let row = [TransferRow::CREATED].into_iter().chain(CHANGED).flat_map(|columns| values(columns, transfer));
    let names = [("source_name", source_name.into()), ("destination_name", destination_name.into())];
    TransferRow::TABLE.insert(row.chain(names)).execute(tx).await?;
    Ok(())
}

/// Reads a transfer; `None` if it does not exist or is outside the scope.
pub async fn find(conn: impl Into<Conn<'_>>, scope: Scope, id: TransferId) -> Result<Option<TransferRow>> {
    scoped(TransferRow::TABLE.select().push_bind(" WHERE t.id = ", id), scope).fetch_optional(conn).await
}

/// Reads the transfers with these ids that are within the scope, in no particular order.
pub async fn find_all(db: &Db, scope: Scope, ids: &[TransferId]) -> Result<Vec<TransferRow>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(MOST_VALUES) {
        let statement =
            TransferRow::TABLE.select().push(" WHERE t.id IN ").push_tuple(ids.iter().map(|id| (*id).into()));
        found.extend(scoped(statement, scope).fetch_readable::<TransferRow>(db).await?.into_iter().flatten());
    }
    Ok(found)
}

fn scoped(statement: Sql, scope: Scope) -> Sql {
    match scope {
        Scope::All => statement,
        Scope::Customer(customer) => statement.push_bind(" AND t.customer_id = ", customer),
        Scope::Agent(agent) => statement.push_bind(" AND t.agent_id = ", agent),
    }
}

/// Writes all columns of a transfer that change after its creation. If the stored revision is no longer `seen`, writes
/// nothing and returns false.
pub async fn save(tx: &mut Tx, transfer: &TransferRow, seen: i64) -> Result<bool> {
    let columns = CHANGED.into_iter().flat_map(|columns| values(columns, transfer));
    let statement = TransferRow::TABLE.update(columns).push_bind(" WHERE id = ", transfer.id);
    Ok(statement.push_bind(" AND revision = ", seen).execute(tx).await? == 1)
}
