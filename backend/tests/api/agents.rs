//! Agents, with one file per operation.

mod certificate;
mod get;
mod heartbeat;
mod history;
mod instances;
mod key;
mod list;
mod register;
mod revoke;
mod rotate_key;
mod transfers;
