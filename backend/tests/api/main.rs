//! The API from outside, in one binary, so that it is linked once. One file per operation or rule; the name of every
//! test is a sentence.
//!
//! The tests run on SQLite and the in-process bus or, if `MFTPLUS_TEST_DATABASE_URL` and `MFTPLUS_TEST_REDIS_URL` are
//! set (as `cargo xtask test` does), on PostgreSQL and Redis. Tests that need PostgreSQL and Redis are ignored without
//! them; tests of SQLite use it in both cases.

#![expect(clippy::expect_used, reason = "what a test stands on is there, or the test fails")]

mod access;
mod agent_status;
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
mod events;
mod failure_isolation;
mod graphql;
mod health;
mod heartbeat_interval;
mod idempotency;
mod jobs;
mod live;
mod long_poll;
mod metrics;
mod mtls;
mod nulls;
mod pipelines;
mod prefer;
mod public_url;
mod random_requests;
mod rate_limit;
mod redis_outage;
mod request_id;
mod rest_conventions;
mod saved_views;
mod security_headers;
mod series;
mod sign_in_limits;
mod stalled_transfers;
mod support;
mod text_rules;
mod tls;
mod transfer_leases;
mod transfers;
mod users;
