//! The API from outside, in one binary, so that it is linked once. One file per operation or rule; the name of every
//! test is a sentence.
//!
//! The tests run on SQLite and the in-process bus or, if `MFTPLUS_TEST_DATABASE_URL` and `MFTPLUS_TEST_REDIS_URL` are
//! set (as `cargo xtask test` does), on PostgreSQL and Redis. Tests that need PostgreSQL and Redis are ignored without
//! them; tests of SQLite use it in both cases.

#![expect(clippy::expect_used, reason = "what a test stands on is there, or the test fails")]

mod access;
mod agents;
mod attention;
mod auth;
mod auth_cookie;
mod auth_tokens;
mod bodies;
mod clock;
mod compression;
mod connections;
mod customers;
mod database;
mod directives;
mod earlier_release_data;
mod enrolment_codes;
mod entry;
mod events;
mod graphql;
mod health;
mod heartbeat_interval;
mod idempotency;
mod jobs;
mod leases;
mod live;
mod long_poll;
mod metrics;
mod mtls;
mod neighbours;
mod nulls;
mod pipelines;
mod prefer;
mod presence;
mod public_url;
mod rate_limit;
mod redis_outage;
mod request_id;
mod security_headers;
mod series;
mod sign_in_limits;
mod stalls;
mod support;
mod text_rules;
mod tls;
mod transfers;
mod users;
mod views;
mod wire;
