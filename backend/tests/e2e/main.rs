//! The product as processes: the real binary, a real socket, a real file, and `kill -9`.
//!
//! The tests run on SQLite, or on PostgreSQL and Redis if the test command provides them.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]
#![expect(clippy::disallowed_methods, reason = "what runs beside a test ends with it")]

mod agent_killed;
mod agent_reload;
#[path = "../api/support/database.rs"]
#[expect(dead_code, reason = "the tests of the API ask more of it")]
mod database;
mod e2e_copy;
mod killed_server;
mod mtls;
mod pipeline;
mod process;
mod readme;
mod rolling_deployment;
mod schedule;
mod signals;
