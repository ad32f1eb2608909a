//! The statements that read and write the database. This layer publishes nothing, checks no permissions and reads no
//! clock. Its callers pass the scope and the current time.

pub mod agent_certificates;
pub mod agent_instances;
pub mod agents;
pub mod api_keys;
pub mod attention;
pub mod collector_position;
pub mod connect;
pub mod customers;
pub mod db;
pub mod directives;
pub mod enrolment_codes;
pub mod events;
pub mod fleet;
pub mod future_timestamps;
pub mod heartbeat_history;
pub mod idempotency;
pub mod job_runs;
pub mod jobs;
mod migrations;
mod pagination;
pub mod pipeline_runs;
pub mod pipelines;
pub mod purge;
pub mod report_writer;
pub mod saved_views;
pub mod schedules;
#[cfg(test)]
mod scratch_database;
pub mod series;
pub mod sessions;
pub mod shared_secrets;
pub mod slots;
mod sorted_jobs_and_pipelines;
#[cfg(test)]
mod test_rows;
pub mod transfer_counts;
pub mod transfer_samples;
pub mod transfers;
pub mod users;
pub mod webhook_secrets;

pub use db::{Conn, DatabaseLimits, Db, Tx};
