//! The product as processes: the real binary, a real socket, a real file, and `kill -9`.
//!
//! Runs on SQLite, or on PostgreSQL and Redis where the test command says so.

mod crash;
mod e2e_copy;
mod readme;
mod process;
#[path = "../api/support/place.rs"]
#[expect(dead_code, reason = "the tests of the API ask more of it")]
mod place;
