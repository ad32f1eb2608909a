//! The MFTPlus server, in layers. A layer may use the layers below it, and none above it:
//!
//! | layer | modules | what it does |
//! |---|---|---|
//! | wiring | `cli` `app` `server` `watch` | builds everything and starts it; may see everything |
//! | transport | `rest` `graphql` `sweeper` `scheduler` `pipeline_engine` `series_collector` `dashboard` | receives a request, or is woken by a timer, and makes one call of the core |
//! | core | `service` | [`service::ControlPlane`]: decides; the only writer and the only publisher |
//! | mechanisms | `store` `events` `rate_limits` `webhooks` | rows, messages, counters and requests, without opinions |
//! | domain | `model` `actor` `error` `ids` `clock` | no I/O |
//! | shared transport | `transport` | what all HTTP modules do in the same way |
//!
//! `tests/architecture.rs` checks these rules. ARCHITECTURE.md describes the layers in full.

// Each profile that ships inherits from `release`, which has no debug assertions.
#[cfg(all(feature = "test-clock", not(debug_assertions)))]
compile_error!("the feature `test-clock` is for tests: build with the profile `dev`, or without the feature");

pub mod actor;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod dashboard;
pub mod error;
pub mod events;
pub mod graphql;
pub mod ids;
pub mod model;
pub mod pipeline_engine;
pub mod rate_limits;
pub mod rest;
pub mod scheduler;
pub mod series_collector;
pub mod server;
pub mod service;
pub mod store;
pub mod sweeper;
pub mod telemetry;
pub mod transport;
pub mod watch;
pub mod webhooks;
