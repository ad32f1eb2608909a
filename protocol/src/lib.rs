//! What the server, the agent, `mftplus watch` and the dashboard share: the enums, error codes and rules of the published
//! contract, each once.
//!
//! Everything is pure: no I/O, no clock, and randomness is a parameter. The crate compiles for WebAssembly, and every byte
//! of it counts in the first load of the dashboard. `tests/contract.rs` pins what clients see in JSON.

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
