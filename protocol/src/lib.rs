//! What the server, the agent, `mftplus watch` and the dashboard share: the enums, error codes and rules of the
//! published contract, each declared once.
//!
//! All functions are pure: they do no I/O and read no clock, and random numbers are parameters. The crate is compiled
//! to WebAssembly as part of the dashboard, so its size adds to the dashboard's first load. `tests/contract.rs` checks
//! the JSON that clients see.

#![forbid(unsafe_code)]

pub mod archive;
pub mod backoff;
pub mod characters;
pub mod contract_enums;
pub mod copy_rules;
pub mod error_code;
pub mod event_kinds;
pub mod failure_code;
pub mod job_settings;
pub mod location;
pub mod password;
pub mod socket;
pub mod step;
mod text_enum;
pub mod transfer;
pub mod wire;

pub use text_enum::UnknownValue;
