//! The API from outside: one binary, so that it links once. One file per operation or rule; every test is a sentence.
//!
//! Runs on SQLite and the in-process bus, or, where `MFTPLUS_TEST_DATABASE_URL` and `MFTPLUS_TEST_REDIS_URL` are set (as
//! `cargo xtask test` does), on PostgreSQL and Redis.

mod health;
mod support;
